//! Health, for whoever watches the process: no token, no detail that helps an attacker.
use crate::Problem;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use infra_runtime::{Health, metrics};
use serde_json::json;

/// `/healthz` and `/livez` (the process answers), `/readyz` (what it needs answers too) and `/metrics` (what it counted;
/// pinned names and figures, nothing about anybody).
pub fn router(health: Health) -> Router {
    Router::new()
        .route("/healthz", get(alive))
        .route("/livez", get(alive))
        .route("/readyz", get(move || ready(health.clone())))
        .route("/metrics", get(figures))
}

/// The figures in Prometheus' text format; 404 in a process that counts nothing.
pub async fn figures() -> Response {
    match metrics::installed() {
        Some(figures) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], figures.render()).into_response(),
        None => Problem::not_found().into_response(),
    }
}

/// `{"status":"OK"}`.
pub async fn alive() -> Json<serde_json::Value> {
    Json(json!({"status": "OK"}))
}

async fn ready(health: Health) -> Response {
    let report = health.report().await;
    let checks: serde_json::Map<String, serde_json::Value> = report
        .checks
        .iter()
        .map(|check| {
            let passed = check.outcome == infra_runtime::health::Outcome::Passed;
            (check.name.clone(), json!(if passed { "OK" } else { "UNAVAILABLE" }))
        })
        .collect();
    if report.is_ready() {
        Json(json!({"status": "OK", "checks": checks})).into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "UNAVAILABLE", "checks": checks}))).into_response()
    }
}
