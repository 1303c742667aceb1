//! A broker found by the file that we keep beside its data (`pulsar.pid`).
use super::{PulsarError, STEPS, config};
use crate::child::{stop_found, words};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where a broker listens, on 127.0.0.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ports {
    /// For clients.
    pub(super) service: u16,
    /// For the admin interface.
    pub(super) admin: u16,
    /// Whether both are spoken to over TLS.
    pub(super) tls: bool,
}

impl Ports {
    pub(super) fn service_url(self) -> String {
        format!("{}://127.0.0.1:{}", if self.tls { "pulsar+ssl" } else { "pulsar" }, self.service)
    }

    pub(super) fn admin_url(self) -> String {
        format!("{}://127.0.0.1:{}", if self.tls { "https" } else { "http" }, self.admin)
    }
}

/// A broker that runs in a directory of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broker {
    pub(super) pid: i32,
    pub(super) ports: Ports,
    pub(super) ready: bool,
    directory: PathBuf,
}

impl Broker {
    /// Notes that the broker of `directory` runs.
    pub(super) fn note(directory: &Path, pid: i32, ports: Ports, ready: bool) -> Result<(), PulsarError> {
        let (file, draft) = (file(directory), directory.join("pulsar.pid.new"));
        let state = if ready { "ready" } else { "starting" };
        let transport = if ports.tls { "tls" } else { "clear" };
        fs::write(&draft, format!("{pid}\n{}\n{}\n{state}\n{transport}\n", ports.service, ports.admin))
            .and_then(|()| fs::rename(&draft, &file))
            .map_err(PulsarError::io(&file))
    }

    /// The broker that runs in `directory`, if one does. A file that was left over, also one whose process id has since
    /// been given to another program, is no broker.
    pub(super) fn of(directory: &Path) -> Option<Self> {
        let (pid, ports, ready) = parse(&fs::read_to_string(file(directory)).ok()?)?;
        let found = Self { pid, ports, ready, directory: directory.to_owned() };
        found.is_running().then_some(found)
    }

    /// The ports that the last broker of `directory` had, running or not.
    pub(super) fn last_ports(directory: &Path) -> Option<Ports> {
        parse(&fs::read_to_string(file(directory)).ok()?).map(|(_, ports, _)| ports)
    }

    /// Stops it: in an orderly way, then at once; returns when it is gone.
    pub(super) async fn stop(&self) -> Result<(), PulsarError> {
        Ok(stop_found(self.pid, STEPS, || self.is_running()).await?)
    }

    /// Whether the process is a broker that was started on this very directory.
    fn is_running(&self) -> bool {
        let words = words(self.pid);
        let config = config::file(&self.directory);
        words.iter().any(|word| word == super::launch::MAIN_CLASS.as_bytes())
            && words.windows(2).any(|pair| pair[0] == b"--config" && pair[1] == config.as_os_str().as_bytes())
    }
}

fn file(directory: &Path) -> PathBuf {
    directory.join("pulsar.pid")
}

/// Process id, ports, whether it takes connections, and how: a line each.
fn parse(text: &str) -> Option<(i32, Ports, bool)> {
    let mut lines = text.lines();
    let pid = lines.next()?.parse().ok().filter(|pid| *pid > 1)?;
    let service = lines.next()?.parse().ok()?;
    let admin = lines.next()?.parse().ok()?;
    let ready = lines.next() == Some("ready");
    Some((pid, Ports { service, admin, tls: lines.next() == Some("tls") }, ready))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_ready_when_its_file_says_so() {
        let ports = Ports { service: 6650, admin: 8088, tls: false };
        assert_eq!(parse("4711\n6650\n8088\nstarting\nclear\n"), Some((4711, ports, false)));
        assert_eq!(parse("4711\n6650\n8088\nready\nclear\n"), Some((4711, ports, true)));
    }

    #[test]
    fn a_brokers_addresses_say_how_it_is_spoken_to() {
        let (_, ports, _) = parse("4711\n6651\n8443\nready\ntls\n").unwrap();
        assert_eq!(ports.service_url(), "pulsar+ssl://127.0.0.1:6651");
        assert_eq!(ports.admin_url(), "https://127.0.0.1:8443");
    }

    #[test]
    fn a_file_that_names_no_process_is_no_broker() {
        for text in ["", "x\n", "0\n1\n2\nready\n", "1\n1\n2\nready\n", "-5\n1\n2\nready\n", "4711\n6650\n"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
