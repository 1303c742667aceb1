//! `up`: the whole platform in one process, on PostgreSQL.
//!
//! 1. Take the data directory and the port, so that what cannot work fails before anything is started.
//! 2. Find or start PostgreSQL, make and migrate the databases ([`crate::databases`]).
//! 3. Find or start the broker and bring it to what the services need ([`broker`]), unless they do without one.
//! 4. Start every service on resources of its own, each listening on a loopback port ([`services`]).
//! 5. Start the gateway, which reaches them over HTTP with internal tokens, as it does when they run alone.
//! 6. Say where everything is ([`banner`]), and wait to be stopped.
mod banner;
mod broker;
mod services;

use crate::cli::UpArgs;
use crate::data_directory::{DataDirectory, write_atomically};
use crate::databases::Databases;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::running::{Mail, MailWay, Settings};
use crate::secrets::names;
use banner::Banner;
use broker::RunningBroker;
use infra_http::Limits;
use infra_runtime::secrets::SecretsDirectory;
use infra_runtime::{Language, Profile, Supervisor, SystemClock, metrics, shutdown, telemetry};
use services::{Ground, Platform};
use std::net::Ipv4Addr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// The demo's administrator.
const ADMINISTRATOR: &str = "admin";

/// Runs the platform until Ctrl-C or SIGTERM.
///
/// # Errors
/// It could not start, or a part of it failed for good.
pub(crate) async fn run(arguments: UpArgs) -> Result<(), Failure> {
    let profile = Profile::Demo;
    let language: Language = arguments.lang.parse()?;
    let data = DataDirectory::locate(arguments.store.data_dir.as_deref())?;
    let listener = listen(arguments.port).await?;
    let ownership = data.take(profile, arguments.fresh)?;
    let started_at = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    ownership.announce(&started_at, None)?;
    let log =
        telemetry::log_file(&data.log()).map_err(|error| Failure::of(&data.log().display().to_string(), &error))?;
    telemetry::init_with_file(std::env::var("HISTORIA_LOG_JSON").is_ok_and(|value| value == "true"), "warn", Some(log));
    let port = listener.local_addr()?.port();
    let url = format!("http://localhost:{port}");
    let public_url = arguments.public_url.clone().unwrap_or_else(|| url.clone());
    // From here on Ctrl-C is ours: what was started is stopped.
    let stop_requested = tokio::spawn(shutdown::requested());

    let secrets = SecretsDirectory::open(&data.secrets())?;
    let databases = Databases::start(&data, &arguments.store, arguments.yes).await?;
    let supervisor = Supervisor::new();
    let figures = metrics::install()?;
    figures.keep_up(&supervisor);
    let settings = Settings {
        profile,
        language,
        public_url,
        mail: Mail {
            sender: arguments.mail_from.clone(),
            way: arguments.smtp_url.clone().map_or_else(|| MailWay::Mailbox(data.mailbox()), MailWay::Server),
            authorities: Vec::new(),
        },
        administrator: ADMINISTRATOR.to_owned(),
    };
    let mut started = Started { platform: Platform::new(Arc::new(SystemClock::new())), broker: None };
    let begun = (&data, &secrets, &databases);
    let gateway = match start(&mut started, &arguments, &settings, begun, &supervisor).await {
        Ok(gateway) => gateway,
        Err(failure) => {
            supervisor.stop().await;
            started.stop().await?;
            databases.stop().await?;
            return Err(failure);
        }
    };
    supervisor.spawn_once("gateway", move |stop| {
        Box::pin(async move { Ok(infra_http::serve(listener, gateway, Limits::public(), stop).await?) })
    });
    ownership.announce(&started_at, Some(&url))?;
    if let Some(file) = &arguments.url_file {
        write_atomically(file, &url)?;
    }
    let banner = Banner {
        url: &settings.public_url,
        data: &data,
        existing: ownership.existing,
        mailbox: arguments.smtp_url.is_none(),
        administrator_password: &secrets.file(names::ADMINISTRATOR_PASSWORD),
        language,
    };
    // That nobody reads it is no reason not to run.
    banner.print().or_else(|failure| if failure.exit == Exit::Done { Ok(()) } else { Err(failure) })?;

    let failed = tokio::select! {
        requested = stop_requested => { requested??; None }
        failure = supervisor.failure() => Some(failure),
    };
    supervisor.stop().await;
    started.stop().await?;
    databases.stop().await?;
    match failed {
        None => Ok(()),
        Some(failure) => Err(Failure::new(format!("{} failed: {}", failure.task, failure.reason))),
    }
}

/// What has to be stopped again, in this order.
struct Started {
    platform: Platform,
    broker: Option<RunningBroker>,
}

impl Started {
    async fn stop(self) -> Result<(), Failure> {
        self.platform.close().await;
        match self.broker {
            Some(broker) => broker.stop().await,
            None => Ok(()),
        }
    }
}

async fn start(
    started: &mut Started,
    arguments: &UpArgs,
    settings: &Settings,
    (data, secrets, databases): (&DataDirectory, &SecretsDirectory, &Databases),
    supervisor: &Supervisor,
) -> Result<axum::Router, Failure> {
    databases.migrate(secrets, settings.profile).await?;
    if let Some(cluster) = databases.cluster() {
        supervisor.spawn("postgresql", move |stop| {
            let cluster = Arc::clone(&cluster);
            Box::pin(async move { Ok(cluster.keep_running(stop).await?) })
        });
    }
    let broker = started.broker.insert(RunningBroker::start(arguments, data, supervisor).await?);
    let ground = Ground { settings, secrets, databases, bus: broker.bus(), supervisor };
    started.platform.start(&ground).await?;
    started.platform.gateway(&ground, arguments.rates).await
}

async fn listen(port: u16) -> Result<TcpListener, Failure> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
        if error.kind() == std::io::ErrorKind::AddrInUse {
            let message = format!("port {port} is in use: stop what uses it, or choose another one with --port");
            Failure::ending(Exit::Busy, message)
        } else {
            Failure::of(&format!("port {port}"), &error)
        }
    })
}
