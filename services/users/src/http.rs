//! The service's endpoints: the table of who may call them, their description, their handlers.
mod bodies;
mod erasure_bodies;
mod erasures;
mod keys;
mod legal_holds;
mod me;
mod problem;
mod sign_in;
mod tokens;
mod users;

use crate::accounts::Accounts;
use crate::erasure_list::ErasureList;
use crate::erasures::Erasures;
use crate::sign_in::SignIn;
use crate::{NAME, sessions::Sessions};
use axum::Router;
use axum::http::{HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain_kernel::ports::KeyRegister;
use domain_kernel::{CorrelationId, Role};
use domain_users::User;
use infra_event_store::repository::Executed;
use infra_http::tokens::Jwks;
use infra_http::{Access, Cursors, Position, Route, ServiceApi, names};
use std::sync::Arc;
use utoipa::OpenApi;

/// What the handlers work with.
pub(crate) struct App {
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) sign_in: SignIn,
    pub(crate) sessions: Sessions,
    pub(crate) keys: Arc<dyn KeyRegister>,
    pub(crate) erasures: Erasures,
    pub(crate) erasure_list: ErasureList,
    pub(crate) cursors: Cursors,
    pub(crate) key_cursors: Cursors,
    pub(crate) erasure_cursors: Cursors,
    pub(crate) hold_cursors: Cursors,
    pub(crate) jwks: Jwks,
}

const ADMINISTRATORS: Access = Access::Roles(&[Role::Administrator]);
/// Who sees what was decided about keys; only administrators decide.
const OVERSEERS: Access = Access::Roles(&[Role::Administrator, Role::Auditor]);

#[derive(OpenApi)]
#[openapi(
    paths(
        users::register,
        users::list,
        users::read,
        users::change,
        users::deactivate,
        users::reactivate,
        sign_in::log_in,
        sign_in::refresh,
        sign_in::log_out,
        me::read,
        me::change_password,
        tokens::jwks,
        keys::list,
        erasures::request,
        erasures::list,
        erasures::read,
        erasures::approve,
        erasures::decline,
        legal_holds::place,
        legal_holds::list,
        legal_holds::lift,
    ),
    tags(
        (name = "users", description = "Accounts: who may log in, under which name, in which role."),
        (name = "session", description = "Logging in and out, and staying logged in."),
        (name = "me", description = "The caller's own account."),
        (name = "erasures", description = "Forgetting: keys, erasures that two administrators agree on, legal holds."),
    )
)]
struct Document;

/// What the service offers.
#[must_use]
pub fn api() -> ServiceApi {
    ServiceApi {
        service: NAME,
        routes: vec![
            // Who may register whom depends on profile and role: the handler decides.
            Route::new(Method::POST, "/users", Access::Public),
            Route::new(Method::GET, "/users", ADMINISTRATORS),
            Route::new(Method::GET, "/users/{id}", ADMINISTRATORS),
            Route::new(Method::PATCH, "/users/{id}", ADMINISTRATORS),
            Route::new(Method::DELETE, "/users/{id}", ADMINISTRATORS),
            Route::new(Method::POST, "/users/{id}/reactivate", ADMINISTRATORS),
            Route::new(Method::POST, "/login", Access::Public),
            // The refresh token is the proof; the access token may have expired.
            Route::new(Method::POST, "/token/refresh", Access::Public),
            Route::new(Method::POST, "/logout", Access::SignedIn),
            Route::new(Method::GET, "/me", Access::SignedIn),
            Route::new(Method::POST, "/me/password", Access::SignedIn),
            Route::new(Method::GET, "/keys", OVERSEERS),
            Route::new(Method::POST, "/erasures", ADMINISTRATORS),
            Route::new(Method::GET, "/erasures", OVERSEERS),
            Route::new(Method::GET, "/erasures/{id}", OVERSEERS),
            Route::new(Method::POST, "/erasures/{id}/approve", ADMINISTRATORS),
            Route::new(Method::POST, "/erasures/{id}/decline", ADMINISTRATORS),
            Route::new(Method::POST, "/legal-holds", ADMINISTRATORS),
            Route::new(Method::GET, "/legal-holds", OVERSEERS),
            Route::new(Method::POST, "/legal-holds/{id}/lift", ADMINISTRATORS),
            Route::new(Method::GET, "/.well-known/jwks.json", Access::Public),
            Route::new(Method::GET, "/internal/revocations", Access::Internal),
            Route::new(Method::GET, "/internal/users/{id}/password", Access::Internal),
        ],
        openapi: Document::openapi(),
    }
}

