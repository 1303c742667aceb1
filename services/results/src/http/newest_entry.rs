//! `GET /internal/subjects/{subject}/newest-entry`: when the clinical record of a subject last grew. The law's period runs
//! from there, so whoever decides whether the record may be forgotten has to know it; the gateway asks and tells them.
//!
//! The answer holds everything that was in the log when it was asked for: what cannot be known is no answer.
use crate::app::App;
use crate::projections::ResultSummary;
use crate::statements;
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use infra_event_store::projection::{self, ProjectionError};
use infra_http::{Problem, StrictPath};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How long the read model may take to follow.
const PATIENCE: Duration = Duration::from_secs(1);

/// When the newest entry was made.
#[derive(Serialize)]
pub(crate) struct NewestEntry {
    /// `null` when there is none.
    newest_entry_at: Option<DateTime<Utc>>,
}

/// Of a patient's account the newest entry of all results that are linked to it, and of a result that is linked to nobody
/// its own; withdrawing a result is an entry too.
pub(crate) async fn newest_entry(
    State(app): State<Arc<App>>,
    StrictPath(subject): StrictPath<Uuid>,
) -> Result<Json<NewestEntry>, Problem> {
    let latest = projection::latest(&app.pool).await.map_err(|error| unknown(&error))?;
    projection::wait_until(&ResultSummary, &app.pool, latest, PATIENCE).await.map_err(|error| unknown(&error))?;
    let newest_entry_at = sqlx::query_scalar(statements::NEWEST_ENTRY)
        .bind(subject)
        .fetch_one(&app.pool)
        .await
        .map_err(|error| super::unreadable(&error))?;
    Ok(Json(NewestEntry { newest_entry_at }))
}

fn unknown(error: &ProjectionError) -> Problem {
    tracing::warn!(error = infra_runtime::supervisor::chain(error), "the newest entry of a subject cannot be known");
    Problem::unavailable(super::OUTAGE)
}
