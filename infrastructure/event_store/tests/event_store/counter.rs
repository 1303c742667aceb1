//! The smallest aggregate and read model: something that is counted.
use super::fixture::{Fixture, event};
use domain_kernel::{Aggregate, BoxFuture, DomainEvent, EventTypeId, RecordedEvent, SchemaVersion, StreamId};
use infra_event_store::codec::{CodecError, EncodedEvent, EventCodec, EventSlot};
use infra_event_store::projection::{Projection, ProjectionError};
use sqlx::PgConnection;
use std::sync::Arc;
use uuid::Uuid;

/// Counts, never below zero.
pub(crate) struct Counter;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Added(pub(crate) i32);

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("there is less than that")]
pub(crate) struct TooFew;

impl DomainEvent for Added {
    fn event_type(&self) -> &'static str {
        "test.added"
    }
}

impl Aggregate for Counter {
    const NAME: &'static str = "counter";
    type State = i32;
    type Command = i32;
    type Event = Added;
    type Error = TooFew;

    fn decide(state: &i32, amount: i32) -> Result<Vec<Added>, TooFew> {
        match amount {
            0 => Ok(vec![]),
            _ if state + amount < 0 => Err(TooFew),
            _ => Ok(vec![Added(amount)]),
        }
    }

    fn evolve(state: i32, event: &Added) -> i32 {
        state + event.0
    }
}

/// Four bytes, big endian.
pub(crate) struct CounterCodec;

impl EventCodec<Added> for CounterCodec {
    fn encode<'a>(&'a self, event: &'a Added, _slot: &'a EventSlot) -> BoxFuture<'a, Result<EncodedEvent, CodecError>> {
        Box::pin(async {
            let payload = event.0.to_be_bytes().to_vec();
            Ok(EncodedEvent { type_id: EventTypeId(1), schema_version: SchemaVersion(1), payload })
        })
    }

    fn decode<'a>(&'a self, event: &'a RecordedEvent) -> BoxFuture<'a, Result<Added, CodecError>> {
        Box::pin(async { Ok(Added(amount(event))) })
    }
}

fn amount(event: &RecordedEvent) -> i32 {
    event.payload.as_slice().try_into().map_or(0, i32::from_be_bytes)
}

/// One row per counter.
pub(crate) struct Totals;

pub(crate) static TABLES: &[(i64, &str, &str)] = &[(
    1001,
    "totals",
    "create table totals_v1 (
       stream_id uuid constraint totals_pk primary key,
       total bigint not null,
       events integer not null constraint totals_events check (events > 0),
       note text not null default 'counted'
     );
     create index totals_by_total on totals_v1 (total desc) where events > 0;",
)];

impl Projection for Totals {
    fn name(&self) -> &'static str {
        "totals"
    }

    fn version(&self) -> i32 {
        1
    }

    fn tables(&self) -> &'static [&'static str] {
        &["totals_v1"]
    }

    fn apply<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        events: &'a [RecordedEvent],
    ) -> BoxFuture<'a, Result<(), ProjectionError>> {
        Box::pin(async move {
            for event in events {
                sqlx::query(
                    "insert into totals_v1 (stream_id, total, events) values ($1, $2, 1)
                     on conflict on constraint totals_pk
                     do update set total = totals_v1.total + excluded.total, events = totals_v1.events + 1",
                )
                .bind(event.stream.0)
                .bind(i64::from(amount(event)))
                .execute(&mut *connection)
                .await?;
            }
            Ok(())
        })
    }
}

/// What a [`Variant`] folds instead of these events; `None`: it stands still.
pub(crate) type Rule = Box<dyn Fn(&[RecordedEvent]) -> Option<Vec<RecordedEvent>> + Send + Sync>;

/// [`Totals`] with another rule, another version, or versions to come.
pub(crate) struct Variant {
    pub(crate) version: i32,
    pub(crate) candidates: fn() -> Vec<Arc<dyn Projection>>,
    pub(crate) rule: Rule,
}

impl Variant {
    /// With another rule alone.
    pub(crate) fn of(rule: impl Fn(&[RecordedEvent]) -> Option<Vec<RecordedEvent>> + Send + Sync + 'static) -> Self {
        Self { version: Totals.version(), candidates: Vec::new, rule: Box::new(rule) }
    }

    /// The same in all.
    pub(crate) fn same() -> Self {
        Self::of(|events| Some(events.to_vec()))
    }
}

impl Projection for Variant {
    fn name(&self) -> &'static str {
        Totals.name()
    }

    fn version(&self) -> i32 {
        self.version
    }

    fn tables(&self) -> &'static [&'static str] {
        Totals.tables()
    }

    fn apply<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        events: &'a [RecordedEvent],
    ) -> BoxFuture<'a, Result<(), ProjectionError>> {
        Box::pin(async move {
            match (self.rule)(events) {
                Some(events) => Totals.apply(connection, &events).await,
                None => std::future::pending().await,
            }
        })
    }

    fn candidates(&self) -> Vec<Arc<dyn Projection>> {
        (self.candidates)()
    }
}

/// The rows that people see: stream and total.
pub(crate) async fn totals(fixture: &Fixture) -> Vec<(Uuid, i64)> {
    sqlx::query_as("select stream_id, total from totals_v1 order by stream_id").fetch_all(fixture.pool()).await.unwrap()
}

/// Appends `count` events of 1 to each of `streams`.
pub(crate) async fn count_up(fixture: &Fixture, streams: &[StreamId], count: usize) {
    use super::fixture::{appended, command, of};
    use domain_kernel::ports::EventStore;
    for stream in streams {
        let head = fixture.store.head(*stream).await.unwrap();
        let events = vec![event(&1_i32.to_be_bytes()); count];
        appended(fixture.store.append(of(*stream, head, command(events))).await);
    }
}
