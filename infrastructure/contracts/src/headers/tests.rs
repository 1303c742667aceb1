//! What may stand in a message's properties.
use super::*;
use domain_kernel::message::topics;
use domain_kernel::{EventId, StreamId};

fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number)
}

fn full() -> MessageHeaders {
    MessageHeaders {
        event_id: EventId(id(1)),
        event_type: "notifications.notification_sent".to_owned(),
        source: "notifications".to_owned(),
        stream: StreamId(id(2)),
        version: Version(7),
        occurred_at: Timestamp(1_767_323_045_678_901),
        correlation_id: id(3).into(),
        causation_id: Some(id(4).into()),
        actor: Some(id(5).into()),
        contract_version: 1,
        expects: vec!["results".to_owned(), "billing".to_owned()],
        consumer: Some("notifications".to_owned()),
        attempt: Some(2),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
    }
}

fn bare() -> MessageHeaders {
    MessageHeaders {
        causation_id: None,
        actor: None,
        expects: Vec::new(),
        consumer: None,
        attempt: None,
        traceparent: None,
        ..full()
    }
}

#[test]
fn headers_come_back_as_they_went() {
    for headers in [full(), bare()] {
        let properties = to_properties(topics::EVENT_NOTIFICATION, &headers);
        assert_eq!(from_properties(topics::EVENT_NOTIFICATION, &properties), Ok(headers));
    }
}

#[test]
fn the_names_of_the_properties_never_change() {
    let properties = to_properties(topics::EVENT_NOTIFICATION, &full());
    let pinned = [
        ("ce_actorid", "01900000-0000-7000-8000-000000000005"),
        ("ce_attempt", "2"),
        ("ce_causationid", "01900000-0000-7000-8000-000000000004"),
        ("ce_consumer", "notifications"),
        ("ce_correlationid", "01900000-0000-7000-8000-000000000003"),
        ("ce_dataschema", "event-notification/v1"),
        ("ce_expects", "results,billing"),
        ("ce_id", "01900000-0000-7000-8000-000000000001"),
        ("ce_sequence", "7"),
        ("ce_source", "notifications"),
        ("ce_specversion", "1.0"),
        ("ce_subject", "01900000-0000-7000-8000-000000000002"),
        ("ce_time", "2026-01-02T03:04:05.678901Z"),
        ("ce_type", "notifications.notification_sent"),
        ("content-type", "application/avro"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ];
    let written: Vec<_> = properties.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(written, pinned);
}

#[test]
fn a_property_that_must_be_there_is_missed() {
    let whole = to_properties(topics::EVENT_NOTIFICATION, &full());
    for name in ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_sequence", "ce_time"] {
        let mut properties = whole.clone();
        properties.remove(name);
        assert_eq!(from_properties(topics::EVENT_NOTIFICATION, &properties), Err(HeaderError::Missing(name)));
    }
}

/// Every property that we write takes nothing that a person could have written.
#[test]
fn no_header_holds_anything_but_ids() {
    let whole = to_properties(topics::EVENT_NOTIFICATION, &full());
    for name in whole.keys().filter(|name| *name != "content-type") {
        for personal in ["Paciente de Prueba", "ana.soto@example.org", "Resultado Positivo", "12.345.678-5 K", "", "ñ"]
        {
            let mut properties = whole.clone();
            properties.insert(name.clone(), personal.to_owned());
            let refused = from_properties(topics::EVENT_NOTIFICATION, &properties).unwrap_err();
            assert!(matches!(refused, HeaderError::Malformed(at) if at == name), "{name}: {personal}");
        }
    }
}

#[test]
fn the_key_of_a_message_is_the_id_of_its_stream() {
    let properties = to_properties(topics::EVENT_NOTIFICATION, &full());
    assert_eq!(properties["ce_subject"].parse(), Ok(full().stream.0));
}

#[test]
fn a_schema_of_another_topic_is_refused() {
    let properties = to_properties(topics::EVENT_NOTIFICATION, &full());
    assert_eq!(from_properties(topics::EVENT_USER, &properties), Err(HeaderError::Malformed("ce_dataschema")));
}

#[test]
fn a_trace_is_hexadecimal_and_as_long_as_the_standard_says() {
    let mut properties = to_properties(topics::EVENT_NOTIFICATION, &full());
    let of = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for wrong in [of.replace('f', "g"), of.replace('f', "F"), of.replace("00-", "0-"), format!("{of}-01")] {
        properties.insert("traceparent".to_owned(), wrong);
        let refused = from_properties(topics::EVENT_NOTIFICATION, &properties);
        assert_eq!(refused, Err(HeaderError::Malformed("traceparent")));
    }
}

#[test]
fn a_name_has_at_most_64_letters() {
    let mut properties = to_properties(topics::EVENT_NOTIFICATION, &full());
    properties.insert("ce_source".to_owned(), "a".repeat(64));
    assert_eq!(from_properties(topics::EVENT_NOTIFICATION, &properties).unwrap().source, "a".repeat(64));
    properties.insert("ce_source".to_owned(), "a".repeat(65));
    assert!(from_properties(topics::EVENT_NOTIFICATION, &properties).is_err());
}

#[test]
fn properties_that_are_not_ours_are_left_alone() {
    let mut properties = to_properties(topics::EVENT_NOTIFICATION, &full());
    properties.insert("tracestate".to_owned(), "vendor=1".to_owned());
    assert_eq!(from_properties(topics::EVENT_NOTIFICATION, &properties), Ok(full()));
}
