//! One contract before and after a change: `event-result` as version 1 had it, beside what it is now.
use crate::avro::{AvroSchema, check_successor, mutual_compatibility};
use crate::event_result;
use crate::record::{ContractError, LearnError};
use crate::{Envelope, SealedBytes, topic};
use domain_kernel::message::topics;
use domain_kernel::{Timestamp, Version};
use uuid::Uuid;

/// The module of `event-result` as a consumer has it that was built before version 2.
mod before {
    #![expect(
        clippy::enum_variant_names,
        unreachable_pub,
        dead_code,
        reason = "the macro writes a public module, of which the tests use a part"
    )]
    use crate::SealedBytes;
    pub use crate::event_result::{ResultCancelled, ResultCreated, ResultEnteredInError, ResultQueried};
    use crate::record::{LearnError, topic_record};
    use serde::{Deserialize, Serialize};

    macro_rules! with_contact {
        ($($name:ident)+) => {$(
            #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
            pub struct $name {
                pub number: i64,
                pub contact: Option<SealedBytes>,
            }
        )+};
    }
    with_contact!(ResultReleased ResultAmended ResultCorrected);

    topic_record! {
        schemas: ["event-result/v1.avsc"],
        avro: "ResultEvent",
        record: ResultEventRecord,
        event: ResultEvent {
            ResultCreated => result_created,
            ResultReleased => result_released,
            ResultAmended => result_amended,
            ResultCorrected => result_corrected,
            ResultCancelled => result_cancelled,
            ResultEnteredInError => result_entered_in_error,
            ResultQueried => result_queried,
        }
    }

    /// What [`crate::topic::learn`] does in that consumer.
    pub(super) fn learn(version: u16, json: &str) -> Result<(), LearnError> {
        VERSIONS.learn(version, json)
    }
}

const PATIENT: Uuid = Uuid::from_u128(6);

fn envelope() -> Envelope {
    Envelope {
        event_id: Uuid::from_u128(1).into(),
        stream_id: Uuid::from_u128(2).into(),
        version: Version(3),
        occurred_at: Timestamp(1_767_323_045_678_901),
        correlation_id: Uuid::from_u128(4).into(),
        causation_id: None,
    }
}

fn contact() -> Option<SealedBytes> {
    Some(SealedBytes(vec![0, 127, 255]))
}

fn written_now(event: impl Into<event_result::ResultEvent>) -> Vec<u8> {
    event_result::encode(&event_result::ResultEventRecord { envelope: envelope(), event: event.into() }).unwrap()
}

fn written_before(event: impl Into<before::ResultEvent>) -> Vec<u8> {
    before::encode(&before::ResultEventRecord { envelope: envelope(), event: event.into() }).unwrap()
}

#[test]
fn an_old_reader_reads_what_is_written_now_without_what_it_does_not_know() {
    before::learn(2, event_result::SCHEMAS[1]).unwrap();
    let released = event_result::ResultReleased { number: 7, contact: contact(), patient_id: Some(PATIENT) };
    let read = before::decode(2, &written_now(released)).unwrap();
    assert_eq!(read.envelope, envelope());
    assert_eq!(read.event, before::ResultReleased { number: 7, contact: contact() }.into());
    let cancelled = event_result::ResultCancelled { number: 8 };
    assert_eq!(before::decode(2, &written_now(cancelled.clone())).unwrap().event, cancelled.into());
}

#[test]
fn an_old_reader_finds_no_event_in_a_message_of_a_new_type() {
    before::learn(2, event_result::SCHEMAS[1]).unwrap();
    let read = before::decode(2, &written_now(event_result::ResultCompleted { number: 7 }));
    assert_eq!(read, Err(ContractError::NoEvent));
}

#[test]
fn a_new_reader_reads_what_was_written_before() {
    let amended = event_result::ResultAmended { number: 7, contact: contact(), patient_id: None };
    let bytes = written_before(before::ResultAmended { number: 7, contact: contact() });
    let read = event_result::decode(1, &bytes).unwrap();
    assert_eq!((read.envelope, read.event), (envelope(), amended.into()));
}

#[test]
fn bytes_of_one_version_are_not_taken_for_the_others() {
    let released = event_result::ResultReleased { number: 7, contact: contact(), patient_id: Some(PATIENT) };
    assert!(topic::check(topics::EVENT_RESULT, 2, &written_now(released.clone())).is_ok());
    assert!(topic::check(topics::EVENT_RESULT, 1, &written_now(released.clone())).is_err());
    assert!(event_result::decode(1, &written_now(released)).is_err());
}

