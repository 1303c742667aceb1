//! The bytes of every event of every contract version, pinned in `golden/`.
//!
//! What was ever published must be readable for ever, so these files are written once: with `HISTORIA_WRITE_GOLDEN=1`
//! the tests write the files that are missing, and nothing ever rewrites one.
use crate::avro::AvroSchema;
use crate::contact::{self, ContactRecord};
use crate::event_notification::{
    self, NotificationEventRecord, NotificationFailed, NotificationSent, NotificationSuppressed,
};
use crate::event_result::{
    self, ResultAmended, ResultCancelled, ResultCompleted, ResultCorrected, ResultCreated, ResultEnteredInError,
    ResultEventRecord, ResultQueried, ResultReleased, ResultStatus,
};
use crate::event_user::{
    self, UserContactChanged, UserCreated, UserDeactivated, UserEventRecord, UserPasswordChanged, UserReactivated,
    UserRoleChanged,
};
use crate::saga_command::{self, RetryRequested, SagaCommandRecord, SkipRequested};
use crate::saga_step::{self, MessageFailed, MessageHandled, MessageRetried, MessageSkipped, SagaStepRecord};
use crate::{Envelope, SealedBytes, catalogue, topic};
use domain_kernel::message::topics;
use domain_kernel::{Timestamp, Version};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use uuid::Uuid;

const WRITE: &str = "HISTORIA_WRITE_GOLDEN";

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number)
}

fn envelope() -> Envelope {
    Envelope {
        event_id: id(1).into(),
        stream_id: id(2).into(),
        version: Version(3),
        occurred_at: Timestamp(1_767_323_045_678_901),
        correlation_id: id(4).into(),
        causation_id: Some(id(5).into()),
    }
}

fn sealed() -> Option<SealedBytes> {
    Some(SealedBytes(vec![0, 1, 127, 128, 255]))
}

fn users() -> Vec<UserEventRecord> {
    [
        UserCreated { role: 1, contact: sealed() }.into(),
        UserRoleChanged { role: 2 }.into(),
        UserContactChanged { contact: sealed() }.into(),
        UserDeactivated {}.into(),
        UserReactivated { role: 9 }.into(),
        UserPasswordChanged {}.into(),
    ]
    .map(|event| UserEventRecord { envelope: envelope(), event })
    .into()
}

fn results() -> Vec<ResultEventRecord> {
    let created = ResultCreated { number: 1, status: ResultStatus::Final, patient_id: Some(id(6)), contact: sealed() };
    [
        created.into(),
        ResultReleased { number: 2, contact: sealed(), patient_id: Some(id(6)) }.into(),
        ResultAmended { number: 3, contact: None, patient_id: None }.into(),
        ResultCorrected { number: 4, contact: sealed(), patient_id: Some(id(6)) }.into(),
        ResultCancelled { number: 5 }.into(),
        ResultEnteredInError { number: 6 }.into(),
        ResultQueried { result_id: id(7), number: i64::MAX }.into(),
        ResultCompleted { number: 8 }.into(),
    ]
    .map(|event| ResultEventRecord { envelope: envelope(), event })
    .into()
}

fn notifications() -> Vec<NotificationEventRecord> {
    let (about_stream, about_kind) = (id(8), || "result".to_owned());
    let template = || "result_ready".to_owned();
    let failed = NotificationFailed {
        about_stream,
        about_kind: about_kind(),
        template: template(),
        attempt: 6,
        code: "smtp_permanent".to_owned(),
    };
    let suppressed = NotificationSuppressed {
        about_stream,
        about_kind: about_kind(),
        template: template(),
        reason: "no_contact".to_owned(),
    };
    [
        NotificationSent { about_stream, about_kind: about_kind(), template: template(), attempt: 1 }.into(),
        failed.into(),
        suppressed.into(),
    ]
    .map(|event| NotificationEventRecord { envelope: envelope(), event })
    .into()
}

fn steps() -> Vec<SagaStepRecord> {
    let (source_event_id, source_topic, consumer) =
        (id(9), || "event-result".to_owned(), || "notifications".to_owned());
    let (source_topic, consumer, code) = (source_topic(), consumer(), Some("contract_broken".to_owned()));
    let handled = MessageHandled {
        source_event_id,
        source_topic: source_topic.clone(),
        consumer: consumer.clone(),
        attempt: 1,
        code: None,
    };
    let failed = MessageFailed {
        source_event_id,
        source_topic: source_topic.clone(),
        consumer: consumer.clone(),
        attempt: 3,
        code: code.clone(),
    };
    let retried = MessageRetried {
        source_event_id,
        source_topic: source_topic.clone(),
        consumer: consumer.clone(),
        attempt: 4,
        code: None,
    };
    let skipped = MessageSkipped { source_event_id, source_topic, consumer, attempt: 4, code };
    [handled.into(), failed.into(), retried.into(), skipped.into()]
        .map(|event| SagaStepRecord { envelope: envelope(), event })
        .into()
}

fn commands() -> Vec<SagaCommandRecord> {
    let retry = RetryRequested { event_id: id(10), consumer: "results".to_owned(), attempt: 4 };
    let skip =
        SkipRequested { source_event_id: id(10), source_stream_id: id(11), consumer: "notifications".to_owned() };
    // A request's own event: nothing caused it.
    let envelope = Envelope { causation_id: None, ..envelope() };
    [retry.into(), skip.into()].map(|event| SagaCommandRecord { envelope: envelope.clone(), event }).into()
}

