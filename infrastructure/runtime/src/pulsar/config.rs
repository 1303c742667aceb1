//! What a broker is told at its start: files that its user alone can read.
use super::broker::Ports;
use super::{BrokerTls, PulsarError, StandaloneOptions, TokenKey, data};
use crate::child::Account;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const TEMPLATE: &str = include_str!("../../../../tools/pulsar/standalone.conf");
const LOG4J: &str = include_str!("../../../../tools/pulsar/log4j2.xml");

/// The broker's settings.
pub(super) fn file(directory: &Path) -> PathBuf {
    directory.join("config/standalone.conf")
}

/// The settings of its log.
pub(super) fn log4j(directory: &Path) -> PathBuf {
    directory.join("config/log4j2.xml")
}

/// Makes the broker's directories and writes what it is told, the keys included.
pub(super) fn write(options: &StandaloneOptions, account: &Account, ports: Ports) -> Result<(), PulsarError> {
    let directory = &options.directory;
    // What earlier starts were told and left behind; libraries that are unpacked at every start among it.
    for place in ["config", "tmp"].map(|name| directory.join(name)) {
        match fs::remove_dir_all(&place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(PulsarError::io(&place)(error)),
            _ => {}
        }
    }
    for place in ["config", "tmp", "logs"].map(|name| directory.join(name)).into_iter().chain([data(directory)]) {
        match DirBuilder::new().mode(0o700).create(&place) {
            Ok(()) => account.give(&place)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(PulsarError::io(&place)(error)),
        }
    }
    let mut settings = settings(ports, options.durable);
    if let Some(authentication) = &options.authentication {
        let (given, key, setting) = match &authentication.key {
            TokenKey::Secret(given) => (given, directory.join("config/secret.key"), "tokenSecretKey"),
            TokenKey::Public(given) => (given, directory.join("config/public.key"), "tokenPublicKey"),
        };
        private(account, &key, &fs::read(given).map_err(PulsarError::io(given))?)?;
        let token = directory.join("config/broker.token");
        private(account, &token, authentication.token.reveal().as_bytes())?;
        settings.push_str(&demanding_tokens(&authentication.superusers, setting, &key, &token));
    }
    if let Some(tls) = &options.tls {
        settings.push_str(&speaking_tls(tls, account, directory, ports)?);
    }
    private(account, &log4j(directory), LOG4J.as_bytes())?;
    private(account, &file(directory), settings.as_bytes())
}

/// The authority that the broker itself believes, where it has one.
pub(super) fn authority(directory: &Path) -> PathBuf {
    directory.join("config/authority.pem")
}

fn settings(ports: Ports, durable: bool) -> String {
    // Over TLS nothing is left to be spoken to in clear.
    let port = |port: u16| if ports.tls { String::new() } else { port.to_string() };
    TEMPLATE
        .replace("@service_port@", &port(ports.service))
        .replace("@admin_port@", &port(ports.admin))
        .replace("@sync@", if durable { "true" } else { "false" })
}

fn demanding_tokens(superusers: &[String], setting: &str, key: &Path, token: &Path) -> String {
    format!(
        "\nauthenticationEnabled=true\n\
         authenticationProviders=org.apache.pulsar.broker.authentication.AuthenticationProviderToken\n\
         authorizationEnabled=true\n\
         superUserRoles={}\n\
         {setting}={}\n\
         brokerClientAuthenticationPlugin=org.apache.pulsar.client.impl.auth.AuthenticationToken\n\
         brokerClientAuthenticationParameters={}\n",
        superusers.join(","),
        file_url(key),
        file_url(token),
    )
}

/// As in `docker-compose.production.yml`: clients have a listener of their own, so that the admin interface can be kept to
/// the broker's own machine.
fn speaking_tls(tls: &BrokerTls, account: &Account, directory: &Path, ports: Ports) -> Result<String, PulsarError> {
    let place = |name: &str| directory.join("config").join(name);
    let (certificate, key, authority) = (place("certificate.pem"), place("key.pem"), authority(directory));
    for (given, copy) in [(&tls.certificate, &certificate), (&tls.key, &key), (&tls.authority, &authority)] {
        private(account, copy, &fs::read(given).map_err(PulsarError::io(given))?)?;
    }
    let clients = ports.service_url();
    Ok(format!(
        "\nwebServicePortTls={}\n\
         bindAddresses=internal:{clients}\n\
         advertisedListeners=internal:{clients}\n\
         internalListenerName=internal\n\
         tlsCertificateFilePath={}\n\
         tlsKeyFilePath={}\n\
         webServiceTlsProvider=SunJSSE\n\
         brokerClientTlsEnabled=true\n\
         brokerClientTrustCertsFilePath={}\n\
         tlsHostnameVerificationEnabled=true\n",
        ports.admin,
        certificate.display(),
        key.display(),
        authority.display(),
    ))
}

/// A file that the broker's user alone can read.
fn private(account: &Account, path: &Path, content: &[u8]) -> Result<(), PulsarError> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o400).open(path);
    file.and_then(|mut file| file.write_all(content)).map_err(PulsarError::io(path))?;
    Ok(account.give(path)?)
}

/// `file:///a%20b`: plain ASCII, whatever the path is made of.
fn file_url(path: &Path) -> String {
    let mut url = "file://".to_owned();
    for &byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~') {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTS: Ports = Ports { service: 6650, admin: 8088, tls: false };

    #[test]
    fn everything_is_filled_in_and_listens_on_this_machine_alone() {
        let settings = settings(PORTS, true);
        assert!(!settings.lines().any(|line| !line.starts_with('#') && line.contains('@')), "{settings}");
        for line in ["brokerServicePort=6650", "webServicePort=8088", "bindAddress=127.0.0.1", "listeningInterface=lo"]
        {
            assert!(settings.lines().any(|set| set == line), "{line}");
        }
    }

    #[test]
    fn over_tls_nothing_is_left_in_clear() {
        let settings = settings(Ports { tls: true, ..PORTS }, true);
        for line in ["brokerServicePort=", "webServicePort=", "bindAddress=127.0.0.1"] {
            assert!(settings.lines().any(|set| set == line), "{line}");
        }
    }

    #[test]
    fn only_a_broker_for_tests_confirms_what_is_not_on_the_disk() {
        assert!(settings(PORTS, true).contains("\njournalSyncData=true\n"));
        assert!(settings(PORTS, false).contains("\njournalSyncData=false\n"));
    }

    #[test]
    fn topics_and_schemas_are_never_made_by_a_client() {
        for line in ["allowAutoTopicCreation=false", "isSchemaValidationEnforced=true"] {
            assert!(settings(PORTS, true).lines().any(|set| set == line), "{line}");
        }
    }

    #[test]
    fn a_path_is_part_of_an_address_whatever_it_is_made_of() {
        assert_eq!(file_url(Path::new("/a b/ñ")), "file:///a%20b/%C3%B1");
    }
}
