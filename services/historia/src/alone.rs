//! One service alone in its process, among others that it meets on the broker and behind the gateway.
//!
//! It listens at once and says that it is not ready; it waits for the database, its schema, the keys and the broker for
//! as long as it takes, and needs no restart when they come late, go, or come back. What waiting cannot mend (a wrong
//! key, a wrong setting, data of the other profile) ends it in one line. Any number of instances work side by side.
mod gateway;
mod keys;
mod production;
mod waiting;

pub(crate) use gateway::run as run_gateway;

use crate::cli::{MailArgs, NotificationsArgs, ProcessArgs, ServiceArgs, UsersArgs};
use crate::databases;
use crate::failure::Failure;
use crate::platform::{self, KEYS_DATABASE, ServiceDefinition};
use crate::running::{self, Access, Bus, Mail, MailWay, NotStarted, Opened, Settings};
use crate::secrets::names;
use domain_kernel::ports::Clock;
use infra_http::{KeySet, Limits, TokenVerifier};
use infra_runtime::outgoing::Trust;
use infra_runtime::secrets::{SecretsDirectory, read_file};
use infra_runtime::supervisor::{CancellationToken, FatalFailure};
use infra_runtime::{Language, Profile, Supervisor, SystemClock, metrics, shutdown, snapshot_age, telemetry};
use sqlx::postgres::PgConnectOptions;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use waiting::Waiting;

/// Between two tries to start.
const PAUSE: Duration = Duration::from_secs(1);

/// The port of each process, when none is given.
const PORTS: [(&str, u16); 5] = [
    (service_bff::NAME, 8080),
    (service_users::NAME, 7001),
    (service_results::NAME, 7002),
    (service_notifications::NAME, 7003),
    (service_saga_log::NAME, 7004),
];

/// Runs the users service until it is told to stop.
///
/// # Errors
/// A setting is wrong, or the service failed for good.
pub(crate) async fn run_users(arguments: UsersArgs) -> Result<(), Failure> {
    let mut settings = plain_settings(&arguments.service)?;
    settings.administrator = arguments.administrator;
    run(service_users::NAME, &arguments.service, settings).await
}

/// Runs the service `name`, which needs no settings of its own, until it is told to stop.
///
/// # Errors
/// See [`run_users`].
pub(crate) async fn run_plain(name: &'static str, arguments: ServiceArgs) -> Result<(), Failure> {
    let settings = plain_settings(&arguments)?;
    run(name, &arguments, settings).await
}

/// Runs the notifications service until it is told to stop.
///
/// # Errors
/// See [`run_users`].
pub(crate) async fn run_notifications(arguments: NotificationsArgs) -> Result<(), Failure> {
    let mut settings = plain_settings(&arguments.service)?;
    settings.language = arguments.mail.lang.parse()?;
    settings.public_url = arguments.public_url;
    settings.mail = mail(&arguments.mail)?;
    production::check_mail(settings.profile, &settings.mail.way, &settings.public_url)?;
    run(service_notifications::NAME, &arguments.service, settings).await
}

/// For a service that neither mails nor links anywhere.
fn plain_settings(arguments: &ServiceArgs) -> Result<Settings, Failure> {
    Ok(Settings {
        profile: arguments.process.profile.parse()?,
        language: Language::Spanish,
        public_url: String::new(),
        mail: Mail { sender: String::new(), way: MailWay::Server(String::new()), authorities: Vec::new() },
        administrator: String::new(),
    })
}

