//! Every stored event comes back as it was, and its bytes never change.
use super::*;
use crate::events::EVENTS;
use domain_kernel::{Checkpoint, CorrelationId, DomainEvent, EventId, EventMetadata, SchemaVersion};
use domain_saga_log::Outcome;

fn answer() -> AnswerTo {
    let answer = Answer { attempt: 6, outcome: Outcome::Failed, code: Some("smtp_550".into()) };
    AnswerTo { event: EventId(Uuid::from_u128(1)), consumer: "notifications".into(), answer }
}

/// One event of each type, and the payload that version 1 of its schema has.
fn golden() -> Vec<(SagaEvent, &'static str)> {
    let event = Recorded {
        event_id: EventId(Uuid::from_u128(2)),
        event_type: "notifications.notification_failed".into(),
        topic: "event-notification".into(),
        stream: StreamId(Uuid::from_u128(3)),
        version: Version(7),
        causation_id: Some(EventId(Uuid::from_u128(1))),
        actor: Some(UserId(Uuid::from_u128(4))),
        occurred_at: Timestamp(1_000_000),
        expects: vec!["results".into()],
    };
    let reason = || Reason::parse("the mail server is back").unwrap();
    let consumer = "notifications".to_owned();
    vec![
        (SagaEvent::EventRecorded { event, answer: Some(answer()) }, include_str!("golden/saga_event_recorded.v1.hex")),
        (SagaEvent::StepReported(answer()), include_str!("golden/step_reported.v1.hex")),
        (
            SagaEvent::RetryRequested {
                event: EventId(Uuid::from_u128(1)),
                consumer: consumer.clone(),
                attempt: 7,
                reason: reason(),
            },
            include_str!("golden/retry_requested.v1.hex"),
        ),
        (
            SagaEvent::SkipRequested {
                event: EventId(Uuid::from_u128(1)),
                stream: StreamId(Uuid::from_u128(3)),
                consumer,
                reason: reason(),
            },
            include_str!("golden/skip_requested.v1.hex"),
        ),
    ]
}

fn recorded(type_id: EventTypeId, schema_version: i16, payload: Vec<u8>) -> RecordedEvent {
    RecordedEvent {
        checkpoint: Checkpoint::default(),
        stream: StreamId(Uuid::from_u128(5)),
        version: Version(1),
        type_id,
        schema_version: SchemaVersion(schema_version),
        metadata: EventMetadata {
            event_id: EventId(Uuid::from_u128(6)),
            correlation_id: CorrelationId(Uuid::from_u128(5)),
            causation_id: None,
            actor: None,
            occurred_at: Timestamp(0),
        },
        payload,
        hash: [0; 32],
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let hex = hex.trim();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn every_event_has_a_schema_under_its_stored_name() {
    for (event, _) in golden() {
        let encoded = encode(&event).unwrap();
        assert_eq!(CATALOGUE.name(encoded.type_id), Some(event.event_type()));
    }
    assert_eq!(golden().len(), EVENTS.len());
}

#[test]
fn the_bytes_of_stored_events_never_change() {
    for (event, pinned) in golden() {
        assert_eq!(hex(&encode(&event).unwrap().payload), pinned.trim(), "{}", event.event_type());
    }
}

#[test]
fn every_version_ever_stored_is_read() {
    for (event, pinned) in golden() {
        let type_id = CATALOGUE.type_id(event.event_type()).unwrap();
        assert_eq!(decode(&recorded(type_id, 1, bytes(pinned))).unwrap(), event);
    }
}

#[test]
fn an_event_of_a_newer_release_is_named_not_guessed() {
    let unknown = recorded(EventTypeId(99), 1, vec![]);
    assert!(matches!(decode(&unknown), Err(CodecError::UnknownType { type_id: EventTypeId(99), .. })));
}
