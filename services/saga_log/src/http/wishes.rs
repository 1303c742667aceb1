//! What an operator wishes of the consumers that gave up on an event: that they try again, or that they let it pass.
//!
//! A wish is an event of the saga that it is about. What comes of it is the consumers' word, and the log shows it.
use super::{Pages, unavailable};
use crate::saga_list;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use domain_kernel::{Reason, StreamId};
use domain_saga_log::{SagaCommand, SagaError};
use infra_event_store::repository::CommandContext;
use infra_http::problem::ProblemDocument;
use infra_http::{Position, Problem, RequestContext, StrictJson, StrictPath};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// What an operator says.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    /// Why; 1 to 200 characters, kept in clear: no names.
    #[schema(example = "the mail server is back", min_length = 1, max_length = 200)]
    reason: String,
    /// Of which consumer; of everybody who gave up when absent.
    #[schema(example = "notifications")]
    consumer: Option<String>,
}

/// The wish was written down; the log shows what comes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct WishAccepted {
    /// The event.
    id: Uuid,
    /// Its saga.
    correlation_id: Uuid,
}

pub(super) type Accepted = (StatusCode, HeaderMap, Json<WishAccepted>);

/// Ask the consumers that gave up on an event to try again
#[utoipa::path(
    post,
    path = "/saga/logs/{id}/retry",
    operation_id = "retry_saga_event",
    tag = "saga log",
    params(("id" = Uuid, Path, description = "The event that was not handled.")),
    request_body = Wish,
    responses(
        (status = 202, description = "Asked for.", body = WishAccepted),
        (status = 400, description = "The body is no JSON.", body = ProblemDocument),
        (status = 401, description = "No valid token.", body = ProblemDocument),
        (status = 403, description = "Only an administrator may do this.", body = ProblemDocument),
        (status = 404, description = "No such event.", body = ProblemDocument),
        (status = 409, description = "Nobody gave up on this event.", body = ProblemDocument),
        (status = 422, description = "The body breaks a rule.", body = ProblemDocument),
    ),
    security(("bearer" = []))
)]
pub(super) async fn retry(
    State(pages): State<Arc<Pages>>,
    context: RequestContext,
    StrictPath(id): StrictPath<Uuid>,
    StrictJson(wish): StrictJson<Wish>,
) -> Result<Accepted, Problem> {
    let (reason, consumer) = (parse(&wish)?, wish.consumer);
    ask(&pages, &context, id, SagaCommand::RequestRetry { event: id.into(), consumer, reason }).await
}

/// Ask the consumers that gave up on an event to let it pass
///
/// The event stays unhandled and counts as settled; what waits behind it goes on. A clinical event is never skipped.
#[utoipa::path(
    post,
    path = "/saga/logs/{id}/skip",
    operation_id = "skip_saga_event",
    tag = "saga log",
    params(("id" = Uuid, Path, description = "The event that was not handled.")),
    request_body = Wish,
    responses(
        (status = 202, description = "Asked for.", body = WishAccepted),
        (status = 400, description = "The body is no JSON.", body = ProblemDocument),
        (status = 401, description = "No valid token.", body = ProblemDocument),
        (status = 403, description = "Only an administrator may do this.", body = ProblemDocument),
        (status = 404, description = "No such event.", body = ProblemDocument),
        (
            status = 409,
            description = "Nobody gave up on this event (`nothing_failed`), or it is clinical (`clinical_event`).",
            body = ProblemDocument
        ),
        (status = 422, description = "The body breaks a rule.", body = ProblemDocument),
    ),
    security(("bearer" = []))
)]
pub(super) async fn skip(
    State(pages): State<Arc<Pages>>,
    context: RequestContext,
    StrictPath(id): StrictPath<Uuid>,
    StrictJson(wish): StrictJson<Wish>,
) -> Result<Accepted, Problem> {
    let (reason, consumer) = (parse(&wish)?, wish.consumer);
    ask(&pages, &context, id, SagaCommand::RequestSkip { event: id.into(), consumer, reason }).await
}

fn parse(wish: &Wish) -> Result<Reason, Problem> {
    Reason::parse(&wish.reason).map_err(|rule| Problem::unprocessable("/reason", rule.to_string()))
}

async fn ask(pages: &Pages, context: &RequestContext, id: Uuid, wish: SagaCommand) -> Result<Accepted, Problem> {
    let row = saga_list::find(&pages.pool, None, id)
        .await
        .map_err(|error| unavailable(&error))?
        .ok_or_else(Problem::not_found)?;
    execute(pages, context, (id, row.correlation_id), wish).await
}

/// Writes a wish about the event of that id and saga down.
pub(super) async fn execute(
    pages: &Pages,
    context: &RequestContext,
    (id, correlation_id): (Uuid, Uuid),
    wish: SagaCommand,
) -> Result<Accepted, Problem> {
    // The wish is part of the saga that it is about, not of one of its own, so that its consequences are too.
    let command = CommandContext { correlation_id: correlation_id.into(), ..context.command() };
    let executed = pages
        .repository
        .execute(StreamId(correlation_id), None, &command, wish)
        .await
        .map_err(|error| Problem::of_command(error, refused))?;
    let mut headers = HeaderMap::new();
    Position::of(&executed).tell(&mut headers);
    Ok((StatusCode::ACCEPTED, headers, Json(WishAccepted { id, correlation_id })))
}

fn refused(error: SagaError) -> Problem {
    match error {
        SagaError::UnknownEvent => Problem::not_found(),
        SagaError::NothingFailed => Problem::conflict("nothing_failed", "No consumer gave up on this event."),
        SagaError::Clinical => {
            Problem::conflict("clinical_event", "A clinical event is never skipped; it can be retried.")
        }
    }
}
