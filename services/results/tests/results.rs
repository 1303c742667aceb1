//! The results service from outside: through its router, on a real PostgreSQL, with the embedded bus.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "results/lab.rs"]
mod lab;
#[path = "results/mailroom.rs"]
mod mailroom;

#[path = "results/changing.rs"]
mod changing;
#[path = "results/codec.rs"]
mod codec;
#[path = "results/filing.rs"]
mod filing;
#[path = "results/listing.rs"]
mod listing;
#[path = "results/newest_entry.rs"]
mod newest_entry;
#[path = "results/notifications.rs"]
mod notifications;
#[path = "results/publishing.rs"]
mod publishing;
#[path = "results/reading.rs"]
mod reading;
#[path = "results/revealing.rs"]
mod revealing;
#[path = "results/storage.rs"]
mod storage;
#[path = "results/upcasting.rs"]
mod upcasting;
