//! The names of our own headers.
use axum::http::HeaderName;

/// The saga of a request: made by the gateway, sent to the services, answered to the client.
pub const CORRELATION_ID: HeaderName = HeaderName::from_static("historia-correlation-id");
/// One request, for the logs: made by the gateway, sent to the services, answered to the client.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("historia-request-id");
/// The client's address as the gateway saw it; only from the gateway to the services.
pub const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("historia-client-address");
/// W3C Trace Context; made by the gateway, passed on by the services.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Where a write left its stream: what the client may carry to a list as [`AFTER`].
pub const POSITION: HeaderName = HeaderName::from_static("historia-position");
/// The write that a list has to hold before it is answered, as its [`POSITION`] said.
pub const AFTER: HeaderName = HeaderName::from_static("historia-after");
/// `true` where a list did not come to hold the write in time.
pub const STALE: HeaderName = HeaderName::from_static("historia-stale");
/// When a subject's newest clinical entry was made (RFC 3339), beside a decision on an erasure; only from the gateway to the
/// services, and missing where nobody knows.
pub const NEWEST_ENTRY: HeaderName = HeaderName::from_static("historia-newest-entry");
/// What makes a repeated request harmless: chosen by the client, one per intention.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
