//! A service that publishes, as small as it can be: its log is a store in memory.
use crate::memory::MemoryEventStore;
use domain_kernel::ports::{Append, AppendCommand, AppendOutcome, EventStore, MessageSource, SourceError};
use domain_kernel::{
    Actor, CommandId, CorrelationId, EventId, EventMetadata, EventTypeId, Message, MessageHeaders, NewEvent,
    RecordedEvent, Role, SchemaVersion, StreamId, Timestamp, Topic, UserId, Version,
};
use infra_contracts::Envelope;
use infra_contracts::event_user::{self, UserDeactivated, UserEventRecord};
use infra_contracts::topic;
use infra_messaging::{LogSource, Publisher};
use std::sync::Arc;
use uuid::Uuid;

/// What an event is told as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A message that fits.
    Told,
    /// Nothing.
    Private,
    /// A message whose payload is no record of the topic.
    Unfit,
    /// A message of a type that no catalogue has.
    Unknown,
}

const KINDS: [Kind; 4] = [Kind::Told, Kind::Private, Kind::Unfit, Kind::Unknown];

pub(super) struct Producer {
    name: &'static str,
    store: Arc<MemoryEventStore>,
}

impl Producer {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, store: Arc::new(MemoryEventStore::new()) }
    }

    /// The log, as it is offered.
    pub(super) fn source(&self, topic: Topic) -> Arc<dyn MessageSource> {
        let store: Arc<dyn EventStore> = self.store.clone();
        Arc::new(LogSource::new(self.name, topic, store, Arc::new(SuitePublisher { name: self.name })))
    }

    /// Appends one event to `stream` and answers with the message that tells of it, if any does.
    pub(super) async fn publish(&self, topic: Topic, stream: StreamId, kind: Kind) -> Option<Message> {
        let head = self.store.head(stream).await.expect("the store answers");
        let event = NewEvent {
            type_id: EventTypeId(kind as i16),
            schema_version: SchemaVersion(1),
            metadata: EventMetadata {
                event_id: EventId(Uuid::now_v7()),
                correlation_id: CorrelationId(Uuid::now_v7()),
                causation_id: Some(EventId(Uuid::now_v7())),
                actor: Some(Actor { user: UserId(Uuid::now_v7()), role: Role::Laboratory }),
                occurred_at: Timestamp(1_767_225_600_123_456),
            },
            payload: vec![],
        };
        let command = AppendCommand {
            command_id: CommandId(Uuid::new_v4()),
            digest: None,
            correlation_id: event.metadata.correlation_id,
            claims: vec![],
            releases: vec![],
            events: vec![event],
        };
        let outcome = self.store.append(Append { stream, expected: head, commands: vec![command] }).await;
        assert!(matches!(outcome, Ok(AppendOutcome::Appended(_))), "the suite's own append goes in: {outcome:?}");
        let event = self.store.events().pop().expect("there is an event");
        SuitePublisher { name: self.name }.message(topic, &event).expect("the suite's publisher does not fail")
    }

    /// As many told events in one stream as `count`, and their messages.
    pub(super) async fn publish_many(&self, topic: Topic, stream: StreamId, count: usize) -> Vec<Message> {
        let mut messages = vec![];
        for _ in 0..count {
            messages.extend(self.publish(topic, stream, Kind::Told).await);
        }
        messages
    }
}

pub(super) fn stream() -> StreamId {
    StreamId(Uuid::now_v7())
}

struct SuitePublisher {
    name: &'static str,
}

impl Publisher for SuitePublisher {
    fn message(&self, topic: Topic, event: &RecordedEvent) -> Result<Option<Message>, SourceError> {
        let kind = KINDS.into_iter().find(|kind| *kind as i16 == event.type_id.0).expect("an event of the suite");
        let record = UserEventRecord { envelope: Envelope::of(event), event: UserDeactivated {}.into() };
        let payload = match kind {
            Kind::Private => return Ok(None),
            Kind::Unfit => b"no record".to_vec(),
            Kind::Told | Kind::Unknown => event_user::encode(&record).expect("the record fits its contract"),
        };
        let event_type = if kind == Kind::Unknown { "users.user_became_a_star" } else { "users.user_deactivated" };
        let headers = MessageHeaders {
            event_id: event.metadata.event_id,
            event_type: event_type.to_owned(),
            source: self.name.to_owned(),
            stream: event.stream,
            version: event.version,
            occurred_at: event.metadata.occurred_at,
            correlation_id: event.metadata.correlation_id,
            causation_id: event.metadata.causation_id,
            actor: event.metadata.actor.map(|actor| actor.user),
            contract_version: topic::current(topic),
            expects: vec!["notifications".to_owned(), "results".to_owned()],
            consumer: (event.version > Version(1)).then(|| "notifications".to_owned()),
            attempt: (event.version > Version(1)).then_some(3),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        };
        Ok(Some(Message { topic, headers, payload }))
    }
}
