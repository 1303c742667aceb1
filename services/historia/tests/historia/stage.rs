//! The containers of the compose file as plain processes: the same commands and variables, other addresses.
use crate::client::Client;
use crate::compose_file::{Compose, Container, DEMO};
use crate::mail_catcher::MailCatcher;
use crate::platform::HISTORIA;
use infra_runtime::postgres::Cluster;
use infra_testkit::pulsar::{OwnBroker, own_broker};
use infra_testkit::wait_for;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Name and port of each service in the compose file.
pub(crate) const SERVICES: [(&str, u16); 5] =
    [("users", 7001), ("results", 7002), ("notifications", 7003), ("saga-log", 7004), ("bff", 8080)];

/// Where production's gateway is asked how it is, in clear.
const PROBES: (&str, u16) = ("probes", 8081);

/// What the names of instances on the other side end with.
pub(crate) const OTHER_SIDE: &str = "-2";

/// How long a service may take until it is ready, on a busy machine.
const READY: Duration = Duration::from_secs(90);

/// A machine with PostgreSQL, Pulsar, a mail catcher and the secrets, on which services run as processes.
///
/// Of each service there may be two instances, on two sides: `results` on one, `results-2` on the other. Each side has a
/// gateway in front of its own instances; databases, broker and secrets are the same.
pub(crate) struct Stage {
    compose: Compose,
    /// By instance.
    ports: BTreeMap<String, u16>,
    pub(crate) mail: MailCatcher,
    pub(crate) broker: OwnBroker,
    cluster: Cluster,
    processes: BTreeMap<String, Child>,
    /// The gateway's, such as `http://127.0.0.1`, without its port.
    gateway: &'static str,
    // The last to go: the others write there.
    directory: tempfile::TempDir,
}

impl Stage {
    /// `None` when tests that need Pulsar are left out.
    pub(crate) async fn set() -> Option<Self> {
        let broker = own_broker(|_| ()).await?;
        let directory = tempfile::Builder::new().prefix("historia-test-").tempdir_in("/tmp").unwrap();
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let cluster = Cluster::start(&directory.path().join("postgres"), None, true).await.unwrap();
        let (compose, mail) = (Compose::read(DEMO), MailCatcher::start());
        let stage = Self::of(compose, mail, broker, cluster, directory, "http://127.0.0.1", ports());
        stage.run_once("secrets");
        stage.give_the_owner_its_password().await;
        Some(stage)
    }

    /// On servers that run already.
    pub(crate) fn of(
        mut compose: Compose,
        mail: MailCatcher,
        broker: OwnBroker,
        cluster: Cluster,
        directory: tempfile::TempDir,
        gateway: &'static str,
        ports: BTreeMap<String, u16>,
    ) -> Self {
        // The test files and reads again and again, so nobody is told to wait.
        for rate in ["HISTORIA_RATE_POST", "HISTORIA_RATE_GET", "HISTORIA_RATE_ALL"] {
            let gateway = compose.containers.get_mut("bff").unwrap();
            gateway.environment.insert(rate.to_owned(), "60000".to_owned()).expect("the gateway has quotas");
        }
        Self { compose, ports, mail, broker, cluster, processes: BTreeMap::new(), gateway, directory }
    }

    /// As the image of PostgreSQL does at its first start.
    pub(crate) async fn give_the_owner_its_password(&self) {
        let password = std::fs::read_to_string(self.secrets().join("postgres/database-owner")).unwrap();
        let mut owner = self.cluster.options().connect().await.unwrap();
        let statement = format!("alter role historia password '{}'", password.trim());
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut owner).await.unwrap();
        owner.close().await.unwrap();
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn secrets(&self) -> PathBuf {
        self.directory().join("secrets")
    }

    /// The gateway's address.
    pub(crate) fn url(&self) -> String {
        format!("{}:{}", self.gateway, self.ports["bff"])
    }

    /// The port of PostgreSQL.
    pub(crate) fn database_port(&self) -> u16 {
        self.cluster.port()
    }

    /// Where an instance listens.
    pub(crate) fn url_of(&self, instance: &str) -> String {
        format!("http://127.0.0.1:{}", self.ports[instance])
    }

    pub(crate) async fn administrator(&self) -> Client {
        let password = std::fs::read_to_string(self.secrets().join("users/administrator-password")).unwrap();
        Client::new(&self.url()).log_in("admin", password.trim()).await
    }

