//! What consumers did with messages, as events of their own service's store.
//!
//! They are stored beside the service's other events, in the stream [`handling_stream`] of consumer and source stream,
//! and leave on the topic `saga-step` like every published event: a kill loses none. Each is appended under a command
//! id of its own, so telling it again tells nothing new. `MessageHandled` and `MessageSkipped` use the message's own
//! command id: either the handler appended something, or one of these, never two.
use domain_kernel::ids::{handling_command, handling_stream};
use domain_kernel::ports::{Append, AppendCommand, AppendOutcome, Clock, EventStore, SourceError, StoreError};
use domain_kernel::{
    CommandId, EventId, EventMetadata, EventTypeId, Message, NewEvent, RecordedEvent, StreamId, Topic, Version,
};
use infra_contracts::saga_step::{
    self, MessageFailed, MessageHandled, MessageRetried, MessageSkipped, SagaStep, SagaStepRecord,
};
use infra_contracts::stored::{StoredError, StoredEventType, StoredEvents};
use infra_contracts::{Envelope, catalogue};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, LazyLock};
use uuid::Uuid;

/// Dealt with, and nothing else tells of it.
pub const HANDLED: EventTypeId = EventTypeId(901);
/// Given up: a dead letter now.
pub const FAILED: EventTypeId = EventTypeId(902);
/// The dead letter is being taken again.
pub const RETRIED: EventTypeId = EventTypeId(903);
/// The dead letter was set aside by an operator.
pub const SKIPPED: EventTypeId = EventTypeId(904);

