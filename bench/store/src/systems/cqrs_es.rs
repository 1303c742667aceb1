//! `cqrs-es` with `postgres-es`: JSON, no snapshots.
use super::{POOL, System};
use crate::vital::{Chart, Vital};
use ::cqrs_es::event_sink::EventSink;
use ::cqrs_es::persist::{PersistedEventRepository, PersistedEventStore};
use ::cqrs_es::{Aggregate, AggregateContext, AggregateError, DomainEvent, EventStore};
use peers_sqlx::PgPool;
use peers_sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use platform::Failure;
use postgres_es::{PostgresCqrs, PostgresEventRepository, postgres_cqrs};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use uuid::Uuid;

/// Its tables, as its documentation has them.
pub const TABLES: &str = "
create table events (
  aggregate_type text not null,
  aggregate_id text not null,
  sequence bigint check (sequence >= 0) not null,
  event_type text not null,
  event_version text not null,
  payload json not null,
  metadata json not null,
  primary key (aggregate_type, aggregate_id, sequence)
)";

#[derive(Debug, Default, Serialize, Deserialize)]
struct Charted(Chart);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
struct Taken(Vital);

impl DomainEvent for Taken {
    fn event_type(&self) -> String {
        "VitalTaken".to_owned()
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

impl Aggregate for Charted {
    const TYPE: &'static str = "chart";
    type Command = Vec<Vital>;
    type Event = Taken;
    type Error = Infallible;
    type Services = ();

    async fn handle(&mut self, command: Vec<Vital>, _: &(), sink: &EventSink<Self>) -> Result<(), Infallible> {
        for vital in command {
            sink.write(Taken(vital), self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Taken) {
        self.0 = self.0.with(event.0.value);
    }
}

/// The system on its tables.
pub struct CqrsEs {
    pool: PgPool,
    framework: PostgresCqrs<Charted>,
    store: PersistedEventStore<PostgresEventRepository, Charted>,
}

impl CqrsEs {
    /// Opens it.
    pub async fn open(options: PgConnectOptions) -> Result<Self, Failure> {
        let pool = PgPoolOptions::new().max_connections(POOL).connect_with(options).await?;
        let store = PersistedEventStore::new_event_store(PostgresEventRepository::new(pool.clone()));
        Ok(Self { framework: postgres_cqrs(pool.clone(), vec![], ()), store, pool })
    }
}

impl System for CqrsEs {
    async fn append(&self, stream: Uuid, vitals: Vec<Vital>) -> Result<u64, Failure> {
        self.framework.execute(&stream.to_string(), vitals).await?;
        Ok(0)
    }

    async fn contend(&self, stream: Uuid, vital: Vital) -> Result<u64, Failure> {
        let stream = stream.to_string();
        for lost in 0.. {
            match self.framework.execute(&stream, vec![vital.clone()]).await {
                Ok(()) => return Ok(lost),
                Err(AggregateError::AggregateConflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err("never accepted".into())
    }

    async fn load(&self, stream: Uuid) -> Result<Chart, Failure> {
        Ok(self.store.load_aggregate(&stream.to_string()).await?.aggregate().0)
    }

    async fn replay(&self) -> Result<Chart, Failure> {
        let repository = PostgresEventRepository::new(self.pool.clone());
        let mut events = repository.stream_all_events::<Charted>().await?;
        let mut chart = Chart::default();
        while let Some(event) = events.next::<Charted>(&[]).await {
            chart = chart.with(event?.payload.0.value);
        }
        Ok(chart)
    }
}
