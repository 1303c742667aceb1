//! How a database is reached: as whom, and whether anybody in between can read along.
use super::DatabaseError;
use crate::Profile;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::net::IpAddr;

/// The way to `database` as `role`, by the way that `given` goes: same server, same TLS mode, same root certificate.
#[must_use]
pub fn as_role(given: &PgConnectOptions, role: &str, password: &str, database: &str) -> PgConnectOptions {
    given.clone().username(role).password(password).database(database).application_name(role)
}

/// In production refuses what is not `sslmode=verify-full`: with anything weaker somebody in between can pass for the
/// server. A server on this machine, on a loopback address or a Unix socket, has nobody in between.
///
/// # Errors
/// [`DatabaseError::Unprotected`].
pub fn check_transport(profile: Profile, options: &PgConnectOptions) -> Result<(), DatabaseError> {
    let verified = matches!(options.get_ssl_mode(), PgSslMode::VerifyFull);
    if profile == Profile::Demo || verified || is_local(options) {
        return Ok(());
    }
    let database = options.get_database().unwrap_or_else(|| options.get_username()).to_owned();
    Err(DatabaseError::Unprotected { database, host: options.get_host().to_owned() })
}

fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    if options.get_socket().is_some() || host.starts_with('/') || host.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    address.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::ConnectOptions;

    fn options(url: &str) -> PgConnectOptions {
        url.parse().unwrap()
    }

    #[test]
    fn in_production_nothing_weaker_than_verify_full_leaves_the_machine() {
        for mode in ["disable", "allow", "prefer", "require", "verify-ca"] {
            let weak = options(&format!("postgres://historia_users:geheim@db.example/historia_users?sslmode={mode}"));
            let refused = check_transport(Profile::Production, &weak).unwrap_err().to_string();
            assert!(refused.contains("historia_users") && refused.contains("db.example"), "{refused}");
            assert!(refused.contains("sslmode=verify-full"), "{refused}");
            assert!(!refused.contains("geheim") && !refused.contains('\n'), "{refused}");
            assert!(check_transport(Profile::Demo, &weak).is_ok());
        }
        let unsaid = options("postgres://u@192.0.2.7/d");
        assert!(check_transport(Profile::Production, &unsaid).is_err());
        let full = options("postgres://u@db.example/d?sslmode=verify-full&sslrootcert=/etc/historia/root.pem");
        assert!(check_transport(Profile::Production, &full).is_ok());
    }

    #[test]
    fn a_server_on_this_machine_needs_no_tls() {
        for url in [
            "postgres://u@localhost/d",
            "postgres://u@127.0.0.1:5433/d",
            "postgres://u@127.1.2.3/d?sslmode=disable",
            "postgres://u@[::1]/d",
            "postgres://u@[::ffff:127.0.0.1]/d",
            "postgres:///d?host=/var/run/postgresql",
            "postgres://u@%2Fvar%2Frun%2Fpostgresql/d",
        ] {
            assert!(check_transport(Profile::Production, &options(url)).is_ok(), "{url}");
        }
        for url in ["postgres://u@localhost.example/d", "postgres://u@10.0.0.1/d", "postgres://u@[::2]/d"] {
            assert!(check_transport(Profile::Production, &options(url)).is_err(), "{url}");
        }
    }

    #[test]
    fn a_service_role_takes_the_given_way() {
        let given = options(
            "postgres://owner:geheim@db.example:6543/postgres?sslmode=verify-full&sslrootcert=/etc/historia/root.pem",
        );
        let role = as_role(&given, "historia_users", "other", "historia_users");
        assert_eq!((role.get_host(), role.get_port()), ("db.example", 6543));
        assert_eq!((role.get_username(), role.get_database()), ("historia_users", Some("historia_users")));
        assert!(matches!(role.get_ssl_mode(), PgSslMode::VerifyFull));
        let url = role.to_url_lossy();
        let pairs: Vec<_> = url.query_pairs().collect();
        let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.to_string());
        assert_eq!(value("sslmode").as_deref(), Some("verify-full"));
        assert!(value("sslrootcert").unwrap().ends_with("/etc/historia/root.pem"), "{pairs:?}");
        assert_eq!(url.password(), Some("other"));
        // The limits of a session keep it as well.
        let session = crate::database::session(role);
        assert!(matches!(session.get_ssl_mode(), PgSslMode::VerifyFull));
        assert!(session.to_url_lossy().as_str().contains("root.pem"));
    }
}
