//! The users service through its router, on a real PostgreSQL: one test per rule.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#[path = "users/administration.rs"]
mod administration;
#[path = "users/erasures.rs"]
mod erasures;
#[path = "users/input.rs"]
mod input;
#[path = "users/interloper.rs"]
mod interloper;
#[path = "users/lab.rs"]
mod lab;
#[path = "users/log_in.rs"]
mod log_in;
#[path = "users/registration.rs"]
mod registration;
#[path = "users/revealing.rs"]
mod revealing;
#[path = "users/sessions.rs"]
mod sessions;
#[path = "users/storage.rs"]
mod storage;
