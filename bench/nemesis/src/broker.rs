//! A real Pulsar, standalone, from the jars that `historia up --broker pulsar` fetched. It tells its clients the address
//! of a proxy, so that the network between them and it can be cut.
use crate::process::{Process, dying_with_us, free_port, give, lesser_user};
use http_body_util::BodyExt;
use nix::sys::signal::Signal;
use platform::{Connections, Failure, connections};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const VERSION: &str = "4.0.7";
const START: Duration = Duration::from_secs(180);
const PAUSE: Duration = Duration::from_millis(100);
/// How long a running broker may refuse to answer.
const ANSWER: Duration = Duration::from_secs(60);
/// How often it may end by itself while it starts.
const STARTS: u32 = 5;

/// What the broker needs of Java's internals (as in Pulsar's own start script).
const OPENED: [&str; 7] = [
    "java.base/sun.net",
    "java.base/java.lang",
    "java.base/java.nio",
    "java.base/jdk.internal.misc",
    "java.base/jdk.internal.platform",
    "java.base/java.util.zip",
    "java.management/sun.management",
];
const MEMORY: [&str; 7] = [
    "-Xms128m",
    "-Xmx512m",
    "-XX:MaxDirectMemorySize=512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",
];

/// The broker, or what is left of it while it is down.
pub struct Broker {
    user: Option<&'static str>,
    directory: PathBuf,
    jars: PathBuf,
    process: Option<Process>,
    connections: Connections,
    /// Where it listens itself.
    pub port: u16,
    pub admin_port: u16,
}

impl Broker {
    /// Starts a durable broker in `directory` that says it is at `advertised`. `configuration` is the folder with the
    /// settings that the platform's own broker is started with.
    pub async fn start(directory: &Path, configuration: &Path, port: u16, advertised: u16) -> Result<Self, Failure> {
        let (user, jars, admin_port) = (lesser_user(&["pulsar", "nobody"])?, jars()?, free_port()?);
        for folder in ["", "tmp", "logs", "data"] {
            std::fs::create_dir_all(directory.join(folder))?;
        }
        let settings = std::fs::read_to_string(configuration.join("standalone.conf"))?;
        let settings = settings
            // Clients have a listener of their own, below.
            .replace("@service_port@", "")
            .replace("@admin_port@", &admin_port.to_string())
            .replace("@sync@", "true");
        let listeners = format!(
            "\nbindAddresses=internal:pulsar://127.0.0.1:{port}\n\
             advertisedListeners=internal:pulsar://127.0.0.1:{advertised}\n\
             internalListenerName=internal\n"
        );
        std::fs::write(directory.join("standalone.conf"), settings + &listeners)?;
        std::fs::copy(configuration.join("log4j2.xml"), directory.join("log4j2.xml"))?;
        std::fs::set_permissions(directory.join("log4j2.xml"), std::fs::Permissions::from_mode(0o644))?;
        give(directory, user)?;
        let directory = directory.to_owned();
        let mut broker = Self { user, directory, jars, process: None, connections: connections(), port, admin_port };
        broker.ensure_running().await?;
        Ok(broker)
    }

    pub fn admin_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.admin_port)
    }

    /// What the admin interface answers to a GET. While a topic comes and goes it says 500 at times: it is asked again.
    pub async fn admin(&self, path: &str) -> Result<Value, Failure> {
        let begun = Instant::now();
        loop {
            match self.admin_once(path).await {
                Err(_) if begun.elapsed() < ANSWER => tokio::time::sleep(PAUSE).await,
                answered => return answered,
            }
        }
    }

    async fn admin_once(&self, path: &str) -> Result<Value, Failure> {
        let uri = format!("{}/admin/v2/{path}", self.admin_url()).parse()?;
        let response = self.connections.get(uri).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        if !status.is_success() {
            return Err(format!("{path}: {status} {}", String::from_utf8_lossy(&body)).into());
        }
        Ok(serde_json::from_slice(&body)?)
    }

    async fn made_itself_at_home(&self) -> bool {
        for (tenant, namespace) in [("public", "public/default"), ("pulsar", "pulsar/system")] {
            let path = format!("namespaces/{tenant}");
            let asked = tokio::time::timeout(Duration::from_secs(5), self.admin_once(&path)).await;
            let Ok(Ok(Value::Array(namespaces))) = asked else { return false };
            if !namespaces.iter().any(|name| name == namespace) {
                return false;
            }
        }
        true
    }

    /// Starts the broker unless it runs, and waits until it has made its own namespaces, the last thing of a start.
    pub async fn ensure_running(&mut self) -> Result<(), Failure> {
        let (begun, mut starts) = (Instant::now(), 0);
        loop {
            if !self.process.as_mut().is_some_and(Process::is_running) {
                starts += 1;
                self.process = Some(Process::start(self.command(), &self.directory.with_extension("log"))?);
            }
            if self.made_itself_at_home().await {
                return Ok(());
            }
            if begun.elapsed() > START || starts > STARTS {
                return Err(format!("Pulsar is not ready, see {}", self.directory.display()).into());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn command(&self) -> Command {
        let directory = &self.directory;
        let mut command = dying_with_us(Path::new("java"), self.user);
        command.args(MEMORY);
        command.args(OPENED.iter().flat_map(|package| ["--add-opens".to_owned(), format!("{package}=ALL-UNNAMED")]));
        command.arg("-Dio.netty.tryReflectionSetAccessible=true");
        command.arg(format!("-Djava.io.tmpdir={}", directory.join("tmp").display()));
        command.arg(format!("-Dhistoria.pulsar.logs={}", directory.join("logs").display()));
        command.arg(format!("-Dlog4j.configurationFile={}", directory.join("log4j2.xml").display()));
        command.arg("-cp").arg(self.jars.join("*")).arg("org.apache.pulsar.PulsarStandaloneStarter");
        command.arg("--config").arg(directory.join("standalone.conf"));
        command.args(["--no-functions-worker", "--no-stream-storage"]);
        command.arg("--metadata-dir").arg(directory.join("data/metadata"));
        command.arg("--bookkeeper-dir").arg(directory.join("data/bookkeeper"));
        command
    }

    pub fn kill_9(&mut self) -> Result<(), Failure> {
        self.process.take().map_or(Ok(()), |mut process| process.kill_9())
    }

    pub fn signal(&mut self, signal: Signal) -> Result<(), Failure> {
        self.process.as_mut().map_or(Ok(()), |process| process.signal(signal))
    }
}

/// Where the platform keeps Pulsar's jars.
fn jars() -> Result<PathBuf, Failure> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = if let Some(home) = set("HISTORIA_PULSAR_HOME") {
        home
    } else if nix::unistd::geteuid().is_root() {
        PathBuf::from("/var/cache/historia/pulsar")
    } else {
        let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
        cache.ok_or("there is no HOME")?.join("historia/pulsar")
    };
    let jars = std::path::absolute(home.join(VERSION))?;
    if jars.join("files").exists() {
        Ok(jars)
    } else {
        Err("Pulsar's jars are not there: `historia up --broker pulsar` fetches them".into())
    }
}
