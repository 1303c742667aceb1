//! What the service answers over HTTP: what happened, and what operators wish of it.
mod changes;
pub(crate) mod untold;
mod wishes;

use crate::NAME;
use crate::saga_list::{self, Filter, Position, SagaEventRow};
use axum::extract::State;
use axum::http::{Method, Uri};
use axum::response::Response;
use axum::{Json, Router, routing};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use domain_kernel::ports::EventStore;
use domain_kernel::{Role, UserId};
use domain_saga_log::{EventState, Outcome, Saga, entry};
use infra_event_store::BlindIndex;
use infra_event_store::repository::Repository;
use infra_http::page::limit;
use infra_http::problem::ProblemDocument;
use infra_http::{Access, Caller, Cursors, Page, Problem, ReadAfter, Route, ServiceApi, StrictPath, StrictQuery};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use utoipa::OpenApi;
use uuid::Uuid;

/// Who sees saga logs at all: a laboratory its own, the administrator and the auditor every one.
const READERS: &[Role] = &[Role::Laboratory, Role::Administrator, Role::Auditor];
/// Who may ask for a retry or a skip.
const OPERATORS: &[Role] = &[Role::Administrator];
/// How many events of one saga are shown at most; a saga has a handful.
const MOST_OF_ONE: i64 = 500;

/// What the handlers need.
pub(crate) struct Pages {
    pool: PgPool,
    store: Arc<dyn EventStore>,
    cursors: Cursors,
    places: Cursors,
    repository: Repository<Saga>,
}

impl Pages {
    pub(crate) fn new(
        pool: PgPool,
        store: Arc<dyn EventStore>,
        index: &BlindIndex,
        repository: Repository<Saga>,
    ) -> Self {
        let cursors = |list| Cursors::new(index.clone(), list);
        Self { pool, store, cursors: cursors("saga_logs"), places: cursors("saga_changes"), repository }
    }
}

/// The service's endpoints.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/saga/logs", Access::Roles(READERS)),
        Route::new(Method::GET, "/saga/logs/changes", Access::Roles(READERS)),
        Route::new(Method::GET, "/saga/logs/{id}", Access::Roles(READERS)),
        Route::new(Method::POST, "/saga/logs/{id}/retry", Access::Roles(OPERATORS)),
        Route::new(Method::POST, "/saga/logs/{id}/skip", Access::Roles(OPERATORS)),
    ]
}

pub(crate) fn router(pages: Pages) -> Router {
    Router::new()
        .route("/saga/logs", routing::get(list))
        .route("/saga/logs/changes", routing::get(changes::changes))
        .route("/saga/logs/{id}", routing::get(show))
        .route("/saga/logs/{id}/retry", routing::post(wishes::retry))
        .route("/saga/logs/{id}/skip", routing::post(wishes::skip))
        .merge(untold::router())
        .with_state(Arc::new(pages))
}

#[derive(OpenApi)]
#[openapi(
    paths(list, changes::changes, show, wishes::retry, wishes::skip),
    components(schemas(
        SagaEventView,
        SagaView,
        ConsumerView,
        wishes::Wish,
        wishes::WishAccepted,
        Page<SagaEventView>,
        ProblemDocument
    ))
)]
struct Document;

/// What the gateway and the API document are built from.
#[must_use]
pub fn api() -> ServiceApi {
    ServiceApi { service: NAME, routes: routes(), openapi: Document::openapi() }
}

/// One event of a saga. Ids and codes only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct SagaEventView {
    /// The event.
    id: Uuid,
    /// What happened.
    #[schema(example = "ResultCreated")]
    event_type: String,
    /// `RECEIVED` while a consumer owes its answer, `FAILED` when one gave up, `PROCESSED` otherwise.
    #[schema(example = "PROCESSED")]
    state: String,
    /// The saga.
    correlation_id: Uuid,
    /// The event that caused it; `null` when a request did.
    causation_id: Option<Uuid>,
    /// Where it was published.
    #[schema(example = "event-result")]
    topic: String,
    /// The aggregate that it happened to.
    aggregate: Uuid,
    /// Which event of that aggregate it is.
    version: i64,
    /// When it happened.
    occurred_at: DateTime<Utc>,
    /// Everybody who owes an answer or gave one.
    consumers: Vec<ConsumerView>,
}

