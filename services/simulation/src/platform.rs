//! The platform: what survives every process, and the processes, started again whenever they die.
use crate::broker::Broker;
use crate::life::Life;
use crate::plan::{Place, Service, Transport};
use crate::ports::{
    BrokerBus, FaultyBus, Leases, LivingCheckpoints, LivingDeadLetters, LivingDesk, LivingMailer, LivingReadModels,
    LivingStore, LivingVault, Outbox, Planted, Tables, lock,
};
use crate::world::World;
use axum::Router;
use domain_kernel::ports::{BusError, Clock, EventBus, Purpose};
use domain_notifications::RetrySchedule;
use domain_users::User;
use infra_event_store::BlindIndex;
use infra_event_store::projection;
use infra_event_store::repository::Repository;
use infra_messaging::{EmbeddedBus, EmbeddedLogs, LogSource};
use infra_runtime::{Health, Language, Profile, Resources, Supervisor};
use infra_testkit::memory::{MemoryCheckpoints, MemoryDeadLetters, MemoryEventStore, MemoryVault};
use infra_testkit::tokens;
use service_notifications::Delivery;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Quick enough that a run takes seconds of virtual time, and in the proportions of the real ones.
const DELIVERY: Delivery = Delivery {
    schedule: RetrySchedule { attempts: 3, first_wait_ms: 300, factor: 3, jitter_percent: 10 },
    in_flight: 4,
    mail_limit: Duration::from_secs(2),
    lease: Duration::from_secs(4),
    look_every: Duration::from_secs(1),
};

/// What one service keeps.
pub(crate) struct Database {
    pub(crate) events: Arc<MemoryEventStore>,
    pub(crate) letters: Arc<MemoryDeadLetters>,
    pub(crate) tables: Arc<Tables>,
    checkpoints: Arc<MemoryCheckpoints>,
    planted: Arc<Planted>,
}

/// What survives every process.
pub(crate) struct Platform {
    pub(crate) world: Arc<World>,
    pub(crate) databases: BTreeMap<Service, Database>,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) broker: Arc<Broker>,
    vault: MemoryVault,
    leases: Arc<Leases>,
    doors: Mutex<BTreeMap<Place, Arc<Doors>>>,
    /// Never connected: nothing that a simulated path calls needs it.
    pool: PgPool,
}

/// What a living process serves.
pub(crate) struct Doors {
    pub(crate) life: Arc<Life>,
    pub(crate) routers: BTreeMap<Service, Router>,
    /// The accounts, where the process has them.
    pub(crate) users: Option<Repository<User>>,
}

impl Doors {
    fn lead_to(&self, service: Service) -> bool {
        self.routers.contains_key(&service) || service == Service::Users && self.users.is_some()
    }
}

impl Platform {
    pub(crate) fn new(world: Arc<World>) -> Arc<Self> {
        let database = |_| Database {
            events: Arc::new(MemoryEventStore::new()),
            letters: Arc::new(MemoryDeadLetters::new(Arc::<World>::clone(&world))),
            tables: Arc::default(),
            checkpoints: Arc::default(),
            planted: Arc::default(),
        };
        let databases = Service::ALL.into_iter().map(|service| (service, database(service))).collect();
        let pool = PgPoolOptions::new()
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_lazy_with(PgConnectOptions::new_without_pgpass());
        Arc::new(Self {
            broker: Broker::new(Arc::clone(&world)),
            world,
            databases,
            outbox: Arc::default(),
            vault: MemoryVault::new(),
            leases: Arc::default(),
            doors: Mutex::default(),
            pool,
        })
    }

    /// Starts every process.
    pub(crate) fn start(self: &Arc<Self>) {
        for place in self.world.plan.places() {
            let platform = Arc::clone(self);
            tokio::spawn(async move { platform.keep(place).await });
        }
    }

    /// A living process that serves `service`.
    pub(crate) fn door(&self, service: Service) -> Option<Arc<Doors>> {
        let open: Vec<_> = lock(&self.doors)
            .values()
            .filter(|doors| doors.lead_to(service) && !doors.life.is_over())
            .cloned()
            .collect();
        let many = u32::try_from(open.len()).unwrap_or_default();
        let chosen = usize::try_from(self.world.chance(many)).unwrap_or_default();
        open.get(chosen).cloned()
    }

    /// One life after the other.
    async fn keep(self: Arc<Self>, place: Place) {
        loop {
            let life = Life::begin(Arc::clone(&self.world), place);
            let supervisor = Supervisor::stopping_within(Duration::ZERO);
            let down = tokio::select! {
                biased;
                down = life.end() => down,
                doors = self.run(&life, &supervisor) => {
                    match doors {
                        Ok(doors) => drop(lock(&self.doors).insert(place, Arc::new(doors))),
                        Err(error) => self.world.break_with(format!("{place} does not start: {error}")),
                    }
                    life.end().await
                }
            };
            lock(&self.doors).remove(&place);
            supervisor.stop().await;
            for service in place.service.map_or(Service::ALL.to_vec(), |service| vec![service]) {
                if let Some(from) = self.world.lost_with_the_crash(service) {
                    self.databases[&service].events.forget_from(from);
                }
            }
            tokio::time::sleep(down).await;
        }
    }

