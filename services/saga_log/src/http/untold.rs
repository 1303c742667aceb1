//! Wishes about failures that the log was not told of: those of its own consumer, and those of messages about messages.
//!
//! The gateway found the dead letter and says what is known of it; it passes no client's request on to these addresses.
//! The wish is written down in the saga that the letter is part of, and goes the way of every other.
use super::wishes::{Accepted, execute};
use super::{OPERATORS, Pages};
use axum::extract::State;
use axum::http::Method;
use axum::{Router, routing};
use domain_kernel::{Reason, StreamId};
use domain_saga_log::{SagaCommand, UntoldFailure};
use infra_http::operations::{OperatorReason, UntoldWish};
use infra_http::{Access, Problem, RequestContext, Route, StrictJson};
use std::sync::Arc;

pub(crate) fn routes() -> [Route; 2] {
    let operators = Access::Roles(OPERATORS);
    [
        Route::new(Method::POST, "/operations/untold-failures/retry", operators),
        Route::new(Method::POST, "/operations/untold-failures/skip", operators),
    ]
}

pub(super) fn router() -> Router<Arc<Pages>> {
    Router::new()
        .route("/operations/untold-failures/retry", routing::post(retry))
        .route("/operations/untold-failures/skip", routing::post(skip))
}

async fn retry(
    State(pages): State<Arc<Pages>>,
    context: RequestContext,
    StrictJson(wish): StrictJson<UntoldWish>,
) -> Result<Accepted, Problem> {
    let (failure, reason) = parse(&wish)?;
    let command = SagaCommand::RequestUntoldRetry { failure, reason };
    execute(&pages, &context, (wish.event_id, wish.correlation_id), command).await
}

async fn skip(
    State(pages): State<Arc<Pages>>,
    context: RequestContext,
    StrictJson(wish): StrictJson<UntoldWish>,
) -> Result<Accepted, Problem> {
    let (failure, reason) = parse(&wish)?;
    let command = SagaCommand::RequestUntoldSkip { failure, reason };
    execute(&pages, &context, (wish.event_id, wish.correlation_id), command).await
}

fn parse(wish: &UntoldWish) -> Result<(UntoldFailure, Reason), Problem> {
    let reason = OperatorReason { reason: wish.reason.clone() }.parse()?;
    let failure = UntoldFailure {
        event: wish.event_id.into(),
        topic: wish.topic.clone(),
        stream: StreamId(wish.aggregate),
        consumer: wish.consumer.clone(),
        attempts: wish.attempts,
    };
    Ok((failure, reason))
}