/// One consumer's standing to an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct ConsumerView {
    /// The consumer.
    #[schema(example = "notifications")]
    name: String,
    /// `RECEIVED` before its first answer; then `PROCESSED`, `SKIPPED`, `FAILED` or `RETRIED`.
    #[schema(example = "PROCESSED")]
    state: String,
    /// The attempt that it answered for.
    attempts: u32,
    /// Why it gave up, as a code.
    error: Option<String>,
}

impl From<SagaEventRow> for SagaEventView {
    fn from(row: SagaEventRow) -> Self {
        let consumers = entry::consumers(&row.expects, &row.answers)
            .into_iter()
            .map(|standing| ConsumerView {
                name: standing.consumer.to_owned(),
                state: standing.answer.map_or(EventState::Received.name(), |answer| answer.outcome.name()).to_owned(),
                attempts: standing.answer.map_or(0, |answer| answer.attempt),
                error: standing
                    .answer
                    .filter(|answer| answer.outcome == Outcome::Failed)
                    .and_then(|answer| answer.code.clone()),
            })
            .collect();
        let SagaEventRow {
            id,
            event_type,
            state,
            correlation_id,
            causation_id,
            topic,
            aggregate,
            version,
            occurred_at,
            ..
        } = row;
        Self { id, event_type, state, correlation_id, causation_id, topic, aggregate, version, occurred_at, consumers }
    }
}

/// One event, and every event of its saga.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct SagaView {
    /// The event that was asked for.
    #[serde(flatten)]
    event: SagaEventView,
    /// Every event of the saga, this one too, the oldest first.
    saga: Vec<SagaEventView>,
}

/// What the list can be asked for.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SagaQuery {
    /// Items on the page, 1 to 100; 10 when absent.
    #[param(minimum = 1, maximum = 100, default = 10)]
    limit: Option<u32>,
    /// Where the page before ended, as its `next` says.
    cursor: Option<String>,
    /// `RECEIVED`, `PROCESSED` or `FAILED`.
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

impl SagaQuery {
    fn filter(&self) -> Result<Filter, Problem> {
        let state = match &self.state {
            None => None,
            Some(state) => Some(
                state
                    .to_uppercase()
                    .parse()
                    .map_err(|_| Problem::unprocessable("?state", "must be RECEIVED, PROCESSED or FAILED"))?,
            ),
        };
        Ok(Filter {
            state,
            event_type: self.r#type.clone(),
            correlation_id: self.correlation_id,
            from: self.from.as_deref().map(|text| moment("?from", text)).transpose()?,
            to: self.to.as_deref().map(|text| moment("?to", text)).transpose()?,
        })
    }
}

fn moment(parameter: &str, text: &str) -> Result<DateTime<Utc>, Problem> {
    let at_midnight = |date: NaiveDate| date.and_time(NaiveTime::MIN).and_utc();
    // A plus sign that was not percent-encoded arrives as a space.
    let moment = DateTime::parse_from_rfc3339(&text.replace(' ', "+")).map(|moment| moment.to_utc());
    moment
        .or_else(|_| text.parse().map(at_midnight))
        .map_err(|_| Problem::unprocessable(parameter, "must be an RFC 3339 moment or a date"))
}

/// To whose sagas a caller is restricted; the administrator and the auditor to nobody's.
fn restriction(caller: Caller) -> Option<UserId> {
    (!matches!(caller.role, Role::Administrator | Role::Auditor)).then_some(caller.user)
}