const fn stored(type_id: EventTypeId, name: &'static str, schemas: &'static [&'static str]) -> StoredEventType {
    StoredEventType { type_id: type_id.0, name, category: "handling", schemas, sealed: &[] }
}

/// The stored event types of this crate; every service has them in its store.
pub static EVENTS: &[StoredEventType] = &[
    stored(
        HANDLED,
        "messaging.message_handled",
        &[include_str!("../../../schemas/stored/messaging/message_handled.v1.avsc")],
    ),
    stored(
        FAILED,
        "messaging.message_failed",
        &[include_str!("../../../schemas/stored/messaging/message_failed.v1.avsc")],
    ),
    stored(
        RETRIED,
        "messaging.message_retried",
        &[include_str!("../../../schemas/stored/messaging/message_retried.v1.avsc")],
    ),
    stored(
        SKIPPED,
        "messaging.message_skipped",
        &[include_str!("../../../schemas/stored/messaging/message_skipped.v1.avsc")],
    ),
];

#[expect(clippy::expect_used, reason = "the schemas are constants of this crate; every test parses them")]
static STORED: LazyLock<StoredEvents> = LazyLock::new(|| StoredEvents::new(EVENTS).expect("the schemas parse"));

/// The stored record of all four.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Handling")]
struct StoredHandling {
    source_event_id: Uuid,
    source_stream_id: Uuid,
    source_topic: String,
    consumer: String,
    attempt: i32,
    code: Option<String>,
}

/// How often a store may say "stale" to one append before the caller waits and begins anew; only several processes
/// with the same consumer name contend here.
const STALE_LIMIT: u32 = 16;

/// Where one consumer writes down what it did. Cheap to clone.
#[derive(Clone)]
pub struct HandlingLog {
    store: Arc<dyn EventStore>,
    clock: Arc<dyn Clock>,
    consumer: &'static str,
}

impl HandlingLog {
    /// The log of `consumer` in its own service's store.
    #[must_use]
    pub fn new(store: Arc<dyn EventStore>, clock: Arc<dyn Clock>, consumer: &'static str) -> Self {
        Self { store, clock, consumer }
    }

    /// `message` was dealt with and nothing else tells of it. Does nothing when the message's command took effect.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn handled(&self, message: &Message, attempt: u32) -> Result<(), StoreError> {
        let command = handling_command(self.consumer, message.headers.event_id);
        self.append(HANDLED, command, message, attempt, None).await
    }

    /// A letter turned out to be dealt with already, at an attempt before it became one: told as attempt `attempt`, for
    /// of two answers the higher attempt counts, and that it was given up has been told.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn handled_before(&self, message: &Message, attempt: u32) -> Result<(), StoreError> {
        let command = self.command(message.headers.event_id, "handled_before", attempt);
        self.append(HANDLED, command, message, attempt, None).await
    }

    /// Whether something was appended under the command of `event`'s message.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn took_effect(&self, event: EventId) -> Result<bool, StoreError> {
        Ok(self.store.find_command(handling_command(self.consumer, event)).await?.is_some())
    }

    /// `message` was given up at that attempt.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn failed(&self, message: &Message, attempt: u32, code: &str) -> Result<(), StoreError> {
        let command = self.command(message.headers.event_id, "failed", attempt);
        self.append(FAILED, command, message, attempt, Some(code)).await
    }

    /// `message` is taken again; that is attempt number `attempt`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn retried(&self, message: &Message, attempt: u32) -> Result<(), StoreError> {
        let command = self.command(message.headers.event_id, "retried", attempt);
        self.append(RETRIED, command, message, attempt, None).await
    }

    /// `message` was set aside by an operator, for the reason `code`. Takes the message's own command id, so that it is
    /// settled for good; does nothing when that took effect before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn skipped(&self, message: &Message, attempt: u32, code: &str) -> Result<(), StoreError> {
        let command = handling_command(self.consumer, message.headers.event_id);
        self.append(SKIPPED, command, message, attempt, Some(code)).await
    }

    /// Whether `event`'s message was set aside: then that is what took effect.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn was_skipped(&self, event: EventId) -> Result<bool, StoreError> {
        let told = self.told(handling_command(self.consumer, event)).await?;
        Ok(told.is_some_and(|told| told.type_id == SKIPPED))
    }

    /// The source stream of the letter that was taken again at that attempt; `None` when that was not told.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn stream_retried(&self, event: EventId, attempt: u32) -> Result<Option<StreamId>, StoreError> {
        match self.told(self.command(event, "retried", attempt)).await? {
            Some(told) => {
                read(&told).map(|stored| Some(stored.source_stream_id.into())).map_err(|error| damaged(&told, &error))
            }
            None => Ok(None),
        }
    }

    /// The last event that was appended under `command`.
    async fn told(&self, command: CommandId) -> Result<Option<RecordedEvent>, StoreError> {
        let Some(record) = self.store.find_command(command).await? else { return Ok(None) };
        let before = Version(record.version.0.saturating_sub(1));
        Ok(self.store.read_stream(record.stream, before, 1).await?.pop())
    }

    fn command(&self, event: EventId, step: &str, attempt: u32) -> CommandId {
        CommandId(event.derive(&format!("{}/{step}/{attempt}", self.consumer)))
    }

    async fn append(
        &self,
        type_id: EventTypeId,
        command_id: CommandId,
        message: &Message,
        attempt: u32,
        code: Option<&str>,
    ) -> Result<(), StoreError> {
        let stored = StoredHandling {
            source_event_id: message.headers.event_id.0,
            source_stream_id: message.headers.stream.0,
            source_topic: message.topic.to_owned(),
            consumer: self.consumer.to_owned(),
            attempt: wire_attempt(attempt),
            code: code.map(str::to_owned),
        };
        let malformed = |error: StoredError| StoreError::Malformed { reason: error.to_string() };
        let (schema_version, payload) = STORED.encode(type_id, &stored).map_err(malformed)?;
        let stream = handling_stream(self.consumer, message.headers.stream);
        for _ in 0..STALE_LIMIT {
            if self.store.find_command(command_id).await?.is_some() {
                return Ok(());
            }
            let metadata = EventMetadata {
                event_id: self.clock.unique_id().into(),
                correlation_id: message.headers.correlation_id,
                causation_id: Some(message.headers.event_id),
                actor: None,
                occurred_at: self.clock.now(),
            };
            let event = NewEvent { type_id, schema_version, metadata, payload: payload.clone() };
            let command = AppendCommand {
                command_id,
                digest: None,
                correlation_id: message.headers.correlation_id,
                claims: Vec::new(),
                releases: Vec::new(),
                events: vec![event],
            };
            let append = Append { stream, expected: self.store.head(stream).await?, commands: vec![command] };
            match self.store.append(append).await {
                Ok(AppendOutcome::Appended(_) | AppendOutcome::Duplicate(_)) => return Ok(()),
                // A claim cannot be taken: none is asked for.
                Ok(AppendOutcome::Stale | AppendOutcome::ClaimTaken { .. }) | Err(StoreError::OutcomeUnknown) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Unavailable { reason: "others append to the same handling stream all the time".to_owned() })
    }
}

