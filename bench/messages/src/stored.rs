//! A service's database with an event table, and what its events are told as.
use domain_kernel::message::topics::EVENT_USER;
use domain_kernel::ports::{Append, AppendCommand, AppendOutcome, EventStore, SourceError};
use domain_kernel::{
    CommandId, CorrelationId, EventId, EventMetadata, EventTypeId, Head, Message, MessageHeaders, NewEvent,
    RecordedEvent, SchemaVersion, StreamId, Timestamp, Topic,
};
use infra_contracts::Envelope;
use infra_contracts::event_user::{self, UserCreated, UserEventRecord};
use infra_event_store::{MIGRATIONS, PgEventStore};
use infra_messaging::{Publisher, handling};
use infra_runtime::database::{MigrationSet, create_database, migrate, pool};
use infra_runtime::postgres::{Cluster, SUPERUSER};
use platform::Failure;
use sqlx::PgPool;
use std::sync::Arc;
use uuid::Uuid;

/// Who answers every message.
pub const CONSUMER: &str = "notifications";
/// Streams that are written side by side.
const SIDE_BY_SIDE: usize = 64;

/// A database with an event table.
pub struct Database {
    pub pool: PgPool,
    pub store: Arc<PgEventStore>,
}

impl Database {
    pub async fn new(cluster: &Cluster, name: &'static str) -> Result<Self, Failure> {
        let admin = pool(cluster.options(), 1).await?;
        create_database(&admin, name, SUPERUSER).await?;
        let options = cluster.options().database(name);
        let pool = pool(options.clone(), 8).await?;
        migrate(&pool, &MigrationSet { name, sets: vec![MIGRATIONS] }, None).await?;
        let store = PgEventStore::open(options, pool.clone()).await?;
        Ok(Self { pool, store })
    }

    /// One with `messages` events to tell, `per_stream` in each stream.
    pub async fn with_messages(
        cluster: &Cluster,
        name: &'static str,
        messages: u32,
        per_stream: u32,
    ) -> Result<Self, Failure> {
        let database = Self::new(cluster, name).await?;
        let mut writing = tokio::task::JoinSet::new();
        for _ in 0..messages / per_stream {
            if writing.len() == SIDE_BY_SIDE
                && let Some(written) = writing.join_next().await
            {
                written??;
            }
            let store = Arc::clone(&database.store);
            writing.spawn(async move { append_stream(&store, per_stream).await });
        }
        while let Some(written) = writing.join_next().await {
            written??;
        }
        Ok(database)
    }

    /// How many messages were answered.
    pub async fn answers(&self) -> Result<i64, Failure> {
        let counted = sqlx::query_scalar("select count(*) from event where type_id = $1").bind(handling::HANDLED.0);
        Ok(counted.fetch_one(&self.pool).await?)
    }
}

async fn append_stream(store: &PgEventStore, per_stream: u32) -> Result<(), Failure> {
    let command = AppendCommand {
        command_id: CommandId(Uuid::now_v7()),
        digest: None,
        correlation_id: CorrelationId(Uuid::now_v7()),
        claims: vec![],
        releases: vec![],
        events: (0..per_stream).map(|_| event()).collect(),
    };
    let stream = StreamId(Uuid::now_v7());
    match store.append(Append { stream, expected: Head::default(), commands: vec![command] }).await? {
        AppendOutcome::Appended(_) => Ok(()),
        other => Err(format!("a new stream cannot be begun: {other:?}").into()),
    }
}

fn event() -> NewEvent {
    let metadata = EventMetadata {
        event_id: EventId(Uuid::now_v7()),
        correlation_id: CorrelationId(Uuid::now_v7()),
        causation_id: None,
        actor: None,
        occurred_at: Timestamp(1_767_225_600_000_000),
    };
    NewEvent { type_id: EventTypeId(1), schema_version: SchemaVersion(1), metadata, payload: vec![0; 100] }
}

/// Every event is told as the registration of a user, which owes the consumer's answer.
pub struct Told;

impl Publisher for Told {
    fn message(&self, _topic: Topic, event: &RecordedEvent) -> Result<Option<Message>, SourceError> {
        let metadata = &event.metadata;
        let envelope = Envelope {
            event_id: metadata.event_id,
            stream_id: event.stream,
            version: event.version,
            occurred_at: metadata.occurred_at,
            correlation_id: metadata.correlation_id,
            causation_id: metadata.causation_id,
        };
        let record = UserEventRecord { envelope, event: UserCreated { role: 1, contact: None }.into() };
        let payload = event_user::encode(&record)
            .map_err(|error| SourceError::Contract { event: metadata.event_id, reason: error.to_string() })?;
        let headers = MessageHeaders {
            event_id: metadata.event_id,
            event_type: "users.user_created".to_owned(),
            source: "users".to_owned(),
            stream: event.stream,
            version: event.version,
            occurred_at: metadata.occurred_at,
            correlation_id: metadata.correlation_id,
            causation_id: metadata.causation_id,
            actor: None,
            contract_version: 1,
            expects: vec![CONSUMER.to_owned()],
            consumer: None,
            attempt: None,
            traceparent: None,
        };
        Ok(Some(Message { topic: EVENT_USER, headers, payload }))
    }
}
