//! Starting the broker and waiting until it is ready.
use super::admin::{Admin, AdminError};
use super::broker::{Broker, Ports};
use super::java::Java;
use super::{PulsarError, STEPS, StandaloneOptions, config, data};
use crate::child::{Account, Process, free_port, last_line, open_log, said_since};
use crate::outgoing::Trust;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// By which a broker is known among the processes.
pub(super) const MAIN_CLASS: &str = "org.apache.pulsar.PulsarStandaloneStarter";

/// How long a start may take; after a crash the broker first repeats its journal.
const START_LIMIT: Duration = Duration::from_secs(180);
/// How often a start is tried again with other free ports.
const ATTEMPTS: u32 = 5;
/// The pause between two looks at a broker that starts.
const PAUSE: Duration = Duration::from_millis(50);
/// The gateway's own port, and Pulsar's usual one.
const RESERVED: u16 = 8080;

/// What the broker needs of Java's internals (as in Pulsar's own start script).
const OPENED: &[&str] = &[
    "java.base/sun.net",
    "java.base/java.lang",
    "java.base/java.nio",
    "java.base/jdk.internal.misc",
    "java.base/jdk.internal.platform",
    "java.base/java.util.zip",
    "java.management/sun.management",
];

/// Little memory: about 300 MB are used, and a start is not slowed down by compiling for hours to come.
const MEMORY: &[&str] = &[
    "-Xms128m",
    "-Xmx512m",
    "-XX:MaxDirectMemorySize=512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    // Its file would stay behind in the system's temporary directory.
    "-XX:-UsePerfData",
];

/// Everything that every start of one broker needs.
pub(super) struct Launch {
    pub(super) options: StandaloneOptions,
    pub(super) account: Account,
    pub(super) java: Java,
    pub(super) jars: PathBuf,
}

