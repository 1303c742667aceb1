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

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
    use utoipa::openapi::{OpenApi, Paths};

    const METHODS: [(Method, HttpMethod); 5] = [
        (Method::GET, HttpMethod::Get),
        (Method::POST, HttpMethod::Post),
        (Method::PUT, HttpMethod::Put),
        (Method::PATCH, HttpMethod::Patch),
        (Method::DELETE, HttpMethod::Delete),
    ];

    /// A document with one operation.
    fn document(path: &str, method: HttpMethod) -> OpenApi {
        let mut paths = Paths::new();
        paths.paths.insert(path.to_owned(), PathItem::new(method, Operation::new()));
        OpenApi::new(utoipa::openapi::Info::new("things", "1"), paths)
    }

    #[test]
    fn an_operation_documents_its_own_path_and_method_alone() {
        for (one, documented) in METHODS {
            let openapi = document("/things", documented);
            for (other, _) in METHODS {
                let route = Route::new(other.clone(), "/things", Access::Public);
                assert_eq!(documents(&openapi, &route), one == other, "{one} {other}");
            }
            assert!(!documents(&openapi, &Route::new(one, "/others", Access::Public)));
        }
        assert!(!documents(
            &document("/things", HttpMethod::Get),
            &Route::new(Method::TRACE, "/things", Access::Public)
        ));
    }

    #[test]
    fn every_route_but_the_internal_ones_has_to_be_documented() {
        let routes = vec![
            Route::new(Method::GET, "/things", Access::Public),
            Route::new(Method::POST, "/things", Access::SignedIn),
            Route::new(Method::GET, "/internal/things", Access::Internal),
        ];
        let api = ServiceApi { service: "things", routes, openapi: document("/things", HttpMethod::Get) };
        assert_eq!(api.undocumented(), [&api.routes[1]]);
    }

    #[test]
    fn a_route_is_found_by_method_and_path_and_head_as_get() {
        let routes = [
            Route::new(Method::GET, "/things", Access::Public),
            Route::new(Method::POST, "/things", Access::SignedIn),
            Route::new(Method::GET, "/others", Access::SignedIn),
        ];
        assert_eq!(find(&routes, &Method::POST, "/things"), Some(&routes[1]));
        assert_eq!(find(&routes, &Method::HEAD, "/others"), Some(&routes[2]));
        assert_eq!(find(&routes, &Method::POST, "/others"), None);
        assert_eq!(methods(&routes, "/things"), "GET, POST");
        assert_eq!(methods(&routes, "/nothing"), "");
    }
}
