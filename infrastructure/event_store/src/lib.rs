//! The PostgreSQL event store: append, read, project.
//!
//! Generic over contexts: it knows streams, versions, hashes and opaque payloads, never a domain. What it keeps true is
//! written at the port ([`domain_kernel::ports::EventStore`]); how, at the modules:
//! - [`PgEventStore`]: one writer connection, appends in groups, readers gated so that they skip nothing;
//! - [`repository`]: load, decide, append, again when somebody else was faster;
//! - [`projection`]: read models, from the first event to the last, rebuilt without a pause;
//! - [`verify`], [`anchors`]: prove that what is stored is what was written, from inside and from outside;
//! - [`history`], [`inspection`], [`part`]: what an operator asks of the log or a part of it, and what a stream amounted
//!   to;
//! - [`dead_letters`], [`checkpoints`]: what consumers and relays remember;
//! - [`operations`]: what operators see of all this, and may do.
pub mod anchors;
pub mod checkpoints;
pub mod codec;
pub mod dead_letters;
mod epoch;
mod failure;
pub mod history;
pub mod inspection;
mod metadata;
mod migrations;
pub mod operations;
mod packed;
pub mod part;
mod progress;
pub mod projection;
pub mod repository;
mod row;
pub mod statements;
mod store;
pub mod verify;

pub use epoch::{Adoption, adopt};
pub use failure::of_query as store_error;
pub use infra_vault::BlindIndex;
pub use migrations::MIGRATIONS;
pub use progress::Progress;
pub use store::PgEventStore;
pub use store::limits;