impl Launch {
    /// Starts the broker, on exactly the ports of `again` if given, and waits until it is ready.
    pub(super) async fn launch(&self, again: Option<Ports>) -> Result<(Process, Ports), PulsarError> {
        let directory = &self.options.directory;
        let (java_log, pulsar_log) = (directory.join("logs/java.log"), directory.join("logs/pulsar.log"));
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (ports, given) = self.ports(again, attempt)?;
            config::write(&self.options, &self.account, ports)?;
            let begin = std::fs::metadata(&pulsar_log).map_or(0, |log| log.len());
            let (file, java_begin) = open_log(&java_log).map_err(PulsarError::io(&java_log))?;
            let dies_with_us = !self.options.outlives_owner;
            let process = Process::start("pulsar", self.command(), file, STEPS, dies_with_us);
            let process = process.await.map_err(PulsarError::io(&java_log))?;
            Broker::note(directory, process.pid(), ports, false)?;
            match self.is_ready(&process, ports).await {
                Ok(true) => {
                    Broker::note(directory, process.pid(), ports, true)?;
                    return Ok((process, ports));
                }
                Ok(false) => {}
                Err(reason) => {
                    process.stop().await?;
                    return Err(not_started(reason, &pulsar_log));
                }
            }
            let said = said_since(&pulsar_log, begin);
            let port_taken = ["Address already in use", "Failed to bind"].iter().any(|mark| said.contains(mark));
            if port_taken && !given && attempt < ATTEMPTS {
                continue;
            }
            if said.is_empty() {
                let marks = &["setpriv:", "Error", "Exception"];
                return Err(not_started(last_line(&said_since(&java_log, java_begin), marks).to_owned(), &java_log));
            }
            return Err(not_started(last_words(&said), &pulsar_log));
        }
    }

    /// The admin interface of the broker at `ports`, as a superuser.
    pub(super) fn admin(&self, ports: Ports) -> Result<Admin, PulsarError> {
        let token = self.options.authentication.as_ref().map(|authentication| authentication.token.clone());
        let trust = match &self.options.tls {
            Some(tls) => {
                Trust::with_authority(&std::fs::read(&tls.authority).map_err(PulsarError::io(&tls.authority))?)
            }
            None => Trust::public(),
        };
        Ok(Admin::trusting(trust.map_err(AdminError::from)?, &ports.admin_url(), token)?)
    }

    /// The ports of the next attempt, and whether there is no choice.
    fn ports(&self, again: Option<Ports>, attempt: u32) -> Result<(Ports, bool), PulsarError> {
        let before = Broker::last_ports(&self.options.directory).filter(|_| attempt == 1);
        let wanted = |given: Option<u16>, again: Option<u16>, before: Option<u16>, other: Option<u16>| {
            if let Some(port) = given.or(again) {
                return check(port).map(|()| port);
            }
            if let Some(port) = before.filter(|port| check(*port).is_ok()) {
                return Ok(port);
            }
            loop {
                let port = free_port().map_err(PulsarError::io(&self.options.directory))?;
                if Some(port) != other && port != RESERVED {
                    return Ok(port);
                }
            }
        };
        let service = wanted(
            self.options.service_port,
            again.map(|ports| ports.service),
            before.map(|ports| ports.service),
            None,
        )?;
        let admin = wanted(
            self.options.admin_port,
            again.map(|ports| ports.admin),
            before.map(|ports| ports.admin),
            Some(service),
        )?;
        let given = again.is_some() || (self.options.service_port.is_some() && self.options.admin_port.is_some());
        Ok((Ports { service, admin, tls: self.options.tls.is_some() }, given))
    }

    fn command(&self) -> Command {
        let directory = &self.options.directory;
        let at_our_end = STEPS.first().map(|step| step.0).filter(|_| !self.options.outlives_owner);
        let mut command = self.account.command(&self.java.program(), at_our_end);
        command.args(MEMORY);
        command.args(OPENED.iter().flat_map(|package| ["--add-opens".to_owned(), format!("{package}=ALL-UNNAMED")]));
        if self.java.version >= 24 {
            // Allowed before without being asked for.
            command.args(["--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"]);
        }
        command.arg("-Dio.netty.tryReflectionSetAccessible=true");
        for (property, path) in [
            ("java.io.tmpdir", directory.join("tmp")),
            ("historia.pulsar.logs", directory.join("logs")),
            ("log4j.configurationFile", config::log4j(directory)),
        ] {
            let mut argument = std::ffi::OsString::from(format!("-D{property}="));
            argument.push(path);
            command.arg(argument);
        }
        command.arg("-cp").arg(self.jars.join("*")).arg(MAIN_CLASS);
        command.arg("--config").arg(config::file(directory));
        command.args(["--no-functions-worker", "--no-stream-storage"]);
        command.arg("--metadata-dir").arg(data(directory).join("metadata"));
        command.arg("--bookkeeper-dir").arg(data(directory).join("bookkeeper"));
        command
    }

    /// Waits until the broker has made its own namespaces, the last thing that it does at a start. `Ok(false)`: it
    /// ended, its log says why.
    async fn is_ready(&self, process: &Process, ports: Ports) -> Result<bool, String> {
        let admin = self.admin(ports).map_err(|error| error.to_string())?;
        let begun = Instant::now();
        loop {
            match made_itself_at_home(&admin).await {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                // A token that it does not take will not be taken later either.
                Err(error @ AdminError::Denied { .. }) => return Err(error.to_string()),
                Err(_) => {}
            }
            if tokio::time::timeout(PAUSE, process.ended()).await.is_ok() {
                return Ok(false);
            }
            if begun.elapsed() > START_LIMIT {
                return Err(format!("it is not ready after {} s", START_LIMIT.as_secs()));
            }
        }
    }
}

async fn made_itself_at_home(admin: &Admin) -> Result<bool, AdminError> {
    let tenants = admin.tenants().await?;
    for (tenant, namespace) in [("public", "public/default"), ("pulsar", "pulsar/system")] {
        let is_there = tenants.iter().any(|name| name == tenant)
            && admin.namespaces(tenant).await?.iter().any(|name| name == namespace);
        if !is_there {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Refuses a port that is in use.
fn check(port: u16) -> Result<(), PulsarError> {
    if port == RESERVED {
        return Err(PulsarError::PortReserved);
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(|_| ()).map_err(|_| PulsarError::PortInUse { port })
}

/// The last complaint in what the broker said, without time, thread and class.
fn last_words(said: &str) -> String {
    let line = last_line(said, &[" ERROR ", "Caused by:"]);
    line.split_once("] ").map_or(line, |(_, words)| words).trim().chars().take(500).collect()
}

fn not_started(reason: String, log: &Path) -> PulsarError {
    PulsarError::NotStarted { reason, log: log.display().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_a_failed_start_is_the_brokers_last_complaint() {
        let said = "2026-01-02T03:04:05.678Z INFO  [main] PulsarService - starting\n\
                    2026-01-02T03:04:05.678Z ERROR [main] PulsarStandaloneStarter - Failed to start pulsar service.\n\
                    2026-01-02T03:04:05.679Z INFO  [main] PulsarService - closing\n";
        assert_eq!(last_words(said), "PulsarStandaloneStarter - Failed to start pulsar service.");
    }

    #[test]
    fn the_platforms_own_port_is_never_given_to_the_broker() {
        assert!(matches!(check(8080), Err(PulsarError::PortReserved)));
    }
}
