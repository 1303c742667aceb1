//! The endpoints: one table says which there are and who may call them; what depends on the result asked for is decided
//! by [`domain_results::Scope`].
mod call_worklist;
mod change_result;
mod fields;
mod file_result;
mod list_results;
mod newest_entry;
mod read_result;
mod refusal;
mod who_read;

use crate::NAME;
use crate::app::App;
use axum::Router;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::routing::get;
use domain_kernel::{CorrelationId, Role};
use infra_http::{Access, Problem, Route, ServiceApi, names};
use std::sync::Arc;
use std::time::Duration;
use utoipa::OpenApi;

/// Those who file and change results, and call patients.
const AUTHORS: Access = Access::Roles(&[Role::Laboratory, Role::Physician]);
/// Those who may see lists at all; whose results are on them is decided per caller.
const READERS: Access = Access::Roles(&[Role::Laboratory, Role::Physician, Role::Patient, Role::Nurse]);
/// Those who may see who read a result.
const WATCHERS: Access = Access::Roles(&[Role::Laboratory]);

/// After this a client may try again when the database is out of reach.
const OUTAGE: Duration = Duration::from_secs(2);

/// Every endpoint.
///
/// A single result is open to whoever is signed in, because a role that reads none is answered like everybody who asks
/// for a result that does not exist.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/results", AUTHORS),
        Route::new(Method::GET, "/results", READERS),
        Route::new(Method::GET, "/results/{id}", Access::SignedIn),
        Route::new(Method::PATCH, "/results/{id}", AUTHORS),
        Route::new(Method::GET, "/results/{id}/history", Access::SignedIn),
        Route::new(Method::GET, "/results/{id}/access", WATCHERS),
        Route::new(Method::GET, "/worklist/calls", AUTHORS),
        Route::new(Method::GET, "/internal/subjects/{subject}/newest-entry", Access::Internal),
    ]
}

pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/results", get(list_results::list_results).post(file_result::file_result))
        .route("/results/{id}", get(read_result::read_result).patch(change_result::change_result))
        .route("/results/{id}/history", get(read_result::read_history))
        .route("/results/{id}/access", get(who_read::who_read))
        .route("/worklist/calls", get(call_worklist::call_worklist))
        .route("/internal/subjects/{subject}/newest-entry", get(newest_entry::newest_entry))
        .with_state(app)
}

#[derive(OpenApi)]
#[openapi(
    paths(
        file_result::file_result,
        list_results::list_results,
        read_result::read_result,
        read_result::read_history,
        change_result::change_result,
        who_read::who_read,
        call_worklist::call_worklist,
    ),
    tags((name = "results", description = "Clinical results: file, read, amend; who read them; whom to call"))
)]
struct Document;

pub(crate) fn api() -> ServiceApi {
    ServiceApi { service: NAME, routes: routes(), openapi: Document::openapi() }
}

/// Says as part of what a command took effect: a repeated one is answered with the saga that it started then.
fn set_correlation(headers: &mut HeaderMap, correlation: CorrelationId) {
    if let Ok(value) = HeaderValue::from_str(&correlation.to_string()) {
        headers.insert(names::CORRELATION_ID, value);
    }
}

/// One row more than a page has tells whether there is a next one.
fn one_more(limit: usize) -> i64 {
    i64::try_from(limit).map_or(i64::MAX, |limit| limit.saturating_add(1))
}

/// A read model that cannot be read: not now.
fn unreadable(error: &sqlx::Error) -> Problem {
    tracing::warn!(error = %error, "a read model cannot be read");
    Problem::unavailable(OUTAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_in_the_document() {
        assert_eq!(api().undocumented(), Vec::<&Route>::new());
    }

    #[test]
    fn the_document_has_no_route_that_is_not_in_the_table() {
        let documented: usize = api()
            .openapi
            .paths
            .paths
            .values()
            .map(|item| [&item.get, &item.post, &item.patch, &item.put, &item.delete].into_iter().flatten().count())
            .sum();
        let routes = routes();
        let public = routes.iter().filter(|route| route.access != Access::Internal);
        assert_eq!(documented, public.count());
    }
}
