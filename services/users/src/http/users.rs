//! Accounts: registering, reading, changing, deactivating and reactivating them.
use super::bodies::{
    AdministratorsOnly, DeactivationQuery, NewUserBody, RoleBody, UserBody, UserChangeBody, UserListQuery, UserPage,
};
use super::problem::{Faults, needs_administrator};
use super::{App, took_effect};
use crate::accounts::{Registration, RequestedChange};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use domain_kernel::{Role, UserId, Version};
use domain_users::{DeactivationReason, Edit, EmailAddress, FullName, Password, PasswordRule, Username};
use infra_http::etag::{self, IfMatch};
use infra_http::problem::ProblemDocument;
use infra_http::{Caller, Problem, ReadAfter, RequestContext, StrictJson, StrictPath, StrictQuery, page};
use infra_runtime::Profile;
use std::sync::Arc;
use uuid::Uuid;

/// The roles that anybody may register as in the demo. A patient's has no link to any patient.
const OPEN_ROLES: [Role; 3] = [Role::Laboratory, Role::Physician, Role::Patient];

/// Registers a user.
///
/// In the demo anybody may register as laboratory (1, also the default), physician (2) or patient (3); the other roles,
/// and in production all of them, are given by an administrator. The welcome mail follows.
#[utoipa::path(
    post, path = "/users", operation_id = "register_user", tag = "users",
    request_body = NewUserBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request harmless.")),
    responses(
        (status = 201, description = "Registered; `Location` is the user's address.", body = UserBody),
        (status = 401, description = "In production: no valid access token.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 403, description = "The role is not yours to give.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 409, description = "Username or e-mail address is taken.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 422, description = "A field breaks a rule.", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security((), ("bearer" = []))
)]
pub(super) async fn register(
    State(app): State<Arc<App>>,
    caller: Option<Caller>,
    context: RequestContext,
    StrictJson(body): StrictJson<NewUserBody>,
) -> Result<Response, Problem> {
    let profile = app.accounts.profile;
    if profile == Profile::Production {
        let caller = caller.ok_or_else(Problem::unauthorized)?;
        if caller.role != Role::Administrator {
            return Err(needs_administrator());
        }
    }
    let registration = registration(body, profile)?;
    let administrator = caller.is_some_and(|caller| caller.role == Role::Administrator);
    if !administrator && !OPEN_ROLES.contains(&registration.role) {
        return Err(needs_administrator());
    }
    let executed = app.accounts.register(&context.command(), registration).await?;
    let user = UserId::from(executed.stream);
    let location = format!("/users/{user}");
    let mut response = (StatusCode::CREATED, described(user, &executed.state)?).into_response();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response.headers_mut().insert(header::ETAG, etag::of(executed.version));
    Ok(took_effect(&executed, response))
}

fn registration(body: NewUserBody, profile: Profile) -> Result<Registration, Problem> {
    let mut faults = Faults::default();
    let username = faults.check("/username", Username::parse(&body.username));
    let password = faults.check("/password", Password::choose(body.password, password_rule(profile)));
    let role = match &body.role {
        None => Some(Role::Laboratory),
        Some(role) => faults.check("/role", role.role()),
    };
    let email = match &body.email {
        None => Some(None),
        Some(email) => faults.check("/email", EmailAddress::parse(email)).map(Some),
    };
    let full_name = match &body.full_name {
        None => Some(None),
        Some(name) => faults.check("/full_name", FullName::parse(name)).map(Some),
    };
    match (username, password, role, email, full_name) {
        (Some(username), Some(password), Some(role), Some(email), Some(full_name)) => {
            Ok(Registration { username, password, password_is_initial: false, full_name, email, role })
        }
        _ => Err(faults.problem().unwrap_or_else(Problem::internal)),
    }
}

/// How long a new password must be.
pub(super) fn password_rule(profile: Profile) -> PasswordRule {
    match profile {
        Profile::Demo => PasswordRule::DEMO,
        Profile::Production => PasswordRule::STANDARD,
    }
}

/// Lists users, oldest first.
///
/// The list follows the accounts within moments; `GET /users/{id}` is always current.
#[utoipa::path(
    get, path = "/users", operation_id = "list_users", tag = "users",
    params(
        UserListQuery,
        ("Historia-After" = Option<String>, Header,
            description = "The `Historia-Position` of a write that the page has to hold; waits up to 2 s for it."),
    ),
    responses(
        (status = 200, description = "A page; `Link` leads to the next. `Historia-Stale: true` where it does not hold \
            that write yet.", body = UserPage),
        AdministratorsOnly,
    ),
    security(("bearer" = []))
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    read_after: ReadAfter,
    uri: Uri,
    StrictQuery(query): StrictQuery<UserListQuery>,
) -> Result<Response, Problem> {
    let (role, status) = (query.role()?, query.status()?);
    let limit = page::limit(query.limit)?;
    let after: Option<Uuid> = app.cursors.place(query.cursor.as_deref())?;
    let freshness = read_after.wait(|position| app.accounts.user_list.holds(position)).await?;
    let users = app.accounts.user_list.page(after.map(UserId), role, status, limit + 1).await?;
    let page = app.cursors.page(users, limit, |last| last.id.0, UserBody::from);
    Ok(freshness.mark(page.respond(&uri)))
}

