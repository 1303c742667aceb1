//! A Pulsar of our own: a standalone broker from its published jars, in a private directory, gone when its owner goes.
//!
//! What always holds:
//! 1. it listens on 127.0.0.1 alone, and never on 8080;
//! 2. a directory has one owner at a time; what a killed owner left running there is stopped before a new start;
//! 3. the broker never runs as root: as root it runs as `pulsar`, or `nobody`;
//! 4. when the owner dies, however, the broker ends (`setpriv --pdeathsig`, where the system has it);
//! 5. topics are made by us and no one else, and what a producer sends has a registered schema.
//!
//! ```text
//! DIRECTORY/            reachable by the broker's user
//!   lock                held by the owner
//!   pulsar.pid          the running broker and its ports, which it has again at the next start if they are free
//!   config/             what this start was told (0700, the broker's user)
//!   data/               messages, schemas, policies (0700, the broker's user)
//!   logs/pulsar.log     what the broker says; begins anew at 16 MiB, three old ones are kept
//!   logs/java.log       what the Java machine says
//!   tmp/                emptied at every start
//! ```
//! The jars are fetched once by Maven into the user's cache (see [`prepare`]).
pub mod admin;
mod broker;
mod config;
mod error;
mod jars;
mod java;
mod launch;
mod maven;
mod token;

pub use error::PulsarError;
pub use token::Token;

use crate::child::{Account, Lock, Process, Steps, lock, make_directory};
use admin::Admin;
use broker::{Broker, Ports};
use java::Java;
use launch::Launch;
use nix::sys::signal::Signal;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The version that the platform is tested with; `tools/pulsar/pom.xml` names the same.
pub const VERSION: &str = "4.0.7";

/// As whom the broker runs when we are root.
const ACCOUNTS: &[&str] = &["pulsar", "nobody"];

/// An orderly end, in which the ledgers are closed; then the end.
const STEPS: Steps = &[(Signal::SIGTERM, Duration::from_secs(30)), (Signal::SIGKILL, Duration::from_secs(10))];

/// How a broker is started.
#[derive(Clone, Debug)]
pub struct StandaloneOptions {
    /// The broker's directory; made when it is missing.
    pub directory: PathBuf,
    /// The port of 127.0.0.1 for clients; `None` takes the one it had before, or a free one.
    pub service_port: Option<u16>,
    /// The port of 127.0.0.1 for the admin interface, likewise.
    pub admin_port: Option<u16>,
    /// Whether a message that was confirmed survives a crash of the machine. `false` is for tests alone.
    pub durable: bool,
    /// Whether the broker goes on when this process ends; whoever comes later finds it with [`running`] and ends it
    /// with [`stop_running`]. For a broker that several test executables share.
    pub outlives_owner: bool,
    /// Who may come; `None` lets everybody on this machine do everything.
    pub authentication: Option<Authentication>,
    /// With it clients and the admin interface are spoken to over TLS alone.
    pub tls: Option<BrokerTls>,
}

impl StandaloneOptions {
    /// A durable broker in `directory` for this process alone, on ports of its choice, without authentication.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            service_port: None,
            admin_port: None,
            durable: true,
            outlives_owner: false,
            authentication: None,
            tls: None,
        }
    }
}

/// What the broker shows who connects, and whom it believes itself. The files (PEM) are read at every start.
#[derive(Clone, Debug)]
pub struct BrokerTls {
    /// The certificate chain for `127.0.0.1` and `localhost` (as which the broker knows itself), its own first.
    pub certificate: PathBuf,
    /// The certificate's key, PKCS #8.
    pub key: PathBuf,
    /// The certificate of the authority that signed it.
    pub authority: PathBuf,
}

/// Tokens are demanded, and rights: a role may do what it was granted.
#[derive(Clone, Debug)]
pub struct Authentication {
    /// What the tokens are signed with.
    pub key: TokenKey,
    /// The roles that may do everything.
    pub superusers: Vec<String>,
    /// The broker's own token, of one of the superusers; [`Standalone::admin`] comes with it too.
    pub token: Token,
}

/// What tokens are verified with. The file is read at every start.
#[derive(Clone, Debug)]
pub enum TokenKey {
    /// The bytes of a secret key (HS256), 32 or more.
    Secret(PathBuf),
    /// An RSA public key (RS256), DER.
    Public(PathBuf),
}

/// A running broker. Dropping it asks the broker to stop; [`Standalone::stop`] also waits for that.
pub struct Standalone {
    launch: Launch,
    ports: Ports,
    process: Mutex<Process>,
    _lock: Lock,
}

