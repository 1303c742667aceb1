//! The service on real PostgreSQL: what it hears, what it shows to whom, what an operator may ask.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "saga_log/changes.rs"]
mod changes;
#[path = "saga_log/http.rs"]
mod http;
#[path = "saga_log/log.rs"]
mod log;
#[path = "saga_log/stage.rs"]
mod stage;
#[path = "saga_log/wishes.rs"]
mod wishes;
