//! `disintegrate` with `disintegrate-postgres`: JSON, no snapshots; its listener without the trigger that notifies,
//! which would slow its appends.
use super::{POOL, System};
use crate::vital::{Chart, Vital};
use ::disintegrate::serde::json::Json;
use ::disintegrate::{
    Decision, DecisionError, Event, EventListener, EventSourcedStateStore, EventStore, LoadState, NoSnapshot,
    PersistedEvent, StateMutate, StateQuery, StreamItem, StreamQuery, query,
};
use disintegrate_postgres::{
    Error, PgDecisionMaker, PgEventId, PgEventListener, PgEventListenerConfig, PgEventStore, decision_maker,
};
use futures_util::TryStreamExt;
use peers_sqlx::PgPool;
use peers_sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use platform::Failure;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use uuid::Uuid;

/// The table of its listeners, without the trigger.
pub const LISTENERS: &str = "
create table event_listener (
  id text primary key,
  last_processed_event_id bigint,
  updated_at timestamp default now()
)";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
enum VitalEvent {
    Taken {
        #[id]
        chart: Uuid,
        patient: Uuid,
        code: String,
        value: i64,
        unit: String,
        status: String,
        device: String,
        taken_at: i64,
        note: String,
    },
}

fn event(chart: Uuid, vital: Vital) -> VitalEvent {
    let Vital { patient, code, value, unit, status, device, taken_at, note } = vital;
    VitalEvent::Taken { chart, patient, code, value, unit, status, device, taken_at, note }
}

#[derive(Debug, Default, Clone, Serialize, Deserialize, StateQuery)]
#[state_query(VitalEvent)]
struct Charted {
    #[id]
    chart: Uuid,
    seen: Chart,
}

impl StateMutate for Charted {
    fn mutate(&mut self, event: VitalEvent) {
        let VitalEvent::Taken { value, .. } = event;
        self.seen = self.seen.with(value);
    }
}

struct Take {
    chart: Uuid,
    vitals: Vec<Vital>,
}

impl Decision for Take {
    type Event = VitalEvent;
    type StateQuery = Charted;
    type Error = Infallible;

    fn state_query(&self) -> Charted {
        Charted { chart: self.chart, seen: Chart::default() }
    }

    fn process(&self, _: &Charted) -> Result<Vec<VitalEvent>, Infallible> {
        Ok(self.vitals.iter().map(|vital| event(self.chart, vital.clone())).collect())
    }
}

type Store = PgEventStore<VitalEvent, Json<VitalEvent>>;

/// The system on its tables.
pub struct Disintegrate {
    store: Store,
    decisions: PgDecisionMaker<VitalEvent, Json<VitalEvent>, NoSnapshot>,
    states: EventSourcedStateStore<PgEventId, VitalEvent, Store, NoSnapshot>,
    pool: PgPool,
}

impl Disintegrate {
    /// Opens it; makes its tables when they are missing.
    pub async fn open(options: PgConnectOptions) -> Result<Self, Failure> {
        let pool = PgPoolOptions::new().max_connections(POOL).connect_with(options).await?;
        let store = PgEventStore::try_new(pool.clone(), Json::default()).await?;
        Ok(Self {
            decisions: decision_maker(store.clone(), NoSnapshot),
            states: EventSourcedStateStore::new(store.clone(), NoSnapshot),
            store,
            pool,
        })
    }

    /// Makes the decision until it is accepted; it also loses against commands on other streams.
    async fn make(&self, stream: Uuid, vitals: Vec<Vital>) -> Result<u64, Failure> {
        for lost in 0.. {
            match self.decisions.make(Take { chart: stream, vitals: vitals.clone() }).await {
                Ok(_) => return Ok(lost),
                Err(DecisionError::StateStore(error)) if is_conflict(&*error) => {}
                Err(other) => return Err(other.to_string().into()),
            }
        }
        Err("never accepted".into())
    }
}

/// Whether somebody else was faster: told by the query or by the server, which refuses to serialise or to wait in a
/// circle.
fn is_conflict(error: &(dyn std::error::Error + 'static)) -> bool {
    match error.downcast_ref::<Error>() {
        Some(Error::Concurrency) => true,
        Some(Error::Database(peers_sqlx::Error::Database(refused))) => {
            refused.code().is_some_and(|code| code == "40001" || code == "40P01")
        }
        _ => false,
    }
}

impl System for Disintegrate {
    async fn append(&self, stream: Uuid, vitals: Vec<Vital>) -> Result<u64, Failure> {
        self.make(stream, vitals).await
    }

    async fn contend(&self, stream: Uuid, vital: Vital) -> Result<u64, Failure> {
        self.make(stream, vec![vital]).await
    }

    async fn load(&self, stream: Uuid) -> Result<Chart, Failure> {
        let empty = Charted { chart: stream, seen: Chart::default() };
        Ok(self.states.load(empty).await?.state().seen)
    }

    async fn replay(&self) -> Result<Chart, Failure> {
        let everything: StreamQuery<PgEventId, VitalEvent> = query!(VitalEvent);
        let mut events = self.store.stream(&everything);
        let mut chart = Chart::default();
        while let Some(item) = events.try_next().await? {
            if let StreamItem::Event(event) = item {
                chart = seen(chart, &event);
            }
        }
        Ok(chart)
    }

    async fn catch_up(&self, events: i64) -> Result<Chart, Failure> {
        peers_sqlx::query("delete from event_listener").execute(&self.pool).await?;
        let charts = Arc::new(Charts {
            query: query!(VitalEvent),
            seen: Mutex::default(),
            wanted: events,
            reached: Notify::new(),
        });
        let stop = Arc::clone(&charts);
        PgEventListener::builder(self.store.clone())
            .uninitialized()
            .register_listener(Listening(Arc::clone(&charts)), PgEventListenerConfig::poller(Duration::from_millis(5)))
            .start_with_shutdown(async move { stop.reached.notified().await })
            .await?;
        Ok(charts.seen())
    }
}

fn seen(chart: Chart, event: &PersistedEvent<PgEventId, VitalEvent>) -> Chart {
    let VitalEvent::Taken { value, .. } = **event;
    chart.with(value)
}

/// A projection that keeps its one row in memory.
struct Charts {
    query: StreamQuery<PgEventId, VitalEvent>,
    seen: Mutex<Chart>,
    wanted: i64,
    reached: Notify,
}

impl Charts {
    fn seen(&self) -> Chart {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Listening(Arc<Charts>);

#[async_trait::async_trait]
impl EventListener<PgEventId, VitalEvent> for Listening {
    type Error = Infallible;

    fn id(&self) -> &'static str {
        "charts"
    }

    fn query(&self) -> &StreamQuery<PgEventId, VitalEvent> {
        &self.0.query
    }

    async fn handle(&self, event: PersistedEvent<PgEventId, VitalEvent>) -> Result<(), Infallible> {
        let chart = seen(self.0.seen(), &event);
        *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner) = chart;
        if chart.events >= self.0.wanted {
            self.0.reached.notify_one();
        }
        Ok(())
    }
}
