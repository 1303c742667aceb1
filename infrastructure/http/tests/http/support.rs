//! A small service, protected as every service is.
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, Response, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use domain_kernel::ports::Clock;
use domain_kernel::{Role, UserId};
use http_body_util::BodyExt;
use infra_event_store::BlindIndex;
use infra_http::{
    Access, Caller, Edge, Problem, RequestContext, Route, StrictJson, StrictPath, StrictQuery, TokenVerifier, protected,
};
use infra_runtime::Health;
use infra_testkit::memory::ManualClock;
use infra_testkit::tokens;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tower::ServiceExt;
use uuid::Uuid;

/// The small service's name.
pub(crate) const SERVICE: &str = "things";
pub(crate) const ANA: UserId = UserId(Uuid::from_u128(0xa));
pub(crate) const BEA: UserId = UserId(Uuid::from_u128(0xb));

pub(crate) struct Fixture {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) health: Health,
    pub(crate) router: Router,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Thing {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    limit: Option<u8>,
}

async fn context(context: RequestContext) -> Json<Value> {
    Json(json!({
        "command": context.command_id.to_string(),
        "digest": context.digest.map(|digest| digest.to_vec()),
        "correlation": context.correlation_id.to_string(),
        "request": context.request_id.to_string(),
        "actor": context.actor.map(|actor| actor.user.to_string()),
        "traceparent": context.traceparent,
        "client": context.client_address.map(|address| address.to_string()),
    }))
}

async fn panics() -> &'static str {
    panic!("Hunter2")
}

async fn make(context: RequestContext, StrictJson(thing): StrictJson<Thing>) -> Json<Value> {
    Json(json!({"command": context.command_id.to_string(), "digest": context.digest.map(|digest| digest.to_vec()),
        "name": thing.name}))
}

fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/open", Access::Public),
        Route::new(Method::GET, "/mine", Access::SignedIn),
        Route::new(Method::GET, "/context", Access::SignedIn),
        Route::new(Method::POST, "/things", Access::Roles(&[Role::Laboratory, Role::Physician])),
        Route::new(Method::GET, "/things/{id}", Access::Public),
        Route::new(Method::GET, "/filtered", Access::Public),
        Route::new(Method::GET, "/internal/things", Access::Internal),
        Route::new(Method::GET, "/panics", Access::Public),
        Route::new(Method::GET, "/garbled", Access::Public),
    ]
}

pub(crate) fn fixture() -> Fixture {
    fixture_with(tokens::verifier)
}

/// Which believes whom `verifier` says.
pub(crate) fn fixture_with(verifier: fn(&str, Arc<dyn Clock>) -> TokenVerifier) -> Fixture {
    let clock = Arc::new(ManualClock::new());
    let health = Health::new();
    let router = Router::new()
        .route("/open", get(|caller: Option<Caller>| async move { Json(json!({"signed_in": caller.is_some()})) }))
        .route("/mine", get(|caller: Caller| async move { caller.user.to_string() }))
        .route("/context", get(context))
        .route("/things", post(make))
        .route("/things/{id}", get(|StrictPath(id): StrictPath<Uuid>| async move { id.to_string() }))
        .route(
            "/filtered",
            get(|StrictQuery(filter): StrictQuery<Filter>| async move { Json(json!({"limit": filter.limit})) }),
        )
        .route("/internal/things", get(|| async { "for services" }))
        .route("/panics", get(panics).post(|| async { "" }))
        .route(
            "/garbled",
            get(|| async { (axum::http::StatusCode::BAD_REQUEST, "Failed to deserialize: Hunter2").into_response() }),
        )
        .route("/forgotten", get(|| async { "not in the table" }));
    let edge = Edge {
        service: SERVICE,
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        blind_index: BlindIndex::new([5; 32]),
        health: health.clone(),
    };
    let verifier = verifier(SERVICE, Arc::clone(&clock) as Arc<dyn Clock>);
    let router = protected(router, &routes(), verifier, edge);
    Fixture { clock, health, router }
}

impl Fixture {
    pub(crate) fn token(&self, user: UserId, role: Role) -> String {
        tokens::of_user(SERVICE, user, role, &*self.clock)
    }

    pub(crate) fn anonymous(&self) -> String {
        tokens::anonymous(SERVICE, &*self.clock)
    }

    /// Sends a request with a laboratory's token.
    pub(crate) async fn as_ana(&self, method: Method, path: &str) -> Response<Body> {
        let token = self.token(ANA, Role::Laboratory);
        self.send(request(method, path, Some(&token)).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// `POST /things` with a laboratory's token.
    pub(crate) async fn post(&self, content_type: &str, body: impl Into<Body>) -> Response<Body> {
        let token = self.token(ANA, Role::Laboratory);
        let request = request(Method::POST, "/things", Some(&token)).header(header::CONTENT_TYPE, content_type);
        self.send(request.body(body.into()).unwrap()).await
    }
}

pub(crate) fn request(method: Method, path: &str, token: Option<&str>) -> axum::http::request::Builder {
    let builder = Request::builder().method(method).uri(path);
    match token {
        Some(token) => builder.header(header::AUTHORIZATION, format!("Bearer {token}")),
        None => builder,
    }
}

pub(crate) async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

pub(crate) async fn json_of(response: Response<Body>) -> Value {
    serde_json::from_str(&text(response).await).unwrap()
}

/// The code of a problem; fails when it is none.
pub(crate) async fn code(response: Response<Body>) -> String {
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    json_of(response).await["code"].as_str().unwrap().to_owned()
}

/// A problem made by hand, for answers that no handler gives.
pub(crate) fn answer_of(problem: Problem) -> Response<Body> {
    problem.into_response()
}
