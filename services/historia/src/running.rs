//! Services on resources of their own: own database and role, own connections, own keys. Whether they share a process
//! (`up`) or run alone ([`crate::alone`]) is decided by who calls this; it is the same path.
mod alarms;
mod bus;
mod no_keys;
mod not_started;

pub(crate) use bus::{Bus, broker_options};
pub(crate) use not_started::NotStarted;

use crate::cli::RateArgs;
use crate::failure::Failure;
use crate::platform::ServiceDefinition;
use crate::secrets::names;
use domain_kernel::ports::{Clock, KeyRegister, KeyVault, Mailer};
use infra_event_store::PgEventStore;
use infra_event_store::checkpoints::{Checkpoints, PgCheckpoints};
use infra_event_store::dead_letters::PgDeadLetters;
use infra_event_store::projection::PgReadModels;
use infra_http::limit::{RateLimits, per_minute};
use infra_http::{TokenSigner, TokenVerifier};
use infra_messaging::pulsar::PulsarBus;
use infra_runtime::secrets::SecretsDirectory;
use infra_runtime::{Health, Language, Profile, Resources, Supervisor, database};
use infra_vault::{BlindIndex, MasterKeys, PgVault};
use no_keys::NoKeys;
use service_notifications::{Delivery, MailboxMailer, SmtpMailer};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Connections of a service beside the event store's writer.
const CONNECTIONS: u32 = 12;
/// Connections of the vault of one service.
const VAULT_CONNECTIONS: u32 = 4;

/// What a service is told of the platform it is a part of.
pub(crate) struct Settings {
    pub profile: Profile,
    pub language: Language,
    pub public_url: String,
    pub mail: Mail,
    /// Who is made the first administrator, when there is a password for that.
    pub administrator: String,
}

/// Where mail goes.
pub(crate) struct Mail {
    pub sender: String,
    pub way: MailWay,
    /// Certificates (PEM) of authorities that are believed beside the public ones; empty for none.
    pub authorities: Vec<u8>,
}

/// How it gets there.
pub(crate) enum MailWay {
    /// Through a mail server.
    Server(String),
    /// Into a directory that the browser shows.
    Mailbox(PathBuf),
}

/// A user's quotas.
pub(crate) fn limits(rates: RateArgs) -> RateLimits {
    RateLimits { post: per_minute(rates.rate_post), get: per_minute(rates.rate_get), all: per_minute(rates.rate_all) }
}

/// How a service gets at its data.
pub(crate) struct Access<'a> {
    /// Its own database, as its own role.
    pub database: PgConnectOptions,
    /// The database of the keys; only who seals or opens anything needs it.
    pub keys: Option<PgConnectOptions>,
    pub secrets: &'a SecretsDirectory,
    /// Messages from and to the others.
    pub bus: &'a Bus,
    /// How long to wait for somebody to migrate.
    pub schema_limit: Duration,
}

/// What was opened for services and has to be closed after their tasks have ended.
#[derive(Default)]
pub(crate) struct Opened {
    buses: Vec<PulsarBus>,
    stores: Vec<Arc<PgEventStore>>,
    pools: Vec<PgPool>,
}

impl Opened {
    /// Closes everything.
    pub(crate) async fn close(self) {
        // First the relays, which save where they stand.
        for bus in self.buses {
            bus.close().await;
        }
        for store in self.stores {
            store.close().await;
        }
        for pool in self.pools {
            pool.close().await;
        }
    }

    /// Connections to any of the databases, which are all in one cluster.
    pub(crate) fn any_pool(&self) -> Option<PgPool> {
        self.pools.first().cloned()
    }

    async fn pool(&mut self, options: PgConnectOptions, max: u32) -> Result<PgPool, NotStarted> {
        let pool = database::pool(options, max).await?;
        self.pools.push(pool.clone());
        Ok(pool)
    }
}

