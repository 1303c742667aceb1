//! What the service answers over HTTP. No address ever leaves but in the demo's mailbox.
mod mailbox;

use crate::NAME;
use crate::notification_list::{self, Audience, NotificationRow, Position};
use axum::extract::State;
use axum::http::{Method, Uri};
use axum::response::Response;
use axum::{Json, Router, routing};
use chrono::{DateTime, Utc};
use domain_kernel::Role;
use infra_event_store::BlindIndex;
use infra_http::page::limit;
use infra_http::problem::ProblemDocument;
use infra_http::{Access, Caller, Cursors, Page, PageQuery, Problem, ReadAfter, Route, ServiceApi, StrictQuery};
use infra_runtime::Language;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use utoipa::OpenApi;
use uuid::Uuid;

/// How many notifications about one thing are shown at most; a result is told about a handful of times.
const MOST_ABOUT_ONE: i64 = 100;

/// Who sees every notification; the others see those that they received or caused.
const SEES_ALL: Role = Role::Administrator;

/// What the handlers need.
pub(crate) struct Pages {
    pool: PgPool,
    cursors: Cursors,
    mailbox: Option<PathBuf>,
    language: Language,
}

impl Pages {
    pub(crate) fn new(pool: PgPool, index: BlindIndex, mailbox: Option<PathBuf>, language: Language) -> Self {
        Self { pool, cursors: Cursors::new(index, "notifications"), mailbox, language }
    }
}

/// The service's endpoints.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/notifications", Access::SignedIn),
        Route::new(Method::GET, "/internal/notifications", Access::Internal),
        Route::new(Method::GET, "/mailbox", Access::Public),
        Route::new(Method::GET, "/mailbox/{id}", Access::Public),
    ]
}

pub(crate) fn router(pages: Pages) -> Router {
    Router::new()
        .route("/notifications", routing::get(list))
        .route("/internal/notifications", routing::get(list_about))
        .route("/mailbox", routing::get(mailbox::list))
        .route("/mailbox/{id}", routing::get(mailbox::show))
        .with_state(Arc::new(pages))
}

#[derive(OpenApi)]
#[openapi(
    paths(list, mailbox::list, mailbox::show),
    components(schemas(NotificationView, Page<NotificationView>, ProblemDocument))
)]
struct Document;

/// What the gateway and the API document are built from.
#[must_use]
pub fn api() -> ServiceApi {
    ServiceApi { service: NAME, routes: routes(), openapi: Document::openapi() }
}

/// One notification. It holds no address and no name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct NotificationView {
    /// The notification; also the mail's `Message-ID`.
    id: Uuid,
    /// The occasion: `welcome`, `result_available` or `result_updated`.
    #[schema(example = "result_available")]
    template: String,
    /// Where it stands: `requested`, `failed` (and tried again), `sent`, `dead` or `suppressed`.
    #[schema(example = "sent")]
    state: String,
    /// How often it was tried.
    attempts: i32,
    /// The user or result that it tells of.
    about: Uuid,
    /// Which of the two: `user` or `result`.
    #[schema(example = "result")]
    about_kind: String,
    /// When it was asked for.
    requested_at: DateTime<Utc>,
    /// When it last changed.
    updated_at: DateTime<Utc>,
    /// Why it failed or was suppressed, as a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

impl From<NotificationRow> for NotificationView {
    fn from(row: NotificationRow) -> Self {
        let NotificationRow { id, template, state, attempts, about, about_kind, requested_at, updated_at, code } = row;
        Self { id, template, state, attempts, about, about_kind, requested_at, updated_at, code }
    }
}

/// Notifications, newest first
///
/// Laboratory and administrator see all, everybody else those that they received or caused.
#[utoipa::path(
    get,
    path = "/notifications",
    operation_id = "list_notifications",
    tag = "notifications",
    params(
        PageQuery,
        ("Historia-After" = Option<String>, Header,
            description = "The `Historia-Position` of a write that somebody is to be told of; waits up to 2 s for that.")
    ),
    responses(
        (
            status = 200,
            description = "A page of notifications. `Historia-Stale: true` where none follows from that write (yet).",
            body = Page<NotificationView>
        ),
        (status = 400, description = "The cursor is not one of this list.", body = ProblemDocument),
        (status = 401, description = "No valid token.", body = ProblemDocument),
        (status = 422, description = "A parameter breaks a rule.", body = ProblemDocument),
    ),
    security(("bearer" = []))
)]
async fn list(
    State(pages): State<Arc<Pages>>,
    caller: Caller,
    read_after: ReadAfter,
    StrictQuery(query): StrictQuery<PageQuery>,
    uri: Uri,
) -> Result<Response, Problem> {
    let limit = limit(query.limit)?;
    let after: Option<Position> = pages.cursors.place(query.cursor.as_deref())?;
    let freshness = read_after.wait(|write| notification_list::holds(&pages.pool, write)).await?;
    let audience = if caller.role == SEES_ALL { Audience::All } else { Audience::Own(caller.user) };
    let wanted = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let rows =
        notification_list::list(&pages.pool, audience, after, wanted).await.map_err(|error| unavailable(&error))?;
    let page =
        pages.cursors.page(rows, limit, |last| (last.requested_at.timestamp_micros(), last.id), NotificationView::from);
    Ok(freshness.mark(page.respond(&uri)))
}

/// What another service asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AboutQuery {
    about: Uuid,
}

#[derive(Serialize)]
struct About {
    items: Vec<NotificationView>,
}

/// The notifications about one user or result, the oldest first; for the gateway's composed answers.
async fn list_about(
    State(pages): State<Arc<Pages>>,
    StrictQuery(query): StrictQuery<AboutQuery>,
) -> Result<Json<About>, Problem> {
    let rows = notification_list::list_about(&pages.pool, query.about, MOST_ABOUT_ONE)
        .await
        .map_err(|error| unavailable(&error))?;
    Ok(Json(About { items: rows.into_iter().map(NotificationView::from).collect() }))
}

fn unavailable(error: &sqlx::Error) -> Problem {
    tracing::warn!(error = %error, "the read model of notifications does not answer");
    Problem::unavailable(Duration::from_secs(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_public_route_is_described() {
        assert_eq!(api().undocumented(), Vec::<&Route>::new());
    }
}
