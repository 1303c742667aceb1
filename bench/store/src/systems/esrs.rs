//! `esrs`: JSON, its own migrations.
use super::{POOL, System};
use crate::vital::{Chart, Vital};
use ::esrs::manager::AggregateManager;
use ::esrs::store::postgres::{PgStore, PgStoreBuilder};
use ::esrs::{Aggregate, AggregateState};
use futures_util::TryStreamExt;
use peers_sqlx::PgPool;
use peers_sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use platform::Failure;
use std::convert::Infallible;
use tokio::sync::Semaphore;
use uuid::Uuid;

struct Charted;

impl Aggregate for Charted {
    const NAME: &'static str = "chart";
    type State = Chart;
    type Command = Vec<Vital>;
    type Event = Vital;
    type Error = Infallible;

    fn handle_command(_: &Chart, command: Vec<Vital>) -> Result<Vec<Vital>, Infallible> {
        Ok(command)
    }

    fn apply_event(state: Chart, event: Vital) -> Chart {
        state.with(event.value)
    }
}

/// The system on its tables.
pub struct Esrs {
    pool: PgPool,
    store: PgStore<Charted>,
    manager: AggregateManager<PgStore<Charted>>,
    turns: Semaphore,
}

impl Esrs {
    /// Opens it; makes its tables when they are missing.
    pub async fn open(options: PgConnectOptions) -> Result<Self, Failure> {
        let pool = PgPoolOptions::new().max_connections(POOL).connect_with(options).await?;
        let store = PgStoreBuilder::<Charted>::new(pool.clone()).try_build().await?;
        let turns = Semaphore::new(usize::try_from(POOL / 2)?);
        Ok(Self { manager: AggregateManager::new(store.clone()), store, pool, turns })
    }
}

impl System for Esrs {
    async fn append(&self, stream: Uuid, vitals: Vec<Vital>) -> Result<u64, Failure> {
        let state = AggregateState::with_id(stream);
        let _state = self.manager.handle_command(state, vitals).await??;
        Ok(0)
    }

    // Its lock is the quicker of its two ways: without it most attempts are lost. Whoever holds or awaits it holds one
    // connection and needs another: more than half of the pool at once would wait for each other for ever.
    async fn contend(&self, stream: Uuid, vital: Vital) -> Result<u64, Failure> {
        let _turn = self.turns.acquire().await?;
        let state = self.manager.lock_and_load(stream).await?.unwrap_or_default();
        let _state = self.manager.handle_command(state, vec![vital]).await??;
        Ok(0)
    }

    async fn load(&self, stream: Uuid) -> Result<Chart, Failure> {
        let found = self.manager.load(stream).await?;
        Ok(found.map_or(Chart::default(), |state| *state.inner()))
    }

    async fn replay(&self) -> Result<Chart, Failure> {
        let mut events = self.store.stream_events(&self.pool);
        let mut chart = Chart::default();
        while let Some(event) = events.try_next().await? {
            chart = chart.with(event.payload.value);
        }
        Ok(chart)
    }
}