/// Holds one event's committed files against the code. `versions` are the contract versions that have the event, `sample`
/// is what is written when the files of the newest are missing.
fn check<R, E: Debug>(
    name: &str,
    versions: RangeInclusive<u16>,
    sample: &R,
    encode: impl Fn(&R) -> Result<Vec<u8>, E>,
    decode: impl Fn(u16, &[u8]) -> Result<R, E>,
) where
    R: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let current = *versions.end();
    for version in versions {
        let json_file = directory().join(format!("{name}.v{version}.json"));
        let bytes_file = json_file.with_extension("bin");
        if !json_file.exists() && !bytes_file.exists() && version == current && std::env::var_os(WRITE).is_some() {
            fs::create_dir_all(json_file.parent().unwrap()).unwrap();
            fs::write(&json_file, serde_json::to_string_pretty(sample).unwrap() + "\n").unwrap();
            fs::write(&bytes_file, encode(sample).unwrap()).unwrap();
        }
        let missing = |error| panic!("golden/{name}.v{version}: {error}; {WRITE}=1 writes what is missing");
        let bytes = fs::read(&bytes_file).unwrap_or_else(missing);
        let json = fs::read_to_string(&json_file).unwrap_or_else(|error| panic!("golden/{name}.v{version}: {error}"));
        let committed: R = serde_json::from_str(&json).unwrap();
        assert_eq!(
            decode(version, &bytes).unwrap(),
            committed,
            "{name}.v{version}: the bytes are not read as the JSON"
        );
        if version == current {
            assert_eq!(encode(&committed).unwrap(), bytes, "{name}.v{version}: the JSON is not written as the bytes");
        }
    }
}

/// The contract versions that have an event: from the one that brought it.
fn versions(of: &str, field: &str) -> RangeInclusive<u16> {
    let has = |text: &&str| AvroSchema::parse(text).unwrap().fields().iter().any(|(name, _)| name == field);
    let first = topic::find(of).unwrap().versions.iter().position(has).unwrap();
    u16::try_from(first + 1).unwrap()..=topic::current(of)
}

fn pinned(of: &str, field: &str) -> (String, RangeInclusive<u16>) {
    (format!("{of}/{field}"), versions(of, field))
}

#[test]
fn golden_bytes_of_users_never_change() {
    for sample in users() {
        let (name, versions) = pinned(topics::EVENT_USER, sample.event.field());
        check(&name, versions, &sample, event_user::encode, event_user::decode);
    }
}

#[test]
fn golden_bytes_of_results_never_change() {
    for sample in results() {
        let (name, versions) = pinned(topics::EVENT_RESULT, sample.event.field());
        check(&name, versions, &sample, event_result::encode, event_result::decode);
    }
}

#[test]
fn golden_bytes_of_notifications_never_change() {
    for sample in notifications() {
        let (name, versions) = pinned(topics::EVENT_NOTIFICATION, sample.event.field());
        check(&name, versions, &sample, event_notification::encode, event_notification::decode);
    }
}

#[test]
fn golden_bytes_of_saga_steps_never_change() {
    for sample in steps() {
        let (name, versions) = pinned(topics::SAGA_STEP, sample.event.field());
        check(&name, versions, &sample, saga_step::encode, saga_step::decode);
    }
}

#[test]
fn golden_bytes_of_saga_commands_never_change() {
    for sample in commands() {
        let (name, versions) = pinned(topics::SAGA_COMMAND, sample.event.field());
        check(&name, versions, &sample, saga_command::encode, saga_command::decode);
    }
}

#[test]
fn golden_bytes_of_the_sealed_contact_never_change() {
    let sample =
        ContactRecord { email: Some("somebody@example.org".to_owned()), display_name: Some("Somebody".to_owned()) };
    let encode = |contact: &ContactRecord| contact::encode(contact).map_err(Into::into);
    check("sealed/contact", 1..=contact::current(), &sample, encode, contact::decode);
}

#[test]
fn every_published_event_has_a_field_in_its_topics_record_and_every_field_is_published() {
    let published: BTreeSet<_> =
        catalogue::PUBLISHED.iter().map(|published| (published.topic, published.field())).collect();
    assert_eq!(published.len(), catalogue::PUBLISHED.len(), "two entries for one event");
    let fields = |topic, fields: &'static [&'static str]| fields.iter().map(move |field| (topic, *field));
    let known: BTreeSet<_> = fields(topics::EVENT_USER, event_user::UserEvent::FIELDS)
        .chain(fields(topics::EVENT_RESULT, event_result::ResultEvent::FIELDS))
        .chain(fields(topics::EVENT_NOTIFICATION, event_notification::NotificationEvent::FIELDS))
        .chain(fields(topics::SAGA_STEP, saga_step::SagaStep::FIELDS))
        .chain(fields(topics::SAGA_COMMAND, saga_command::SagaCommand::FIELDS))
        .collect();
    assert_eq!(published, known);
}

#[test]
fn every_published_event_is_pinned_and_every_golden_file_is_of_one() {
    let mut expected = BTreeSet::from(["sealed/contact.v1.bin".to_owned(), "sealed/contact.v1.json".to_owned()]);
    for published in catalogue::PUBLISHED {
        for version in versions(published.topic, published.field()) {
            for extension in ["bin", "json"] {
                expected.insert(format!("{}/{}.v{version}.{extension}", published.topic, published.field()));
            }
        }
    }
    let mut found = BTreeSet::new();
    for folder in fs::read_dir(directory()).unwrap().map(Result::unwrap) {
        for file in fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
            let name = |entry: &fs::DirEntry| entry.file_name().into_string().unwrap();
            found.insert(format!("{}/{}", name(&folder), name(&file)));
        }
    }
    assert_eq!(found, expected);
}
