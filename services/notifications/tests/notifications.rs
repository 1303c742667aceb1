//! The service on real PostgreSQL: from a message to a mail and back to a message.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "notifications/contracts.rs"]
mod contracts;
#[path = "notifications/http.rs"]
mod http;
#[path = "notifications/mailers.rs"]
mod mailers;
#[path = "notifications/revealing.rs"]
mod revealing;
#[path = "notifications/sending.rs"]
mod sending;
#[path = "notifications/stage.rs"]
mod stage;
