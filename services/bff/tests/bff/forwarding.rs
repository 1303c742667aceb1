//! What reaches a service, and what comes back.
use crate::support::{ANA, fixture, from_address, json_of, request};
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use domain_kernel::Role;
use uuid::Uuid;

#[tokio::test]
async fn method_path_query_and_body_are_forwarded_as_they_came() {
    let fixture = fixture().await;
    let request = request(Method::PATCH, "/results/1?a=%2F&b=2", Some(&fixture.ana()))
        .header(header::CONTENT_TYPE, "application/json")
        .body("{\"reason\":\"x\"}".into())
        .unwrap();
    let answer = json_of(fixture.send(request).await).await;
    assert_eq!(answer["method"], "PATCH");
    assert_eq!(answer["uri"], "/results/1?a=%2F&b=2");
    assert_eq!(answer["body"], "{\"reason\":\"x\"}");
}

#[tokio::test]
async fn the_service_learns_who_calls_from_the_internal_token() {
    let fixture = fixture().await;
    let answer = json_of(fixture.get("/results", Some(&fixture.ana())).await).await;
    assert_eq!(answer["user"], ANA.to_string());
    assert_eq!(answer["role"], "laboratory");
    let (_, headers) = fixture.upstream("results").told.last("/results").unwrap();
    assert_ne!(headers[header::AUTHORIZATION], format!("Bearer {}", fixture.ana()).as_str());
}

#[tokio::test]
async fn nothing_that_a_client_forges_reaches_a_service() {
    let fixture = fixture().await;
    let forged = Uuid::from_u128(0xbad).to_string();
    let request = request(Method::GET, "/results", Some(&fixture.ana()))
        .header("historia-correlation-id", &forged)
        .header("historia-request-id", &forged)
        .header("historia-client-address", "203.0.113.9")
        .header("traceparent", "00-0000000000000000000000000000bad0-000000000000bad0-01")
        .header("x-user-id", &forged)
        .header("x-user-role", "administrator")
        .header("x-forwarded-for", "203.0.113.9")
        .header("forwarded", "for=203.0.113.9")
        .header("connection", "keep-alive, x-user-id")
        .header("te", "trailers")
        .header("cookie", "a=b")
        .body(Body::empty())
        .unwrap();
    let response = fixture.send(from_address(request, "192.0.2.7")).await;
    assert_eq!(response.status(), StatusCode::OK);
    let (_, headers) = fixture.upstream("results").told.last("/results").unwrap();
    for name in ["x-user-id", "x-user-role", "x-forwarded-for", "forwarded", "te", "cookie"] {
        assert!(!headers.contains_key(name), "{name}");
    }
    assert_eq!(headers["historia-client-address"], "192.0.2.7");
    for name in ["historia-correlation-id", "historia-request-id"] {
        assert_eq!(headers[name], response.headers()[name], "the gateway's own");
        assert_ne!(headers[name], forged.as_str());
    }
    let trace = headers["traceparent"].to_str().unwrap();
    let correlation = headers["historia-correlation-id"].to_str().unwrap().replace('-', "");
    assert!(trace.starts_with(&format!("00-{correlation}-")), "{trace}");
}

#[tokio::test]
async fn what_a_service_needs_to_know_is_forwarded() {
    let fixture = fixture().await;
    let request = request(Method::PATCH, "/results/1", Some(&fixture.ana()))
        .header("if-match", "\"3\"")
        .header("idempotency-key", "k1")
        .header("accept-language", "es")
        .header(header::CONTENT_TYPE, "application/json")
        .body("{}".into())
        .unwrap();
    fixture.send(request).await;
    let (_, headers) = fixture.upstream("results").told.last("/results/1").unwrap();
    assert_eq!(headers["if-match"], "\"3\"");
    assert_eq!(headers["idempotency-key"], "k1");
    assert_eq!(headers["accept-language"], "es");
}

#[tokio::test]
async fn every_request_starts_a_saga_of_its_own() {
    let fixture = fixture().await;
    let token = fixture.ana();
    let correlation = async || {
        let response = fixture.get("/results", Some(&token)).await;
        response.headers()["historia-correlation-id"].to_str().unwrap().parse::<Uuid>().unwrap()
    };
    assert_ne!(correlation().await, correlation().await);
}

#[tokio::test]
async fn a_services_answer_comes_back_without_what_is_between_the_two() {
    let fixture = fixture().await;
    let response =
        fixture.send(request(Method::POST, "/results", Some(&fixture.ana())).body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    assert!(response.headers()[header::LOCATION].to_str().unwrap().starts_with("/results/"));
    assert_eq!(response.headers()[header::ETAG], "\"1\"");
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    assert!(!response.headers().contains_key(header::SET_COOKIE));
}

#[tokio::test]
async fn a_services_problem_comes_back_as_it_is_with_the_same_request() {
    let fixture = fixture().await;
    let response = fixture.get("/results/9", Some(&fixture.ana())).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    let request_id = response.headers()["historia-request-id"].to_str().unwrap().to_owned();
    assert_eq!(json_of(response).await["instance"], format!("urn:uuid:{request_id}"));
}

#[tokio::test]
async fn a_body_over_64_kib_is_refused_and_not_forwarded() {
    let fixture = fixture().await;
    let body = vec![b'a'; 64 * 1024 + 1];
    let request = request(Method::POST, "/results", Some(&fixture.ana())).body(body.into()).unwrap();
    assert_eq!(fixture.send(request).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(fixture.upstream("results").told.last("/results").is_none());
}

#[tokio::test]
async fn a_service_that_is_down_is_a_503_and_the_rest_goes_on() {
    let mut fixture = fixture().await;
    let token = fixture.ana();
    assert_eq!(fixture.status("/results", Some(&token)).await, StatusCode::OK);
    fixture.upstream_mut("results").die().await;
    let response = fixture.get("/results", Some(&token)).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()[header::RETRY_AFTER], "2");
    let problem = json_of(response).await;
    assert_eq!((&problem["code"], &problem["service"]), (&"unavailable".into(), &"results".into()));
    assert_eq!(fixture.status("/notifications", Some(&token)).await, StatusCode::OK);
    assert_eq!(fixture.status("/saga/logs", Some(&token)).await, StatusCode::OK);
}

#[tokio::test]
async fn an_internal_token_is_for_one_service_and_used_for_half_its_life() {
    let fixture = fixture().await;
    let token = fixture.ana();
    let internal = async |path: &str, service: &str| {
        assert_eq!(fixture.status(path, Some(&token)).await, StatusCode::OK);
        fixture.upstream(service).told.last(path).unwrap().1[header::AUTHORIZATION].clone()
    };
    let first = internal("/results", "results").await;
    assert_eq!(internal("/results", "results").await, first);
    assert_ne!(internal("/notifications", "notifications").await, first);
    fixture.clock.advance_millis(30_000);
    assert_ne!(internal("/results", "results").await, first);
}

#[tokio::test]
async fn two_users_never_share_an_internal_token() {
    let fixture = fixture().await;
    for (user, role) in [(ANA, Role::Laboratory), (crate::support::BEA, Role::Patient)] {
        let answer = json_of(fixture.get("/results", Some(&fixture.token(user, role))).await).await;
        assert_eq!(answer["user"], user.to_string());
    }
}
