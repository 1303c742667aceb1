//! The platform as it runs in production's shape: every service a process of its own, one PostgreSQL, one Pulsar, one
//! mail server, and a proxy on every way between them. This program stands in for the container platform: whatever ends
//! is started again.
use crate::broker::Broker;
use crate::client::Client;
use crate::faults::disk;
use crate::postgres::Postgres;
use crate::process::{Process, dying_with_us, free_port, run};
use crate::proxy::{Link, Network};
use nix::sys::signal::Signal;
use platform::Failure;
use platform::mails::MailServer;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The services behind the gateway, and what their folder of secrets and their database are named by.
pub const SERVICES: [(&str, &str); 4] =
    [("users", "users"), ("results", "results"), ("notifications", "notifications"), ("saga-log", "saga_log")];
pub const GATEWAY: &str = "bff";

/// How long a service may take until it is ready, on a busy machine.
const READY: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(100);

/// How a service is started, beside its usual settings.
#[derive(Clone, Debug, Default)]
pub struct Condition {
    /// More variables of its environment.
    pub environment: Vec<(String, String)>,
    /// The most files that it may have open.
    pub files: Option<u32>,
}

/// Everything that runs.
pub struct Stage {
    binary: PathBuf,
    folder: PathBuf,
    pub postgres: Postgres,
    pub broker: Broker,
    pub mail: MailServer,
    /// From the services to the broker.
    pub to_broker: Link,
    /// From each service to PostgreSQL.
    pub to_database: BTreeMap<&'static str, Link>,
    /// From the gateway to each service.
    pub to_service: BTreeMap<&'static str, Link>,
    ports: BTreeMap<&'static str, u16>,
    services: BTreeMap<&'static str, Process>,
    conditions: BTreeMap<&'static str, Condition>,
    /// Whether PostgreSQL's directory is a small file system of its own.
    pub disk_is_small: bool,
    /// How often a service ended by itself.
    pub ended_by_themselves: usize,
}

impl Stage {
    /// Starts everything in `folder`, from the binary; `configuration` is the folder with the broker's settings.
    pub async fn set(binary: &Path, folder: &Path, configuration: &Path) -> Result<Self, Failure> {
        let secrets = folder.join("secrets");
        run(Command::new(binary).args(["secrets", "create", "--directory"]).arg(&secrets))?;
        let password = std::fs::read_to_string(secrets.join("postgres/database-owner"))?;
        let disk_is_small = disk::mount(&folder.join("postgres"))?;
        let postgres = Postgres::start(&folder.join("postgres"), password.trim()).await?;
        let broker_port = free_port()?;
        let to_broker = Link::to(broker_port).await?;
        let broker = Broker::start(&folder.join("pulsar"), configuration, broker_port, to_broker.port).await?;
        let (mut ports, mut to_database, mut to_service) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        ports.insert(GATEWAY, free_port()?);
        for (name, _) in SERVICES {
            let port = free_port()?;
            ports.insert(name, port);
            to_service.insert(name, Link::to(port).await?);
            to_database.insert(name, Link::to(postgres.port).await?);
        }
        let mut stage = Self {
            binary: binary.to_owned(),
            folder: folder.to_owned(),
            postgres,
            broker,
            mail: MailServer::start()?,
            to_broker,
            to_database,
            to_service,
            ports,
            services: BTreeMap::new(),
            conditions: BTreeMap::new(),
            disk_is_small,
            ended_by_themselves: 0,
        };
        let owner = format!("postgres://historia@127.0.0.1:{}/postgres", stage.postgres.port);
        let mut migrate = Command::new(binary);
        migrate
            .args(["db", "migrate", "--wait", "60"])
            .env("HISTORIA_PROFILE", "demo")
            .env("HISTORIA_DATABASE_URL", owner);
        migrate.env("HISTORIA_DATABASE_PASSWORD_FILE", secrets.join("postgres/database-owner"));
        run(migrate.env("HISTORIA_SECRETS_DIR", secrets.join("operator")))?;
        let mut ensure = Command::new(binary);
        run(ensure.args(["topics", "ensure", "--wait", "120", "--broker-admin", &stage.broker.admin_url()]))?;
        for name in stage.names() {
            stage.start(name)?;
        }
        stage.everybody_ready().await?;
        Ok(stage)
    }

    pub fn names(&self) -> Vec<&'static str> {
        SERVICES.iter().map(|(name, _)| *name).chain([GATEWAY]).collect()
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The gateway's address.
    pub fn url(&self) -> String {
        self.url_of(GATEWAY)
    }