/// The message on `saga-step` that tells of `event`; `None` when it is none of this crate's. Every service's publisher
/// asks this for the topic `saga-step`; `source` is the service's name.
///
/// # Errors
/// [`SourceError::Contract`] when the stored event cannot be read.
pub fn message(event: &RecordedEvent, source: &'static str) -> Result<Option<Message>, SourceError> {
    if !EVENTS.iter().any(|stored| stored.type_id == event.type_id.0) {
        return Ok(None);
    }
    let stored: StoredHandling = read(event).map_err(|error| broken(event, &error))?;
    let StoredHandling { source_event_id, source_topic, consumer, attempt, code, .. } = stored;
    let told = match event.type_id {
        FAILED => SagaStep::from(MessageFailed { source_event_id, source_topic, consumer, attempt, code }),
        RETRIED => MessageRetried { source_event_id, source_topic, consumer, attempt, code }.into(),
        SKIPPED => MessageSkipped { source_event_id, source_topic, consumer, attempt, code }.into(),
        _ => MessageHandled { source_event_id, source_topic, consumer, attempt, code }.into(),
    };
    step(event, source, told)
}

/// The `MessageHandled` that a service's own private event amounts to: where a handler appended something that is not
/// published, its publisher maps it to this for the topic `saga-step`, and the answer that was owed is given.
///
/// `source` is the service's name, `source_event` the event whose message was handled, at `attempt`.
///
/// # Errors
/// [`SourceError::Contract`] when it does not fit the contract.
pub fn answer(
    event: &RecordedEvent,
    source: &'static str,
    consumer: &str,
    (source_topic, source_event): (Topic, EventId),
    attempt: u32,
) -> Result<Option<Message>, SourceError> {
    let told = MessageHandled {
        source_event_id: source_event.0,
        source_topic: source_topic.to_owned(),
        consumer: consumer.to_owned(),
        attempt: wire_attempt(attempt),
        code: None,
    };
    step(event, source, told.into())
}

fn step(event: &RecordedEvent, source: &'static str, told: SagaStep) -> Result<Option<Message>, SourceError> {
    let event_type = format!("messaging.{}", told.field());
    let (consumer, attempt) = match &told {
        SagaStep::MessageHandled(MessageHandled { consumer, attempt, .. })
        | SagaStep::MessageFailed(MessageFailed { consumer, attempt, .. })
        | SagaStep::MessageRetried(MessageRetried { consumer, attempt, .. })
        | SagaStep::MessageSkipped(MessageSkipped { consumer, attempt, .. }) => (consumer.clone(), *attempt),
    };
    let record = SagaStepRecord { envelope: Envelope::of(event), event: told };
    let payload = saga_step::encode(&record).map_err(|error| broken(event, &error))?;
    Ok(catalogue::message(event, &event_type, source, payload).map(|mut message| {
        message.headers.consumer = Some(consumer);
        message.headers.attempt = u32::try_from(attempt).ok();
        message
    }))
}

fn read(event: &RecordedEvent) -> Result<StoredHandling, StoredError> {
    STORED.decode(event.type_id, event.schema_version, &event.payload)
}

fn wire_attempt(attempt: u32) -> i32 {
    i32::try_from(attempt).unwrap_or(i32::MAX)
}

fn broken(event: &RecordedEvent, error: &impl ToString) -> SourceError {
    SourceError::Contract { event: event.metadata.event_id, reason: error.to_string() }
}

fn damaged(event: &RecordedEvent, error: &StoredError) -> StoreError {
    StoreError::Damaged { reason: format!("event {}: {error}", event.metadata.event_id) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain_kernel::SchemaVersion;
    use domain_kernel::message::topics;

    /// The bytes of the stored record, which all four types share.
    const VERSION_1: &[u8] = b"H00000000-0000-0000-0000-000000000001H00000000-0000-0000-0000-000000000002\
        \x14event-user\x1anotifications\x06\x02\x0anever";

    #[test]
    fn the_bytes_of_the_stored_events_never_change() {
        let stored = || StoredHandling {
            source_event_id: Uuid::from_u128(1),
            source_stream_id: Uuid::from_u128(2),
            source_topic: topics::EVENT_USER.to_owned(),
            consumer: "notifications".to_owned(),
            attempt: 3,
            code: Some("never".to_owned()),
        };
        for type_id in [HANDLED, FAILED, RETRIED, SKIPPED] {
            assert_eq!(STORED.encode(type_id, &stored()), Ok((SchemaVersion(1), VERSION_1.to_vec())));
            assert_eq!(STORED.decode(type_id, SchemaVersion(1), VERSION_1), Ok(stored()));
        }
    }
}
