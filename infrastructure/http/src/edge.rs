//! What surrounds every answer of ours, a service's or the gateway's: ids, panics, problems, headers, one log line.
use crate::context::RequestIds;
use crate::names;
use crate::problem::{MEDIA_TYPE, Problem};
use crate::server::{OverTls, Peer};
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use domain_kernel::CorrelationId;
use domain_kernel::ports::Clock;
use futures_util::FutureExt;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

/// Where a request's ids come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Correlation {
    /// The gateway makes them; whatever a client sends under these names is dropped.
    Made,
    /// A service takes them from the gateway (whose internal token it verifies) and makes only what is missing.
    Taken,
}

/// In the extensions of an error that is written for who asked, such as a page for a browser: the edge lets it pass as it
/// is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written;

#[derive(Clone)]
struct Edge {
    service: &'static str,
    clock: Arc<dyn Clock>,
    correlation: Correlation,
}

/// Puts the edge around `router`. Outermost: nothing leaves without it.
pub fn with_edge(router: Router, service: &'static str, clock: Arc<dyn Clock>, correlation: Correlation) -> Router {
    router.layer(from_fn_with_state(Edge { service, clock, correlation }, surround))
}

async fn surround(State(edge): State<Edge>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let ids = edge.ids(&request);
    if edge.correlation == Correlation::Made {
        for name in [names::CORRELATION_ID, names::REQUEST_ID, names::CLIENT_ADDRESS, names::TRACEPARENT] {
            request.headers_mut().remove(name);
        }
    }
    let over_tls = request.extensions().get::<OverTls>().is_some();
    let method = request.method().clone();
    // The pattern, never the path: a path may say whose result somebody looks at.
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| "unknown".to_owned(), |path| path.as_str().to_owned());
    request.extensions_mut().insert(ids.clone());

    let response = match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => {
            // The panic hook has logged where; what it said may quote data, so it is not repeated.
            tracing::error!(request.id = %ids.request_id, http.route = route, "a handler panicked");
            Problem::internal().into_response()
        }
    };
    let mut response = as_problem(response, ids.request_id);
    add_headers(response.headers_mut(), &ids, over_tls);

    let status = response.status();
    let took = begun.elapsed();
    log_answer(&edge, &ids, &method, &route, status.as_u16(), u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    metrics::histogram!(
        "http_request_seconds",
        "service" => edge.service,
        "method" => method.as_str().to_owned(),
        "route" => route,
        "status" => status.as_str().to_owned()
    )
    .record(took.as_secs_f64());
    response
}

/// One line per answer, without anything that a client sent. What watchers and services ask for every second is said
/// only to who wants to read it all.
fn log_answer(edge: &Edge, ids: &RequestIds, method: &Method, route: &str, status: u16, duration_ms: u64) {
    macro_rules! say {
        ($level:ident) => {
            tracing::$level!(
                service.name = edge.service,
                request.id = %ids.request_id,
                correlation.id = %ids.correlation_id,
                http.method = %method,
                http.route = route,
                http.status = status,
                duration_ms,
                "answered"
            )
        };
    }
    if status < 500 && (route.starts_with("/internal/") || ["/healthz", "/livez", "/readyz"].contains(&route)) {
        say!(debug);
    } else {
        say!(info);
    }
}

impl Edge {
    fn ids(&self, request: &Request) -> RequestIds {
        let headers = request.headers();
        let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
        match self.correlation {
            Correlation::Made => {
                let correlation = self.clock.unique_id();
                RequestIds {
                    request_id: self.clock.unique_id(),
                    correlation_id: CorrelationId(correlation),
                    traceparent: Some(new_trace(correlation, self.clock.unique_id())),
                    client_address: peer,
                }
            }
            Correlation::Taken => RequestIds {
                request_id: uuid_in(headers, &names::REQUEST_ID).unwrap_or_else(|| self.clock.unique_id()),
                correlation_id: CorrelationId(
                    uuid_in(headers, &names::CORRELATION_ID).unwrap_or_else(|| self.clock.unique_id()),
                ),
                traceparent: text_in(headers, &names::TRACEPARENT).filter(|text| is_trace(text)).map(str::to_owned),
                client_address: text_in(headers, &names::CLIENT_ADDRESS).and_then(|text| text.parse::<IpAddr>().ok()),
            },
        }
    }
}

/// A new trace (W3C Trace Context §3.2): the trace id is the saga's, so the two are found together.
fn new_trace(correlation: Uuid, span: Uuid) -> String {
    // The low half of an id of version 7 is random.
    let span = u64::try_from(span.as_u128() & u128::from(u64::MAX)).unwrap_or(1);
    format!("00-{}-{span:016x}-01", correlation.simple())
}

fn is_trace(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([2, 32, 16, 2]) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'))
}

fn text_in<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn uuid_in(headers: &HeaderMap, name: &HeaderName) -> Option<Uuid> {
    text_in(headers, name)?.parse().ok()
}

/// Makes every error a problem, and writes the request's id into it.
fn as_problem(response: Response, request_id: Uuid) -> Response {
    if response.extensions().get::<Written>().is_some() {
        return response;
    }
    if let Some(problem) = response.extensions().get::<Problem>().cloned() {
        // Layers inside may have added headers to the answer; they stay.
        let mut complete = problem.instance(request_id).into_response();
        for (name, value) in response.headers() {
            if *name != header::CONTENT_LENGTH {
                complete.headers_mut().insert(name, value.clone());
            }
        }
        return complete;
    }
    let status = response.status();
    let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|value| value == MEDIA_TYPE);
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    if !(status.is_client_error() || status.is_server_error()) || is_problem || is_json {
        return response;
    }
    // A library's own rejection: plain text that may quote what was sent.
    let mut problem = Problem::of_status(status).instance(request_id);
    if let Some(allow) = response.headers().get(header::ALLOW) {
        problem = problem.header(header::ALLOW, allow.clone());
    }
    problem.into_response()
}

/// OWASP's headers for an API: nothing is cached, framed, sniffed or run. A page of ours that needs more sets its own.
const SECURITY: [(HeaderName, &str); 7] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// For two years a browser comes by TLS only. Not said otherwise: a browser ignores it then (RFC 6797 §8.1), and who tries
/// the platform out on `localhost` could reach nothing else there without TLS.
const COME_BY_TLS: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");

fn add_headers(headers: &mut HeaderMap, ids: &RequestIds, over_tls: bool) {
    if over_tls {
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(COME_BY_TLS);
    }
    for (name, value) in SECURITY {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers
        .entry(HeaderName::from_static("permissions-policy"))
        .or_insert(HeaderValue::from_static("camera=(), geolocation=(), microphone=()"));
    headers.remove(header::SERVER);
    for (name, id) in [(names::REQUEST_ID, ids.request_id), (names::CORRELATION_ID, ids.correlation_id.0)] {
        // A repeated command is answered with the saga that it started then, not with this request's.
        if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
            headers.entry(name).or_insert(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_named_after_the_saga() {
        let trace = new_trace(Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(trace, "00-00000000000000000000000000000001-0000000000000002-01");
        assert!(is_trace(&trace));
        assert!(!is_trace("00-1-2-01"));
    }
}
