//! Every service on resources of its own, as when they run alone: own database and role, own connections, own keys, own
//! listener. They share the process and the directory of logs through which the embedded bus works, nothing else.
use crate::databases::{self, Databases};
use crate::failure::Failure;
use crate::platform::{self, ServiceDefinition};
use domain_kernel::ports::{Clock, Mailer};
use infra_event_store::PgEventStore;
use infra_event_store::checkpoints::PgCheckpoints;
use infra_event_store::dead_letters::PgDeadLetters;
use infra_http::limit::{RateLimits, per_minute};
use infra_http::{KeySet, Limits, TokenSigner, TokenVerifier};
use infra_messaging::{EmbeddedBus, EmbeddedLogs};
use infra_runtime::secrets::SecretsDirectory;
use infra_runtime::{Health, Language, Profile, Resources, Supervisor, database, snapshot_age};
use infra_vault::{BlindIndex, MasterKeys, PgVault};
use service_bff::Upstream;
use service_notifications::{Delivery, MailboxMailer, SmtpMailer};
use sqlx::PgPool;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;

/// The secret that holds the demo administrator's password.
pub(crate) const ADMINISTRATOR_PASSWORD: &str = "administrator-password";
/// The demo administrator.
const ADMINISTRATOR: &str = "admin";
const USER_TOKEN_KEY: &str = "user-token.key";
const GATEWAY_TOKEN_KEY: &str = "gateway-token.key";

/// Connections of a service beside the event store's writer.
const CONNECTIONS: u32 = 12;
/// Connections of the vault of one service.
const VAULT_CONNECTIONS: u32 = 4;

/// What the services are told of the platform they run in.
pub(crate) struct Settings {
    pub profile: Profile,
    pub language: Language,
    pub public_url: String,
    pub mailbox: PathBuf,
    pub smtp_url: Option<String>,
    pub mail_from: String,
    /// Requests a minute and user: writing, reading, all.
    pub rates: (u32, u32, u32),
}

/// The running services.
pub(crate) struct Platform {
    upstreams: Vec<Upstream>,
    clock: Arc<dyn Clock>,
    stores: Vec<Arc<PgEventStore>>,
    pools: Vec<PgPool>,
}

