//! The service's own tables: how moments are written, and what is said when the database does not answer.
use chrono::{DateTime, Utc};
use domain_kernel::Timestamp;

/// The users database did not answer, or refused. Nothing in it is confidential, but it names tables: for the log only.
#[derive(Debug, thiserror::Error)]
#[error("the users database did not answer")]
pub(crate) struct DatabaseError(#[from] sqlx::Error);

/// A moment as `timestamptz`; one outside of chrono's years (±262,000) is written as the epoch.
pub(crate) fn moment(at: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.0).unwrap_or_default()
}