    /// Runs a container that ends by itself.
    pub(crate) fn run_once(&self, name: &str) {
        let output = self.command(&self.compose.containers[name].clone(), "").output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Starts an instance, such as `results` or `results-2`; does not wait for it.
    pub(crate) fn start(&mut self, instance: &str) {
        let path = self.directory().join(format!("{instance}.log"));
        let log = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        let (container, side) = self.container(instance);
        let mut command = self.command(&container, side);
        let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        self.processes.insert(instance.to_owned(), child);
    }

    /// What an instance is made of, and on which side it is.
    fn container(&self, instance: &str) -> (Container, &'static str) {
        let (name, side) = match instance.strip_suffix(OTHER_SIDE) {
            Some(name) => (name, OTHER_SIDE),
            None => (instance, ""),
        };
        (self.compose.containers[name].clone(), side)
    }

    fn command(&self, container: &Container, side: &str) -> Command {
        let mut command = Command::new(HISTORIA);
        command.args(container.command.iter().map(|word| self.here(container, side, word)));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("NO_COLOR", "1");
        command.envs(container.environment.iter().map(|(name, value)| (name, self.here(container, side, value))));
        command.stdin(Stdio::null());
        command
    }

    /// The text with this machine's addresses and paths for the containers'.
    fn here(&self, container: &Container, side: &str, text: &str) -> String {
        let mut text = text.replace("/var/lib/historia/secrets", &self.secrets().display().to_string());
        // Production's are directories and files of this machine already.
        for (target, source) in container.mounts.iter().filter(|(_, source)| source.starts_with('/')) {
            text = text.replace(target, source);
        }
        if let Some(source) = container.mounts.get("/run/historia/secrets") {
            let folder = self.secrets().join(source.trim_start_matches("secrets-").replace('-', "_"));
            text = text.replace("/run/historia/secrets", &folder.display().to_string());
        }
        let broker = self.broker.broker();
        text = text
            .replace("http://pulsar:8080", &broker.admin_url())
            .replace("https://pulsar:8443", &broker.admin_url())
            .replace("pulsar://pulsar:6650", &broker.service_url())
            .replace("pulsar+ssl://pulsar:6651", &broker.service_url())
            .replace("postgres:5432", &format!("127.0.0.1:{}", self.cluster.port()))
            .replace("mail:1025", &self.mail.address.to_string());
        for (name, port) in SERVICES.into_iter().chain([PROBES]) {
            let address = format!("127.0.0.1:{}", self.ports[&format!("{name}{side}")]);
            for host in [name, "0.0.0.0", "127.0.0.1", "localhost"] {
                text = text.replace(&format!("{host}:{port}"), &address);
            }
        }
        text
    }

    /// Asks as the container's health check does, until the service is ready.
    pub(crate) async fn ready(&mut self, name: &str) {
        let (container, side) = self.container(name);
        let words: Vec<String> = container.health[2..].iter().map(|word| self.here(&container, side, word)).collect();
        let what = format!("{name} to be ready");
        let ready = wait_for(&what, READY, async || {
            let ended = self.processes.get_mut(name).unwrap().try_wait().unwrap();
            if ended.is_some() {
                return Some(false);
            }
            let asked = Command::new(HISTORIA).args(&words).stderr(Stdio::null()).status().unwrap();
            asked.success().then_some(true)
        });
        assert!(ready.await, "{name} ended: {}", self.log(name));
    }

    /// What the service has said so far.
    pub(crate) fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.directory().join(format!("{name}.log"))).unwrap_or_default()
    }

    /// Whether the process runs.
    pub(crate) fn is_running(&mut self, name: &str) -> bool {
        self.processes.get_mut(name).unwrap().try_wait().unwrap().is_none()
    }

    /// Whether history in every database is whole and every read model follows from it.
    pub(crate) fn verify(&self) {
        let url = format!("postgres://historia@127.0.0.1:{}/postgres", self.cluster.port());
        let output = Command::new(HISTORIA)
            .args(["replay", "verify", "--json"])
            .env("HISTORIA_DATABASE_URL", url)
            .env("HISTORIA_DATABASE_PASSWORD_FILE", self.secrets().join("postgres/database-owner"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let report = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{report}{}", String::from_utf8_lossy(&output.stderr));
    }

    pub(crate) fn kill_9(&mut self, name: &str) {
        let mut child = self.processes.remove(name).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Stops every process as a container platform does; each has to end well.
    pub(crate) async fn stop(&mut self) {
        let processes = std::mem::take(&mut self.processes);
        for child in processes.values() {
            kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
        }
        for (name, mut child) in processes {
            let what = format!("the end of {name}");
            let ended = wait_for(&what, Duration::from_secs(30), async || child.try_wait().unwrap());
            assert!(ended.await.success(), "{name} did not stop well: {}", self.log(&name));
        }
        self.cluster.stop().await.unwrap();
        self.broker.broker().kill().await;
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let failed = std::thread::panicking();
        for (name, child) in &mut self.processes {
            let _ = child.kill();
            let _ = child.wait();
            if failed {
                let log = std::fs::read_to_string(self.directory.path().join(format!("{name}.log")));
                let log = log.unwrap_or_default();
                let tail: Vec<&str> = log.lines().rev().take(15).collect();
                let tail = tail.into_iter().rev().collect::<Vec<_>>().join("\n");
                let _ = writeln!(std::io::stderr(), "== {name}\n{tail}");
            }
        }
    }
}

/// A free port for every instance.
pub(crate) fn ports() -> BTreeMap<String, u16> {
    let names = SERVICES.into_iter().chain([PROBES]).map(|(name, _)| name);
    let instances = names.flat_map(|name| ["", OTHER_SIDE].map(|side| format!("{name}{side}")));
    instances.map(|instance| (instance, free_port())).collect()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