fn mail(arguments: &MailArgs) -> Result<Mail, Failure> {
    let server = match &arguments.smtp_url_file {
        Some(file) => Some(read_file(file)?),
        None => arguments.smtp_url.clone(),
    };
    let way = match (server, &arguments.mailbox_dir) {
        (Some(url), _) => MailWay::Server(url),
        (None, Some(directory)) => MailWay::Mailbox(directory.clone()),
        (None, None) => {
            return Err(Failure::new(
                "there is no way for mail: set HISTORIA_SMTP_URL, or HISTORIA_MAILBOX_DIR in a demo",
            ));
        }
    };
    let authorities = match &arguments.smtp_certificate_file {
        Some(file) => {
            let text = std::fs::read(file).map_err(|error| Failure::of(&file.display().to_string(), &error))?;
            // The mail client takes a text without certificates for one that has none to add.
            Trust::with_authority(&text).map_err(|error| Failure::of(&file.display().to_string(), &error))?;
            text
        }
        None => Vec::new(),
    };
    Ok(Mail { sender: arguments.mail_from.clone(), way, authorities })
}

/// What a process needs before it knows whether its service can start.
struct Process {
    profile: Profile,
    clock: Arc<dyn Clock>,
    secrets: SecretsDirectory,
    /// Runs what goes on while the service is started again and again.
    supervisor: Supervisor,
    /// Cancelled when the process is told to stop.
    stop_requested: CancellationToken,
}

impl Process {
    fn begin(arguments: &ProcessArgs) -> Result<Self, Failure> {
        let json = std::env::var("HISTORIA_LOG_JSON").is_ok_and(|value| value == "true");
        telemetry::init(json, "info");
        let supervisor = Supervisor::new();
        metrics::install()?.keep_up(&supervisor);
        let stop_requested = CancellationToken::new();
        let told = stop_requested.clone();
        tokio::spawn(async move {
            if let Err(error) = shutdown::requested().await {
                tracing::error!(%error, "signals cannot be heard");
            }
            told.cancel();
        });
        Ok(Self {
            profile: arguments.profile.parse()?,
            clock: Arc::new(SystemClock::new()),
            secrets: SecretsDirectory::existing(&arguments.secrets_dir)?,
            supervisor,
            stop_requested,
        })
    }

    /// Returns when the process is told to stop, or one of the two fails for good.
    async fn wait(&self, service: &Supervisor) -> Result<(), Failure> {
        let failed = |failure: FatalFailure| Err(Failure::new(failure));
        tokio::select! {
            () = self.stop_requested.cancelled() => Ok(()),
            failure = service.failure() => failed(failure),
            failure = self.supervisor.failure() => failed(failure),
        }
    }
}

async fn run(name: &'static str, arguments: &ServiceArgs, settings: Settings) -> Result<(), Failure> {
    let service = definition(name)?;
    let ground = Ground::of(&service, arguments)?;
    production::check_service(settings.profile, &ground.database, ground.keys.as_ref(), &arguments.broker)?;
    let process = Process::begin(&arguments.process)?;
    let waiting = Waiting::listen(address(name, process.profile, arguments.process.listen), name).await?;
    let keys = KeySet::default();
    keys::follow("gateway", &arguments.gateway.gateway_jwks, &keys, &process.supervisor)?;
    let verifier = TokenVerifier::internal(name, keys, Arc::clone(&process.clock));

    let starting = until_started(&service, &ground, &settings, &verifier, &process);
    let (running, router) = match process.stop_requested.run_until_cancelled(starting).await {
        Some(Ok(started)) => started,
        // Failed, or stopped, before it began.
        ended => {
            waiting.end(&process.supervisor).await;
            return ended.map_or(Ok(()), |failed| failed.map(drop));
        }
    };
    let listener = waiting.done().await?;
    tracing::info!(service = name, address = %listener.local_addr()?, profile = %process.profile, "the service is ready");
    running.supervisor.spawn_once("listener", move |stop| {
        Box::pin(async move { Ok(infra_http::serve(listener, router, Limits::internal(), stop).await?) })
    });
    let ended = process.wait(&running.supervisor).await;
    running.stop().await;
    process.supervisor.stop().await;
    ended
}

/// Where a service's data are.
struct Ground {
    database: PgConnectOptions,
    keys: Option<PgConnectOptions>,
    bus: Bus,
}

