//! The service's stored events: numbers, names, schemas. Pinned for ever.
use domain_kernel::{Aggregate, EventTypeId};
use domain_notifications::Notification;
use infra_contracts::stored::{StoredEventType, StoredEvents};
use std::sync::LazyLock;

/// `notifications.notification_requested`.
pub(crate) const NOTIFICATION_REQUESTED: EventTypeId = EventTypeId(1);
/// `notifications.attempt_failed`.
pub(crate) const ATTEMPT_FAILED: EventTypeId = EventTypeId(2);
/// `notifications.notification_sent`.
pub(crate) const NOTIFICATION_SENT: EventTypeId = EventTypeId(3);
/// `notifications.notification_failed`.
pub(crate) const NOTIFICATION_FAILED: EventTypeId = EventTypeId(4);
/// `notifications.notification_suppressed`.
pub(crate) const NOTIFICATION_SUPPRESSED: EventTypeId = EventTypeId(5);
/// `notifications.notification_requested_again`.
pub(crate) const NOTIFICATION_REQUESTED_AGAIN: EventTypeId = EventTypeId(6);
/// `notifications.notification_skipped`.
pub(crate) const NOTIFICATION_SKIPPED: EventTypeId = EventTypeId(7);

/// Every stored event of this service. Nothing here is sealed by it: the contact inside a request is another service's
/// sealed record, copied unopened.
pub static EVENTS: &[StoredEventType] = &[
    stored(
        NOTIFICATION_REQUESTED,
        "notifications.notification_requested",
        &[
            include_str!("../../../schemas/stored/notifications/notification_requested.v1.avsc"),
            include_str!("../../../schemas/stored/notifications/notification_requested.v2.avsc"),
        ],
    ),
    stored(
        ATTEMPT_FAILED,
        "notifications.attempt_failed",
        &[include_str!("../../../schemas/stored/notifications/attempt_failed.v1.avsc")],
    ),
    stored(
        NOTIFICATION_SENT,
        "notifications.notification_sent",
        &[include_str!("../../../schemas/stored/notifications/notification_sent.v1.avsc")],
    ),
    stored(
        NOTIFICATION_FAILED,
        "notifications.notification_failed",
        &[include_str!("../../../schemas/stored/notifications/notification_failed.v1.avsc")],
    ),
    stored(
        NOTIFICATION_SUPPRESSED,
        "notifications.notification_suppressed",
        &[include_str!("../../../schemas/stored/notifications/notification_suppressed.v1.avsc")],
    ),
    stored(
        NOTIFICATION_REQUESTED_AGAIN,
        "notifications.notification_requested_again",
        &[include_str!("../../../schemas/stored/notifications/notification_requested_again.v1.avsc")],
    ),
    stored(
        NOTIFICATION_SKIPPED,
        "notifications.notification_skipped",
        &[include_str!("../../../schemas/stored/notifications/notification_skipped.v1.avsc")],
    ),
];

const fn stored(type_id: EventTypeId, name: &'static str, schemas: &'static [&'static str]) -> StoredEventType {
    StoredEventType { type_id: type_id.0, name, category: Notification::NAME, schemas, sealed: &[] }
}

/// The parsed catalogue.
#[expect(clippy::expect_used, reason = "the schemas are constants of this crate; a test parses them")]
pub(crate) static CATALOGUE: LazyLock<StoredEvents> =
    LazyLock::new(|| StoredEvents::new(EVENTS).expect("the stored events of notifications form a catalogue"));
