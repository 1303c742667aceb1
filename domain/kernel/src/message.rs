//! Messages: what a service tells the others.
use crate::{CausationId, CorrelationId, EventId, StreamId, Timestamp, UserId, Version};

/// The name of a stream of messages, without tenant and namespace; one of the constants of [`topics`].
pub type Topic = &'static str;

/// The topics of the platform.
pub mod topics {
    use super::Topic;

    /// What happened to users.
    pub const EVENT_USER: Topic = "event-user";
    /// What happened to results.
    pub const EVENT_RESULT: Topic = "event-result";
    /// What happened to notifications.
    pub const EVENT_NOTIFICATION: Topic = "event-notification";
    /// What consumers answer: handled, failed, retried, skipped. Never reported themselves.
    pub const SAGA_STEP: Topic = "saga-step";
    /// What operators ask of consumers: take a dead letter again. Never reported themselves.
    pub const SAGA_COMMAND: Topic = "saga-command";

    /// All of them.
    pub const ALL: [Topic; 5] = [EVENT_USER, EVENT_RESULT, EVENT_NOTIFICATION, SAGA_STEP, SAGA_COMMAND];

    /// Whether the messages of `topic` are about messages. What became of those is told to nobody, or it would never end.
    #[must_use]
    pub fn is_about_messages(topic: &str) -> bool {
        topic == SAGA_STEP || topic == SAGA_COMMAND
    }
}

/// A message: one published event. Its key is the stream, so messages of one stream keep their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where it is published.
    pub topic: Topic,
    /// What is known without reading the payload. No personal or clinical data.
    pub headers: MessageHeaders,
    /// The topic's Avro record with exactly one event set.
    pub payload: Vec<u8>,
}

/// What a message says of itself; on a wire these become CloudEvents attributes (`ce_*`) and `traceparent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageHeaders {
    /// The published event (`ce_id`).
    pub event_id: EventId,
    /// Its stored and published name, such as `users.user_created` (`ce_type`).
    pub event_type: String,
    /// The service that published it, such as `users` (`ce_source`).
    pub source: String,
    /// The stream it belongs to; the message's key (`ce_subject`).
    pub stream: StreamId,
    /// Its version in that stream (`ce_sequence`). Private events leave gaps; a consumer never waits for one.
    pub version: Version,
    /// When it happened (`ce_time`).
    pub occurred_at: Timestamp,
    /// The saga (`ce_correlationid`).
    pub correlation_id: CorrelationId,
    /// The message that caused the event (`ce_causationid`).
    pub causation_id: Option<CausationId>,
    /// On whose behalf (`ce_actorid`): an account's id, never a name.
    pub actor: Option<UserId>,
    /// The topic's contract version that the payload is written with (`ce_dataschema`).
    pub contract_version: u16,
    /// The consumers that owe an answer to this message (`ce_expects`), by the catalogue of contracts.
    pub expects: Vec<String>,
    /// On an answer: which consumer answers (`ce_consumer`).
    pub consumer: Option<String>,
    /// On an answer: the attempt it reports, from 1 (`ce_attempt`).
    pub attempt: Option<u32>,
    /// The W3C trace context (`traceparent`).
    pub traceparent: Option<String>,
}
