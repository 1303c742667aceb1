//! What administrators decide about keys: one asks, another approves or declines.
use crate::erasure_list::{ErasureEntry, Position};
use crate::http::bodies::AdministratorsOnly;
use crate::http::erasure_bodies::{ErasureBody, ErasureListQuery, ErasurePage, ErasureRequestBody, ReasonBody};
use crate::http::{App, in_saga};
use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use chrono::DateTime;
use domain_kernel::{StreamId, Timestamp, Version};
use domain_users::erasure::ErasureState;
use infra_http::etag::{self, IfMatch};
use infra_http::problem::ProblemDocument;
use infra_http::{Caller, Problem, RequestContext, StrictJson, StrictPath, StrictQuery, names, page};
use std::convert::Infallible;
use std::sync::Arc;
use uuid::Uuid;

/// When the subject's newest clinical entry was made, as the gateway learned it from the results service; `None` when nobody
/// said.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewestEntry(Option<Timestamp>);

impl<S: Send + Sync> FromRequestParts<S> for NewestEntry {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let told = parts.headers.get(names::NEWEST_ENTRY).and_then(|value| value.to_str().ok());
        let moment = told.and_then(|told| DateTime::parse_from_rfc3339(told).ok());
        Ok(Self(moment.map(|moment| Timestamp(moment.timestamp_micros()))))
    }
}

/// Asks that a key be destroyed.
///
/// Nothing is destroyed until another administrator approves. An account is deactivated first; a clinical key is kept
/// for as long as the country's law says, and for as long as a legal hold stands.
#[utoipa::path(
    post, path = "/erasures", operation_id = "request_erasure", tag = "erasures",
    request_body = ErasureRequestBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request harmless.")),
    responses(
        (status = 201, description = "Asked for; `Location` is the erasure's address.", body = ErasureBody),
        AdministratorsOnly,
        (status = 409, description = "`account_active`, `legal_hold`, `retained` (with `law` and `until`), `retention_not_provable` (with `law`), \
            `already_requested`, `already_approved` or `already_erased`.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 422, description = "A field breaks a rule; `no_such_key` when there is no such key.", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub(super) async fn request(
    State(app): State<Arc<App>>,
    caller: Caller,
    context: RequestContext,
    NewestEntry(newest_entry_at): NewestEntry,
    StrictJson(body): StrictJson<ErasureRequestBody>,
) -> Result<Response, Problem> {
    let (key, country, reason) = body.parse()?;
    let by = (caller.user, newest_entry_at);
    let executed = app.erasures.request(&context.command(), key, (country, reason), by).await?;
    let mut response = described(StatusCode::CREATED, executed.stream, &executed.state, executed.version)?;
    if let Ok(location) = HeaderValue::from_str(&format!("/erasures/{}", executed.stream)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(in_saga(executed.correlation_id, response))
}

/// Lists erasures, the newest request first.
///
/// The list follows within moments; `GET /erasures/{id}` is always current. For administrators and auditors.
#[utoipa::path(
    get, path = "/erasures", operation_id = "list_erasures", tag = "erasures",
    params(ErasureListQuery),
    responses(
        (status = 200, description = "A page; `Link` leads to the next.", body = ErasurePage),
        AdministratorsOnly,
        (status = 422, description = "A parameter breaks a rule.", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    uri: Uri,
    StrictQuery(query): StrictQuery<ErasureListQuery>,
) -> Result<Response, Problem> {
    let (state, limit) = (query.state()?, page::limit(query.limit)?);
    let before: Option<Position> = app.erasure_cursors.place(query.cursor.as_deref())?;
    let erasures = app.erasure_list.erasures(before, state, limit + 1).await?;
    let place = |last: &ErasureEntry| -> Position { (last.requested_at.timestamp_micros(), last.id) };
    Ok(app.erasure_cursors.page(erasures, limit, place, ErasureBody::from).respond(&uri))
}

/// Reads an erasure.
///
/// For administrators and auditors.
#[utoipa::path(
    get, path = "/erasures/{id}", operation_id = "read_erasure", tag = "erasures",
    params(("id" = Uuid, Path, description = "The erasure.")),
    responses(
        (status = 200, description = "The erasure; `ETag` is its version.", body = ErasureBody),
        AdministratorsOnly,
        (status = 404, description = "There is no such erasure.", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub(super) async fn read(State(app): State<Arc<App>>, StrictPath(id): StrictPath<Uuid>) -> Result<Response, Problem> {
    let loaded = app.erasures.load(StreamId(id)).await?;
    described(StatusCode::OK, StreamId(id), &loaded.state, loaded.head.version)
}

/// Approves an erasure that another administrator asked for.
///
/// The key is destroyed right after; nothing stops it any more, and nothing brings back what it sealed.
#[utoipa::path(
    post, path = "/erasures/{id}/approve", operation_id = "approve_erasure", tag = "erasures",
    params(
        ("id" = Uuid, Path, description = "The erasure."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that was read: a change in between is a 412."),
    ),
    responses(
        (status = 202, description = "Approved; the erasure becomes `erased` within moments.", body = ErasureBody),
        AdministratorsOnly,
        (status = 404, description = "There is no such erasure.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 409, description = "`second_person_needed`, `nothing_requested`, or a reason for which it could not be asked for.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 412, description = "Changed since it was read.", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub(super) async fn approve(
    State(app): State<Arc<App>>,
    caller: Caller,
    StrictPath(id): StrictPath<Uuid>,
    IfMatch(expected): IfMatch,
    context: RequestContext,
    NewestEntry(newest_entry_at): NewestEntry,
) -> Result<Response, Problem> {
    let by = (caller.user, newest_entry_at);
    let executed = app.erasures.approve(&context.command(), StreamId(id), expected, by).await?;
    let response = described(StatusCode::ACCEPTED, executed.stream, &executed.state, executed.version)?;
    Ok(in_saga(executed.correlation_id, response))
}

/// Declines an erasure; whoever asked for it may so take it back.
#[utoipa::path(
    post, path = "/erasures/{id}/decline", operation_id = "decline_erasure", tag = "erasures",
    params(
        ("id" = Uuid, Path, description = "The erasure."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that was read: a change in between is a 412."),
    ),
    request_body = ReasonBody,
    responses(
        (status = 200, description = "Declined; it may be asked for again.", body = ErasureBody),
        AdministratorsOnly,
        (status = 404, description = "There is no such erasure.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 409, description = "`nothing_requested`, `already_approved` or `already_erased`.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 412, description = "Changed since it was read.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 422, description = "The reason breaks a rule.", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub(super) async fn decline(
    State(app): State<Arc<App>>,
    caller: Caller,
    StrictPath(id): StrictPath<Uuid>,
    IfMatch(expected): IfMatch,
    context: RequestContext,
    StrictJson(body): StrictJson<ReasonBody>,
) -> Result<Response, Problem> {
    let decision = (body.parse()?, caller.user);
    let executed = app.erasures.decline(&context.command(), StreamId(id), expected, decision).await?;
    let response = described(StatusCode::OK, executed.stream, &executed.state, executed.version)?;
    Ok(in_saga(executed.correlation_id, response))
}

/// The erasure, with its version as entity tag.
fn described(status: StatusCode, id: StreamId, state: &ErasureState, version: Version) -> Result<Response, Problem> {
    let body = ErasureBody::of(id, state).ok_or_else(Problem::not_found)?;
    Ok((status, [(header::ETAG, etag::of(version))], Json(body)).into_response())
}
