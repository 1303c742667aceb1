//! What stands before every handler of a service: the internal token, the route table, the caller, the command's id.
use crate::context::Intention;
use crate::json::read_body;
use crate::problem::Problem;
use crate::route::{self, Access, Route};
use crate::tokens::{Claims, Subject, TokenError, TokenVerifier};
use crate::{Caller, Correlation, health, names, with_edge};
use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use domain_kernel::CommandId;
use domain_kernel::ports::Clock;
use infra_event_store::BlindIndex;
use infra_runtime::{Health, Resources};
use std::sync::Arc;
use std::time::Duration;

/// After this a client may try again when the service is not there yet.
const OUTAGE: Duration = Duration::from_secs(2);

/// What the protection needs of its service; made from [`Resources`].
#[derive(Clone)]
pub struct Edge {
    /// The service's pinned name; the audience that its internal tokens must have.
    pub service: &'static str,
    /// Time and ids.
    pub clock: Arc<dyn Clock>,
    /// HMACs of idempotency keys and of what was asked.
    pub blind_index: BlindIndex,
    /// What `/readyz` asks.
    pub health: Health,
}

impl From<&Resources> for Edge {
    fn from(resources: &Resources) -> Self {
        Self {
            service: resources.service,
            clock: Arc::clone(&resources.clock),
            blind_index: resources.blind_index.clone(),
            health: resources.health.clone(),
        }
    }
}

struct Guard {
    routes: Vec<Route>,
    verifier: TokenVerifier,
    clock: Arc<dyn Clock>,
    blind_index: BlindIndex,
}

/// A service's router, protected. In this order a request meets: ids and headers; the table (a route that is not in it
/// does not exist: 404); the internal token, needed by public routes too (401; 503 while no key is known); the table's access rule (403, and 404 for
/// what only services may call); then, if it has an `Idempotency-Key`, the command id that follows from it.
///
/// `/healthz`, `/livez`, `/readyz` and `/metrics` are added and need no token.
pub fn protected(router: Router, routes: &[Route], verifier: TokenVerifier, edge: impl Into<Edge>) -> Router {
    let edge = edge.into();
    let guard = Guard {
        routes: routes.to_vec(),
        verifier,
        clock: Arc::clone(&edge.clock),
        blind_index: edge.blind_index.clone(),
    };
    let guarded = router.fallback(|| async { Problem::not_found() }).layer(from_fn_with_state(Arc::new(guard), admit));
    with_edge(guarded.merge(health::router(edge.health)), edge.service, edge.clock, Correlation::Taken)
}

async fn admit(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    match guard.examine(request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

impl Guard {
    async fn examine(&self, mut request: Request) -> Result<Request, Problem> {
        let path = match request.extensions().get::<MatchedPath>() {
            Some(path) => path.as_str().to_owned(),
            None => return Err(Problem::not_found()),
        };
        let Some(route) = route::find(&self.routes, request.method(), &path) else {
            let allowed = route::methods(&self.routes, &path);
            return Err(if allowed.is_empty() { Problem::not_found() } else { Problem::method_not_allowed(&allowed) });
        };
        let claims = self.verify(request.headers())?;
        let caller = caller(&claims);
        match route.access {
            Access::Public => {}
            Access::SignedIn if caller.is_some() => {}
            Access::Roles(roles) => match caller {
                Some(caller) if roles.contains(&caller.role) => {}
                Some(_) => return Err(Problem::forbidden()),
                None => return Err(Problem::unauthorized()),
            },
            Access::SignedIn => return Err(Problem::unauthorized()),
            Access::Internal if matches!(claims.sub, Subject::Service(_)) => {}
            Access::Internal => return Err(Problem::not_found()),
        }
        if let Some(caller) = caller {
            request.extensions_mut().insert(caller);
        }
        self.with_intention(request, caller).await
    }

    fn verify(&self, headers: &HeaderMap) -> Result<Arc<Claims>, Problem> {
        let token = bearer(headers)?.ok_or_else(Problem::unauthorized)?;
        self.verifier.verify(token).map_err(|error| {
            tracing::warn!(reason = %error, "an internal token was refused");
            if error == TokenError::UnknownKey && self.verifier.keys().is_empty() {
                // Nothing is wrong with the caller: this service has just started.
                return Problem::unavailable(OUTAGE).detail("It is not known yet whose tokens are valid.");
            }
            Problem::unauthorized()
        })
    }

    /// Gives the request its command id. With an `Idempotency-Key` it follows from who asks what under which key, and
    /// the digest from what is asked; without one every request is a command of its own.
    async fn with_intention(&self, request: Request, caller: Option<Caller>) -> Result<Request, Problem> {
        let key = match request.headers().get(names::IDEMPOTENCY_KEY) {
            Some(key) if !is_safe(request.method()) => key.clone(),
            _ => {
                let intention = Intention { command_id: CommandId(self.clock.unique_id()), digest: None };
                return Ok(with_extension(request, intention));
            }
        };
        let key = idempotency_key(key.to_str().unwrap_or_default())?.to_owned();
        let method = request.method().as_str().to_owned();
        let path = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
        let user = caller.map_or([0; 16], |caller| caller.user.0.into_bytes());
        let (parts, body) = request.into_parts();
        let bytes = read_body(Request::from_parts(parts.clone(), body)).await?;

        let asked = [method.as_bytes(), path.as_bytes()];
        let name = self.blind_index.digest(&[b"idempotency-key", &user, asked[0], asked[1], key.as_bytes()]);
        let digest = self.blind_index.digest(&[b"request", asked[0], asked[1], &bytes]);
        let mut id = [0; 16];
        id.copy_from_slice(&name[..16]);
        let command_id = CommandId(uuid::Builder::from_custom_bytes(id).into_uuid());
        let request = Request::from_parts(parts, Body::from(bytes));
        Ok(with_extension(request, Intention { command_id, digest: Some(digest) }))
    }
}

fn with_extension(mut request: Request, intention: Intention) -> Request {
    request.extensions_mut().insert(intention);
    request
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// The key as the client means it: with or without the quotes of a structured string, 1 to 255 visible characters.
fn idempotency_key(text: &str) -> Result<&str, Problem> {
    let key = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    if (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(key)
    } else {
        Err(Problem::bad_request("Idempotency-Key takes 1 to 255 visible ASCII characters."))
    }
}

/// The bearer token; `None` when there is no `Authorization` at all.
///
/// # Errors
/// 401 for two headers or another scheme.
pub fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::unauthorized());
    }
    let text = value.to_str().map_err(|_| Problem::unauthorized())?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        _ => Err(Problem::unauthorized()),
    }
}

fn caller(claims: &Claims) -> Option<Caller> {
    match (&claims.sub, claims.role) {
        (Subject::User(user), Some(role)) => Some(Caller { user: *user, role, session: claims.sid }),
        _ => None,
    }
}
