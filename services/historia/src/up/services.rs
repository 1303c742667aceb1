//! Every service in this process, on resources of its own and with a listener of its own, as when they run alone.
use crate::cli::RateArgs;
use crate::databases::Databases;
use crate::failure::Failure;
use crate::platform::{self, KEYS_DATABASE};
use crate::running::{self, Access, Bus, Opened, Settings};
use crate::secrets::names;
use domain_kernel::ports::Clock;
use infra_http::{KeySet, Limits, TokenSigner, TokenVerifier};
use infra_runtime::secrets::SecretsDirectory;
use infra_runtime::{Supervisor, snapshot_age};
use infra_vault::MasterKeys;
use service_bff::Upstream;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// What the platform is started on.
pub(crate) struct Ground<'a> {
    pub settings: &'a Settings,
    pub secrets: &'a SecretsDirectory,
    pub databases: &'a Databases,
    pub bus: &'a Bus,
    pub supervisor: &'a Supervisor,
}

/// The running services.
pub(crate) struct Platform {
    upstreams: Vec<Upstream>,
    clock: Arc<dyn Clock>,
    opened: Opened,
}

impl Platform {
    /// Nothing running yet.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { upstreams: Vec::new(), clock, opened: Opened::default() }
    }

    /// Starts every service and its listener. What was opened before a failure is closed by [`Self::close`].
    ///
    /// # Errors
    /// A database, a key or a service is not as it should be.
    pub(crate) async fn start(&mut self, ground: &Ground<'_>) -> Result<(), Failure> {
        let Ground { settings, secrets, databases, bus, supervisor } = *ground;
        MasterKeys::create_missing(secrets.path())?;
        // Made at the first start; a service alone only reads it.
        secrets.text(names::ADMINISTRATOR_PASSWORD)?;
        let signer = TokenSigner::gateway(&secrets.bytes32(names::GATEWAY_TOKEN_KEY)?)?;
        for service in platform::services() {
            let keys = KeySet::new([signer.public_key()]);
            let verifier = TokenVerifier::internal(service.name, keys, Arc::clone(&self.clock));
            let access = Access {
                database: databases.service_options(secrets, service.database)?,
                keys: Some(databases.service_options(secrets, KEYS_DATABASE)?),
                secrets,
                bus,
                // It was migrated by this process.
                schema_limit: Duration::ZERO,
            };
            let tools = (&self.clock, supervisor);
            let router = running::start(&service, &access, settings, verifier, tools, &mut self.opened).await?;
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let base_url = format!("http://{}", listener.local_addr()?);
            supervisor.spawn_once(service.name, move |stop| {
                Box::pin(async move { Ok(infra_http::serve(listener, router, Limits::internal(), stop).await?) })
            });
            self.upstreams.push(Upstream { api: (service.api)(), base_url });
        }
        if let Some(pool) = self.opened.any_pool() {
            snapshot_age::watch(pool, supervisor);
        }
        Ok(())
    }

    /// The gateway in front of the services.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) async fn gateway(&self, ground: &Ground<'_>, rates: RateArgs) -> Result<axum::Router, Failure> {
        let Ground { settings, secrets, supervisor, .. } = *ground;
        let users = TokenSigner::users(&secrets.bytes32(names::USER_TOKEN_KEY)?)?;
        let config = service_bff::Config {
            services: self.upstreams.clone(),
            events: platform::events(),
            user_keys: KeySet::new([users.public_key()]),
            internal_signer: TokenSigner::gateway(&secrets.bytes32(names::GATEWAY_TOKEN_KEY)?)?,
            limits: running::limits(rates),
            profile: settings.profile,
            language: settings.language,
            public_url: settings.public_url.clone(),
            // It listens on this machine alone.
            allowed_hosts: None,
        };
        Ok(service_bff::start(config, supervisor.clone(), Arc::clone(&self.clock)).await?)
    }

    /// Closes what the services left open; called after their tasks have ended.
    pub(crate) async fn close(self) {
        self.opened.close().await;
    }
}