impl Ground {
    fn of(service: &ServiceDefinition, arguments: &ServiceArgs) -> Result<Self, Failure> {
        let (given, secrets) = (&arguments.database, &arguments.process.secrets_dir);
        let file = |given: &Option<PathBuf>, database: &str| {
            given.clone().or_else(|| present(&secrets.join(names::role_password(database))))
        };
        let password = file(&given.database_password_file, service.database);
        let database = databases::options("HISTORIA_DATABASE_URL", &given.database_url, password.as_deref())?;
        let keys = match &given.keys_database_url {
            Some(url) if !service.purposes.is_empty() => {
                let password = file(&given.keys_database_password_file, KEYS_DATABASE);
                let keys = databases::options("HISTORIA_KEYS_DATABASE_URL", url, password.as_deref())?;
                Some(keys.application_name(service.database))
            }
            _ => None,
        };
        Ok(Self {
            database: database.application_name(service.database),
            keys,
            bus: Bus::broker(&arguments.broker.broker, &arguments.broker.place),
        })
    }
}

/// A service that was started, with what has to be ended again.
struct Running {
    supervisor: Supervisor,
    opened: Opened,
}

impl Running {
    async fn stop(self) {
        self.supervisor.stop().await;
        self.opened.close().await;
    }
}

/// Starts the service, again and again as long as something that it needs is not there.
async fn until_started(
    service: &ServiceDefinition,
    ground: &Ground,
    settings: &Settings,
    verifier: &TokenVerifier,
    process: &Process,
) -> Result<(Running, axum::Router), Failure> {
    let mut told = String::new();
    loop {
        let mut running = Running { supervisor: Supervisor::new(), opened: Opened::default() };
        let access = Access {
            database: ground.database.clone(),
            keys: ground.keys.clone(),
            secrets: &process.secrets,
            bus: &ground.bus,
            schema_limit: Duration::ZERO,
        };
        let tools = (&process.clock, &running.supervisor.clone());
        let started = running::start(service, &access, settings, verifier.clone(), tools, &mut running.opened).await;
        match started {
            Ok(router) => {
                if let Some(pool) = running.opened.any_pool() {
                    snapshot_age::watch(pool, &running.supervisor);
                }
                return Ok((running, router));
            }
            Err(NotStarted::Never(failure)) => {
                running.stop().await;
                return Err(failure);
            }
            Err(NotStarted::NotYet(failure)) => {
                running.stop().await;
                // Once for each reason: it may take hours.
                if told != failure.message {
                    tracing::warn!(service = service.name, reason = failure.message, "waiting");
                    told = failure.message;
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn definition(name: &str) -> Result<ServiceDefinition, Failure> {
    let found = platform::services().into_iter().find(|service| service.name == name);
    found.ok_or_else(|| Failure::new(format!("there is no service {name}")))
}

fn present(file: &Path) -> Option<PathBuf> {
    file.is_file().then(|| file.to_owned())
}

/// Where to listen: on this machine alone in a demo, unless somebody says otherwise.
fn address(name: &str, profile: Profile, given: Option<SocketAddr>) -> SocketAddr {
    let port = PORTS.iter().find(|(known, _)| *known == name).map_or(0, |(_, port)| *port);
    let interface = match profile {
        Profile::Demo => Ipv4Addr::LOCALHOST,
        Profile::Production => Ipv4Addr::UNSPECIFIED,
    };
    given.unwrap_or_else(|| SocketAddr::new(IpAddr::V4(interface), port))
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| Failure::of(&format!("listening on {address}"), &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_listens_on_this_machine_alone_unless_told_otherwise() {
        assert_eq!(address("users", Profile::Demo, None).to_string(), "127.0.0.1:7001");
        assert_eq!(address("saga_log", Profile::Production, None).to_string(), "0.0.0.0:7004");
        let given = "0.0.0.0:9".parse().unwrap();
        assert_eq!(address("users", Profile::Demo, Some(given)), given);
    }

    #[test]
    fn every_process_has_a_port_of_its_own() {
        let mut ports: Vec<u16> = PORTS.iter().map(|(_, port)| *port).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), platform::services().len() + 1);
    }
}
