//! What is published: records of every topic and version, their headers, the contact inside a sealed record.
use crate::genuine;
use bolero::check;
use domain_kernel::message::topics;
use domain_kernel::{EventId, MessageHeaders, StreamId, Timestamp, Version};
use fuzz::{hostile, parts, tried, within_bounds};
use infra_contracts::headers::{from_properties, to_properties};
use infra_contracts::topic::{self, CONTRACTS};
use infra_contracts::{contact, event_notification, event_result, event_user, saga_command, saga_step};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Reads `$bytes` as version `$version` of a topic and, if they are a record, writes and reads that again.
macro_rules! read_and_written_again {
    ($topic:ident, $contract:expr, $version:expr, $bytes:expr) => {
        if let Ok(record) = $topic::decode($version, $bytes) {
            assert_eq!(topic::check($contract, $version, $bytes), Ok(()), "what is read has the shape");
            let written = $topic::encode(&record).expect("what was read can be written");
            assert_eq!($topic::decode(topic::current($contract), &written), Ok(record));
        }
    };
}

/// Any bytes, told to be of any version, are a record or a typed error; what is read is written and read as the same,
/// also when the version that wrote it is not the one that reads it.
#[test]
fn a_record_that_is_read_is_written_and_read_as_the_same() {
    let genuine: Vec<Vec<Vec<u8>>> = CONTRACTS.iter().map(|contract| genuine::records(contract.topic)).collect();
    assert!(genuine.iter().all(|records| !records.is_empty()));
    check!().with_iterations(20_000).with_max_len(256).for_each(tried(|input| {
        let Some(([which, version], rest)) = input.split_first_chunk::<2>() else { return };
        let which = usize::from(*which) % CONTRACTS.len();
        let contract = CONTRACTS[which].topic;
        let version = u16::from(*version) % (topic::current(contract) + 2);
        let bytes = hostile(rest, &genuine[which]);
        within_bounds(|| match contract {
            topics::EVENT_USER => read_and_written_again!(event_user, contract, version, &bytes),
            topics::EVENT_RESULT => read_and_written_again!(event_result, contract, version, &bytes),
            topics::EVENT_NOTIFICATION => read_and_written_again!(event_notification, contract, version, &bytes),
            topics::SAGA_STEP => read_and_written_again!(saga_step, contract, version, &bytes),
            topics::SAGA_COMMAND => read_and_written_again!(saga_command, contract, version, &bytes),
            other => panic!("nobody reads {other}"),
        });
    }));
}

#[test]
fn a_contact_that_is_read_is_written_and_read_as_the_same() {
    let genuine = genuine::records("sealed");
    check!().with_iterations(10_000).with_max_len(128).for_each(tried(|input| {
        let Some((schema, rest)) = input.split_first() else { return };
        let schema = u16::from(*schema) % (contact::current() + 2);
        let bytes = hostile(rest, &genuine);
        within_bounds(|| {
            if let Ok(read) = contact::decode(schema, &bytes) {
                let written = contact::encode(&read).expect("what was read can be written");
                assert!(contact::decode(contact::current(), &written) == Ok(read), "another contact");
            }
        });
    }));
}

fn headers() -> MessageHeaders {
    MessageHeaders {
        event_id: EventId(Uuid::from_u128(1)),
        event_type: "results.result_created".to_owned(),
        source: "results".to_owned(),
        stream: StreamId(Uuid::from_u128(2)),
        version: Version(1),
        occurred_at: Timestamp(1_767_323_045_678_901),
        correlation_id: Uuid::from_u128(3).into(),
        causation_id: Some(Uuid::from_u128(4).into()),
        actor: Some(Uuid::from_u128(5).into()),
        contract_version: 1,
        expects: vec!["notifications".to_owned(), "saga_log".to_owned()],
        consumer: Some("notifications".to_owned()),
        attempt: Some(2),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
    }
}

/// Each property of a genuine message, replaced by anything: headers or a typed error; what is read is written and read
/// as the same, and holds nothing but ids, numbers, moments and pinned names.
#[test]
fn headers_that_are_read_are_written_and_read_as_the_same() {
    let genuine = to_properties(topics::EVENT_RESULT, &headers());
    let names: Vec<&String> = genuine.keys().collect();
    let values: Vec<Vec<u8>> = genuine.values().map(|value| value.clone().into_bytes()).collect();
    check!().with_iterations(20_000).with_max_len(256).for_each(tried(|input| {
        let mut properties: BTreeMap<String, String> = genuine.clone();
        for change in parts::<4>(input) {
            let Some((which, value)) = change.split_first() else { continue };
            let value = String::from_utf8_lossy(&hostile(value, &values)).into_owned();
            properties.insert(names[usize::from(*which) % names.len()].clone(), value);
        }
        within_bounds(|| {
            let Ok(read) = from_properties(topics::EVENT_RESULT, &properties) else { return };
            let names = [&read.event_type, &read.source].into_iter().chain(&read.expects).chain(&read.consumer);
            for name in names {
                assert!(!name.is_empty() && name.len() <= 64 && name.is_ascii(), "{name:?} is no pinned name");
            }
            let written = to_properties(topics::EVENT_RESULT, &read);
            assert_eq!(from_properties(topics::EVENT_RESULT, &written), Ok(read));
        });
    }));
}
