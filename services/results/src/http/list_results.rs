//! `GET /results`: lists results without any clinical value. One access event per page.
use super::fields::{Fields, moment};
use crate::app::App;
use crate::projections::ResultSummary;
use crate::statements;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain_results::{ResultStatus, Scope};
use infra_event_store::projection::{self, Folded, ProjectionError};
use infra_http::position::PATIENCE;
use infra_http::problem::ProblemDocument;
use infra_http::{Caller, Page, Position, Problem, ReadAfter, RequestContext, StrictQuery, page};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Which results.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ResultsQuery {
    /// Items on the page, 1 to 100; 10 when absent.
    #[param(minimum = 1, maximum = 100, default = 10)]
    limit: Option<u32>,
    /// Where the page before ended, as its `next` says.
    cursor: Option<String>,
    /// Only those that stand so.
    #[param(example = "final")]
    status: Option<String>,
    /// Only those linked to this account.
    patient_id: Option<Uuid>,
    /// Only those filed at this moment or later; a moment or a UTC day.
    #[param(example = "2026-11-22")]
    from: Option<String>,
    /// Only those filed before this moment; a moment or a UTC day.
    #[param(example = "2026-11-23T00:00:00Z")]
    to: Option<String>,
    /// Only those whose patient was told (`sent`), was not (`failed`, `suppressed`), or of which nothing was heard yet
    /// (`pending`).
    #[param(example = "failed")]
    notification: Option<String>,
}

/// A result in a list; never what it says.
#[derive(Serialize, ToSchema)]
#[schema(as = ResultSummary)]
pub(crate) struct SummaryBody {
    /// Its id.
    #[schema(example = "0199d3a0-7c00-7000-8000-000000000001")]
    id: Uuid,
    /// Its running number.
    #[schema(example = 1)]
    number: i64,
    /// Where it stands.
    #[schema(example = "final")]
    status: String,
    /// Its version.
    #[schema(example = 1)]
    version: i32,
    /// The account that filed it.
    author: Option<Uuid>,
    /// The account that may read it.
    patient_id: Option<Uuid>,
    /// When it was filed.
    #[schema(example = "2026-11-22T10:05:00Z")]
    created_at: DateTime<Utc>,
    /// When it last changed.
    #[schema(example = "2026-11-22T10:05:00Z")]
    updated_at: DateTime<Utc>,
    /// Whether the patient was told: `pending`, `sent`, `failed` or `suppressed`.
    #[schema(example = "sent")]
    notification: String,
}

#[derive(sqlx::FromRow)]
struct SummaryRow {
    result_id: Uuid,
    number: i64,
    status: String,
    version: i32,
    author: Option<Uuid>,
    patient_id: Option<Uuid>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    notification: String,
}

/// List results
///
/// The newest first, without any clinical value. A patient sees the own results only. A result that was just filed
/// appears a moment later, or at once where `Historia-After` names it; its own address works at once.
#[utoipa::path(
    get,
    path = "/results",
    tag = "results",
    params(
        ResultsQuery,
        ("Historia-After" = Option<String>, Header, description = "The `Historia-Position` of a write that the page has \
            to hold; waits up to 2 s for it")
    ),
    responses(
        (status = 200, description = "A page", body = Page<SummaryBody>,
            headers(
                ("Link" = String, description = "The next page"),
                ("Historia-Stale" = String, description = "`true` where the page does not hold that write yet")
            )),
        (status = 400, description = "A cursor that is not ours", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 403, description = "A role that reads no results", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 422, description = "A filter breaks a rule", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 503, description = "Not now, also when the look could not be recorded", body = ProblemDocument,
            content_type = "application/problem+json")
    ),
    security(("bearer" = []))
)]
pub(crate) async fn list_results(
    State(app): State<Arc<App>>,
    caller: Caller,
    context: RequestContext,
    after: ReadAfter,
    uri: Uri,
    StrictQuery(query): StrictQuery<ResultsQuery>,
) -> Result<Response, Problem> {
    let filter = check(&app, &query)?;
    let freshness = after.wait(|position| holds(&app.pool, position)).await?;
    let rows = match narrowed(Scope::of(caller.role, caller.user), query.patient_id) {
        Narrowed::Nothing => vec![],
        Narrowed::To(patient) => read(&app.pool, &filter, patient).await?,
    };
    let page = app.result_cursors.page(rows, filter.limit, |last| last.number, summary);
    app.record_listing(&context, caller, page.items.len()).await?;
    Ok(freshness.mark(page.respond(&uri)))
}

