//! What production demands of a process's settings. The demo demands none of it; nothing else differs here.
//!
//! Every rule is told at once, so that a deployment is mended in one go.
use crate::cli::{BrokerArgs, GatewayArgs};
use crate::failure::Failure;
use crate::running::MailWay;
use infra_runtime::Profile;
use infra_runtime::database::check_transport;
use sqlx::postgres::PgConnectOptions;

/// A service's databases and broker: over TLS, with certificates that are checked, and as somebody.
///
/// # Errors
/// Says everything that is missing.
pub(super) fn check_service(
    profile: Profile,
    database: &PgConnectOptions,
    keys: Option<&PgConnectOptions>,
    broker: &BrokerArgs,
) -> Result<(), Failure> {
    let verified = |options: &PgConnectOptions| check_transport(profile, options).is_ok();
    judge(
        profile,
        &[
            (verified(database), "HISTORIA_DATABASE_URL must end in ?sslmode=verify-full&sslrootcert=FILE"),
            (keys.is_none_or(verified), "HISTORIA_KEYS_DATABASE_URL must end in ?sslmode=verify-full&sslrootcert=FILE"),
            (broker.broker.starts_with("pulsar+ssl://"), "HISTORIA_BROKER must begin with pulsar+ssl://"),
            (broker.place.broker_token_file.is_some(), "HISTORIA_BROKER_TOKEN_FILE must be set"),
        ],
    )
}

/// Mails leave by a mail server, encrypted, and link to an address that is.
///
/// # Errors
/// Says everything that is missing.
pub(super) fn check_mail(profile: Profile, way: &MailWay, public_url: &str) -> Result<(), Failure> {
    let encrypted = match way {
        MailWay::Server(url) => url.starts_with("smtps://") || demands_tls(url),
        MailWay::Mailbox(_) => false,
    };
    judge(
        profile,
        &[
            (encrypted, "the mail server must be smtps://… or smtp://…?tls=required"),
            (public_url.starts_with("https://"), "HISTORIA_PUBLIC_URL must begin with https://"),
        ],
    )
}

/// Whether the address says so where the mail client looks for it, behind the host.
fn demands_tls(url: &str) -> bool {
    let query = url.rsplit_once('?').map_or("", |(_, query)| query);
    !query.contains('@') && query.split('&').any(|pair| pair == "tls=required")
}

/// The gateway: over TLS, under its own names.
///
/// # Errors
/// Says everything that is missing.
pub(super) fn check_gateway(profile: Profile, arguments: &GatewayArgs) -> Result<(), Failure> {
    judge(
        profile,
        &[
            (arguments.tls_certificate_file.is_some(), "HISTORIA_TLS_CERTIFICATE_FILE and _KEY_FILE must be set"),
            (!arguments.allowed_hosts.is_empty(), "HISTORIA_ALLOWED_HOSTS must be set"),
            (arguments.public_url.starts_with("https://"), "HISTORIA_PUBLIC_URL must begin with https://"),
        ],
    )
}

fn judge(profile: Profile, rules: &[(bool, &str)]) -> Result<(), Failure> {
    let broken: Vec<&str> = rules.iter().filter(|(kept, _)| !kept).map(|(_, rule)| *rule).collect();
    if profile == Profile::Demo || broken.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("in production {}", broken.join("; "))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::PlaceArgs;

    fn broker(url: &str, token: Option<&str>) -> BrokerArgs {
        let place = PlaceArgs {
            broker_tenant: "historia".into(),
            broker_namespace: "clinic".into(),
            broker_token_file: token.map(Into::into),
            broker_certificate_file: None,
        };
        BrokerArgs { broker: url.into(), place }
    }

    fn database(mode: &str) -> PgConnectOptions {
        format!("postgres://historia_users@db/historia_users?sslmode={mode}").parse().unwrap()
    }

    #[test]
    fn production_reaches_databases_and_broker_over_tls_alone() {
        let (profile, safe) = (Profile::Production, database("verify-full"));
        let told = broker("pulsar+ssl://broker:6651", Some("token"));
        assert!(check_service(profile, &safe, Some(&safe), &told).is_ok());
        for mode in ["disable", "prefer", "require"] {
            assert!(check_service(profile, &database(mode), Some(&safe), &told).is_err(), "{mode}");
            assert!(check_service(profile, &safe, Some(&database(mode)), &told).is_err(), "{mode}");
        }
        assert!(check_service(profile, &safe, None, &broker("pulsar://broker:6650", Some("token"))).is_err());
        let anonymous = check_service(profile, &safe, None, &broker("pulsar+ssl://broker:6651", None));
        assert!(anonymous.unwrap_err().message.contains("HISTORIA_BROKER_TOKEN_FILE"));
    }

    #[test]
    fn production_tells_everything_at_once() {
        let refused = check_service(Profile::Production, &database("disable"), None, &broker("pulsar://b:1", None));
        let message = refused.unwrap_err().message;
        for name in ["HISTORIA_DATABASE_URL", "HISTORIA_BROKER ", "HISTORIA_BROKER_TOKEN_FILE"] {
            assert!(message.contains(name), "{message}");
        }
    }

    #[test]
    fn production_mails_are_encrypted_and_never_in_a_directory() {
        let (profile, url) = (Profile::Production, "https://historia.clinica.cl");
        assert!(check_mail(profile, &MailWay::Server("smtps://u:p@mail".into()), url).is_ok());
        assert!(check_mail(profile, &MailWay::Server("smtp://mail:587?tls=required".into()), url).is_ok());
        for weak in [
            "smtp://mail:25",
            "smtp://u:tls=required@mail:25",
            "smtp://u:p?tls=required@mail",
            "smtp://mail?tls=opportunistic",
        ] {
            assert!(check_mail(profile, &MailWay::Server(weak.into()), url).is_err(), "{weak}");
        }
        assert!(check_mail(profile, &MailWay::Mailbox("mailbox".into()), url).is_err());
        assert!(check_mail(profile, &MailWay::Server("smtps://mail".into()), "http://historia").is_err());
    }

    #[test]
    fn the_demo_demands_nothing() {
        assert!(check_service(Profile::Demo, &database("disable"), None, &broker("pulsar://b:1", None)).is_ok());
        assert!(check_mail(Profile::Demo, &MailWay::Mailbox("mailbox".into()), "http://localhost:8080").is_ok());
    }
}
