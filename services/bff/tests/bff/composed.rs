//! One request, several services' answers.
use crate::support::{ANA, Fixture, SOON, fixture, json_of, request, text};
use crate::upstreams::{RESULT, SAGA};
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::Instant;

const WITH_ALL: &str = "/results/1?include=notifications,saga";

async fn gathered(fixture: &Fixture, path: &str) -> Value {
    let response = fixture.get(path, Some(&fixture.ana())).await;
    assert_eq!(response.status(), StatusCode::OK);
    json_of(response).await
}

#[tokio::test]
async fn a_result_comes_with_its_notifications_and_its_saga() {
    let fixture = fixture().await;
    let result = gathered(&fixture, WITH_ALL).await;
    assert_eq!(result["number"], 1);
    assert_eq!(result["notifications"]["uri"], format!("/internal/notifications?about={RESULT}"));
    assert_eq!(result["notifications"]["user"], json!(null), "the gateway asks for itself");
    assert_eq!(result["saga"]["uri"], format!("/saga/logs?correlation_id={SAGA}&limit=100"));
    assert_eq!(result["saga"]["user"], ANA.to_string(), "the saga log decides who sees what");
    assert_eq!(
        fixture.upstream("results").told.last("/results").unwrap().0,
        "/results/1",
        "include is not its business"
    );
}

#[tokio::test]
async fn only_what_is_asked_for_is_gathered() {
    let fixture = fixture().await;
    let plain = gathered(&fixture, "/results/1").await;
    assert!(plain.get("notifications").is_none() && plain.get("saga").is_none());
    let one = gathered(&fixture, "/results/1?include=saga").await;
    assert!(one.get("notifications").is_none() && one.get("saga").is_some());
    assert!(fixture.upstream("notifications").told.last("/internal").is_none());
}

#[tokio::test]
async fn a_dead_service_leaves_its_part_unavailable() {
    let mut fixture = fixture().await;
    fixture.upstream_mut("notifications").die().await;
    let result = gathered(&fixture, WITH_ALL).await;
    assert_eq!(result["number"], 1);
    assert_eq!(result["notifications"], json!({"status": "unavailable"}));
    assert_eq!(result["saga"]["user"], ANA.to_string());
    fixture.upstream_mut("saga_log").die().await;
    let result = gathered(&fixture, WITH_ALL).await;
    assert_eq!(result["saga"], json!({"status": "unavailable"}));
}

#[tokio::test]
async fn a_service_that_hangs_leaves_its_part_unavailable_within_its_deadline() {
    let fixture = fixture().await;
    fixture.upstream("notifications").told.hangs.store(true, Ordering::SeqCst);
    let begun = Instant::now();
    let result = gathered(&fixture, WITH_ALL).await;
    assert!(begun.elapsed() < SOON);
    assert_eq!(result["notifications"], json!({"status": "unavailable"}));
    assert_eq!(result["saga"]["user"], ANA.to_string());
}

#[tokio::test]
async fn without_the_result_nothing_is_gathered() {
    let mut fixture = fixture().await;
    let missing = fixture.get("/results/9?include=notifications", Some(&fixture.ana())).await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert_eq!(fixture.status(WITH_ALL, None).await, StatusCode::UNAUTHORIZED);
    fixture.upstream_mut("results").die().await;
    let down = fixture.get(WITH_ALL, Some(&fixture.ana())).await;
    assert_eq!(down.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(fixture.upstream("notifications").told.last("/internal").is_none());
}

#[tokio::test]
async fn a_part_that_does_not_exist_is_named() {
    let fixture = fixture().await;
    let response = fixture.get("/results/1?include=passwords", Some(&fixture.ana())).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(json_of(response).await["errors"][0]["pointer"], "?include");
}

#[tokio::test]
async fn an_unchanged_result_still_comes_with_what_is_new_around_it() {
    let fixture = fixture().await;
    let ask = async |path: &str| {
        let request = request(Method::GET, path, Some(&fixture.ana())).header(header::IF_NONE_MATCH, "\"1\"");
        fixture.send(request.body(Body::empty()).unwrap()).await
    };
    assert_eq!(ask("/results/1").await.status(), StatusCode::NOT_MODIFIED);
    let whole = ask(WITH_ALL).await;
    assert_eq!(whole.status(), StatusCode::OK);
    assert_eq!(whole.headers()[header::ETAG], "\"1\"");
}

#[tokio::test]
async fn the_dashboard_has_me_my_latest_results_and_notifications() {
    let fixture = fixture().await;
    let dashboard = gathered(&fixture, "/dashboard").await;
    for (part, uri) in [("me", "/me"), ("results", "/results?limit=5"), ("notifications", "/notifications?limit=5")] {
        assert_eq!(dashboard[part]["uri"], uri);
        assert_eq!(dashboard[part]["user"], ANA.to_string());
    }
    assert_eq!(fixture.status("/dashboard", None).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_dashboard_loses_only_what_is_down() {
    let mut fixture = fixture().await;
    gathered(&fixture, "/dashboard").await;
    fixture.upstream_mut("results").die().await;
    fixture.upstream_mut("users").die().await;
    let dashboard = gathered(&fixture, "/dashboard").await;
    assert_eq!(dashboard["me"], json!({"status": "unavailable"}));
    assert_eq!(dashboard["results"], json!({"status": "unavailable"}));
    assert_eq!(dashboard["notifications"]["user"], ANA.to_string());
}

#[tokio::test]
async fn a_composed_answer_is_kept_by_no_cache() {
    let fixture = fixture().await;
    let response = fixture.get(WITH_ALL, Some(&fixture.ana())).await;
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    assert!(text(response).await.starts_with("{\"id\":"));
}
