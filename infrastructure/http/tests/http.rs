//! What clients and other services meet: the guard, bodies, the accept loop, the client. Each test is named as its rule.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "http/bodies.rs"]
mod bodies;
#[path = "http/client.rs"]
mod client;
#[path = "http/guard.rs"]
mod guard;
#[path = "http/hostile.rs"]
mod hostile;
#[path = "http/server.rs"]
mod server;
#[path = "http/support.rs"]
mod support;
#[path = "http/tls.rs"]
mod tls;
