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
/// What makes a repeated request harmless: chosen by the client, one per intention.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
