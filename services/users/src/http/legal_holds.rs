//! Holds that forbid the destruction of a key.
use crate::erasure_list::{HoldEntry, Position};
use crate::http::bodies::AdministratorsOnly;
use crate::http::erasure_bodies::{LegalHoldBody, LegalHoldPage, LegalHoldRequestBody, ReasonBody};
use crate::http::{App, in_saga};
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use domain_kernel::StreamId;
use infra_http::problem::ProblemDocument;
use infra_http::{Caller, PageQuery, Problem, RequestContext, StrictJson, StrictPath, StrictQuery, page};
use std::sync::Arc;
use uuid::Uuid;

/// Places a legal hold: the key is kept until the hold is lifted.
#[utoipa::path(
    post, path = "/legal-holds", operation_id = "place_legal_hold", tag = "erasures",
    request_body = LegalHoldRequestBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request harmless.")),
    responses(
        (status = 201, description = "Placed.", body = LegalHoldBody),
        AdministratorsOnly,
        (status = 409, description = "`already_held`, `already_approved` or `already_erased`.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 422, description = "A field breaks a rule; `no_such_key` when there is no such key.", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub(super) async fn place(
    State(app): State<Arc<App>>,
    caller: Caller,
    context: RequestContext,
    StrictJson(body): StrictJson<LegalHoldRequestBody>,
) -> Result<Response, Problem> {
    let (key, reason) = body.parse()?;
    let executed = app.erasures.place_hold(&context.command(), key, (reason, caller.user)).await?;
    let hold = LegalHoldBody::of(executed.stream, &executed.state).ok_or_else(Problem::internal)?;
    Ok(in_saga(executed.correlation_id, (StatusCode::CREATED, Json(hold))))
}

/// Lists the holds that stand, the newest first.
///
/// The list follows within moments. For administrators and auditors.
#[utoipa::path(
    get, path = "/legal-holds", operation_id = "list_legal_holds", tag = "erasures",
    params(PageQuery),
    responses(
        (status = 200, description = "A page; `Link` leads to the next.", body = LegalHoldPage),
        AdministratorsOnly,
        (status = 422, description = "A parameter breaks a rule.", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    uri: Uri,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let limit = page::limit(query.limit)?;
    let before: Option<Position> = app.hold_cursors.place(query.cursor.as_deref())?;
    let holds = app.erasure_list.holds(before, limit + 1).await?;
    let place = |last: &HoldEntry| -> Position { (last.held_at.timestamp_micros(), last.id) };
    Ok(app.hold_cursors.page(holds, limit, place, LegalHoldBody::from).respond(&uri))
}

/// Lifts a legal hold.
#[utoipa::path(
    post, path = "/legal-holds/{id}/lift", operation_id = "lift_legal_hold", tag = "erasures",
    params(("id" = Uuid, Path, description = "The hold.")),
    request_body = ReasonBody,
    responses(
        (status = 204, description = "Lifted."),
        AdministratorsOnly,
        (status = 404, description = "There is no such hold.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 409, description = "`not_held`: it was lifted before.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 422, description = "The reason breaks a rule.", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub(super) async fn lift(
    State(app): State<Arc<App>>,
    caller: Caller,
    StrictPath(id): StrictPath<Uuid>,
    context: RequestContext,
    StrictJson(body): StrictJson<ReasonBody>,
) -> Result<StatusCode, Problem> {
    app.erasures.lift_hold(&context.command(), StreamId(id), (body.parse()?, caller.user)).await?;
    Ok(StatusCode::NO_CONTENT)
}
