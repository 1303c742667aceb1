//! The caller's own account.
use super::App;
use super::bodies::{PasswordChangeBody, SignedInOnly, UserBody};
use super::users::{password_rule, versioned};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain_users::Password;
use infra_http::problem::ProblemDocument;
use infra_http::{Caller, Problem, RequestContext, StrictJson};
use std::sync::Arc;

/// Reads the caller's account.
#[utoipa::path(
    get, path = "/me", operation_id = "read_me", tag = "me",
    responses(
        (status = 200, description = "The caller.", body = UserBody),
        SignedInOnly,
    ),
    security(("bearer" = []))
)]
pub(super) async fn read(State(app): State<Arc<App>>, caller: Caller) -> Result<Response, Problem> {
    let loaded = app.accounts.load(caller.user).await?;
    if loaded.state.active().is_none() {
        return Err(Problem::unauthorized());
    }
    versioned(caller.user, &loaded.state, loaded.head.version)
}

/// Changes the caller's password. This session goes on, the others end.
#[utoipa::path(
    post, path = "/me/password", operation_id = "change_my_password", tag = "me",
    request_body = PasswordChangeBody,
    responses(
        (status = 204, description = "Changed."),
        SignedInOnly,
        (status = 422, description = "The current password is wrong, or the new one too weak.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong passwords; see `Retry-After`.", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub(super) async fn change_password(
    State(app): State<Arc<App>>,
    caller: Caller,
    context: RequestContext,
    StrictJson(body): StrictJson<PasswordChangeBody>,
) -> Result<StatusCode, Problem> {
    let new = Password::choose(body.new_password, password_rule(app.accounts.profile))
        .map_err(|error| Problem::unprocessable("/new_password", error.to_string()))?;
    if new.reveal() == body.current_password {
        return Err(Problem::unprocessable("/new_password", "is the current password"));
    }
    app.sign_in
        .change_password(&context.command(), &caller, body.current_password, new, context.client_address)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
