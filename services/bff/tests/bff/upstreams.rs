//! The services that only pretend. They say what reached them.
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain_kernel::ports::Clock;
use domain_kernel::{Role, UserId};
use http_body_util::BodyExt;
use infra_event_store::BlindIndex;
use infra_http::operations::{DeadLetterView, LETTERS_PATH, LetterPlace, OperationsView, ProjectionView, STATUS_PATH};
use infra_http::tokens::{Jwks, PublicKey};
use infra_http::{
    Access, Caller, Claims, Edge, KeySet, Limits, Problem, Route, ServiceApi, ServiceOperations, TokenSigner,
    TokenVerifier, protected, serve,
};
use infra_runtime::Health;
use infra_testkit::memory::ManualClock;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
use utoipa::openapi::{OpenApiBuilder, PathsBuilder};
use uuid::Uuid;

/// The one result of the pretending results service.
pub(crate) const RESULT: Uuid = Uuid::from_u128(0xf00d);
/// The saga that filed it.
pub(crate) const SAGA: Uuid = Uuid::from_u128(0x5a6a);

pub(crate) const NAMES: [&str; 4] = ["users", "results", "notifications", "saga_log"];

/// What a pretending service remembers, and what it is told to say.
#[derive(Default)]
pub(crate) struct Told {
    /// Headers of every request that reached a handler, with its address.
    pub(crate) seen: Mutex<Vec<(String, HeaderMap)>>,
    pub(crate) revocations: Mutex<Vec<Value>>,
    pub(crate) keys: Mutex<Vec<PublicKey>>,
    /// The users who have to choose another password.
    pub(crate) must_change: Mutex<Vec<Uuid>>,
    /// Takes every request and answers none.
    pub(crate) hangs: AtomicBool,
    /// What the pretending users service signs tokens with. A body without what is asked for is only echoed.
    pub(crate) issuer: OnceLock<(TokenSigner, Arc<ManualClock>)>,
    /// The bodies of the requests that were only echoed or answered as told.
    pub(crate) bodies: Mutex<Vec<String>>,
    /// What is answered at an address, in place of what came.
    pub(crate) answers: Mutex<HashMap<String, (StatusCode, Value)>>,
    /// The one refresh token of each account that was not used yet.
    pub(crate) refresh_tokens: Mutex<Vec<String>>,
    /// The dead letters of its consumers, the oldest first.
    pub(crate) letters: Mutex<Vec<DeadLetterView>>,
    /// Where its projections stand.
    pub(crate) projections: Mutex<Vec<ProjectionView>>,
}

impl Told {
    /// The headers of the last request whose address begins so.
    pub(crate) fn last(&self, address: &str) -> Option<(String, HeaderMap)> {
        self.seen.lock().unwrap().iter().rev().find(|(seen, _)| seen.starts_with(address)).cloned()
    }
}

pub(crate) struct Upstream {
    pub(crate) api: ServiceApi,
    pub(crate) base_url: String,
    pub(crate) told: Arc<Told>,
    pub(crate) health: Health,
    stop: CancellationToken,
    served: Option<JoinHandle<std::io::Result<()>>>,
}

impl Upstream {
    /// Nobody listens there any more.
    pub(crate) async fn die(&mut self) {
        self.stop.cancel();
        if let Some(served) = self.served.take() {
            served.await.unwrap().unwrap();
        }
    }
}

const SAGA_READERS: &[Role] = &[Role::Laboratory, Role::Administrator, Role::Auditor];
const STAFF: Access = Access::Roles(&[Role::Laboratory, Role::Physician]);