impl Platform {
    /// Nothing running yet.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { upstreams: Vec::new(), clock, stores: Vec::new(), pools: Vec::new() }
    }

    /// Starts every service and its listener. What was opened before a failure is closed by [`Self::close`].
    ///
    /// # Errors
    /// A database, a key or a service is not as it should be.
    pub(crate) async fn start(
        &mut self,
        settings: &Settings,
        secrets: &SecretsDirectory,
        databases: &Databases,
        supervisor: &Supervisor,
    ) -> Result<(), Failure> {
        MasterKeys::create_missing(secrets.path())?;
        let gateway = TokenSigner::gateway(&secrets.bytes32(GATEWAY_TOKEN_KEY)?)?;
        let logs = EmbeddedLogs::new();
        for service in platform::services() {
            let resources = self.resources(&service, settings, secrets, databases, supervisor, logs.clone()).await?;
            let keys = KeySet::new([gateway.public_key()]);
            let verifier = TokenVerifier::internal(service.name, keys, Arc::clone(&self.clock));
            let router = start_service(&service, resources, verifier, settings, secrets).await?;
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let base_url = format!("http://{}", listener.local_addr()?);
            supervisor.spawn_once(service.name, move |stop| {
                Box::pin(async move { Ok(infra_http::serve(listener, router, Limits::internal(), stop).await?) })
            });
            self.upstreams.push(Upstream { api: (service.api)(), base_url });
        }
        if let Some(pool) = self.pools.first() {
            snapshot_age::watch(pool.clone(), supervisor);
        }
        Ok(())
    }

    async fn resources(
        &mut self,
        service: &ServiceDefinition,
        settings: &Settings,
        secrets: &SecretsDirectory,
        databases: &Databases,
        supervisor: &Supervisor,
        logs: EmbeddedLogs,
    ) -> Result<Resources, Failure> {
        let options = databases.service_options(secrets, service.database)?;
        let pool = database::pool(options.clone(), CONNECTIONS).await?;
        self.pools.push(pool.clone());
        let store = PgEventStore::open(database::session(options), pool.clone()).await?;
        let keys_pool = database::pool(databases::keys_options(databases, secrets)?, VAULT_CONNECTIONS).await?;
        self.stores.push(Arc::clone(&store));
        self.pools.push(keys_pool.clone());
        let masters = MasterKeys::read(secrets.path(), service.purposes)?;
        let vault = PgVault::open(keys_pool, masters).await?;
        let health = Health::new();
        let probed = pool.clone();
        health.register("database", move || {
            let pool = probed.clone();
            Box::pin(async move {
                let answered = sqlx::query("select 1").execute(&pool).await;
                answered.map(drop).map_err(|_| "the database does not answer".to_owned())
            })
        });
        Ok(Resources {
            service: service.name,
            profile: settings.profile,
            language: settings.language,
            clock: Arc::clone(&self.clock),
            store,
            bus: Arc::new(EmbeddedBus::new(logs, Arc::new(PgCheckpoints::new(pool.clone())))),
            dead_letters: Arc::new(PgDeadLetters::new(pool.clone())),
            pool,
            vault: Arc::new(vault),
            blind_index: BlindIndex::new(secrets.bytes32(&format!("blind-index-{}.key", service.name))?),
            supervisor: supervisor.clone(),
            health,
        })
    }

    /// The gateway in front of the services.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) async fn gateway(
        &self,
        settings: &Settings,
        secrets: &SecretsDirectory,
        supervisor: &Supervisor,
    ) -> Result<axum::Router, Failure> {
        let users = TokenSigner::users(&secrets.bytes32(USER_TOKEN_KEY)?)?;
        let (post, get, all) = settings.rates;
        let config = service_bff::Config {
            services: self.upstreams.clone(),
            user_keys: KeySet::new([users.public_key()]),
            internal_signer: TokenSigner::gateway(&secrets.bytes32(GATEWAY_TOKEN_KEY)?)?,
            limits: RateLimits { post: per_minute(post), get: per_minute(get), all: per_minute(all) },
            profile: settings.profile,
            public_url: settings.public_url.clone(),
        };
        Ok(service_bff::start(config, supervisor.clone(), Arc::clone(&self.clock)).await?)
    }

    /// Closes what the services left open; called after their tasks have ended.
    pub(crate) async fn close(self) {
        for store in self.stores {
            store.close().await;
        }
        for pool in self.pools {
            pool.close().await;
        }
    }
}

/// The one place that knows each service's own settings.
async fn start_service(
    service: &ServiceDefinition,
    resources: Resources,
    verifier: TokenVerifier,
    settings: &Settings,
    secrets: &SecretsDirectory,
) -> Result<axum::Router, Failure> {
    match service.name {
        service_users::NAME => {
            let signer = TokenSigner::users(&secrets.bytes32(USER_TOKEN_KEY)?)?;
            let mut config = service_users::Config::new(settings.profile, verifier, signer);
            config.first_administrator = Some((ADMINISTRATOR.to_owned(), secrets.text(ADMINISTRATOR_PASSWORD)?));
            Ok(Box::pin(service_users::start(resources, config)).await?)
        }
        service_results::NAME => {
            Ok(Box::pin(service_results::start(resources, service_results::Config { verifier })).await?)
        }
        service_notifications::NAME => {
            let (mailer, mailbox_directory, delivery): (Arc<dyn Mailer>, _, _) = match &settings.smtp_url {
                Some(url) => (Arc::new(SmtpMailer::new(url, &settings.mail_from)?), None, Delivery::STANDARD),
                None => {
                    let mailbox = MailboxMailer::open(&settings.mailbox, &settings.mail_from)?;
                    (Arc::new(mailbox), Some(settings.mailbox.clone()), Delivery::MAILBOX)
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
        other => Err(Failure::new(format!("nobody knows how to start {other}"))),
    }
}
