//! The read models of this service, each a fold of its own events. None holds a clinical value, a name or an address.
mod access_log;
mod call_list;
mod result_summary;

pub use access_log::AccessLog;
pub use call_list::CallList;
pub use result_summary::ResultSummary;

use crate::stored::ClearEvent;
use chrono::{DateTime, Utc};
use domain_kernel::{RecordedEvent, Timestamp};
use infra_event_store::projection::{Projection, ProjectionError};
use std::sync::Arc;

/// Every read model.
#[must_use]
pub fn all() -> Vec<Arc<dyn Projection>> {
    vec![Arc::new(ResultSummary), Arc::new(CallList), Arc::new(AccessLog)]
}

/// The clear part of `event`, for `projection`.
fn read(projection: &'static str, event: &RecordedEvent) -> Result<Option<ClearEvent>, ProjectionError> {
    ClearEvent::read(event).map_err(|error| ProjectionError::Event {
        projection,
        checkpoint: event.checkpoint,
        reason: error.to_string(),
    })
}

/// A moment as PostgreSQL's `timestamptz`.
pub(crate) fn moment(at: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.0).unwrap_or_default()
}

fn column(version: u32) -> i32 {
    i32::try_from(version).unwrap_or(i32::MAX)
}
