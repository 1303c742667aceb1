//! Who may call what: the services' tables and the gateway's own, in one.
use crate::{INTERNAL_KEYS_PATH, NAME, StartError, web};
use axum::http::Method;
use infra_http::operations::{OPERATORS, READERS};
use infra_http::{Access, Route, ServiceApi};
use std::collections::BTreeMap;

/// One endpoint of the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The method.
    pub method: Method,
    /// The path, as in the API document.
    pub path: String,
    /// Who may call it.
    pub access: Access,
    /// Which service answers; [`NAME`] for the gateway itself.
    pub service: &'static str,
    /// For whom it is. What people alone have is no part of the API document.
    pub audience: Audience,
}

/// For whom an endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Programs; where a page stands beside it, people too.
    Programs,
    /// People with a browser, alone: pages, and what pages ask for.
    People,
}

/// Every endpoint that the gateway has, one row each: those of the services but the internal ones, and its own.
#[must_use]
pub fn authorization_table(services: &[ServiceApi]) -> Vec<Row> {
    let forwarded = services.iter().flat_map(|api| {
        api.routes.iter().filter(|route| route.access != Access::Internal).map(|route| Row {
            method: route.method.clone(),
            path: route.path.to_owned(),
            access: route.access,
            service: api.service,
            audience: Audience::Programs,
        })
    });
    forwarded.chain(own_rows(services)).chain(page_rows(services)).collect()
}

/// The pages that have no address in common with the API, and their files.
fn page_rows(services: &[ServiceApi]) -> impl Iterator<Item = Row> + '_ {
    let assets = (Method::GET, web::ASSETS, Access::Public);
    web::pages::rows(services).chain([assets]).map(|(method, path, access)| Row {
        method,
        path: path.to_owned(),
        access,
        service: NAME,
        audience: Audience::People,
    })
}

/// The gateway's own endpoints.
fn own_rows(services: &[ServiceApi]) -> Vec<Row> {
    let row = |path: &str, access| Row {
        method: Method::GET,
        path: path.to_owned(),
        access,
        service: NAME,
        audience: Audience::Programs,
    };
    let mut rows = vec![
        row("/", Access::Public),
        row(INTERNAL_KEYS_PATH, Access::Public),
        row("/asyncapi.json", Access::Public),
        row("/dashboard", Access::SignedIn),
        row("/docs", Access::Public),
        row("/healthz", Access::Public),
        row("/livez", Access::Public),
        row("/openapi.json", Access::Public),
        row("/readyz", Access::Public),
    ];
    let mut for_operators = |method, path: &str, roles| {
        rows.push(Row { method, ..row(path, Access::Roles(roles)) });
    };
    for_operators(Method::GET, "/dead-letters", READERS);
    for_operators(Method::GET, "/dead-letters/{id}", READERS);
    for_operators(Method::POST, "/dead-letters/{id}/retry", OPERATORS);
    for_operators(Method::POST, "/dead-letters/{id}/skip", OPERATORS);
    for_operators(Method::GET, "/ops/status", OPERATORS);
    for_operators(Method::POST, "/ops/projections/{service}/{name}/pause", OPERATORS);
    for_operators(Method::POST, "/ops/projections/{service}/{name}/resume", OPERATORS);
    for_operators(Method::POST, "/ops/streams/{service}/{stream}/reveal", OPERATORS);
    for api in services {
        rows.extend(health_paths(api.service).iter().map(|path| row(path, Access::Public)));
    }
    rows
}

/// `/<service>/health`, with `-` between words and, for who writes the service's name as it is, with `_`.
pub(crate) fn health_paths(service: &str) -> Vec<String> {
    let mut paths = vec![format!("/{}/health", service.replace('_', "-"))];
    if service.contains('_') {
        paths.push(format!("/{service}/health"));
    }
    paths
}

/// Refuses tables in which one address would mean two things; the router would panic over some of them.
pub(crate) fn check(services: &[ServiceApi]) -> Result<(), StartError> {
    let mut spellings: BTreeMap<String, String> = BTreeMap::new();
    let mut seen: Vec<(Method, String)> = Vec::new();
    for row in authorization_table(services) {
        let ambiguous = || StartError::Ambiguous { path: row.path.clone() };
        let spelling = spellings.entry(shape(&row.path)).or_insert_with(|| row.path.clone());
        if *spelling != row.path || seen.contains(&(row.method.clone(), row.path.clone())) {
            return Err(ambiguous());
        }
        seen.push((row.method.clone(), row.path.clone()));
    }
    Ok(())
}