    fn url_of(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}", self.ports[name])
    }

    pub fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    fn command(&self, name: &'static str) -> Command {
        let condition = self.conditions.get(name).cloned().unwrap_or_default();
        let mut command = match condition.files {
            None => dying_with_us(&self.binary, None),
            Some(files) => {
                let mut command = dying_with_us(Path::new("prlimit"), None);
                command.arg(format!("--nofile={files}")).arg(&self.binary);
                command
            }
        };
        command.arg(name).env("HISTORIA_PROFILE", "demo").envs(condition.environment);
        command.env("HISTORIA_LISTEN", format!("127.0.0.1:{}", self.ports[name]));
        if name == GATEWAY {
            command.env("HISTORIA_SECRETS_DIR", self.folder.join("secrets/bff"));
            command.env("HISTORIA_PUBLIC_URL", self.url());
            for (service, link) in &self.to_service {
                let variable = format!("HISTORIA_{}_URL", service.replace('-', "_").to_uppercase());
                command.env(variable, format!("http://127.0.0.1:{}", link.port));
            }
            for rate in ["HISTORIA_RATE_POST", "HISTORIA_RATE_GET", "HISTORIA_RATE_ALL"] {
                command.env(rate, "1000000");
            }
            return command;
        }
        let folder = SERVICES.iter().find(|(service, _)| *service == name).map_or(name, |(_, folder)| folder);
        let port = self.to_database[name].port;
        command.env("HISTORIA_SECRETS_DIR", self.folder.join("secrets").join(folder));
        command
            .env("HISTORIA_DATABASE_URL", format!("postgres://historia_{folder}@127.0.0.1:{port}/historia_{folder}"));
        command.env("HISTORIA_BROKER", format!("pulsar://127.0.0.1:{}", self.to_broker.port));
        command.env("HISTORIA_GATEWAY_JWKS", format!("{}/.well-known/gateway-jwks.json", self.url()));
        if name != "saga-log" {
            let keys = format!("postgres://historia_keys@127.0.0.1:{port}/historia_keys");
            command.env("HISTORIA_KEYS_DATABASE_URL", keys);
        }
        if name == "notifications" {
            command.env("HISTORIA_PUBLIC_URL", self.url());
            command.env("HISTORIA_SMTP_URL", format!("smtp://{}", self.mail.address)).env("HISTORIA_LANG", "en");
        }
        command
    }

    /// Starts a service; does not wait for it.
    pub fn start(&mut self, name: &'static str) -> Result<(), Failure> {
        let process = Process::start(self.command(name), &self.log(name))?;
        self.services.insert(name, process);
        Ok(())
    }

    /// Ends a service as a crash would, and starts it again under `condition`.
    pub fn start_again(&mut self, name: &'static str, condition: Condition) -> Result<(), Failure> {
        self.kill_9(name)?;
        self.conditions.insert(name, condition);
        self.start(name)
    }

    pub fn kill_9(&mut self, name: &'static str) -> Result<(), Failure> {
        self.services.remove(name).map_or(Ok(()), |mut process| process.kill_9())
    }

    pub fn signal(&mut self, name: &'static str, signal: Signal) -> Result<(), Failure> {
        self.services.get_mut(name).map_or(Ok(()), |process| process.signal(signal))
    }

    /// Asks a service to stop; whether it ended well.
    pub async fn terminate(&mut self, name: &'static str) -> Result<bool, Failure> {
        match self.services.remove(name) {
            Some(mut process) => process.end(Signal::SIGTERM).await,
            None => Ok(true),
        }
    }

    pub fn is_running(&mut self, name: &'static str) -> bool {
        self.services.get_mut(name).is_some_and(Process::is_running)
    }

    /// Starts whatever ended by itself, as a container platform does.
    pub async fn revive(&mut self) -> Result<(), Failure> {
        for name in self.names() {
            if !self.is_running(name) {
                self.ended_by_themselves += 1;
                self.start(name)?;
            }
        }
        Ok(())
    }

    /// Every way is whole again and every server runs.
    pub async fn heal(&mut self) -> Result<(), Failure> {
        for link in self.to_database.values().chain(self.to_service.values()).chain([&self.to_broker]) {
            link.set(Network::Whole);
        }
        self.postgres.ensure_running().await?;
        self.broker.ensure_running().await?;
        self.conditions.clear();
        self.revive().await
    }

    /// Waits until every service says that it is ready.
    pub async fn everybody_ready(&mut self) -> Result<(), Failure> {
        let begun = Instant::now();
        for name in self.names() {
            while !Client::at(&self.url_of(name)).is_ready().await {
                if begun.elapsed() > READY {
                    return Err(format!("{name} is not ready, see {}", self.log(name).display()).into());
                }
                self.revive().await?;
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    /// Whether history in every database is whole and every read model follows from it; what is said of it.
    pub fn verify(&self) -> Result<Result<String, String>, Failure> {
        Ok(run(&mut self.replay(&["verify"])).map_err(|error| error.to_string()))
    }

    /// A verb of `historia replay` on this PostgreSQL, past every proxy; its report is one JSON document.
    pub fn replay(&self, verb: &[&str]) -> Command {
        let mut command = dying_with_us(&self.binary, None);
        let url = format!("postgres://historia@127.0.0.1:{}/postgres", self.postgres.port);
        command.arg("replay").args(verb).args(["--json", "--no-progress"]).env("HISTORIA_DATABASE_URL", url);
        command.env("HISTORIA_DATABASE_PASSWORD_FILE", self.folder.join("secrets/postgres/database-owner"));
        command
    }

    /// Stops everything; which services did not end well.
    pub async fn stop(&mut self) -> Result<Vec<&'static str>, Failure> {
        let mut badly = Vec::new();
        for name in self.names().into_iter().rev() {
            if !self.terminate(name).await? {
                badly.push(name);
            }
        }
        self.broker.kill_9()?;
        self.postgres.stop().await?;
        Ok(badly)
    }
}
