//! The API document, its page, and the greeting at `/`.
mod merge;
mod own;

pub use merge::openapi;

use crate::catalogue::ServiceEvents;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use infra_http::ServiceApi;
use serde_json::{Value, json};
use utoipa::openapi::ServerBuilder;
use utoipa_swagger_ui::SwaggerUi;

/// Swagger UI brings its scripts and styles along, so nothing comes from elsewhere; it sets style attributes and draws
/// pictures from `data:`. Only its own pages get this policy.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// In every operation of the document: which service answers.
pub(crate) const SERVICE_EXTENSION: &str = "x-historia-service";

/// What is answered as it was written at the start.
#[derive(Clone)]
pub(crate) struct Documents {
    openapi: Bytes,
    asyncapi: Bytes,
    greeting: Value,
}

impl Documents {
    pub(crate) fn new(
        apis: &[ServiceApi],
        events: &[ServiceEvents],
        public_url: &str,
    ) -> Result<Self, serde_json::Error> {
        let mut document = openapi(apis);
        document.servers = Some(vec![ServerBuilder::new().url(public_url).build()]);
        let greeting = json!({
            "message": "BFF Running",
            "documentation": "/docs",
            "openapi": "/openapi.json",
            "asyncapi": "/asyncapi.json",
            "health": "/healthz",
            "ready": "/readyz",
            "saga_logs": "/saga/logs",
        });
        let asyncapi = serde_json::to_vec(&crate::asyncapi(events))?.into();
        Ok(Self { openapi: serde_json::to_vec(&document)?.into(), asyncapi, greeting })
    }
}

pub(crate) fn router(documents: Documents) -> Router {
    let Documents { openapi, asyncapi, greeting } = documents;
    let json = |document: Bytes| get(move || async move { ([(header::CONTENT_TYPE, "application/json")], document) });
    let ui = SwaggerUi::new("/docs").config(
        utoipa_swagger_ui::Config::from("/openapi.json")
            .try_it_out_enabled(true)
            .persist_authorization(false)
            .validator_url("none"),
    );
    let ui: Router = ui.into();
    Router::new()
        .route("/", get(move || async move { Json(greeting) }))
        .route("/openapi.json", json(openapi))
        .route("/asyncapi.json", json(asyncapi))
        .merge(ui.layer(from_fn(with_policy)))
}

async fn with_policy(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(DOCS_POLICY));
    response
}
