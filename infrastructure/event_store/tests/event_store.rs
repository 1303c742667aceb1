//! The store on a real PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "event_store/anchors.rs"]
mod anchors;
#[path = "event_store/append.rs"]
mod append;
#[path = "event_store/assumptions.rs"]
mod assumptions;
#[path = "event_store/concurrency.rs"]
mod concurrency;
#[path = "event_store/counter.rs"]
mod counter;
#[path = "event_store/dead_letters.rs"]
mod dead_letters;
#[path = "event_store/epochs.rs"]
mod epochs;
#[path = "event_store/fixture.rs"]
mod fixture;
#[path = "event_store/history.rs"]
mod history;
#[path = "event_store/lanes.rs"]
mod lanes;
#[path = "event_store/operations.rs"]
mod operations;
#[path = "event_store/parts.rs"]
mod parts;
#[path = "event_store/projections.rs"]
mod projections;
#[path = "event_store/refusals.rs"]
mod refusals;
#[path = "event_store/repository.rs"]
mod repository;
#[path = "event_store/resuming.rs"]
mod resuming;
#[path = "event_store/schema.rs"]
mod schema;
#[path = "event_store/verification.rs"]
mod verification;