/// Reads a user.
#[utoipa::path(
    get, path = "/users/{id}", operation_id = "read_user", tag = "users",
    params(("id" = Uuid, Path, description = "The user.")),
    responses(
        (status = 200, description = "The user; `ETag` is their version.", body = UserBody),
        AdministratorsOnly,
        (status = 404, description = "There is no such user.", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub(super) async fn read(State(app): State<Arc<App>>, StrictPath(id): StrictPath<Uuid>) -> Result<Response, Problem> {
    let loaded = app.accounts.load(UserId(id)).await?;
    versioned(UserId(id), &loaded.state, loaded.head.version)
}

/// Changes role, e-mail address or full name.
///
/// All that is sent changes together, or nothing does. `null` takes address or name away.
#[utoipa::path(
    patch, path = "/users/{id}", operation_id = "change_user", tag = "users",
    params(
        ("id" = Uuid, Path, description = "The user."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that was read: a change in between is a 412."),
    ),
    request_body = UserChangeBody,
    responses(
        (status = 200, description = "The user as changed.", body = UserBody),
        AdministratorsOnly,
        (status = 404, description = "There is no such user.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 409, description = "The address is taken, the user is deactivated or the last administrator.",
            body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "Changed since it was read.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 422, description = "A field breaks a rule.", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub(super) async fn change(
    State(app): State<Arc<App>>,
    StrictPath(id): StrictPath<Uuid>,
    IfMatch(expected): IfMatch,
    context: RequestContext,
    StrictJson(body): StrictJson<UserChangeBody>,
) -> Result<Response, Problem> {
    let requested = requested_change(&body)?;
    let executed = app.accounts.change(&context.command(), UserId(id), expected, requested).await?;
    let response = versioned(UserId(id), &executed.state, executed.version)?;
    Ok(took_effect(&executed, response))
}

fn requested_change(body: &UserChangeBody) -> Result<RequestedChange, Problem> {
    let mut faults = Faults::default();
    let role = body.role.as_ref().map(RoleBody::role).and_then(|role| faults.check("/role", role));
    let email = match &body.email {
        None => Edit::Keep,
        Some(None) => Edit::Clear,
        Some(Some(email)) => faults.check("/email", EmailAddress::parse(email)).map_or(Edit::Keep, Edit::Set),
    };
    let full_name = match &body.full_name {
        None => Edit::Keep,
        Some(None) => Edit::Clear,
        Some(Some(name)) => faults.check("/full_name", FullName::parse(name)).map_or(Edit::Keep, Edit::Set),
    };
    match faults.problem() {
        Some(problem) => Err(problem),
        None => Ok(RequestedChange { role, full_name, email }),
    }
}

/// Deactivates a user.
///
/// They are logged out everywhere within seconds and may not log in. Nothing is deleted; the name stays taken.
#[utoipa::path(
    delete, path = "/users/{id}", operation_id = "deactivate_user", tag = "users",
    params(("id" = Uuid, Path, description = "The user."), DeactivationQuery),
    responses(
        (status = 204, description = "Deactivated, or was already."),
        AdministratorsOnly,
        (status = 404, description = "There is no such user.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 409, description = "The last active administrator stays.", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub(super) async fn deactivate(
    State(app): State<Arc<App>>,
    StrictPath(id): StrictPath<Uuid>,
    StrictQuery(query): StrictQuery<DeactivationQuery>,
    IfMatch(expected): IfMatch,
    context: RequestContext,
) -> Result<Response, Problem> {
    let reason = query.reason.as_deref().map(DeactivationReason::parse).transpose();
    let reason = reason.map_err(|error| Problem::unprocessable("?reason", error.to_string()))?;
    let executed = app.accounts.deactivate(&context.command(), UserId(id), expected, reason).await?;
    Ok(took_effect(&executed, StatusCode::NO_CONTENT))
}

/// Reactivates a user, with the role and the password they had.
#[utoipa::path(
    post, path = "/users/{id}/reactivate", operation_id = "reactivate_user", tag = "users",
    params(("id" = Uuid, Path, description = "The user.")),
    responses(
        (status = 200, description = "Active again, or was already.", body = UserBody),
        AdministratorsOnly,
        (status = 404, description = "There is no such user.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 410, description = "The user's data was erased, or is about to be.", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub(super) async fn reactivate(
    State(app): State<Arc<App>>,
    StrictPath(id): StrictPath<Uuid>,
    IfMatch(expected): IfMatch,
    context: RequestContext,
) -> Result<Response, Problem> {
    let executed = app.accounts.reactivate(&context.command(), UserId(id), expected).await?;
    let response = versioned(UserId(id), &executed.state, executed.version)?;
    Ok(took_effect(&executed, response))
}

fn described(user: UserId, state: &domain_users::UserState) -> Result<Json<UserBody>, Problem> {
    UserBody::of(user, state).map(Json).ok_or_else(Problem::not_found)
}

/// The user, with their version as entity tag.
pub(super) fn versioned(user: UserId, state: &domain_users::UserState, version: Version) -> Result<Response, Problem> {
    Ok(([(header::ETAG, etag::of(version))], described(user, state)?).into_response())
}
