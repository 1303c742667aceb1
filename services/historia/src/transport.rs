//! To which addresses a secret may be shown.
use std::net::IpAddr;

/// Over TLS, or on this machine, where nobody is in between.
pub(crate) fn is_safe(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return url.starts_with("https://") };
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_safe;

    #[test]
    fn a_secret_is_shown_over_tls_or_on_this_machine_alone() {
        for url in ["https://pulsar:8443", "http://localhost:8088", "http://127.0.0.1:8088/", "http://[::1]:8088"] {
            assert!(is_safe(url), "{url}");
        }
        for url in [
            "http://pulsar:8080",
            "http://192.0.2.7",
            "http://localhost.example:8080",
            "http://127.0.0.1.example",
            "http://user@127.0.0.1",
            "ftp://localhost",
        ] {
            assert!(!is_safe(url), "{url}");
        }
    }
}
