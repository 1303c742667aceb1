//! The platform as its users meet it: the built binary, its README, its tables of names, and what survives a kill.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]
#[path = "historia/architecture.rs"]
mod architecture;
#[path = "historia/client.rs"]
mod client;
#[path = "historia/command_line.rs"]
mod command_line;
#[path = "historia/drift.rs"]
mod drift;
#[path = "historia/kill.rs"]
mod kill;
#[path = "historia/pinned_names.rs"]
mod pinned_names;
#[path = "historia/plain_text.rs"]
mod plain_text;
#[path = "historia/platform.rs"]
mod platform;
#[path = "historia/subscriptions.rs"]
mod subscriptions;
#[path = "historia/tampering.rs"]
mod tampering;
#[path = "historia/walk_through.rs"]
mod walk_through;