/// What happened in every saga, newest first
///
/// The administrator and the auditor see every saga, a laboratory those that it started or that are about its own
/// account.
#[utoipa::path(
    get,
    path = "/saga/logs",
    operation_id = "list_saga_events",
    tag = "saga log",
    params(
        SagaQuery,
        ("Historia-After" = Option<String>, Header,
            description = "The `Historia-Position` of a write that the page has to hold; waits up to 2 s for it.")
    ),
    responses(
        (
            status = 200,
            description = "A page of events. `Historia-Stale: true` where it does not hold that write yet.",
            body = Page<SagaEventView>
        ),
        (status = 400, description = "The cursor is not one of this list.", body = ProblemDocument),
        (status = 401, description = "No valid token.", body = ProblemDocument),
        (status = 403, description = "This role sees no saga log.", body = ProblemDocument),
        (status = 422, description = "A parameter breaks a rule.", body = ProblemDocument),
    ),
    security(("bearer" = []))
)]
async fn list(
    State(pages): State<Arc<Pages>>,
    caller: Caller,
    read_after: ReadAfter,
    StrictQuery(query): StrictQuery<SagaQuery>,
    uri: Uri,
) -> Result<Response, Problem> {
    let limit = limit(query.limit)?;
    let filter = query.filter()?;
    let after: Option<Position> = pages.cursors.place(query.cursor.as_deref())?;
    let freshness = read_after.wait(|write| saga_list::holds(&pages.pool, write)).await?;
    let wanted = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let rows = saga_list::list(&pages.pool, restriction(caller), &filter, after, wanted)
        .await
        .map_err(|error| unavailable(&error))?;
    let page =
        pages.cursors.page(rows, limit, |last| (last.occurred_at.timestamp_micros(), last.id), SagaEventView::from);
    Ok(freshness.mark(page.respond(&uri)))
}

/// One event with its whole saga
#[utoipa::path(
    get,
    path = "/saga/logs/{id}",
    operation_id = "read_saga_event",
    tag = "saga log",
    params(("id" = Uuid, Path, description = "The event.")),
    responses(
        (status = 200, description = "The event and every event of its saga.", body = SagaView),
        (status = 401, description = "No valid token.", body = ProblemDocument),
        (status = 403, description = "This role sees no saga log.", body = ProblemDocument),
        (status = 404, description = "No such event, or none that the caller may know of.", body = ProblemDocument),
    ),
    security(("bearer" = []))
)]
async fn show(
    State(pages): State<Arc<Pages>>,
    caller: Caller,
    StrictPath(id): StrictPath<Uuid>,
) -> Result<Json<SagaView>, Problem> {
    let row = saga_list::find(&pages.pool, restriction(caller), id)
        .await
        .map_err(|error| unavailable(&error))?
        .ok_or_else(Problem::not_found)?;
    let saga = saga_list::list_saga(&pages.pool, row.correlation_id, MOST_OF_ONE)
        .await
        .map_err(|error| unavailable(&error))?;
    Ok(Json(SagaView { event: row.into(), saga: saga.into_iter().map(SagaEventView::from).collect() }))
}

fn unavailable(error: &sqlx::Error) -> Problem {
    tracing::warn!(error = %error, "the read model of sagas does not answer");
    Problem::unavailable(Duration::from_secs(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_rfc_3339_or_a_date() {
        let noon = "2026-11-22T12:00:00Z".parse::<DateTime<Utc>>().unwrap();
        for text in ["2026-11-22T12:00:00Z", "2026-11-22T13:00:00+01:00", "2026-11-22T13:00:00 01:00"] {
            assert_eq!(moment("?from", text).unwrap(), noon);
        }
        assert_eq!(moment("?from", "2026-11-22").unwrap().to_rfc3339(), "2026-11-22T00:00:00+00:00");
        assert_eq!(moment("?to", "yesterday").unwrap_err().errors()[0].pointer, "?to");
    }

    #[test]
    fn every_public_route_is_described() {
        assert_eq!(api().undocumented(), Vec::<&Route>::new());
    }
}