    async fn run(&self, life: &Arc<Life>, supervisor: &Supervisor) -> Result<Doors, Box<dyn Error + Send + Sync>> {
        let services = match life.place.service {
            None => Service::ALL.to_vec(),
            Some(service) => vec![service],
        };
        let logs = EmbeddedLogs::new();
        let mut doors = Doors { life: Arc::clone(life), routers: BTreeMap::new(), users: None };
        for service in services {
            let resources = self.resources(life, supervisor, service, &logs);
            if service == Service::Users {
                let Resources { store, vault, clock, .. } = resources.clone();
                doors.users = Some(service_users::users(store, vault, clock));
            }
            if let Some(router) = self.start_service(life, service, resources).await? {
                doors.routers.insert(service, router);
            }
        }
        Ok(doors)
    }

    async fn start_service(
        &self,
        life: &Arc<Life>,
        service: Service,
        resources: Resources,
    ) -> Result<Option<Router>, Box<dyn Error + Send + Sync>> {
        let verifier = tokens::verifier(service.name(), Arc::clone(&resources.clock));
        Ok(match service {
            Service::Users => {
                self.start_users(&resources).await?;
                None
            }
            Service::Results => Some(service_results::start(resources, service_results::Config { verifier }).await?),
            Service::Notifications => {
                let desk = LivingDesk {
                    life: Arc::clone(life),
                    leases: Arc::clone(&self.leases),
                    tables: Arc::clone(&self.databases[&service].tables),
                    length: DELIVERY.lease,
                };
                let mailer = LivingMailer { life: Arc::clone(life), outbox: Arc::clone(&self.outbox) };
                let config = service_notifications::Config {
                    verifier,
                    mailer: Arc::new(mailer),
                    mailbox_directory: None,
                    public_url: "http://localhost:8080".to_owned(),
                    delivery: DELIVERY,
                };
                Some(service_notifications::start_at(Arc::new(desk), resources, config).await?)
            }
            Service::SagaLog => Some(service_saga_log::start(resources, service_saga_log::Config { verifier }).await?),
        })
    }

    /// The users service without its edge: log-in, sessions and the hashing of passwords need what is not simulated.
    async fn start_users(&self, resources: &Resources) -> Result<(), BusError> {
        for topic in service_users::TOPICS {
            let publisher = service_users::publisher();
            let source = LogSource::new(service_users::NAME, topic, Arc::clone(&resources.store), publisher);
            resources.bus.offer(topic, Arc::new(source)).await?;
        }
        for projection in service_users::projections() {
            let (kept, store) = (resources.read_models.of(projection), Arc::clone(&resources.store));
            resources.supervisor.spawn("users: read model", move |stop| {
                let (kept, store) = (Arc::clone(&kept), Arc::clone(&store));
                Box::pin(async move { Ok(projection::keep_up(kept, store, stop.cancelled_owned()).await?) })
            });
        }
        Ok(())
    }

    fn resources(&self, life: &Arc<Life>, supervisor: &Supervisor, service: Service, logs: &EmbeddedLogs) -> Resources {
        let database = &self.databases[&service];
        let living = || Arc::clone(life);
        let clock: Arc<dyn Clock> = Arc::<World>::clone(&self.world);
        let checkpoints =
            Arc::new(LivingCheckpoints { life: living(), service, inner: Arc::clone(&database.checkpoints) });
        let inner: Arc<dyn EventBus> = match self.world.plan.transport {
            Transport::Embedded => Arc::new(EmbeddedBus::new(logs.clone(), checkpoints)),
            Transport::Broker => Arc::new(BrokerBus {
                life: living(),
                broker: Arc::clone(&self.broker),
                checkpoints,
                supervisor: supervisor.clone(),
            }),
        };
        let letters = LivingDeadLetters { life: living(), service, inner: Arc::clone(&database.letters) };
        let read_models = LivingReadModels { life: living(), service, tables: Arc::clone(&database.tables) };
        Resources {
            service: service.name(),
            profile: Profile::Demo,
            language: Language::English,
            clock,
            store: LivingStore::new(living(), service, Arc::clone(&database.events), Arc::clone(&database.planted)),
            pool: self.pool.clone(),
            read_models: Arc::new(read_models),
            vault: Arc::new(LivingVault { life: living(), inner: self.vault.restricted_to(purposes(service)) }),
            bus: Arc::new(FaultyBus { life: living(), inner }),
            blind_index: BlindIndex::new([11; 32]),
            dead_letters: Arc::new(letters),
            supervisor: supervisor.clone(),
            health: Health::default(),
        }
    }
}

/// What a service may open, as in the product.
fn purposes(service: Service) -> &'static [Purpose] {
    match service {
        Service::Users => &[Purpose::Account, Purpose::Contact],
        Service::Results => &[Purpose::Contact, Purpose::Clinical],
        Service::Notifications => &[Purpose::Contact],
        Service::SagaLog => &[],
    }
}
