//! Every stored event comes back as it was, and its bytes never change.
use super::*;
use crate::events::EVENTS;
use domain_kernel::{Checkpoint, CorrelationId, DomainEvent, EventId, EventMetadata};
use domain_notifications::{AboutKind, SuppressionReason, Template};

const CORRELATION: CorrelationId = CorrelationId(Uuid::from_u128(9));

fn about_result() -> About {
    About { stream: StreamId(Uuid::from_u128(2)), kind: AboutKind::Result }
}

fn requested() -> NotificationEvent {
    let origin = Origin {
        event_id: EventId(Uuid::from_u128(1)),
        stream: about_result().stream,
        version: Version(1),
        event_type: "results.result_created".into(),
    };
    NotificationEvent::Requested(Request {
        source: EventId(Uuid::from_u128(1)),
        source_version: Some(Version(1)),
        correlation_id: CORRELATION,
        about: about_result(),
        template: Template::ResultAvailable,
        number: Some(1),
        recipient: Some(UserId(Uuid::from_u128(3))),
        started_by: None,
        contact: Some(SealedContact { origin, bytes: vec![0xAB; 4] }),
        first_attempt: 1,
        requested_at: Timestamp(1_000_000),
    })
}

/// One event of each type, and the payload that the newest version of its schema has.
fn golden() -> Vec<(NotificationEvent, &'static str)> {
    let about = about_result();
    let template = Template::ResultAvailable;
    let code = FailureCode::new("smtp_451");
    vec![
        (requested(), include_str!("golden/notification_requested.v2.hex")),
        (
            NotificationEvent::AttemptFailed { attempt: 1, code: code.clone(), next_attempt_at: Timestamp(2_000_000) },
            include_str!("golden/attempt_failed.v1.hex"),
        ),
        (NotificationEvent::Sent { about, template, attempt: 2 }, include_str!("golden/notification_sent.v1.hex")),
        (
            NotificationEvent::Failed { about, template, attempt: 6, code },
            include_str!("golden/notification_failed.v1.hex"),
        ),
        (
            NotificationEvent::Suppressed { about, template, attempt: 1, reason: SuppressionReason::NoContact },
            include_str!("golden/notification_suppressed.v1.hex"),
        ),
        (
            NotificationEvent::RequestedAgain {
                source: EventId(Uuid::from_u128(1)),
                about,
                attempt: 7,
                at: Timestamp(3_000_000),
            },
            include_str!("golden/notification_requested_again.v1.hex"),
        ),
        (
            NotificationEvent::Skipped { source: EventId(Uuid::from_u128(1)), about, attempt: 6 },
            include_str!("golden/notification_skipped.v1.hex"),
        ),
    ]
}

fn recorded(type_id: EventTypeId, schema_version: i16, payload: Vec<u8>) -> RecordedEvent {
    RecordedEvent {
        checkpoint: Checkpoint::default(),
        stream: StreamId(Uuid::from_u128(5)),
        version: Version(1),
        type_id,
        schema_version: domain_kernel::SchemaVersion(schema_version),
        metadata: EventMetadata {
            event_id: EventId(Uuid::from_u128(6)),
            correlation_id: CORRELATION,
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
        let schema_version = encode(&event).unwrap().schema_version.0;
        let type_id = CATALOGUE.type_id(event.event_type()).unwrap();
        assert_eq!(decode(&recorded(type_id, schema_version, bytes(pinned))).unwrap(), event);
    }
    let NotificationEvent::Requested(request) = requested() else { unreachable!("it is a request") };
    let of_version_1 = NotificationEvent::Requested(Request { source_version: None, ..request });
    let pinned = include_str!("golden/notification_requested.v1.hex");
    assert_eq!(decode(&recorded(NOTIFICATION_REQUESTED, 1, bytes(pinned))).unwrap(), of_version_1);
}

#[test]
fn an_event_of_a_newer_release_is_named_not_guessed() {
    let unknown = recorded(EventTypeId(99), 1, vec![]);
    assert!(matches!(decode(&unknown), Err(CodecError::UnknownType { type_id: EventTypeId(99), .. })));
}