fn routes(service: &str) -> Vec<Route> {
    let public = |method, path| Route::new(method, path, Access::Public);
    let signed_in = |method, path| Route::new(method, path, Access::SignedIn);
    match service {
        "users" => vec![
            public(Method::POST, "/users"),
            Route::new(Method::GET, "/users", Access::Roles(&[Role::Administrator])),
            public(Method::POST, "/login"),
            public(Method::POST, "/token/refresh"),
            signed_in(Method::POST, "/logout"),
            signed_in(Method::POST, "/me/password"),
            signed_in(Method::GET, "/me"),
            Route::new(Method::POST, "/erasures", Access::Roles(&[Role::Administrator])),
            Route::new(Method::GET, "/erasures/{id}", Access::Roles(&[Role::Administrator, Role::Auditor])),
            Route::new(Method::POST, "/erasures/{id}/approve", Access::Roles(&[Role::Administrator])),
            public(Method::GET, "/.well-known/jwks.json"),
            Route::new(Method::GET, "/internal/revocations", Access::Internal),
            Route::new(Method::GET, "/internal/users/{id}/password", Access::Internal),
        ],
        "results" => vec![
            Route::new(Method::POST, "/results", STAFF),
            signed_in(Method::GET, "/results"),
            signed_in(Method::GET, "/results/{id}"),
            signed_in(Method::PATCH, "/results/{id}"),
            Route::new(Method::GET, "/internal/subjects/{subject}/newest-entry", Access::Internal),
        ],
        "notifications" => vec![
            signed_in(Method::GET, "/notifications"),
            public(Method::GET, "/mailbox/{id}"),
            Route::new(Method::GET, "/internal/notifications", Access::Internal),
        ],
        _ => vec![
            Route::new(Method::GET, "/saga/logs", Access::Roles(SAGA_READERS)),
            Route::new(Method::GET, "/saga/logs/changes", Access::Roles(SAGA_READERS)),
            Route::new(Method::GET, "/saga/logs/{id}", Access::Roles(SAGA_READERS)),
            Route::new(Method::POST, "/saga/logs/{id}/retry", Access::Roles(&[Role::Administrator])),
            Route::new(Method::POST, "/saga/logs/{id}/skip", Access::Roles(&[Role::Administrator])),
        ],
    }
}

fn api(service: &'static str) -> ServiceApi {
    let routes = routes(service);
    let paths =
        routes.iter().filter(|route| route.access != Access::Internal).fold(PathsBuilder::new(), |paths, route| {
            let method = match route.method.as_str() {
                "POST" => HttpMethod::Post,
                "PATCH" => HttpMethod::Patch,
                _ => HttpMethod::Get,
            };
            paths.path(route.path, PathItem::new(method, Operation::new()))
        });
    ServiceApi { service, routes, openapi: OpenApiBuilder::new().paths(paths).build() }
}

fn router(service: &str, told: Arc<Told>) -> Router {
    match service {
        "users" => Router::new()
            .route("/users", post(echo).get(echo))
            .route("/login", post(logged_in))
            .route("/token/refresh", post(refreshed))
            .route("/logout", post(echo))
            .route("/me/password", post(changed))
            .route("/me", get(echo))
            .route("/erasures", post(echo))
            .route("/erasures/{id}", get(echo))
            .route("/erasures/{id}/approve", post(echo))
            .route("/.well-known/jwks.json", get(jwks))
            .route("/internal/revocations", get(revocations))
            .route("/internal/users/{id}/password", get(password))
            .with_state(told),
        "results" => Router::new()
            .route("/results", post(filed).get(echo))
            .route("/results/{id}", get(result).patch(echo))
            .route("/internal/subjects/{subject}/newest-entry", get(echo))
            .with_state(told),
        "notifications" => Router::new()
            .route("/notifications", get(echo))
            .route("/mailbox/{id}", get(echo))
            .route("/internal/notifications", get(echo))
            .with_state(told),
        _ => Router::new()
            .route("/saga/logs", get(echo))
            .route("/saga/logs/changes", get(echo))
            .route("/saga/logs/{id}", get(echo))
            .route("/saga/logs/{id}/retry", post(echo))
            .route("/saga/logs/{id}/skip", post(echo))
            .with_state(told),
    }
}

/// What a service answers to operators, with letters and status as it is told.
fn for_operators(told: Arc<Told>) -> Router {
    Router::new()
        .route(STATUS_PATH, get(status))
        .route(LETTERS_PATH, get(letters))
        .route("/operations/untold-failures/retry", post(echo))
        .route("/operations/untold-failures/skip", post(echo))
        .route("/operations/projections/{name}/pause", post(echo))
        .route("/operations/projections/{name}/resume", post(echo))
        .route("/operations/streams/{stream}/reveal", post(echo))
        .with_state(told)
}