/// The newest contract of `topic` with one more nullable event.
fn next(topic: &str) -> String {
    let newest = topic::find(topic).unwrap().versions.last().unwrap();
    let end = newest.rfind("\n  ]").unwrap();
    let event = r#","default":null,"type":["null",{"type":"record","name":"Postponed","fields":[]}]}"#;
    format!(r#"{},{{"name":"postponed"{event}]}}"#, &newest[..end])
}

#[test]
fn a_version_that_the_registry_has_and_this_binary_has_not_is_learned() {
    let topic = topics::SAGA_COMMAND;
    let new = topic::current(topic) + 1;
    let unknown = topic::check(topic, new, &[]);
    assert_eq!(unknown, Err(ContractError::UnknownVersion { version: new }));
    topic::learn(topic, new, &next(topic)).unwrap();
    topic::learn(topic, new, "what is known is not looked at again").unwrap();
    topic::learn(topic, 1, "nor what the binary brought").unwrap();
    assert!(matches!(topic::check(topic, new, &[]), Err(ContractError::Avro(_))), "known, and no bytes are no record");
}

#[test]
fn nothing_is_learned_that_does_not_fit() {
    let topic = topics::SAGA_STEP;
    let broken = next(topic).replacen(r#""name": "occurred_at""#, r#""name": "happened_at""#, 1);
    let Err(LearnError::Incompatible(found)) = topic::learn(topic, 2, &broken) else { panic!("it does not fit") };
    assert!(found.field.ends_with("_at"), "{found}");
    assert!(matches!(topic::learn(topic, 2, "{"), Err(LearnError::Schema(_))));
    assert_eq!(topic::learn(topic, 0, &next(topic)), Err(LearnError::Version { version: 0 }));
    assert_eq!(topic::learn("event-unheard-of", 2, "{}"), Err(LearnError::NoTopic));
    assert_eq!(topic::check(topic, 2, &[]), Err(ContractError::UnknownVersion { version: 2 }));
}

#[test]
fn a_topic_has_no_more_than_256_versions() {
    let topic = topics::EVENT_NOTIFICATION;
    let refused = topic::learn(topic, 257, &next(topic));
    assert_eq!(refused, Err(LearnError::Version { version: 257 }));
    assert!(topic::may_be_learned(topic, 256) && !topic::may_be_learned(topic, 257));
    topic::learn(topic, 256, &next(topic)).unwrap();
    assert!(topic::is_known(topic, 256) && !topic::may_be_learned(topic, 256));
}

#[test]
fn what_is_known_need_not_be_learned() {
    let topic = topics::EVENT_RESULT;
    assert!(topic::is_known(topic, 1) && !topic::may_be_learned(topic, 1));
    assert!(!topic::is_known(topic, 0) && !topic::may_be_learned(topic, 0));
    assert!(!topic::is_known(topic, 99) && topic::may_be_learned(topic, 99));
    assert!(!topic::is_known("event-unheard-of", 1));
}

#[test]
fn a_schema_laid_out_otherwise_is_the_same() {
    assert!(topic::is_same_schema(r#"{"type":"long"}"#, r#"{ "type" : "long" }"#));
    assert!(!topic::is_same_schema(r#"{"type":"long"}"#, r#"{"type":"int"}"#));
    assert!(topic::is_same_schema("no schema", "no schema"));
    assert!(!topic::is_same_schema("no schema", "neither"));
}

/// What the tests of this crate say to the newest contract of `event-result` with `from` replaced, as its next version.
#[track_caller]
fn refused(from: &str, to: &str) -> String {
    let newest = event_result::SCHEMAS.last().unwrap();
    assert!(newest.contains(from), "nothing to replace");
    let changed = AvroSchema::parse(&newest.replace(from, to)).unwrap();
    check_successor(&changed, &AvroSchema::parse(newest).unwrap()).unwrap_err().to_string()
}

const PATIENT_FIELD: &str =
    r#"{"name": "patient_id", "type": ["null", {"type": "string", "logicalType": "uuid"}], "default": null"#;

#[test]
fn a_new_field_without_default_is_refused_by_its_name() {
    let [before, after] = event_result::SCHEMAS else { panic!("two versions") };
    let without = after.replace(PATIENT_FIELD, &PATIENT_FIELD.replace(r#", "default": null"#, ""));
    let (before, without) = (AvroSchema::parse(before).unwrap(), AvroSchema::parse(&without).unwrap());
    let found = mutual_compatibility(&without, &before).unwrap_err();
    assert_eq!(found.field, "ResultEvent.result_released.patient_id", "{found}");
}

#[test]
fn a_lost_default_is_refused_by_the_fields_name() {
    let found = refused(PATIENT_FIELD, &PATIENT_FIELD.replace(r#", "default": null"#, ""));
    assert!(found.contains("patient_id") && found.contains("default"), "{found}");
}

#[test]
fn another_name_of_a_field_is_refused_by_the_fields_name() {
    let found = refused(r#""name": "result_id""#, r#""name": "result""#);
    assert!(found.contains("ResultEvent.result_queried.result"), "{found}");
    // A nullable one would pass Avro's rules, and the registry: what was in it would be read as null.
    let found = refused(r#""name": "contact""#, r#""name": "address""#);
    assert!(found.contains("contact"), "{found}");
}

#[test]
fn another_type_of_a_field_is_refused_by_the_fields_name() {
    let found = refused(r#""name": "number", "type": "long""#, r#""name": "number", "type": "string""#);
    assert!(found.contains("number") && found.contains("long") && found.contains("string"), "{found}");
    let found =
        refused(PATIENT_FIELD, &PATIENT_FIELD.replace(r#"{"type": "string", "logicalType": "uuid"}"#, r#""string""#));
    assert!(found.contains("patient_id"), "{found}");
}
