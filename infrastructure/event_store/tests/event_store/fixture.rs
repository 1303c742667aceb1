//! What the tests have in common: a store on a database of its own, and small appends.
use domain_kernel::ports::{Append, AppendCommand, AppendOutcome, Claim, ClaimKind, EventStore};
use domain_kernel::{
    Checkpoint, CommandId, CorrelationId, EventId, EventMetadata, EventTypeId, Head, NewEvent, RecordedEvent,
    SchemaVersion, StreamId, Timestamp,
};
use infra_event_store::{MIGRATIONS, PgEventStore};
use infra_testkit::postgres::{TestDatabase, database};
use infra_testkit::wait_for;
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How long a test waits for what must happen; an open transaction of another test holds readers back for a while.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// A store and its database, which lives as long as this.
pub(crate) struct Fixture {
    pub(crate) store: Arc<PgEventStore>,
    pub(crate) database: TestDatabase,
}

impl Fixture {
    pub(crate) fn pool(&self) -> &PgPool {
        &self.database.pool
    }

    pub(crate) fn port(&self) -> Arc<dyn EventStore> {
        Arc::clone(&self.store) as Arc<dyn EventStore>
    }

    /// Another process on the same database.
    pub(crate) async fn second_store(&self) -> Arc<PgEventStore> {
        open(&self.database).await
    }

    /// Appends one event to the end of `stream`.
    pub(crate) async fn append(&self, stream: StreamId, payload: &[u8]) -> Head {
        let head = self.store.head(stream).await.unwrap();
        appended(self.store.append(of(stream, head, command([event(payload)]))).await)
    }

    /// A number out of the database.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(self.pool()).await.unwrap()
    }

    /// Executes something that services never do.
    pub(crate) async fn tamper(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(self.pool()).await.unwrap();
    }

    /// Reads everything, once `count` events can be seen.
    pub(crate) async fn read_everything(&self, count: usize) -> Vec<RecordedEvent> {
        wait_for("the events to be readable", LIMIT, async || {
            let events = self.store.read_all(Checkpoint::default(), count + 1).await.unwrap();
            (events.len() >= count).then_some(events)
        })
        .await
    }
}

pub(crate) async fn store() -> Fixture {
    store_with(&[]).await
}

/// With a service's own tables.
pub(crate) async fn store_with(tables: &'static [(i64, &'static str, &'static str)]) -> Fixture {
    let database = database(&[MIGRATIONS, tables]).await;
    Fixture { store: open(&database).await, database }
}

async fn open(database: &TestDatabase) -> Arc<PgEventStore> {
    PgEventStore::open(database.options.clone(), database.pool.clone()).await.unwrap()
}

pub(crate) fn stream() -> StreamId {
    StreamId(Uuid::now_v7())
}

pub(crate) fn claim(kind: i16, number: u64) -> Claim {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&number.to_be_bytes());
    Claim { kind: ClaimKind(kind), key }
}

pub(crate) fn event(payload: &[u8]) -> NewEvent {
    NewEvent {
        type_id: EventTypeId(1),
        schema_version: SchemaVersion(1),
        metadata: EventMetadata {
            event_id: EventId(Uuid::now_v7()),
            correlation_id: CorrelationId(Uuid::now_v7()),
            causation_id: None,
            actor: None,
            occurred_at: Timestamp(1_767_225_600_000_000),
        },
        payload: payload.to_vec(),
    }
}

pub(crate) fn command(events: impl Into<Vec<NewEvent>>) -> AppendCommand {
    AppendCommand {
        command_id: CommandId(Uuid::new_v4()),
        digest: None,
        correlation_id: CorrelationId(Uuid::now_v7()),
        claims: vec![],
        releases: vec![],
        events: events.into(),
    }
}

pub(crate) fn of(stream: StreamId, expected: Head, command: AppendCommand) -> Append {
    Append { stream, expected, commands: vec![command] }
}

/// The head after an append that must go in.
#[track_caller]
pub(crate) fn appended(outcome: Result<AppendOutcome, domain_kernel::ports::StoreError>) -> Head {
    match outcome {
        Ok(AppendOutcome::Appended(head)) => head,
        other => panic!("the append should go in; the store answered {other:?}"),
    }
}
