//! A private PostgreSQL for one run: its own directory, one Unix socket, no port.
use nix::unistd::{Gid, Uid, User, chown};
use platform::Failure;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The superuser, as whom every system connects.
pub const USER: &str = "bench";
/// The number in the socket's name.
pub const PORT: u16 = 5432;
/// What differs from the server's own defaults.
pub const SETTINGS: &[(&str, &str)] = &[
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
    ("shared_buffers", "2GB"),
    ("max_wal_size", "8GB"),
    ("checkpoint_timeout", "30min"),
    ("max_connections", "200"),
    ("autovacuum", "on"),
    ("jit", "off"),
    ("listen_addresses", ""),
];
/// As whom the server runs when we are root.
const ACCOUNTS: &[&str] = &["postgres", "nobody"];
const START: Duration = Duration::from_secs(60);

/// Where the server's socket is.
#[derive(Clone, Debug)]
pub struct Place(pub PathBuf);

impl Place {
    /// The connection to a database.
    pub fn options(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass().socket(&self.0).port(PORT).username(USER).database(database)
    }

    /// The same for the peers' driver.
    pub fn peers_options(&self, database: &str) -> peers_sqlx::postgres::PgConnectOptions {
        peers_sqlx::postgres::PgConnectOptions::new_without_pgpass()
            .socket(&self.0)
            .port(PORT)
            .username(USER)
            .database(database)
    }
}

/// The running server; ends with this value.
pub struct Server {
    pub place: Place,
    process: Child,
    folder: TempDir,
}

impl Server {
    /// Starts a server from the unpacked archive in `binaries` on a new directory.
    pub async fn start(binaries: &Path) -> Result<Self, Failure> {
        // A temporary directory, not one in somebody's home: the server runs as another user.
        let folder = tempfile::Builder::new().prefix("historia-store-").tempdir()?;
        let account = if Uid::effective().is_root() { Some(account()?) } else { None };
        // Its programs too: where they were unpacked may be private.
        let copied = Command::new("cp").arg("-r").arg(binaries).arg(folder.path().join("postgres")).status()?;
        let binaries = folder.path().join("postgres/bin");
        if !copied.success() {
            return Err("the programs of PostgreSQL cannot be copied".into());
        }
        if let Some(account) = &account {
            chown(folder.path(), Some(account.uid), Some(account.gid))?;
        }
        let data = folder.path().join("data");
        let mut initialise = as_account(&binaries.join("initdb"), account.as_ref());
        initialise.args(["--username", USER, "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--pgdata"]);
        let output = initialise.arg(&data).current_dir(folder.path()).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        let mut server = as_account(&binaries.join("postgres"), account.as_ref());
        server.arg("-D").arg(&data).args(["-p", &PORT.to_string()]);
        for (name, value) in SETTINGS {
            server.args(["-c", &format!("{name}={value}")]);
        }
        server.args(["-c", &format!("unix_socket_directories={}", folder.path().display())]);
        let log = std::fs::File::create(folder.path().join("log"))?;
        let process = server.current_dir(folder.path()).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let started = Self { place: Place(folder.path().to_owned()), process: process.spawn()?, folder };
        started.answers().await?;
        Ok(started)
    }

    async fn answers(&self) -> Result<(), Failure> {
        let begun = Instant::now();
        loop {
            match PgConnection::connect_with(&self.place.options("postgres")).await {
                Ok(connection) => return Ok(connection.close().await?),
                Err(error) if begun.elapsed() > START => {
                    let log = std::fs::read_to_string(self.folder.path().join("log"))?;
                    return Err(format!("PostgreSQL does not start: {error}\n{log}").into());
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Makes and opens a database.
    pub async fn database(&self, name: &str) -> Result<PgPool, Failure> {
        let mut admin = PgConnection::connect_with(&self.place.options("postgres")).await?;
        // The names are constants of this program.
        sqlx::raw_sql(AssertSqlSafe(format!("create database {name}"))).execute(&mut admin).await?;
        self.open(name).await
    }

    /// Opens a database for what is done around the measuring.
    pub async fn open(&self, name: &str) -> Result<PgPool, Failure> {
        Ok(PgPoolOptions::new().max_connections(2).connect_with(self.place.options(name)).await?)
    }

    /// Whether there is such a database.
    pub async fn has(&self, name: &str) -> Result<bool, Failure> {
        let mut admin = PgConnection::connect_with(&self.place.options("postgres")).await?;
        let asked = sqlx::query_scalar("select exists (select from pg_database where datname = $1)");
        Ok(asked.bind(name).fetch_one(&mut admin).await?)
    }

    /// A directory for what is made on the way.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// The end of what the server has logged.
    pub fn said(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The directory goes with it, so an immediate end loses nothing; it also ends every backend.
        if let Ok(pid) = i32::try_from(self.process.id()) {
            let _gone = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGQUIT);
        }
        let _ended = self.process.wait();
    }
}

struct Account {
    uid: Uid,
    gid: Gid,
}

fn account() -> Result<Account, Failure> {
    for name in ACCOUNTS {
        if let Some(user) = User::from_name(name)? {
            return Ok(Account { uid: user.uid, gid: user.gid });
        }
    }
    Err("PostgreSQL does not run as root, and there is no user postgres or nobody".into())
}

/// `program` as `account`, ended with us where the system can.
fn as_account(program: &Path, account: Option<&Account>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "QUIT"]).arg(program).process_group(0);
    if let Some(account) = account {
        command = Command::new("setpriv");
        command
            .args([format!("--reuid={}", account.uid), format!("--regid={}", account.gid)])
            .args(["--clear-groups", "--pdeathsig", "QUIT"])
            .arg(program)
            .process_group(0);
    }
    command
}
