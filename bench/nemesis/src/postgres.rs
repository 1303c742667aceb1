//! A private PostgreSQL from the installed binaries, durable as in production, and what is asked of it with `psql`.
use crate::process::{Process, dying_with_us, free_port, give, lesser_user, run, told};
use nix::sys::signal::Signal;
use platform::Failure;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const START: Duration = Duration::from_secs(120);
/// How long the server may be away while something is asked of it.
const ANSWER: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(100);

/// The server, or what is left of it while it is down.
pub struct Postgres {
    binaries: PathBuf,
    user: Option<&'static str>,
    directory: PathBuf,
    password: String,
    process: Option<Process>,
    pub port: u16,
}

impl Postgres {
    /// Makes a cluster in `directory/data`, whose owner has `password`, and starts it.
    pub async fn start(directory: &Path, password: &str) -> Result<Self, Failure> {
        let user = lesser_user(&["postgres", "nobody"])?;
        let binaries = binaries()?;
        let password_file = directory.join("password");
        std::fs::create_dir_all(directory.join("data"))?;
        std::fs::write(&password_file, password)?;
        std::fs::set_permissions(&password_file, std::fs::Permissions::from_mode(0o600))?;
        give(directory, user)?;
        let mut command = dying_with_us(&binaries.join("initdb"), user);
        command.arg("-D").arg(directory.join("data")).args(["-U", "historia"]).arg("--pwfile").arg(&password_file);
        command.args(["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-instructions"]);
        run(command.arg("--data-checksums"))?;
        std::fs::remove_file(&password_file)?;
        let (directory, password) = (directory.to_owned(), password.to_owned());
        let mut server = Self { binaries, user, directory, password, process: None, port: free_port()? };
        server.ensure_running().await?;
        Ok(server)
    }

    /// Where the cluster's files are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Starts the server unless it runs, and waits until it answers.
    pub async fn ensure_running(&mut self) -> Result<(), Failure> {
        let begun = Instant::now();
        while self.query_once("postgres", "select 1").is_err() {
            if !self.process.as_mut().is_some_and(Process::is_running) {
                self.process = Some(Process::start(self.command(), &self.log())?);
            }
            if begun.elapsed() > START {
                return Err(format!("PostgreSQL does not answer, see {}", self.log().display()).into());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    fn log(&self) -> PathBuf {
        self.directory.with_extension("log")
    }

    fn command(&self) -> Command {
        let mut command = dying_with_us(&self.binaries.join("postgres"), self.user);
        command.arg("-D").arg(self.directory.join("data"));
        // Few and small files of the log: the disk may be a small one.
        let settings = [
            format!("port={}", self.port),
            "listen_addresses=127.0.0.1".to_owned(),
            "unix_socket_directories=".to_owned(),
            "max_connections=200".to_owned(),
            "max_wal_size=192MB".to_owned(),
            "idle_in_transaction_session_timeout=5s".to_owned(),
        ];
        command.args(settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]));
        command
    }

    /// The rows of `statement`, each a list of its columns as text. Asked again for a while if there is no answer: the
    /// server may be repeating its log.
    pub fn query(&self, database: &str, statement: &str) -> Result<Vec<Vec<String>>, Failure> {
        let begun = Instant::now();
        loop {
            match self.query_once(database, statement) {
                Err(error) if is_no_answer(&error) && begun.elapsed() < ANSWER => std::thread::sleep(PAUSE * 5),
                answered => return answered,
            }
        }
    }

    /// The same, asked once.
    pub fn query_once(&self, database: &str, statement: &str) -> Result<Vec<Vec<String>>, Failure> {
        let mut command = Command::new(self.binaries.join("psql"));
        command.env("PGPASSWORD", &self.password).env("PGCONNECT_TIMEOUT", "30").env("LC_ALL", "C");
        command.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-F",
            "\t",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
            "-U",
            "historia",
        ]);
        // A statement may be longer than an argument may be. One transaction, as with `-c`.
        command.args(["-p", &self.port.to_string(), "-d", database, "-1", "-f", "-"]);
        let rows = told(&mut command, statement)?;
        Ok(rows.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect())
    }

    /// The one number that `statement` gives.
    pub fn number(&self, database: &str, statement: &str) -> Result<i64, Failure> {
        let rows = self.query(database, statement)?;
        Ok(rows.first().and_then(|row| row.first()).ok_or("no row")?.parse()?)
    }

    /// Ends every session and the server.
    pub async fn stop(&mut self) -> Result<(), Failure> {
        if let Some(mut process) = self.process.take() {
            process.end(Signal::SIGINT).await?;
        }
        Ok(())
    }
}

/// Whether the server could not be reached, or ended meanwhile.
fn is_no_answer(error: &Failure) -> bool {
    let said = error.to_string();
    ["connection to server", "server closed the connection", "terminating connection"]
        .iter()
        .any(|part| said.contains(part))
}

/// The newest installation, 15 or later.
fn binaries() -> Result<PathBuf, Failure> {
    if let Some(directory) = std::env::var_os("HISTORIA_POSTGRES_BIN").filter(|value| !value.is_empty()) {
        return Ok(directory.into());
    }
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(version, path): &(u32, PathBuf)| *version >= 15 && path.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().map(|(_, path)| path).ok_or_else(|| "PostgreSQL 15 or newer is not installed".into())
}
