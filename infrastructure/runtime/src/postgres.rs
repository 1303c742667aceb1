//! A PostgreSQL of our own: from the installed binaries, in a private directory, gone when its owner goes.
//!
//! What always holds:
//! 1. nobody else's cluster is touched: own directory, own port on 127.0.0.1, own superuser and password;
//! 2. a directory has one owner at a time; what a killed owner left running there is stopped before a new start;
//! 3. the server never runs as root: as root it runs as `postgres`, or `nobody`;
//! 4. when the owner dies, however, the server ends (`setpriv --pdeathsig`, where the system has it).
//!
//! ```text
//! DIRECTORY/            reachable by the server's user
//!   lock                held by the owner
//!   data/               the cluster (0700, the server's user)
//!   secrets/superuser   the password (0700/0600, ours)
//!   postgres.log        what the server says
//! ```
mod binaries;
mod error;
mod initialise;
mod launch;
mod postmaster;
mod settings;

pub use error::ClusterError;

use crate::child::{Account, Lock, Process, Steps, lock, make_directory};
use crate::secrets::SecretsDirectory;
use binaries::Binaries;
use launch::launch;
use nix::sys::signal::Signal;
use postmaster::Postmaster;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The superuser of our clusters. Services never log in as it.
pub const SUPERUSER: &str = "historia";

/// The pause between two looks at a server that starts.
const PAUSE: Duration = Duration::from_millis(20);

/// As whom the server runs when we are root.
const ACCOUNTS: &[&str] = &["postgres", "nobody"];

/// A fast shutdown, which writes a checkpoint; an immediate one, after which the next start repeats the log; the end.
const STEPS: Steps = &[
    (Signal::SIGINT, Duration::from_secs(60)),
    (Signal::SIGQUIT, Duration::from_secs(10)),
    (Signal::SIGKILL, Duration::from_secs(5)),
];

/// How a cluster is started.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// The cluster's directory; made when it is missing.
    pub directory: PathBuf,
    /// The port on 127.0.0.1; `None` takes a free one.
    pub port: Option<u16>,
    /// Whether what was committed survives a crash of the machine. `false` is for tests alone.
    pub durable: bool,
    /// Whether the server goes on when this process ends; whoever comes later finds it with [`running`] and ends it
    /// with [`stop_running`]. For a cluster that several test executables share.
    pub outlives_owner: bool,
}

/// How long a socket's path may be, in bytes (`sockaddr_un` of Linux, without the final zero).
const LONGEST_SOCKET: usize = 107;

/// A running cluster. Dropping it asks the server to stop; [`Cluster::stop`] also waits for that.
pub struct Cluster {
    options: ClusterOptions,
    account: Account,
    binaries: Binaries,
    port: u16,
    password: String,
    process: Mutex<Process>,
    _lock: Lock,
}