/// Opens what `service` works with and starts it; gives its router.
///
/// # Errors
/// [`NotStarted`]. What was opened is in `opened`, what was spawned on `supervisor`: the caller ends both.
pub(crate) async fn start(
    service: &ServiceDefinition,
    access: &Access<'_>,
    settings: &Settings,
    verifier: TokenVerifier,
    (clock, supervisor): (&Arc<dyn Clock>, &Supervisor),
    opened: &mut Opened,
) -> Result<axum::Router, NotStarted> {
    let pool = opened.pool(access.database.clone(), CONNECTIONS).await?;
    database::wait_for_schema(&pool, &service.migration_set(), access.schema_limit).await?;
    crate::mark::check(&pool, service.database, settings.profile).await?;
    let store = PgEventStore::open(database::session(access.database.clone()), pool.clone()).await?;
    opened.stores.push(Arc::clone(&store));
    let (vault, keys) = vault(service, access, supervisor, opened).await?;
    let checkpoints: Arc<dyn Checkpoints> = Arc::new(PgCheckpoints::new(pool.clone()));
    let health = Health::new();
    watch_database(&health, &pool);
    let resources = Resources {
        service: service.name,
        profile: settings.profile,
        language: settings.language,
        clock: Arc::clone(clock),
        store,
        bus: access.bus.of(checkpoints, &health, opened).await?,
        dead_letters: Arc::new(PgDeadLetters::new(pool.clone())),
        read_models: Arc::new(PgReadModels::new(pool.clone())),
        pool,
        vault,
        blind_index: BlindIndex::new(access.secrets.bytes32(&names::blind_index(service.name))?),
        supervisor: supervisor.clone(),
        health,
    };
    start_service(service, resources, verifier, (settings, access.secrets), keys).await
}

/// The keys of the purposes that the service may open, and the register of all of them; a service that may open none
/// is not even connected to them.
async fn vault(
    service: &ServiceDefinition,
    access: &Access<'_>,
    supervisor: &Supervisor,
    opened: &mut Opened,
) -> Result<(Arc<dyn KeyVault>, Arc<dyn KeyRegister>), NotStarted> {
    if service.purposes.is_empty() {
        return Ok((Arc::new(NoKeys), Arc::new(NoKeys)));
    }
    let masters = MasterKeys::read(access.secrets.path(), service.purposes)?;
    let Some(options) = access.keys.clone() else {
        return Err(Failure::new("the database of the keys is not named: set HISTORIA_KEYS_DATABASE_URL").into());
    };
    let pool = opened.pool(options, VAULT_CONNECTIONS).await?;
    database::wait_for_schema(&pool, &crate::platform::keys_migration_set(), access.schema_limit).await?;
    let vault = Arc::new(PgVault::open(pool.clone(), masters).await?);
    if service.name == service_users::NAME {
        alarms::watch(supervisor, pool);
    }
    Ok((Arc::<PgVault>::clone(&vault), vault))
}

fn watch_database(health: &Health, pool: &PgPool) {
    let pool = pool.clone();
    health.register("database", move || {
        let pool = pool.clone();
        Box::pin(async move {
            let answered = sqlx::query("select 1").execute(&pool).await;
            answered.map(drop).map_err(|_| "the database does not answer".to_owned())
        })
    });
}

/// The one place that knows each service's own settings.
async fn start_service(
    service: &ServiceDefinition,
    resources: Resources,
    verifier: TokenVerifier,
    (settings, secrets): (&Settings, &SecretsDirectory),
    keys: Arc<dyn KeyRegister>,
) -> Result<axum::Router, NotStarted> {
    match service.name {
        service_users::NAME => {
            let signer = TokenSigner::users(&secrets.bytes32(names::USER_TOKEN_KEY)?)?;
            let mut config = service_users::Config::new(settings.profile, verifier, signer, keys);
            config.first_administrator =
                secrets.read(names::ADMINISTRATOR_PASSWORD)?.map(|password| (settings.administrator.clone(), password));
            Ok(Box::pin(service_users::start(resources, config)).await?)
        }
        service_results::NAME => {
            Ok(Box::pin(service_results::start(resources, service_results::Config { verifier })).await?)
        }
        service_notifications::NAME => {
            let (mailer, mailbox_directory, delivery): (Arc<dyn Mailer>, _, _) = match &settings.mail.way {
                MailWay::Server(url) => (
                    Arc::new(SmtpMailer::trusting(&settings.mail.authorities, url, &settings.mail.sender)?),
                    None,
                    Delivery::STANDARD,
                ),
                MailWay::Mailbox(directory) => {
                    let mailbox = MailboxMailer::open(directory, &settings.mail.sender)?;
                    (Arc::new(mailbox), Some(directory.clone()), Delivery::MAILBOX)
                }
            };
            let config = service_notifications::Config {
                verifier,
                mailer,
                mailbox_directory,
                public_url: settings.public_url.clone(),
                delivery,
            };
            Ok(Box::pin(service_notifications::start(resources, config)).await?)
        }
        service_saga_log::NAME => {
            Ok(Box::pin(service_saga_log::start(resources, service_saga_log::Config { verifier })).await?)
        }
        other => Err(Failure::new(format!("nobody knows how to start {other}")).into()),
    }
}