impl Standalone {
    /// Starts a broker and waits until it is ready, within seconds as a rule. The very first start on a machine also
    /// fetches the jars.
    ///
    /// # Errors
    /// [`PulsarError`].
    pub async fn start(options: StandaloneOptions) -> Result<Self, PulsarError> {
        let mut options = options;
        make_directory(&options.directory)?;
        options.directory = options.directory.canonicalize().map_err(PulsarError::io(&options.directory))?;
        let lock = lock(&options.directory)?;
        let account = Account::for_data(&data(&options.directory), ACCOUNTS)?;
        account.can_reach(&options.directory)?;
        let java = Java::find(&account)?;
        let jars = jars::ensure(&java).await?;
        account.can_reach(&jars)?;
        if let Some(orphan) = Broker::of(&options.directory) {
            tracing::warn!(pid = orphan.pid, "stopping the Pulsar that a former owner of this directory left");
            orphan.stop().await?;
        }
        let launch = Launch { options, account, java, jars };
        let (process, ports) = launch.launch(None).await?;
        tracing::info!(port = ports.service, admin_port = ports.admin, version = VERSION, "Pulsar runs");
        Ok(Self { launch, ports, process: Mutex::new(process), _lock: lock })
    }

    /// Where clients connect, such as `pulsar://127.0.0.1:6650` or `pulsar+ssl://127.0.0.1:6651`.
    #[must_use]
    pub fn service_url(&self) -> String {
        self.ports.service_url()
    }

    /// Where the admin interface is, such as `http://127.0.0.1:8088`.
    #[must_use]
    pub fn admin_url(&self) -> String {
        self.ports.admin_url()
    }

    /// The admin interface, as a superuser.
    ///
    /// # Errors
    /// [`PulsarError::Admin`].
    pub fn admin(&self) -> Result<Admin, PulsarError> {
        self.launch.admin(self.ports)
    }

    /// The broker's directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.launch.options.directory
    }

    /// The broker's process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.process.lock().unwrap_or_else(PoisonError::into_inner).pid()
    }

    /// Starts the broker again, on the same ports, whenever it ends by itself; returns when `stop` is cancelled or
    /// [`Self::stop`] or [`Self::kill`] was called.
    ///
    /// # Errors
    /// [`PulsarError`]: it did not come up again.
    pub async fn keep_running(&self, stop: CancellationToken) -> Result<(), PulsarError> {
        loop {
            let ended = self.process.lock().unwrap_or_else(PoisonError::into_inner).ended();
            if stop.run_until_cancelled(ended).await.is_none() {
                return Ok(());
            }
            if self.process.lock().unwrap_or_else(PoisonError::into_inner).is_told_to_stop() {
                return Ok(());
            }
            tracing::error!("Pulsar ended unexpectedly and is started again");
            self.start_again().await?;
        }
    }

    /// Stops the broker in an orderly way; returns when it is gone. What [`Self::keep_running`] runs in is stopped
    /// before.
    ///
    /// # Errors
    /// [`PulsarError::NotStopped`].
    pub async fn stop(&self) -> Result<(), PulsarError> {
        let stopped = self.process.lock().unwrap_or_else(PoisonError::into_inner).stop();
        Ok(stopped.await?)
    }

    /// Ends the broker as a crash would, at once; resolves when it is gone. For tests.
    pub fn kill(&self) -> impl Future<Output = ()> + Send + use<> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner).kill()
    }

    /// Starts the broker again, on the same data and ports, after [`Self::stop`] or [`Self::kill`].
    ///
    /// # Errors
    /// [`PulsarError`].
    pub async fn start_again(&self) -> Result<(), PulsarError> {
        let (process, _) = self.launch.launch(Some(self.ports)).await?;
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = process;
        Ok(())
    }
}

impl fmt::Debug for Standalone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standalone")
            .field("options", &self.launch.options)
            .field("ports", &self.ports)
            .finish_non_exhaustive()
    }
}

/// A broker that another process started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Where clients connect.
    pub service_url: String,
    /// Where the admin interface is.
    pub admin_url: String,
    /// Its process id.
    pub pid: i32,
}

/// The broker that runs in `directory`, whoever owns it; `None` when none is ready there.
#[must_use]
pub fn running(directory: &Path) -> Option<Running> {
    let broker = Broker::of(&directory.canonicalize().ok()?).filter(|broker| broker.ready)?;
    Some(Running { service_url: broker.ports.service_url(), admin_url: broker.ports.admin_url(), pid: broker.pid })
}

/// Stops the broker that runs in `directory`, whoever owns it; nothing happens when none does.
///
/// # Errors
/// [`PulsarError::NotStopped`].
pub async fn stop_running(directory: &Path) -> Result<(), PulsarError> {
    let Ok(directory) = directory.canonicalize() else { return Ok(()) };
    match Broker::of(&directory) {
        Some(broker) => broker.stop().await,
        None => Ok(()),
    }
}

/// Finds Java, and fetches the jars unless they are there; gives where they are. What [`Standalone::start`] does
/// first, to be done ahead of time.
///
/// They are kept in `HISTORIA_PULSAR_HOME`, or else in the user's cache (as root `/var/cache/historia/pulsar`).
///
/// # Errors
/// [`PulsarError`]: such as a missing Java or Maven.
pub async fn prepare() -> Result<PathBuf, PulsarError> {
    jars::ensure(&Java::find(&Account::Own)?).await
}

fn data(directory: &Path) -> PathBuf {
    directory.join("data")
}
