//! What a process needs around its services: typed configuration, time, logs, metrics, supervision, secrets, databases
//! and a PostgreSQL of its own.
//!
//! Nothing here knows a bounded context. A service is started with [`Resources`] and nothing else; who fills them (the
//! whole platform in one process, one service in a container, a test) is not its business.
mod child;
pub mod clock;
pub mod configuration;
pub mod database;
pub mod health;
pub mod metrics;
pub mod outgoing;
pub mod postgres;
pub mod pulsar;
pub mod resources;
pub mod secrets;
pub mod shutdown;
pub mod snapshot_age;
pub mod supervisor;
pub mod telemetry;

pub use clock::SystemClock;
pub use configuration::{Language, Profile};
pub use health::Health;
pub use resources::Resources;
pub use supervisor::{CancellationToken, Supervisor};
