//! What changed since somebody last asked.
use super::{Pages, SagaEventView, SagaQuery, restriction};
use crate::saga_list::{self, Place};
use axum::Json;
use axum::extract::State;
use infra_http::problem::ProblemDocument;
use infra_http::{Caller, Page, Problem, StrictQuery};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// From where on changes are asked for, and which.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ChangesQuery {
    /// Where the answer before ended, as its `next` says; without it only `next` is answered, for now.
    after: Option<String>,
    /// `RECEIVED`, `PROCESSED` or `FAILED`: what is in that state now.
    state: Option<String>,
    /// Such as `ResultCreated`.
    r#type: Option<String>,
    /// One saga.
    correlation_id: Option<Uuid>,
    /// From this moment on: RFC 3339, or a date (its beginning, UTC).
    from: Option<String>,
    /// Before this moment: RFC 3339, or a date (its beginning, UTC).
    to: Option<String>,
}

/// What changed since the answer before
///
/// New events, and those that somebody answered, gave up on or tried again, as they are now. Ask again with `next`, at once
/// as long as it moves and else after a second or so: nothing is left out, some may be told twice.
#[utoipa::path(
    get,
    path = "/saga/logs/changes",
    operation_id = "list_saga_changes",
    tag = "saga log",
    params(ChangesQuery),
    responses(
        (status = 200, description = "Changed events, the oldest first; `next` is never null.",
            body = Page<SagaEventView>),
        (status = 400, description = "The cursor is not one of these answers.", body = ProblemDocument),
        (status = 401, description = "No valid token.", body = ProblemDocument),
        (status = 403, description = "This role sees no saga log.", body = ProblemDocument),
        (status = 422, description = "A parameter breaks a rule.", body = ProblemDocument),
    ),
    security(("bearer" = []))
)]
pub(super) async fn changes(
    State(pages): State<Arc<Pages>>,
    caller: Caller,
    StrictQuery(query): StrictQuery<ChangesQuery>,
) -> Result<Json<Page<SagaEventView>>, Problem> {
    let after: Option<Place> = query.after.as_deref().map(|after| pages.places.decode(after)).transpose()?;
    let ChangesQuery { state, r#type, correlation_id, from, to, .. } = query;
    let filter = SagaQuery { state, r#type, correlation_id, from, to, ..SagaQuery::default() }.filter()?;
    let read_from = (&pages.pool, pages.store.as_ref());
    let (rows, place) = saga_list::changes(read_from, restriction(caller), &filter, after).await.map_err(|error| {
        tracing::warn!(error = %infra_runtime::supervisor::chain(&error), "the changes of sagas cannot be told");
        Problem::unavailable(Duration::from_secs(2))
    })?;
    let items = rows.into_iter().map(SagaEventView::from).collect();
    Ok(Json(Page { items, next: pages.places.encode(&place) }))
}
