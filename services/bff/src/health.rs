//! Health of the gateway and, through it, of the services.
use crate::NAME;
use crate::exchange::OnBehalf;
use crate::gateway::Gateway;
use crate::table::health_paths;
use axum::body::Bytes;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use infra_http::health::alive;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Longer than a service's own probes have, shorter than a watcher's patience.
const DEADLINE: Duration = Duration::from_millis(1_500);

pub(crate) fn router(gateway: &Arc<Gateway>) -> Router {
    let ready = {
        let gateway = Arc::clone(gateway);
        get(move || {
            let gateway = Arc::clone(&gateway);
            async move { gateway.readiness().await }
        })
    };
    let router = Router::new().route("/healthz", get(alive)).route("/livez", get(alive)).route("/readyz", ready);
    let paths =
        gateway.services().flat_map(|service| health_paths(service).into_iter().map(move |path| (service, path)));
    paths.fold(router, |router, (service, path)| {
        let gateway = Arc::clone(gateway);
        let handler = get(move || {
            let gateway = Arc::clone(&gateway);
            async move { gateway.health_of(service).await }
        });
        router.route(&path, handler)
    })
}

impl Gateway {
    async fn is_ready(&self, service: &'static str) -> bool {
        let Ok(request) = Request::get("/readyz").body(Bytes::new()) else { return false };
        let answer = self.call(service, OnBehalf::Service(NAME), request, None, DEADLINE).await;
        answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
    }

    async fn health_of(&self, service: &'static str) -> Response {
        let ready = self.is_ready(service).await;
        (status(ready), Json(json!({"status": word(ready), "service": service}))).into_response()
    }

    /// 200 as long as any service works: whoever balances load over gateways must not lose all of them to one service.
    /// `status` says whether all do.
    async fn readiness(&self) -> Response {
        let services: Vec<&'static str> = self.services().collect();
        let ready = futures_util::future::join_all(services.iter().map(|service| self.is_ready(service))).await;
        let each: Map<String, Value> =
            services.iter().zip(&ready).map(|(service, ready)| ((*service).to_owned(), json!(word(*ready)))).collect();
        let all = ready.iter().all(|ready| *ready);
        let any = ready.iter().any(|ready| *ready) || ready.is_empty();
        let whole = match (all, any) {
            (true, _) => "OK",
            (false, true) => "DEGRADED",
            (false, false) => "UNAVAILABLE",
        };
        (status(any), Json(json!({"status": whole, "services": each}))).into_response()
    }
}

fn status(ready: bool) -> StatusCode {
    if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

fn word(ready: bool) -> &'static str {
    if ready { "OK" } else { "UNAVAILABLE" }
}
