//! The table that a service's endpoints stand in: one line each, with who may call it.
use axum::http::Method;
use domain_kernel::Role;

/// Who may call an endpoint.
///
/// What depends on the thing asked for (whose result, whose account) is not here: the service decides that, and answers
/// 404 so that nobody learns what exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody, also without a token.
    Public,
    /// Every user with a valid token.
    SignedIn,
    /// Users in one of these roles; the others are told so (403).
    Roles(&'static [Role]),
    /// Only services; never through the gateway.
    Internal,
}

/// One endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The method. `GET` covers `HEAD`.
    pub method: Method,
    /// The path in axum's syntax, such as `/results/{id}`.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
}

impl Route {
    /// One line of the table.
    #[must_use]
    pub const fn new(method: Method, path: &'static str, access: Access) -> Self {
        Self { method, path, access }
    }
}

/// What a service offers: what the gateway and the API document are built from.
#[derive(Clone)]
pub struct ServiceApi {
    /// The service's pinned name, such as `saga_log`; the audience of its internal tokens.
    pub service: &'static str,
    /// Every endpoint but the health checks.
    pub routes: Vec<Route>,
    /// Their description; has every route but the internal ones.
    pub openapi: utoipa::openapi::OpenApi,
}

impl ServiceApi {
    /// The routes that the document should describe and does not; a service's test wants this empty.
    #[must_use]
    pub fn undocumented(&self) -> Vec<&Route> {
        self.routes
            .iter()
            .filter(|route| route.access != Access::Internal && !documents(&self.openapi, route))
            .collect()
    }
}

/// Whether `openapi` has an operation for `route`.
#[must_use]
pub fn documents(openapi: &utoipa::openapi::OpenApi, route: &Route) -> bool {
    let Some(item) = openapi.paths.paths.get(route.path) else { return false };
    let operation = match route.method.as_str() {
        "GET" => &item.get,
        "POST" => &item.post,
        "PUT" => &item.put,
        "PATCH" => &item.patch,
        "DELETE" => &item.delete,
        _ => return false,
    };
    operation.is_some()
}

/// Looks `method` and the matched `path` up; `HEAD` is found as `GET`.
pub(crate) fn find<'r>(routes: &'r [Route], method: &Method, path: &str) -> Option<&'r Route> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    routes.iter().find(|route| route.method == *method && route.path == path)
}

/// The methods that `path` has, for the `Allow` header.
pub(crate) fn methods(routes: &[Route], path: &str) -> String {
    let found: Vec<&str> =
        routes.iter().filter(|route| route.path == path).map(|route| route.method.as_str()).collect();
    found.join(", ")
}