async fn status(State(told): State<Arc<Told>>) -> Json<OperationsView> {
    let dead_letters = told.letters.lock().unwrap().len() as u64;
    let projections = told.projections.lock().unwrap().clone();
    Json(OperationsView { dead_letters, projections, ..OperationsView::default() })
}

/// As the services do: the one with the id, or a page after a place.
async fn letters(
    State(told): State<Arc<Told>>,
    Query(asked): Query<BTreeMap<String, String>>,
) -> Json<Vec<DeadLetterView>> {
    let letters = told.letters.lock().unwrap().clone().into_iter();
    let after: Option<LetterPlace> = asked.get("after").map(|after| after.parse().unwrap());
    let limit = asked.get("limit").map_or(usize::MAX, |limit| limit.parse().unwrap());
    let id: Option<Uuid> = asked.get("id").map(|id| id.parse().unwrap());
    let wanted = letters.filter(|letter| {
        after.is_none_or(|after| LetterPlace::of(letter) > after) && id.is_none_or(|id| id == letter.id)
    });
    Json(wanted.take(limit).collect())
}

/// What came, as it came; or what it is told to answer there.
async fn echo(State(told): State<Arc<Told>>, caller: Option<Caller>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    told.seen.lock().unwrap().push((parts.uri.to_string(), parts.headers));
    if told.hangs.load(Ordering::SeqCst) {
        std::future::pending::<()>().await;
    }
    let body = body.collect().await.unwrap().to_bytes();
    told.bodies.lock().unwrap().push(String::from_utf8_lossy(&body).into_owned());
    if let Some((status, answer)) = told.answers.lock().unwrap().get(parts.uri.path()) {
        return (*status, Json(answer.clone())).into_response();
    }
    Json(json!({
        "method": parts.method.as_str(),
        "uri": parts.uri.to_string(),
        "body": String::from_utf8_lossy(&body),
        "user": caller.map(|caller| caller.user.to_string()),
        "role": caller.map(|caller| caller.role.name()),
    }))
    .into_response()
}

async fn filed(State(told): State<Arc<Told>>, request: Request) -> Response {
    told.seen.lock().unwrap().push((request.uri().to_string(), request.headers().clone()));
    let headers = [
        (header::LOCATION, format!("/results/{RESULT}")),
        (header::ETAG, "\"1\"".to_owned()),
        (header::SET_COOKIE, "a=b".to_owned()),
    ];
    (StatusCode::CREATED, headers, Json(json!({"id": RESULT, "number": 1}))).into_response()
}

async fn result(State(told): State<Arc<Told>>, uri: Uri, headers: HeaderMap) -> Response {
    told.seen.lock().unwrap().push((uri.to_string(), headers.clone()));
    if uri.path() != "/results/1" {
        return Problem::not_found().into_response();
    }
    if headers.contains_key(header::IF_NONE_MATCH) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let body = json!({"id": RESULT, "number": 1, "status": "final", "correlation_id": SAGA});
    ([(header::ETAG, "\"1\"")], Json(body)).into_response()
}

/// Everybody is called as their role, and has the same password.
pub(crate) const PASSWORD: &str = "correct horse";

async fn logged_in(State(told): State<Arc<Told>>, caller: Option<Caller>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let asked: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    if !asked["username"].is_string() {
        return echo(State(told), caller, Request::from_parts(parts, bytes.into())).await;
    }
    told.seen.lock().unwrap().push((parts.uri.to_string(), parts.headers));
    if asked["password"] != PASSWORD {
        return Problem::unauthorized().into_response();
    }
    grant(&told, asked["username"].as_str().unwrap()).into_response()
}

async fn refreshed(State(told): State<Arc<Told>>, caller: Option<Caller>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let asked: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    if !asked["refresh_token"].is_string() {
        return echo(State(told), caller, Request::from_parts(parts, bytes.into())).await;
    }
    told.seen.lock().unwrap().push((parts.uri.to_string(), parts.headers));
    let mut unused = told.refresh_tokens.lock().unwrap();
    let Some(at) = unused.iter().position(|token| asked["refresh_token"] == **token) else {
        return Problem::unauthorized().into_response();
    };
    let username = unused.remove(at).split(' ').next().unwrap().to_owned();
    drop(unused);
    grant(&told, &username).into_response()
}