impl Cluster {
    /// Starts the cluster in `directory`, made at the first start, on `port` or a free one. `durable` is `false` in
    /// tests alone.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub async fn start(directory: &Path, port: Option<u16>, durable: bool) -> Result<Self, ClusterError> {
        let directory = directory.to_owned();
        Self::start_with(ClusterOptions { directory, port, durable, outlives_owner: false }).await
    }

    /// Starts a cluster.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub async fn start_with(options: ClusterOptions) -> Result<Self, ClusterError> {
        let mut options = options;
        make_directory(&options.directory)?;
        options.directory = options.directory.canonicalize().map_err(ClusterError::io(&options.directory))?;
        let lock = lock(&options.directory)?;
        let data = data(&options.directory);
        let binaries = Binaries::find(&options.directory, initialise::version(&data)?)?;
        let account = Account::for_data(&data, ACCOUNTS)?;
        account.can_reach(&options.directory)?;
        account.can_reach(&binaries.directory)?;
        let password = password(&options.directory)?;
        if let Some(orphan) = Postmaster::of(&data) {
            tracing::warn!(pid = orphan.pid, "stopping the PostgreSQL that a former owner of this directory left");
            orphan.stop().await?;
        }
        Postmaster::forget_left_over(&data)?;
        Postmaster::forget_sockets(&data)?;
        initialise::initialise(&options, &account, &binaries, &password).await?;
        let (process, port) = launch(&options, &account, &binaries, &password, options.port).await?;
        tracing::info!(port, version = binaries.major, "PostgreSQL runs");
        Ok(Self { options, account, binaries, port, password, process: Mutex::new(process), _lock: lock })
    }

    /// The superuser's connection, to the database `postgres`: by the server's socket, or where the path to that is too
    /// long by the network of this machine; without TLS.
    #[must_use]
    pub fn options(&self) -> PgConnectOptions {
        connect_options(&data(&self.options.directory), self.port, &self.password)
    }

    /// The same over the network of this machine, where TLS can be spoken.
    #[must_use]
    pub fn network_options(&self) -> PgConnectOptions {
        network_options(self.port, &self.password)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// PostgreSQL's major version, such as 15.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.binaries.major
    }

    /// The cluster's directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.options.directory
    }

    /// The server's process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.process.lock().unwrap_or_else(PoisonError::into_inner).pid()
    }

    /// Starts the server again, on the same port, whenever it ends by itself; returns when `stop` is cancelled or
    /// [`Self::stop`] was called.
    ///
    /// # Errors
    /// [`ClusterError`]: it did not come up again.
    pub async fn keep_running(&self, stop: CancellationToken) -> Result<(), ClusterError> {
        loop {
            let ended = self.process.lock().unwrap_or_else(PoisonError::into_inner).ended();
            if stop.run_until_cancelled(ended).await.is_none() {
                return Ok(());
            }
            if self.process.lock().unwrap_or_else(PoisonError::into_inner).is_told_to_stop() {
                return Ok(());
            }
            tracing::error!("PostgreSQL ended unexpectedly and is started again");
            let (process, _) =
                launch(&self.options, &self.account, &self.binaries, &self.password, Some(self.port)).await?;
            *self.process.lock().unwrap_or_else(PoisonError::into_inner) = process;
        }
    }

    /// Ends every session, writes everything to disk and stops the server; returns when it is gone. What
    /// [`Self::keep_running`] runs in is stopped before.
    ///
    /// # Errors
    /// [`ClusterError::NotStopped`].
    pub async fn stop(&self) -> Result<(), ClusterError> {
        let stopped = self.process.lock().unwrap_or_else(PoisonError::into_inner).stop();
        Ok(stopped.await?)
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("options", &self.options).field("port", &self.port).finish_non_exhaustive()
    }
}

/// A PostgreSQL that is installed on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Its major version.
    pub version: u32,
    /// Where its binaries are.
    pub directory: PathBuf,
}

/// The installation that a new cluster would be made with.
///
/// # Errors
/// [`ClusterError::NotInstalled`].
pub fn installed() -> Result<Installed, ClusterError> {
    let binaries = Binaries::find(Path::new(""), None)?;
    Ok(Installed { version: binaries.major, directory: binaries.directory })
}

/// How to connect to the server that runs in `directory`, whoever owns it; `None` when none is ready there.
///
/// # Errors
/// [`ClusterError`].
pub fn running(directory: &Path) -> Result<Option<PgConnectOptions>, ClusterError> {
    let Ok(directory) = directory.canonicalize() else { return Ok(None) };
    let Some(postmaster) = Postmaster::of(&data(&directory)).filter(|postmaster| postmaster.ready) else {
        return Ok(None);
    };
    Ok(Some(connect_options(&data(&directory), postmaster.port, &password(&directory)?)))
}

/// Stops the server that runs in `directory`, whoever owns it; nothing happens when none does.
///
/// # Errors
/// [`ClusterError::NotStopped`].
pub async fn stop_running(directory: &Path) -> Result<(), ClusterError> {
    let Ok(directory) = directory.canonicalize() else { return Ok(()) };
    match Postmaster::of(&data(&directory)) {
        Some(postmaster) => postmaster.stop().await,
        None => Ok(()),
    }
}

fn data(directory: &Path) -> PathBuf {
    directory.join("data")
}

/// The superuser's password; made for a new cluster alone, since an existing one has its own.
fn password(directory: &Path) -> Result<String, ClusterError> {
    let secrets = directory.join("secrets");
    let secrets = if data(directory).exists() {
        SecretsDirectory::existing(&secrets)?
    } else {
        SecretsDirectory::open(&secrets)?
    };
    Ok(secrets.text("superuser")?)
}

/// By the socket where it can be reached; a server that another release started may have none.
fn connect_options(data: &Path, port: u16, password: &str) -> PgConnectOptions {
    let options = network_options(port, password);
    let socket = data.join(format!(".s.PGSQL.{port}"));
    if socket.as_os_str().len() <= LONGEST_SOCKET && socket.exists() { options.socket(data) } else { options }
}

fn network_options(port: u16, password: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(port)
        .username(SUPERUSER)
        .password(password)
        .database("postgres")
        .ssl_mode(PgSslMode::Disable)
}
