//! The platform as its users meet it: the built binary, its README, its tables of names, and what survives a kill.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]
#[path = "historia/alone.rs"]
mod alone;
#[path = "historia/architecture.rs"]
mod architecture;
#[allow(dead_code, unused_imports, reason = "the binary's own; here its commands are only parsed")]
#[path = "../src/cli.rs"]
mod cli;
#[path = "historia/client.rs"]
mod client;
#[path = "historia/command_line.rs"]
mod command_line;
#[path = "historia/compose.rs"]
mod compose;
#[path = "historia/compose_file.rs"]
mod compose_file;
#[path = "historia/drift.rs"]
mod drift;
#[path = "historia/forged.rs"]
mod forged;
#[path = "historia/keys.rs"]
mod keys;
#[path = "historia/kill.rs"]
mod kill;
#[path = "historia/letters.rs"]
mod letters;
#[path = "historia/load.rs"]
mod load;
#[path = "historia/mail_catcher.rs"]
mod mail_catcher;
#[path = "historia/matrix.rs"]
mod matrix;
#[path = "historia/operating.rs"]
mod operating;
#[path = "historia/pinned_names.rs"]
mod pinned_names;
#[path = "historia/plain_text.rs"]
mod plain_text;
#[path = "historia/platform.rs"]
mod platform;
#[path = "historia/production.rs"]
mod production;
#[path = "historia/python_client.rs"]
mod python_client;
#[path = "historia/reading.rs"]
mod reading;
#[path = "historia/replay.rs"]
mod replay;
#[path = "historia/republish.rs"]
mod republish;
#[path = "historia/revealing.rs"]
mod revealing;
#[path = "historia/schemas.rs"]
mod schemas;
#[path = "historia/session.rs"]
mod session;
#[path = "historia/stage.rs"]
mod stage;
#[path = "historia/subscriptions.rs"]
mod subscriptions;
#[path = "historia/tampering.rs"]
mod tampering;
#[path = "historia/told.rs"]
mod told;
#[path = "historia/topics.rs"]
mod topics;
#[path = "historia/up_on_pulsar.rs"]
mod up_on_pulsar;
#[path = "historia/walk_through.rs"]
mod walk_through;
