//! `GET /results/{id}/access`: who read a result. Ids, roles and moments; never what was read.
use crate::app::App;
use crate::statements;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use chrono::{DateTime, Utc};
use infra_http::page::{self, PageQuery};
use infra_http::problem::ProblemDocument;
use infra_http::{Page, Problem, StrictPath, StrictQuery};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// One look at a result.
#[derive(Serialize, ToSchema)]
#[schema(as = ResultAccess)]
pub(crate) struct AccessBody {
    /// The look: the id of its event.
    id: Uuid,
    /// The account that looked.
    reader: Uuid,
    /// The role that it had then.
    #[schema(example = 2)]
    role: i16,
    /// What was shown: `result`, `history`, or `revealed` where an administrator was shown what is stored, for a reason
    /// that the auditor finds in the events.
    #[schema(example = "result")]
    access: String,
    /// When.
    #[schema(example = "2026-11-22T10:32:00Z")]
    at: DateTime<Utc>,
    /// As part of which request.
    correlation_id: Uuid,
}

#[derive(sqlx::FromRow)]
struct AccessRow {
    event_id: Uuid,
    reader: Uuid,
    role: i16,
    access: String,
    at: DateTime<Utc>,
    correlation_id: Uuid,
}

/// See who read a result
///
/// The latest first. A look appears a moment after it was made.
#[utoipa::path(
    get,
    path = "/results/{id}/access",
    tag = "results",
    params(("id" = String, Path, description = "The id, or the running number", example = "1"), PageQuery),
    responses(
        (status = 200, description = "A page", body = Page<AccessBody>,
            headers(("Link" = String, description = "The next page"))),
        (status = 401, description = "No valid token", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 403, description = "A role that does not see who read", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 404, description = "No such result", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = ProblemDocument, content_type = "application/problem+json")
    ),
    security(("bearer" = []))
)]
pub(crate) async fn who_read(
    State(app): State<Arc<App>>,
    uri: Uri,
    StrictPath(id): StrictPath<String>,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let limit = page::limit(query.limit)?;
    let after: Option<(i64, Uuid)> = app.access_cursors.place(query.cursor.as_deref())?;
    let stream = app.find_result(&id).await?.ok_or_else(Problem::not_found)?;
    let rows = sqlx::query_as::<_, AccessRow>(statements::ACCESS_PAGE)
        .bind(stream.0)
        .bind(after.and_then(|(micros, _)| DateTime::from_timestamp_micros(micros)))
        .bind(after.map(|(_, event)| event))
        .bind(super::one_more(limit))
        .fetch_all(&app.pool)
        .await
        .map_err(|error| super::unreadable(&error))?;
    Ok(app.access_cursors.page(rows, limit, |last| (last.at.timestamp_micros(), last.event_id), body).respond(&uri))
}

fn body(row: AccessRow) -> AccessBody {
    AccessBody {
        id: row.event_id,
        reader: row.reader,
        role: row.role,
        access: row.access,
        at: row.at,
        correlation_id: row.correlation_id,
    }
}
