//! `GET /worklist/calls`: the results whose patients somebody has to call, because no mail reached them.
use crate::app::App;
use crate::statements;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use chrono::{DateTime, Utc};
use infra_http::page::{self, PageQuery};
use infra_http::problem::ProblemDocument;
use infra_http::{Page, Problem, StrictQuery};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// A result whose patient has to be called. Whom that is shows the result itself, to who reads it.
#[derive(Serialize, ToSchema)]
#[schema(as = PatientCall)]
pub(crate) struct CallBody {
    /// The result.
    #[schema(example = "0199d3a0-7c00-7000-8000-000000000001")]
    id: Uuid,
    /// Its running number.
    #[schema(example = 1)]
    number: i64,
    /// Where it stands.
    #[schema(example = "final")]
    status: String,
    /// The account that may read it.
    patient_id: Option<Uuid>,
    /// `failed` (for good) or `suppressed`.
    #[schema(example = "suppressed")]
    notification: String,
    /// Why, as a code.
    #[schema(example = "no_contact")]
    code: String,
    /// Since when it is on the list.
    #[schema(example = "2026-11-22T10:20:00Z")]
    since: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct CallRow {
    result_id: Uuid,
    number: i64,
    status: String,
    patient_id: Option<Uuid>,
    state: String,
    code: String,
    since: DateTime<Utc>,
}

/// List the patients to call
///
/// The results of which no mail could tell the patient, the longest waiting first. A mail that goes out later takes a
/// result off the list.
#[utoipa::path(
    get,
    path = "/worklist/calls",
    tag = "results",
    params(PageQuery),
    responses(
        (status = 200, description = "A page", body = Page<CallBody>,
            headers(("Link" = String, description = "The next page"))),
        (status = 401, description = "No valid token", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 403, description = "A role that calls no patients", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = ProblemDocument, content_type = "application/problem+json")
    ),
    security(("bearer" = []))
)]
pub(crate) async fn call_worklist(
    State(app): State<Arc<App>>,
    uri: Uri,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let limit = page::limit(query.limit)?;
    let after: Option<(i64, Uuid)> = app.call_cursors.place(query.cursor.as_deref())?;
    let rows = sqlx::query_as::<_, CallRow>(statements::CALL_PAGE)
        .bind(after.and_then(|(micros, _)| DateTime::from_timestamp_micros(micros)))
        .bind(after.map(|(_, result)| result))
        .bind(super::one_more(limit))
        .fetch_all(&app.pool)
        .await
        .map_err(|error| super::unreadable(&error))?;
    Ok(app.call_cursors.page(rows, limit, |last| (last.since.timestamp_micros(), last.result_id), body).respond(&uri))
}

fn body(row: CallRow) -> CallBody {
    CallBody {
        id: row.result_id,
        number: row.number,
        status: row.status,
        patient_id: row.patient_id,
        notification: row.state,
        code: row.code,
        since: row.since,
    }
}
