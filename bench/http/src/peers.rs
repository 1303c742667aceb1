//! What the platform is measured beside.
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use platform::Failure;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The formula of gunicorn's own documentation: twice the cores and one more.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from) * 2 + 1
}

/// Threads, and connections to PostgreSQL, of each worker.
const THREADS: &str = "4";

/// A process that ends when it is dropped.
pub struct Peer {
    child: Child,
    pub url: String,
}

impl Peer {
    /// The bare axum handlers.
    pub fn floor() -> Result<Self, Failure> {
        let mut child = Command::new("bench/target/release/floor").stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or("the floor has no output")?;
        let mut url = String::new();
        BufReader::new(output).read_line(&mut url)?;
        Ok(Self { child, url: url.trim().to_owned() })
    }

    /// The Flask service on gunicorn, with `database` and its superuser's `password` on 127.0.0.1:`port`.
    pub fn flask(folder: &Path, port: u16, user: &str, password: &str, database: &str) -> Result<Self, Failure> {
        // Nobody else on this machine asks for this port in the moment between.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log = std::fs::File::create(folder.join("flask.log"))?;
        let child = Command::new("bench/target/flask/bin/gunicorn")
            .args(["--chdir", "bench/flask", "--bind", &address.to_string(), "--worker-class", "gthread"])
            .args(["--workers", &workers().to_string(), "--threads", THREADS, "--keep-alive", "60", "service:app"])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("THREADS", THREADS)
            .env("JWT_SECRET", "of-this-run-alone-and-on-loopback-alone")
            .envs([("PGHOST", "127.0.0.1"), ("PGUSER", user), ("PGPASSWORD", password), ("PGDATABASE", database)])
            .env("PGPORT", port.to_string())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        Ok(Self { child, url: format!("http://{address}") })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Ok(id) = self.child.id().try_into() {
            let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        }
        let _ = self.child.wait();
    }
}