/// Whether the list holds a write to a result; other services' writes are nothing to it.
async fn holds(pool: &PgPool, position: Position) -> Result<bool, ProjectionError> {
    let event = (position.stream, position.last);
    Ok(projection::folded(&ResultSummary, pool, event, PATIENCE).await? != Folded::NotYet)
}

/// Whose results are listed: what the caller asks for, within what the caller may see.
enum Narrowed {
    Nothing,
    To(Option<Uuid>),
}

fn narrowed(scope: Scope, asked: Option<Uuid>) -> Narrowed {
    match scope {
        Scope::All => Narrowed::To(asked),
        Scope::LinkedTo(own) if asked.is_none_or(|asked| asked == own.0) => Narrowed::To(Some(own.0)),
        Scope::LinkedTo(_) | Scope::Nothing => Narrowed::Nothing,
    }
}

struct Filter {
    limit: usize,
    before: Option<i64>,
    status: Option<&'static str>,
    notification: Option<&'static str>,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
}

fn check(app: &App, query: &ResultsQuery) -> Result<Filter, Problem> {
    let before = query.cursor.as_deref().map(|cursor| app.result_cursors.decode(cursor)).transpose()?;
    let limit = page::limit(query.limit)?;
    let mut fields = Fields::default();
    let status = fields.check_optional("?status", query.status.as_deref(), str::parse::<ResultStatus>);
    let notification = fields.check_optional("?notification", query.notification.as_deref(), notification);
    let from = fields.check_optional("?from", query.from.as_deref(), moment);
    let to = fields.check_optional("?to", query.to.as_deref(), moment);
    fields.finish()?;
    Ok(Filter { limit, before, status: status.map(ResultStatus::name), notification, from, to })
}

fn notification(name: &str) -> Result<&'static str, &'static str> {
    let states = ["pending", "sent", "failed", "suppressed"];
    states.into_iter().find(|state| *state == name).ok_or("must be pending, sent, failed or suppressed")
}

/// One row more than the page has, to know whether there is a next one.
async fn read(pool: &PgPool, filter: &Filter, patient: Option<Uuid>) -> Result<Vec<SummaryRow>, Problem> {
    sqlx::query_as::<_, SummaryRow>(statements::SUMMARY_PAGE)
        .bind(filter.before)
        .bind(patient)
        .bind(filter.status)
        .bind(filter.notification)
        .bind(filter.from)
        .bind(filter.to)
        .bind(super::one_more(filter.limit))
        .fetch_all(pool)
        .await
        .map_err(|error| super::unreadable(&error))
}

fn summary(row: SummaryRow) -> SummaryBody {
    SummaryBody {
        id: row.result_id,
        number: row.number,
        status: row.status,
        version: row.version,
        author: row.author,
        patient_id: row.patient_id,
        created_at: row.created_at,
        updated_at: row.updated_at,
        notification: row.notification,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain_kernel::UserId;

    #[test]
    fn a_patient_lists_the_own_results_whatever_is_asked_for() {
        let own = Uuid::from_u128(1);
        let scope = Scope::LinkedTo(UserId(own));
        assert!(matches!(narrowed(scope, None), Narrowed::To(Some(patient)) if patient == own));
        assert!(matches!(narrowed(scope, Some(own)), Narrowed::To(Some(patient)) if patient == own));
        assert!(matches!(narrowed(scope, Some(Uuid::from_u128(2))), Narrowed::Nothing));
        assert!(matches!(narrowed(Scope::Nothing, None), Narrowed::Nothing));
        assert!(matches!(narrowed(Scope::All, None), Narrowed::To(None)));
    }
}