/// The path without its parameters' names.
fn shape(path: &str) -> String {
    let segment = |segment: &str| if segment.starts_with('{') { "{}".to_owned() } else { segment.to_owned() };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// The table as the admission looks things up in it: by method and matched path. `HEAD` is `GET`.
pub(crate) struct Lookup {
    rows: BTreeMap<String, Vec<(Method, Access)>>,
}

impl Lookup {
    pub(crate) fn new(services: &[ServiceApi]) -> Self {
        let mut rows: BTreeMap<String, Vec<(Method, Access)>> = BTreeMap::new();
        for row in authorization_table(services) {
            rows.entry(row.path).or_default().push((row.method, row.access));
        }
        // The pages behind `/docs`.
        for path in ["/docs/", "/docs/{*rest}"] {
            rows.insert(path.to_owned(), vec![(Method::GET, Access::Public)]);
        }
        Self { rows }
    }

    pub(crate) fn find(&self, method: &Method, path: &str) -> Option<Access> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        self.rows.get(path)?.iter().find(|(listed, _)| listed == method).map(|(_, access)| *access)
    }

    pub(crate) fn methods(&self, path: &str) -> String {
        let methods = self.rows.get(path).map(Vec::as_slice).unwrap_or_default();
        methods.iter().map(|(method, _)| method.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// The routes of a service that go through the gateway.
pub(crate) fn forwarded(api: &ServiceApi) -> impl Iterator<Item = &Route> {
    api.routes.iter().filter(|route| route.access != Access::Internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(service: &'static str, routes: Vec<Route>) -> ServiceApi {
        ServiceApi { service, routes, openapi: utoipa::openapi::OpenApi::default() }
    }

    #[test]
    fn the_table_has_one_row_per_endpoint_and_no_internal_one() {
        let services = [api(
            "saga_log",
            vec![
                Route::new(Method::GET, "/saga/logs", Access::SignedIn),
                Route::new(Method::GET, "/internal/things", Access::Internal),
            ],
        )];
        let table: Vec<String> =
            authorization_table(&services).iter().map(|row| format!("{} {}", row.method, row.path)).collect();
        assert_eq!(
            table,
            [
                "GET /saga/logs",
                "GET /",
                "GET /.well-known/gateway-jwks.json",
                "GET /asyncapi.json",
                "GET /dashboard",
                "GET /docs",
                "GET /healthz",
                "GET /livez",
                "GET /openapi.json",
                "GET /readyz",
                "GET /dead-letters",
                "GET /dead-letters/{id}",
                "POST /dead-letters/{id}/retry",
                "POST /dead-letters/{id}/skip",
                "GET /ops/status",
                "POST /ops/projections/{service}/{name}/pause",
                "POST /ops/projections/{service}/{name}/resume",
                "POST /ops/streams/{service}/{stream}/reveal",
                "GET /saga-log/health",
                "GET /saga_log/health",
                "GET /sign-in",
                "POST /sign-in",
                "POST /sign-out",
                "GET /password",
                "POST /password",
                "GET /saga/logs/live",
                "GET /ops",
                "GET /docs/events",
                "GET /assets/{file}",
            ]
        );
        assert!(check(&services).is_ok());
    }

    #[test]
    fn an_address_that_means_two_things_is_refused() {
        let one = api("one", vec![Route::new(Method::GET, "/things/{id}", Access::Public)]);
        let same = api("two", vec![Route::new(Method::GET, "/things/{id}", Access::Public)]);
        let renamed = api("two", vec![Route::new(Method::PATCH, "/things/{number}", Access::Public)]);
        let own = api("two", vec![Route::new(Method::GET, "/dashboard", Access::Public)]);
        for other in [same, renamed, own] {
            assert!(matches!(check(&[one.clone(), other]), Err(StartError::Ambiguous { .. })));
        }
    }
}
