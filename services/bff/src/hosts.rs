//! Under which names the gateway answers. A page that made its own name point to us, or a cache in between, could
//! otherwise have us answer as somebody else.
use crate::INTERNAL_KEYS_PATH;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use infra_http::Problem;
use std::sync::Arc;

/// Asked by address or an internal name: by who watches or balances load, and by services for the keys.
const ANY_HOST: [&str; 4] = ["/healthz", "/livez", "/readyz", INTERNAL_KEYS_PATH];

/// The same router, refusing whoever asks for another host (421); `None` refuses nobody.
pub(crate) fn only(allowed: Option<Vec<String>>, router: Router) -> Router {
    match allowed {
        None => router,
        Some(allowed) => router.layer(from_fn_with_state(Arc::<[String]>::from(allowed), admit)),
    }
}

async fn admit(State(allowed): State<Arc<[String]>>, request: Request, next: Next) -> Response {
    if ANY_HOST.contains(&request.uri().path()) || is_ours(&allowed, &request) {
        return next.run(request).await;
    }
    Problem::new(StatusCode::MISDIRECTED_REQUEST, "misdirected_request", "This host is not served here").into_response()
}

/// Whether every name that the request gives us is one of ours: its `Host`, and the one in an absolute address, which
/// would count more (RFC 9112 §3.2.2).
fn is_ours(allowed: &[String], request: &Request) -> bool {
    let host = request.headers().get(header::HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let names = |host: &Authority| allowed.iter().any(|allowed| is_named(allowed, host));
    host.as_ref().is_some_and(names) && request.uri().authority().is_none_or(names)
}

/// A name without a port is meant on every port. User information has no place in a host.
fn is_named(allowed: &str, host: &Authority) -> bool {
    let same = |name: &str| allowed.eq_ignore_ascii_case(name);
    !host.as_str().contains('@') && (same(host.host()) || same(host.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn served(uri: &str, host: Option<&str>) -> bool {
        let allowed = ["historia.example".to_owned(), "localhost:8080".to_owned(), "[::1]".to_owned()];
        let request = Request::builder().uri(uri);
        let request = match host {
            Some(host) => request.header(header::HOST, host),
            None => request,
        };
        is_ours(&allowed, &request.body(Body::empty()).unwrap())
    }

    #[test]
    fn a_name_is_taken_in_any_case_and_without_port_on_any_port() {
        for host in ["historia.example", "HISTORIA.example", "historia.example:8443", "localhost:8080", "[::1]:8080"] {
            assert!(served("/results", Some(host)), "{host}");
        }
        for host in [
            "localhost",
            "localhost:80",
            "historia.example.evil.example",
            "evil.example",
            "a@historia.example",
            "historia.example@evil.example",
            "127.0.0.1",
            "",
        ] {
            assert!(!served("/results", Some(host)), "{host}");
        }
    }

    #[test]
    fn who_gives_no_name_or_two_different_ones_is_refused() {
        assert!(!served("/results", None));
        assert!(!served("http://evil.example/results", Some("historia.example")));
        assert!(!served("http://historia.example/results", Some("evil.example")));
        assert!(served("http://historia.example/results", Some("historia.example")));
    }
}
