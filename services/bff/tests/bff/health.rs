//! Health of the gateway and of the services behind it.
use crate::support::{fixture, json_of};
use axum::http::StatusCode;
use serde_json::json;

#[tokio::test]
async fn the_gateway_is_well_whatever_the_services_are() {
    let mut fixture = fixture().await;
    for name in crate::upstreams::NAMES {
        fixture.upstream_mut(name).die().await;
    }
    for path in ["/healthz", "/livez"] {
        let response = fixture.get(path, None).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(json_of(response).await, json!({"status": "OK"}));
    }
    let response = fixture.get("/readyz", None).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(json_of(response).await["status"], "UNAVAILABLE");
}

#[tokio::test]
async fn every_service_has_its_health_under_its_name() {
    let fixture = fixture().await;
    for path in ["/users/health", "/results/health", "/notifications/health", "/saga-log/health", "/saga_log/health"] {
        let response = fixture.get(path, None).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(json_of(response).await["status"], "OK");
    }
}

#[tokio::test]
async fn a_service_that_lacks_something_is_not_well() {
    let fixture = fixture().await;
    let health = &fixture.upstream("results").health;
    health.register("database", || Box::pin(async { Err("gone".to_owned()) }));
    let response = fixture.get("/results/health", None).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(json_of(response).await, json!({"status": "UNAVAILABLE", "service": "results"}));
}

#[tokio::test]
async fn readiness_says_which_services_are_missing() {
    let mut fixture = fixture().await;
    let response = fixture.get("/readyz", None).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(json_of(response).await["status"], "OK");
    fixture.upstream_mut("notifications").die().await;
    let response = fixture.get("/readyz", None).await;
    assert_eq!(response.status(), StatusCode::OK, "the rest goes on");
    let body = json_of(response).await;
    assert_eq!(body["status"], "DEGRADED");
    assert_eq!(body["services"]["notifications"], "UNAVAILABLE");
    assert_eq!(body["services"]["users"], "OK");
}
