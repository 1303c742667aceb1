//! Which events are published, on which topic, and who owes an answer to them.
//!
//! An answer is a published event of the consumer's own that the message caused, or a `MessageHandled`. The relay stamps
//! the names on every message (`ce_expects`); the saga log waits for exactly those. Projections and the saga log never
//! owe one, and messages on `saga-*` are never answered.
use domain_kernel::message::topics;
use domain_kernel::{Message, MessageHeaders, RecordedEvent, Topic};

/// One published event type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// The stored and published name.
    pub event_type: &'static str,
    /// What people see in the saga log.
    pub display: &'static str,
    /// Where it is published.
    pub topic: Topic,
    /// The consumers that owe an answer.
    pub expects: &'static [&'static str],
}

impl Published {
    /// The field of the topic's record that holds the event: the name without the context.
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.event_type.split_once('.').map_or(self.event_type, |(_, field)| field)
    }
}

const NOBODY: &[&str] = &[];
const NOTIFICATIONS: &[&str] = &["notifications"];
const RESULTS: &[&str] = &["results"];

const fn published(
    event_type: &'static str,
    display: &'static str,
    topic: Topic,
    expects: &'static [&'static str],
) -> Published {
    Published { event_type, display, topic, expects }
}

/// Every published event type.
pub static PUBLISHED: &[Published] = &[
    published("users.user_created", "UserCreated", topics::EVENT_USER, NOTIFICATIONS),
    published("users.user_role_changed", "UserRoleChanged", topics::EVENT_USER, NOBODY),
    published("users.user_contact_changed", "UserContactChanged", topics::EVENT_USER, NOBODY),
    published("users.user_deactivated", "UserDeactivated", topics::EVENT_USER, NOBODY),
    published("users.user_reactivated", "UserReactivated", topics::EVENT_USER, NOBODY),
    published("users.user_password_changed", "UserPasswordChanged", topics::EVENT_USER, NOBODY),
    published("results.result_created", "ResultCreated", topics::EVENT_RESULT, NOTIFICATIONS),
    published("results.result_released", "ResultReleased", topics::EVENT_RESULT, NOTIFICATIONS),
    published("results.result_amended", "ResultAmended", topics::EVENT_RESULT, NOTIFICATIONS),
    published("results.result_corrected", "ResultCorrected", topics::EVENT_RESULT, NOTIFICATIONS),
    published("results.result_cancelled", "ResultCancelled", topics::EVENT_RESULT, NOBODY),
    published("results.result_entered_in_error", "ResultEnteredInError", topics::EVENT_RESULT, NOBODY),
    published("results.result_queried", "ResultQueried", topics::EVENT_RESULT, NOBODY),
    published("results.result_completed", "ResultCompleted", topics::EVENT_RESULT, NOBODY),
    published("notifications.notification_sent", "NotificationSent", topics::EVENT_NOTIFICATION, RESULTS),
    published("notifications.notification_failed", "NotificationFailed", topics::EVENT_NOTIFICATION, RESULTS),
    published("notifications.notification_suppressed", "NotificationSuppressed", topics::EVENT_NOTIFICATION, RESULTS),
    published("messaging.message_handled", "MessageHandled", topics::SAGA_STEP, NOBODY),
    published("messaging.message_failed", "MessageFailed", topics::SAGA_STEP, NOBODY),
    published("messaging.message_retried", "MessageRetried", topics::SAGA_STEP, NOBODY),
    published("messaging.message_skipped", "MessageSkipped", topics::SAGA_STEP, NOBODY),
    published("saga_log.retry_requested", "RetryRequested", topics::SAGA_COMMAND, NOBODY),
    published("saga_log.skip_requested", "SkipRequested", topics::SAGA_COMMAND, NOBODY),
];

/// The entry of an event type; `None` when it is not published, or by a newer binary only.
#[must_use]
pub fn find(event_type: &str) -> Option<&'static Published> {
    PUBLISHED.iter().find(|published| published.event_type == event_type)
}

/// The message that tells of `event`: its headers from the event's metadata and this catalogue, its payload as given
/// (one of the topics' `encode`). `None` when `event_type` is not in the catalogue.
///
/// Who publishes an answer adds `consumer` and `attempt` to the headers.
#[must_use]
pub fn message(event: &RecordedEvent, event_type: &str, source: &str, payload: Vec<u8>) -> Option<Message> {
    let published = find(event_type)?;
    let headers = MessageHeaders {
        event_id: event.metadata.event_id,
        event_type: published.event_type.to_owned(),
        source: source.to_owned(),
        stream: event.stream,
        version: event.version,
        occurred_at: event.metadata.occurred_at,
        correlation_id: event.metadata.correlation_id,
        causation_id: event.metadata.causation_id,
        actor: event.metadata.actor.map(|actor| actor.user),
        contract_version: crate::topic::current(published.topic),
        expects: published.expects.iter().map(|name| (*name).to_owned()).collect(),
        consumer: None,
        attempt: None,
        traceparent: None,
    };
    Some(Message { topic: published.topic, headers, payload })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Envelope;
    use domain_kernel::{
        Actor, Checkpoint, EventMetadata, EventTypeId, Role, SchemaVersion, StreamId, Timestamp, Version,
    };
    use uuid::Uuid;

    fn recorded() -> RecordedEvent {
        let metadata = EventMetadata {
            event_id: Uuid::from_u128(1).into(),
            correlation_id: Uuid::from_u128(2).into(),
            causation_id: Some(Uuid::from_u128(3).into()),
            actor: Some(Actor { user: Uuid::from_u128(4).into(), role: Role::Laboratory }),
            occurred_at: Timestamp(5),
        };
        RecordedEvent {
            checkpoint: Checkpoint::default(),
            stream: StreamId(Uuid::from_u128(6)),
            version: Version(7),
            type_id: EventTypeId(1),
            schema_version: SchemaVersion(1),
            metadata,
            payload: vec![1],
            hash: [0; 32],
        }
    }

    #[test]
    fn a_message_says_of_its_event_what_metadata_and_catalogue_know() {
        let message = message(&recorded(), "results.result_created", "results", vec![8]).unwrap();
        let headers = MessageHeaders {
            event_id: Uuid::from_u128(1).into(),
            event_type: "results.result_created".to_owned(),
            source: "results".to_owned(),
            stream: StreamId(Uuid::from_u128(6)),
            version: Version(7),
            occurred_at: Timestamp(5),
            correlation_id: Uuid::from_u128(2).into(),
            causation_id: Some(Uuid::from_u128(3).into()),
            actor: Some(Uuid::from_u128(4).into()),
            contract_version: crate::topic::current(topics::EVENT_RESULT),
            expects: vec!["notifications".to_owned()],
            consumer: None,
            attempt: None,
            traceparent: None,
        };
        assert_eq!(message, Message { topic: topics::EVENT_RESULT, headers, payload: vec![8] });
        assert_eq!(Envelope::of(&recorded()).event_id, message.headers.event_id);
    }

    #[test]
    fn nothing_is_told_of_an_event_that_is_not_in_the_catalogue() {
        assert_eq!(message(&recorded(), "results.result_seen", "results", vec![]), None);
    }
}
