//! What verifiers of tokens ask for: the public key, and which sessions are over before their time.
use super::App;
use super::bodies::{PasswordStandingBody, RevocationBody, RevocationsBody, RevocationsQuery};
use axum::Json;
use axum::extract::State;
use infra_http::tokens::Jwks;
use infra_http::{Problem, StrictPath, StrictQuery};
use std::sync::Arc;
use uuid::Uuid;

/// The public keys that the users' access tokens are signed with (RFC 7517).
#[utoipa::path(
    get, path = "/.well-known/jwks.json", operation_id = "read_jwks", tag = "session",
    responses((status = 200, description = "The keys.", body = Jwks)),
    security(())
)]
pub(super) async fn jwks(State(app): State<Arc<App>>) -> Json<Jwks> {
    Json(app.jwks.clone())
}

/// Sessions that were revoked since the cursor, for the gateway. What was told may be told again; the last known answer
/// stays good while this one does not come.
pub(super) async fn revocations(
    State(app): State<Arc<App>>,
    StrictQuery(query): StrictQuery<RevocationsQuery>,
) -> Result<Json<RevocationsBody>, Problem> {
    let after = query.after.unwrap_or(0);
    let revocations = app.sessions.revocations(after).await?;
    let next = revocations.last().map_or(after, |last| last.recorded.max(after));
    let items = revocations
        .into_iter()
        .map(|revocation| RevocationBody { kind: "session", id: revocation.session.0, at: revocation.at.0 })
        .collect();
    Ok(Json(RevocationsBody { items, next: next.to_string() }))
}

/// Whether a user still has to choose another password, for the gateway: a token that was issued before says only that
/// it was so then.
pub(super) async fn password_standing(
    State(app): State<Arc<App>>,
    StrictPath(id): StrictPath<Uuid>,
) -> Result<Json<PasswordStandingBody>, Problem> {
    let state = app.accounts.load(id.into()).await?.state;
    let account = state.active().ok_or_else(Problem::not_found)?;
    Ok(Json(PasswordStandingBody { must_change_password: account.must_change_password }))
}