/// The handlers, not yet protected.
pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/users", post(users::register).get(users::list))
        .route("/users/{id}", get(users::read).patch(users::change).delete(users::deactivate))
        .route("/users/{id}/reactivate", post(users::reactivate))
        .route("/login", post(sign_in::log_in))
        .route("/token/refresh", post(sign_in::refresh))
        .route("/logout", post(sign_in::log_out))
        .route("/me", get(me::read))
        .route("/me/password", post(me::change_password))
        .route("/keys", get(keys::list))
        .route("/erasures", post(erasures::request).get(erasures::list))
        .route("/erasures/{id}", get(erasures::read))
        .route("/erasures/{id}/approve", post(erasures::approve))
        .route("/erasures/{id}/decline", post(erasures::decline))
        .route("/legal-holds", post(legal_holds::place).get(legal_holds::list))
        .route("/legal-holds/{id}/lift", post(legal_holds::lift))
        .route("/.well-known/jwks.json", get(tokens::jwks))
        .route("/internal/revocations", get(tokens::revocations))
        .route("/internal/users/{id}/password", get(tokens::password_standing))
        .with_state(Arc::new(app))
}

/// Answers with the saga of the command; of a repeated command that is the first one's.
/// An answer to a command that took effect: which saga it began, and where it left the account.
fn took_effect(executed: &Executed<User>, response: impl IntoResponse) -> Response {
    let mut response = in_saga(executed.correlation_id, response);
    Position::of(executed).tell(response.headers_mut());
    response
}

fn in_saga(correlation: CorrelationId, response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    if let Ok(value) = HeaderValue::from_str(&correlation.to_string()) {
        response.headers_mut().insert(names::CORRELATION_ID, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_public_endpoint_is_documented() {
        assert_eq!(api().undocumented(), Vec::<&Route>::new());
    }

    #[test]
    fn nothing_is_documented_that_is_not_in_the_table() {
        let api = api();
        for path in api.openapi.paths.paths.keys() {
            assert!(api.routes.iter().any(|route| route.path == path), "{path}");
        }
    }

    #[test]
    fn every_schema_that_the_document_names_is_in_it() {
        let document = serde_json::to_value(api().openapi).unwrap();
        let mut names = Vec::new();
        collect_references(&document, &mut names);
        assert!(names.len() > 20);
        for name in names {
            let pointer = name.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{name}");
        }
    }

    fn collect_references(value: &serde_json::Value, names: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(members) => {
                for (name, value) in members {
                    match value.as_str() {
                        Some(reference) if name == "$ref" => names.push(reference.to_owned()),
                        _ => collect_references(value, names),
                    }
                }
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| collect_references(item, names)),
            _ => {}
        }
    }

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let document = serde_json::to_value(api().openapi).unwrap();
        let items = document["paths"].as_object().unwrap().values().filter_map(serde_json::Value::as_object);
        let mut names: Vec<&str> =
            items.flat_map(|item| item.values()).filter_map(|operation| operation["operationId"].as_str()).collect();
        let documented = api().routes.iter().filter(|route| route.access != Access::Internal).count();
        assert_eq!(names.len(), documented);
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), documented);
    }

    #[test]
    fn only_administrators_manage_accounts() {
        let open = [("POST", "/users")];
        for route in api().routes.iter().filter(|route| route.path.starts_with("/users")) {
            let expected =
                if open.contains(&(route.method.as_str(), route.path)) { Access::Public } else { ADMINISTRATORS };
            assert_eq!(route.access, expected, "{} {}", route.method, route.path);
        }
    }

    #[test]
    fn only_administrators_decide_about_keys_and_auditors_look_on() {
        let about_keys = ["/keys", "/erasures", "/legal-holds"];
        for route in api().routes.iter().filter(|route| about_keys.iter().any(|path| route.path.starts_with(path))) {
            let expected = if route.method == Method::GET { OVERSEERS } else { ADMINISTRATORS };
            assert_eq!(route.access, expected, "{} {}", route.method, route.path);
        }
    }
}
