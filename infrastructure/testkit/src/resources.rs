//! What a service is started with, in a test.
use crate::memory::MemoryVault;
use crate::postgres::TestDatabase;
use domain_kernel::ports::{Clock, EventBus, EventStore};
use infra_event_store::checkpoints::PgCheckpoints;
use infra_event_store::dead_letters::{DeadLetters, PgDeadLetters};
use infra_event_store::projection::PgReadModels;
use infra_event_store::{BlindIndex, PgEventStore};
use infra_messaging::{EmbeddedBus, EmbeddedLogs};
use infra_runtime::{Health, Language, Profile, Resources, Supervisor, SystemClock};
use std::sync::Arc;

/// What the services of one test share, so that they hear each other and open what they may of each other's records.
#[derive(Clone)]
pub struct SharedPorts {
    /// Time and ids.
    pub clock: Arc<dyn Clock>,
    /// The keys of every purpose.
    pub vault: MemoryVault,
    /// The logs that the services offer.
    pub logs: EmbeddedLogs,
    /// Which rules of safety hold.
    pub profile: Profile,
    /// The language of what people read.
    pub language: Language,
}

impl Default for SharedPorts {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            vault: MemoryVault::new(),
            logs: EmbeddedLogs::new(),
            profile: Profile::Demo,
            language: Language::English,
        }
    }
}

/// Resources for `service` alone: the real store on `database`, a vault in memory, the embedded bus, the demo profile.
pub async fn resources(service: &'static str, database: &TestDatabase) -> Resources {
    resources_on(&SharedPorts::default(), service, database).await
}

/// Resources for `service` together with others on the same `ports`.
pub async fn resources_on(ports: &SharedPorts, service: &'static str, database: &TestDatabase) -> Resources {
    let pool = database.pool.clone();
    let store = PgEventStore::open(database.options.clone(), pool.clone()).await.expect("the event store opens");
    let store: Arc<dyn EventStore> = store;
    let bus: Arc<dyn EventBus> =
        Arc::new(EmbeddedBus::new(ports.logs.clone(), Arc::new(PgCheckpoints::new(pool.clone()))));
    let dead_letters: Arc<dyn DeadLetters> = Arc::new(PgDeadLetters::new(pool.clone()));
    Resources {
        service,
        profile: ports.profile,
        language: ports.language,
        clock: Arc::clone(&ports.clock),
        store,
        read_models: Arc::new(PgReadModels::new(pool.clone())),
        pool,
        vault: Arc::new(ports.vault.clone()),
        bus,
        blind_index: BlindIndex::new([11; 32]),
        dead_letters,
        supervisor: Supervisor::new(),
        health: Health::default(),
    }
}
