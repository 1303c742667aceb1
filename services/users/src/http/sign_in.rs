//! Logging in, staying logged in, logging out.
use super::App;
use super::bodies::{LogInBody, RefreshBody, SignedInOnly, TokensBody};
use crate::sessions::RefreshToken;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use infra_http::problem::ProblemDocument;
use infra_http::{Caller, Problem, RequestContext, StrictJson};
use std::sync::Arc;

/// Logs in.
///
/// A wrong name and a wrong password get the same answer. After five failures in a row, of an account or from an
/// address, the next attempt has to wait: a second, then twice as long each time, a quarter of an hour at most.
#[utoipa::path(
    post, path = "/login", operation_id = "log_in", tag = "session",
    request_body = LogInBody,
    responses(
        (status = 200, description = "Logged in.", body = TokensBody),
        (status = 401, description = "Wrong name or password.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 429, description = "Too many failed log-ins; see `Retry-After`.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 503, description = "Too many log-ins at once; see `Retry-After`.", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(())
)]
pub(super) async fn log_in(
    State(app): State<Arc<App>>,
    context: RequestContext,
    StrictJson(body): StrictJson<LogInBody>,
) -> Result<Json<TokensBody>, Problem> {
    let tokens = app.sign_in.log_in(&body.username, body.password, context.client_address).await?;
    Ok(Json(tokens.into()))
}

/// Gives new tokens for a refresh token.
///
/// A refresh token is used once; used again, it ends the session for whoever has it.
#[utoipa::path(
    post, path = "/token/refresh", operation_id = "refresh_tokens", tag = "session",
    request_body = RefreshBody,
    responses(
        (status = 200, description = "New tokens.", body = TokensBody),
        (status = 401, description = "Unknown, used, idle for too long, or its session is over.", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(())
)]
pub(super) async fn refresh(
    State(app): State<Arc<App>>,
    context: RequestContext,
    StrictJson(body): StrictJson<RefreshBody>,
) -> Result<Json<TokensBody>, Problem> {
    let token = RefreshToken::presented(body.refresh_token);
    let tokens = app.sign_in.refresh(&context.command(), token).await?;
    Ok(Json(tokens.into()))
}

/// Logs out: ends this session. Its access tokens are refused within seconds.
#[utoipa::path(
    post, path = "/logout", operation_id = "log_out", tag = "session",
    responses(
        (status = 204, description = "Logged out."),
        SignedInOnly,
    ),
    security(("bearer" = []))
)]
pub(super) async fn log_out(State(app): State<Arc<App>>, caller: Caller) -> Result<StatusCode, Problem> {
    app.sign_in.log_out(&caller).await?;
    Ok(StatusCode::NO_CONTENT)
}
