//! The runtime against the operating system and a real PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "runtime/clock.rs"]
mod clock;
#[path = "runtime/cluster.rs"]
mod cluster;
#[path = "runtime/database.rs"]
mod database;
#[path = "runtime/pulsar.rs"]
mod pulsar;
#[path = "runtime/scratch.rs"]
mod scratch;
#[path = "runtime/secrets.rs"]
mod secrets;
#[path = "runtime/snapshot_age.rs"]
mod snapshot_age;
#[path = "runtime/supervisor.rs"]
mod supervisor;
