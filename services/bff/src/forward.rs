//! Passing a request on to its service, and the answer back.
//!
//! Method, path, query and body go as they came; of the headers only those on a list, so nothing that a client sends can be
//! taken for the gateway's word (`X-User-*`, `X-Forwarded-*`, `Historia-*`, `traceparent`), and nothing about the client's
//! connection (`Transfer-Encoding`, `Connection` …) reaches the next one: hyper frames every message anew.
use crate::compose;
use crate::erasures;
use crate::exchange::OnBehalf;
use crate::gateway::{DEADLINE, Gateway, Session, no_answer};
use crate::table;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{self, HeaderMap, HeaderName, Method, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use domain_kernel::BoxFuture;
use infra_http::json::read_body;
use infra_http::{Problem, RequestIds, Route, ServiceApi, names};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What of a request's headers a service gets to see.
const PASSED_ON: [HeaderName; 10] = [
    header::ACCEPT,
    header::ACCEPT_LANGUAGE,
    header::CONTENT_TYPE,
    header::CONTENT_LANGUAGE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    HeaderName::from_static("prefer"),
    HeaderName::from_static("last-event-id"),
    names::IDEMPOTENCY_KEY,
    names::AFTER,
];

/// What of an answer's headers stays between service and gateway.
const KEPT_BACK: [HeaderName; 13] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::DATE,
    header::PROXY_AUTHENTICATE,
    header::SERVER,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::SET_COOKIE,
    HeaderName::from_static("keep-alive"),
    names::REQUEST_ID,
    names::TRACEPARENT,
];

/// A route for every line of the services' tables.
pub(crate) fn router(gateway: &Arc<Gateway>, apis: &[ServiceApi]) -> Router {
    let mut paths: BTreeMap<&'static str, MethodRouter> = BTreeMap::new();
    for api in apis {
        for route in table::forwarded(api) {
            let Ok(filter) = MethodFilter::try_from(route.method.clone()) else { continue };
            let handler = handler(Arc::clone(gateway), api.service, Way::of(api.service, route));
            let methods = paths.remove(route.path).unwrap_or_default();
            paths.insert(route.path, methods.merge(on(filter, handler)));
        }
    }
    paths.into_iter().fold(Router::new(), |router, (path, methods)| router.route(path, methods))
}

/// How the requests of a line find their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// To their service, as they are.
    Straight,
    /// A result's: others may be asked too for what they know of it.
    Gathering,
    /// A decision on an erasure: the results service is asked first for what it rests on.
    WithNewestEntry,
}

impl Way {
    fn of(service: &str, route: &Route) -> Self {
        match route {
            route if compose::is_result(service, route) => Self::Gathering,
            route if erasures::decides(service, route) => Self::WithNewestEntry,
            _ => Self::Straight,
        }
    }
}

/// The handler of one line.
fn handler(
    gateway: Arc<Gateway>,
    service: &'static str,
    way: Way,
) -> impl Fn(Request) -> BoxFuture<'static, Response> + Clone + Send + Sync + 'static {
    move |request: Request| {
        let gateway = Arc::clone(&gateway);
        Box::pin(async move {
            let answer = match way {
                Way::Straight => gateway.forward(service, request).await,
                Way::WithNewestEntry => gateway.erasure(service, request).await,
                Way::Gathering => match compose::asked_for(request.uri()) {
                    Ok(None) => gateway.forward(service, request).await,
                    Ok(Some(parts)) => gateway.result_with_parts(service, request, parts).await,
                    Err(problem) => Err(problem),
                },
            };
            answer.unwrap_or_else(IntoResponse::into_response)
        })
    }
}

/// A client's request, taken apart.
pub(crate) struct Taken {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) session: Option<Session>,
    pub(crate) ids: Option<RequestIds>,
}

impl Taken {
    /// Reads the request, body and all.
    ///
    /// # Errors
    /// 413, 408 and 400 for a body that is too large, too slow or broken.
    pub(crate) async fn from(mut request: Request) -> Result<Self, Problem> {
        let session = request.extensions_mut().remove::<Session>();
        let ids = request.extensions().get::<RequestIds>().cloned();
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let headers = passed_on(request.headers());
        let body = read_body(request).await?;
        Ok(Self { method, uri, headers, body, session, ids })
    }

    pub(crate) fn on_behalf(&self) -> OnBehalf<'_> {
        match &self.session {
            Some(Session(claims)) => OnBehalf::User(claims),
            None => OnBehalf::Anonymous,
        }
    }
}

impl Gateway {
    async fn forward(&self, service: &'static str, request: Request) -> Result<Response, Problem> {
        let taken = Taken::from(request).await?;
        let answer = self.pass_on(service, &taken, taken.uri.clone()).await?;
        Ok(answer.map(Body::from))
    }

    /// The service's answer to the request, at another `uri` of it.
    ///
    /// # Errors
    /// 503 when there is none.
    pub(crate) async fn pass_on(
        &self,
        service: &'static str,
        taken: &Taken,
        uri: Uri,
    ) -> Result<http::Response<Bytes>, Problem> {
        let mut request = http::Request::new(taken.body.clone());
        *request.method_mut() = taken.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = taken.headers.clone();
        let mut answer = self
            .call(service, taken.on_behalf(), request, taken.ids.as_ref(), DEADLINE)
            .await
            .map_err(|_| no_answer(service))?;
        for name in KEPT_BACK {
            answer.headers_mut().remove(name);
        }
        Ok(answer)
    }
}

/// The headers that a service gets to see, each at most once: what two readers could join differently is not passed on.
fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for name in PASSED_ON {
        let mut values = headers.get_all(&name).iter();
        if let (Some(value), None) = (values.next(), values.next()) {
            kept.insert(name, value.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn nothing_that_speaks_for_the_gateway_or_about_the_connection_is_passed_on() {
        let mut headers = HeaderMap::new();
        for name in [
            "x-user-id",
            "x-user-role",
            "x-forwarded-for",
            "x-forwarded-host",
            "forwarded",
            "historia-correlation-id",
            "historia-request-id",
            "historia-client-address",
            "historia-newest-entry",
            "traceparent",
            "authorization",
            "cookie",
            "connection",
            "transfer-encoding",
            "content-length",
            "te",
            "trailer",
            "upgrade",
            "host",
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("x"));
        }
        assert_eq!(passed_on(&headers), HeaderMap::new());
    }

    #[test]
    fn what_a_service_needs_is_passed_on() {
        let mut headers = HeaderMap::new();
        for name in PASSED_ON {
            headers.insert(name, HeaderValue::from_static("x"));
        }
        assert_eq!(passed_on(&headers), headers);
    }

    #[test]
    fn a_header_that_comes_twice_is_not_passed_on() {
        let mut headers = HeaderMap::new();
        headers.append(names::IDEMPOTENCY_KEY, HeaderValue::from_static("one"));
        headers.append(names::IDEMPOTENCY_KEY, HeaderValue::from_static("two"));
        assert_eq!(passed_on(&headers), HeaderMap::new());
    }
}