/// The account that is called as its role.
pub(crate) fn account(role: Role) -> UserId {
    UserId(Uuid::new_v5(&Uuid::NAMESPACE_OID, role.name().as_bytes()))
}

/// How long a token lives.
pub(crate) const LIFETIME_SECONDS: i64 = 300;

fn grant(told: &Told, username: &str) -> Json<Value> {
    let (signer, clock) = told.issuer.get().unwrap();
    let role: Role = username.parse().unwrap();
    let user = account(role);
    let session = Uuid::new_v5(&user.0, b"session");
    let must_change = told.must_change.lock().unwrap().contains(&user.0);
    let claims = Claims::user(user, role, session, clock.now(), LIFETIME_SECONDS, clock.unique_id())
        .with_password_change(must_change);
    let refresh_token = format!("{username} {}", clock.unique_id());
    told.refresh_tokens.lock().unwrap().push(refresh_token.clone());
    Json(json!({
        "access_token": signer.sign(&claims).unwrap(),
        "refresh_token": refresh_token,
        "expires_in": LIFETIME_SECONDS,
        "must_change_password": must_change,
        "user": {"id": user.0, "role": role.number()},
    }))
}

/// Whoever changes the password has one of their own from then on. A body without passwords is taken for a good one.
async fn changed(State(told): State<Arc<Told>>, caller: Caller, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    told.seen.lock().unwrap().push((parts.uri.to_string(), parts.headers));
    let asked: Value = serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap_or_default();
    if asked["current_password"].as_str().is_some_and(|current| current != PASSWORD) {
        return Problem::unprocessable("/current_password", "is not the current password").into_response();
    }
    if asked["new_password"].as_str().is_some_and(|new| new.len() < 6) {
        return Problem::unprocessable("/new_password", "a password has at least 6 characters").into_response();
    }
    told.must_change.lock().unwrap().retain(|user| *user != caller.user.0);
    StatusCode::NO_CONTENT.into_response()
}

async fn password(State(told): State<Arc<Told>>, Path(user): Path<Uuid>) -> Json<Value> {
    Json(json!({"must_change_password": told.must_change.lock().unwrap().contains(&user)}))
}

async fn jwks(State(told): State<Arc<Told>>) -> Json<Jwks> {
    Json(Jwks::of(told.keys.lock().unwrap().clone()))
}

/// Pages of two, so that a reader has to go on.
async fn revocations(State(told): State<Arc<Told>>, uri: Uri) -> Json<Value> {
    let after: usize = uri.query().and_then(|query| query.strip_prefix("after=")?.parse().ok()).unwrap_or(0);
    let items: Vec<Value> = told.revocations.lock().unwrap().iter().skip(after).take(2).cloned().collect();
    let next = after + items.len();
    Json(json!({"items": items, "next": next.to_string()}))
}

/// Starts one of [`NAMES`] on a free port. It accepts internal tokens of `gateway` only.
pub(crate) async fn start(service: &'static str, gateway: PublicKey, clock: Arc<ManualClock>) -> Upstream {
    let (told, health, stop) = (Arc::new(Told::default()), Health::new(), CancellationToken::new());
    let api = api(service);
    let verifier = TokenVerifier::internal(service, KeySet::new([gateway]), Arc::clone(&clock) as Arc<dyn Clock>);
    let edge = Edge { service, clock, blind_index: BlindIndex::new([9; 32]), health: health.clone() };
    let mut routes = ServiceOperations::beside(api.routes.clone());
    let untold = ["/operations/untold-failures/retry", "/operations/untold-failures/skip"];
    routes.extend(untold.map(|path| Route::new(Method::POST, path, Access::Roles(&[Role::Administrator]))));
    let router = router(service, Arc::clone(&told)).merge(for_operators(Arc::clone(&told)));
    let router = protected(router, &routes, verifier, edge);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let served = Some(tokio::spawn(serve(listener, router, Limits::internal(), stop.clone())));
    Upstream { api, base_url, told, health, stop, served }
}
