//! Who gets in: the table, tokens, revocations, quotas.
use crate::support::{ANA, BEA, Fixture, SOON, fixture, fixture_at, fixture_with, fixture_without_keys};
use crate::support::{from_address, json_of, request};
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use domain_kernel::Role;
use domain_kernel::ports::Clock;
use infra_http::limit::{RateLimits, per_minute};
use infra_http::{Claims, Subject, TokenSigner};
use infra_testkit::wait_for;
use serde_json::json;
use std::sync::Arc;
use tower::ServiceExt;

#[tokio::test]
async fn without_a_token_there_is_a_401_and_the_service_is_not_asked() {
    let fixture = fixture().await;
    let response = fixture.get("/results", None).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    assert!(fixture.upstream("results").told.last("/results").is_none());
}

#[tokio::test]
async fn an_expired_token_is_a_401() {
    let fixture = fixture().await;
    let token = fixture.ana();
    assert_eq!(fixture.status("/results", Some(&token)).await, StatusCode::OK);
    fixture.clock.advance_millis(306_000);
    assert_eq!(fixture.status("/results", Some(&token)).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn foreign_tampered_and_unsigned_tokens_are_a_401() {
    let fixture = fixture().await;
    let good = fixture.ana();
    let claims = fixture.claims(ANA, Role::Administrator);
    let foreign = TokenSigner::users(&[66; 32]).unwrap().sign(&claims).unwrap();
    let (head, signature) = good.rsplit_once('.').unwrap();
    let other = fixture.token(ANA, Role::Administrator);
    let other_claims = other.rsplit_once('.').unwrap().0;
    for token in [
        foreign,
        format!("{other_claims}.{signature}"),
        format!("{head}."),
        // {"alg":"none","typ":"at+jwt"}
        format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{}.", head.split_once('.').unwrap().1),
        "nonsense".to_owned(),
        "a".repeat(5_000),
    ] {
        assert_eq!(fixture.status("/results", Some(&token)).await, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn as_long_as_no_key_is_known_a_token_is_a_503_and_not_a_401() {
    let fixture = fixture_without_keys().await;
    let response = fixture.get("/results", Some(&fixture.ana())).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key(header::RETRY_AFTER));
    assert_eq!(fixture.status("/results", Some("nonsense")).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_internal_token_opens_nothing_from_outside() {
    let fixture = fixture().await;
    let now = fixture.clock.now();
    for service in ["results", "historia"] {
        let claims =
            Claims::internal(Subject::User(ANA), Some(Role::Laboratory), None, service, now, fixture.clock.unique_id());
        let token = fixture.gateway.sign(&claims).unwrap();
        assert_eq!(fixture.status("/results", Some(&token)).await, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_role_that_may_not_is_a_403() {
    let fixture = fixture().await;
    let patient = fixture.token(ANA, Role::Patient);
    let response = fixture.send(request(Method::POST, "/results", Some(&patient)).body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(fixture.status("/users", Some(&patient)).await, StatusCode::FORBIDDEN);
    let administrator = fixture.token(ANA, Role::Administrator);
    assert_eq!(fixture.status("/users", Some(&administrator)).await, StatusCode::OK);
}

#[tokio::test]
async fn internal_routes_metrics_and_unknown_addresses_do_not_exist() {
    let fixture = fixture().await;
    let token = fixture.token(ANA, Role::Administrator);
    for path in ["/internal/revocations", "/internal/notifications", "/metrics", "/nothing", "/results/1/2/3"] {
        let response = fixture.get(path, Some(&token)).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(json_of(response).await["code"], "not_found");
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let fixture = fixture().await;
    let response = fixture.send(request(Method::DELETE, "/results/1", None).body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()[header::ALLOW], "GET, PATCH");
    for method in [Method::TRACE, Method::OPTIONS] {
        let response = fixture.send(request(method, "/results", None).body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
}

#[tokio::test]
async fn a_public_route_takes_whoever_comes_also_with_an_expired_token() {
    let fixture = fixture().await;
    let token = fixture.ana();
    let log_in = async |token: Option<&str>| {
        let response = fixture.send(request(Method::POST, "/login", token).body("{}".into()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK);
        json_of(response).await["user"].clone()
    };
    assert_eq!(log_in(None).await, json!(null));
    assert_eq!(log_in(Some(&token)).await, json!(ANA.to_string()), "who is signed in is known");
    assert_eq!(log_in(Some("nonsense")).await, json!(null));
    fixture.clock.advance_millis(306_000);
    assert_eq!(log_in(Some(&token)).await, json!(null));
    assert_eq!(fixture.status("/.well-known/jwks.json", None).await, StatusCode::OK);
    assert_eq!(fixture.status("/mailbox/1", None).await, StatusCode::OK);
}

#[tokio::test]
async fn a_revoked_session_is_a_401_also_while_users_is_down() {
    let mut fixture = fixture().await;
    let (ana, bea) = (fixture.ana(), fixture.token(BEA, Role::Laboratory));
    assert_eq!(fixture.status("/results", Some(&ana)).await, StatusCode::OK);
    let session = fixture.claims(ANA, Role::Laboratory).sid.unwrap();
    let revoked = json!({"kind": "session", "id": session, "at": fixture.clock.now().0});
    fixture.upstream("users").told.revocations.lock().unwrap().push(revoked);
    wait_for("the revocation", SOON, async || {
        (fixture.status("/results", Some(&ana)).await == StatusCode::UNAUTHORIZED).then_some(())
    })
    .await;
    fixture.upstream_mut("users").die().await;
    assert_eq!(fixture.status("/results", Some(&ana)).await, StatusCode::UNAUTHORIZED);
    assert_eq!(fixture.status("/results", Some(&bea)).await, StatusCode::OK, "the last known set holds");
}

#[tokio::test]
async fn a_users_tokens_of_before_are_revoked_and_later_ones_are_not() {
    let fixture = fixture().await;
    let before = fixture.ana();
    fixture.clock.advance_millis(100);
    let at = fixture.clock.now().0;
    let mut told = vec![json!({"kind": "session", "id": BEA.0, "at": at}); 3];
    told.push(json!({"kind": "user", "id": ANA.0, "at": at}));
    fixture.upstream("users").told.revocations.lock().unwrap().extend(told);
    let after = fixture.ana();
    wait_for("the revocation, on the second page", SOON, async || {
        (fixture.status("/results", Some(&before)).await == StatusCode::UNAUTHORIZED).then_some(())
    })
    .await;
    assert_eq!(fixture.status("/results", Some(&after)).await, StatusCode::OK);
}

#[tokio::test]
async fn before_it_is_known_what_is_revoked_nobody_signed_in_gets_through() {
    let fixture = fixture_with(RateLimits::default(), &["users"]).await;
    let response = fixture.get("/results", Some(&fixture.ana())).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key(header::RETRY_AFTER));
    assert_eq!(fixture.status("/mailbox/1", None).await, StatusCode::OK, "who needs no token goes on");
}

#[tokio::test]
async fn a_new_key_of_the_users_service_is_learned_without_a_restart() {
    let fixture = fixture().await;
    let rotated = TokenSigner::users(&[77; 32]).unwrap();
    let token = rotated.sign(&fixture.claims(ANA, Role::Laboratory)).unwrap();
    assert_eq!(fixture.status("/results", Some(&token)).await, StatusCode::UNAUTHORIZED);
    *fixture.upstream("users").told.keys.lock().unwrap() = vec![rotated.public_key()];
    wait_for("the key", SOON, async || {
        (fixture.status("/results", Some(&token)).await == StatusCode::OK).then_some(())
    })
    .await;
    assert_eq!(fixture.status("/results", Some(&fixture.ana())).await, StatusCode::UNAUTHORIZED, "the old one is gone");
}

fn tight() -> RateLimits {
    RateLimits { post: per_minute(3), get: per_minute(6), all: per_minute(300) }
}

#[tokio::test]
async fn a_spent_quota_is_a_429_that_says_when_to_come_back() {
    let fixture = fixture_with(tight(), &[]).await;
    let token = fixture.ana();
    let first = fixture.get("/results", Some(&token)).await;
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(first.headers()["ratelimit-policy"], "\"get\";q=6;w=60, \"all\";q=300;w=60");
    assert_eq!(first.headers()["ratelimit"], "\"get\";r=1;t=10, \"all\";r=99;t=1");
    assert_eq!(fixture.status("/results", Some(&token)).await, StatusCode::OK);
    let spent = fixture.get("/results", Some(&token)).await;
    assert_eq!(spent.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(spent.headers()[header::RETRY_AFTER], "10");
    assert_eq!(spent.headers()["ratelimit"], "\"get\";r=0;t=10");
    assert!(spent.headers().contains_key("ratelimit-policy"));
    let problem = json_of(spent).await;
    assert_eq!(problem["type"], "https://iana.org/assignments/http-problem-types#quota-exceeded");
    assert_eq!(problem["violated-policies"], json!(["get"]));
}

#[tokio::test]
async fn users_and_methods_have_quotas_of_their_own() {
    let fixture = fixture_with(tight(), &[]).await;
    let (ana, bea) = (fixture.ana(), fixture.token(BEA, Role::Laboratory));
    let post = async |token: &str| {
        fixture.send(request(Method::POST, "/results", Some(token)).body(Body::empty()).unwrap()).await.status()
    };
    assert_eq!(post(&ana).await, StatusCode::CREATED);
    assert_eq!(post(&ana).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(post(&bea).await, StatusCode::CREATED);
    assert_eq!(fixture.status("/results", Some(&ana)).await, StatusCode::OK);
}

#[tokio::test]
async fn who_has_no_valid_token_shares_the_quota_of_the_address() {
    let fixture = fixture_with(tight(), &[]).await;
    let from = async |address: &str, token: Option<&str>| {
        let request = request(Method::GET, "/results", token).body(Body::empty()).unwrap();
        fixture.send(from_address(request, address)).await.status()
    };
    assert_eq!(from("192.0.2.1", None).await, StatusCode::UNAUTHORIZED);
    assert_eq!(from("192.0.2.1", Some("guess")).await, StatusCode::UNAUTHORIZED);
    assert_eq!(from("192.0.2.1", Some("another guess")).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(from("192.0.2.2", None).await, StatusCode::UNAUTHORIZED);
    assert_eq!(from("192.0.2.1", Some(&fixture.ana())).await, StatusCode::OK, "a user has a quota from anywhere");
}

#[tokio::test]
async fn health_is_on_nobodys_quota() {
    let fixture = fixture_with(tight(), &[]).await;
    for _ in 0..20 {
        assert_eq!(fixture.status("/healthz", None).await, StatusCode::OK);
    }
}

/// A token of Ana's from when she had to choose another password; she still has to.
fn before_the_change(fixture: &Fixture) -> String {
    fixture.upstream("users").told.must_change.lock().unwrap().push(ANA.0);
    fixture.users.sign(&fixture.claims(ANA, Role::Administrator).with_password_change(true)).unwrap()
}

async fn ask(fixture: &Fixture, method: &Method, path: &str, token: &str) -> (StatusCode, serde_json::Value) {
    let request = request(method.clone(), path, Some(token)).body("{}".into()).unwrap();
    let response = fixture.send(request).await;
    let status = response.status();
    (status, if status.is_client_error() { json_of(response).await } else { json!(null) })
}

#[tokio::test]
async fn who_has_to_choose_another_password_may_do_nothing_else() {
    let fixture = fixture().await;
    let token = before_the_change(&fixture);
    let allowed = [
        (Method::POST, "/login"),
        (Method::POST, "/token/refresh"),
        (Method::POST, "/logout"),
        (Method::POST, "/me/password"),
    ];
    let mut refused = 0;
    for row in service_bff::authorization_table(&fixture.apis()) {
        let readable = row.access == infra_http::Access::Public && row.method == Method::GET;
        // There, nobody looks at a program's token.
        let page = row.audience == service_bff::Audience::People;
        if readable || page || allowed.contains(&(row.method.clone(), row.path.as_str())) {
            continue;
        }
        let (status, problem) = ask(&fixture, &row.method, &row.path.replace("{id}", "1"), &token).await;
        // Who may not do it anyway is told so.
        let roles = matches!(row.access, infra_http::Access::Roles(roles) if !roles.contains(&Role::Administrator));
        let code = if roles { "forbidden" } else { "password_change_required" };
        assert_eq!((status, &problem["code"]), (StatusCode::FORBIDDEN, &json!(code)), "{} {}", row.method, row.path);
        refused += 1;
    }
    assert!(refused >= 10, "{refused}");
    assert!(fixture.upstream("results").told.seen.lock().unwrap().is_empty());
    assert_eq!(fixture.status("/openapi.json", Some(&token)).await, StatusCode::OK);
    for (method, path) in &allowed[..3] {
        assert_eq!(ask(&fixture, method, path, &token).await.0, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn the_same_token_opens_everything_once_the_password_is_changed() {
    let fixture = fixture().await;
    let token = before_the_change(&fixture);
    assert_eq!(fixture.status("/users", Some(&token)).await, StatusCode::FORBIDDEN);
    let changed = ask(&fixture, &Method::POST, "/me/password", &token).await;
    assert_eq!(changed.0, StatusCode::NO_CONTENT);
    assert_eq!(fixture.status("/users", Some(&token)).await, StatusCode::OK);
}

#[tokio::test]
async fn as_long_as_nobody_knows_whether_the_password_was_changed_it_was_not() {
    let mut fixture = fixture().await;
    let token = before_the_change(&fixture);
    assert_eq!(fixture.status("/results", Some(&token)).await, StatusCode::FORBIDDEN);
    fixture.upstream_mut("users").die().await;
    assert_eq!(fixture.status("/results", Some(&token)).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(fixture.status("/results", Some(&fixture.ana())).await, StatusCode::OK, "others are not asked about");
}

#[tokio::test]
async fn another_host_is_a_421_but_for_health_and_keys() {
    let fixture = fixture_at(&["historia.example"]).await;
    let get = async |path: &str, host: &str| {
        let request = request(Method::GET, path, None).header(header::HOST, host).body(Body::empty()).unwrap();
        fixture.send(request).await
    };
    assert_eq!(get("/openapi.json", "historia.example:8443").await.status(), StatusCode::OK);
    for (path, host) in [("/openapi.json", "evil.example"), ("/nothing", "evil.example"), ("/login", "10.0.0.1")] {
        let refused = get(path, host).await;
        assert_eq!(refused.status(), StatusCode::MISDIRECTED_REQUEST, "{path} {host}");
        assert_eq!(refused.headers()[header::CONTENT_TYPE], "application/problem+json");
        let problem = json_of(refused).await;
        assert_eq!(problem["code"], "misdirected_request");
        assert!(!problem.to_string().contains(host));
    }
    for path in ["/healthz", "/livez", service_bff::INTERNAL_KEYS_PATH] {
        assert_eq!(get(path, "10.0.0.1").await.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn the_keys_of_internal_tokens_are_published_for_the_services() {
    let fixture = fixture().await;
    let expected = serde_json::to_value(fixture.gateway.jwks()).unwrap();
    let published = json_of(fixture.get("/.well-known/gateway-jwks.json", None).await).await;
    assert_eq!(published, expected);
    assert!(published["keys"][0].get("d").is_none(), "public keys only");

    let internal = service_bff::internal_router(&fixture.gateway, Arc::clone(&fixture.clock) as Arc<dyn Clock>);
    let ask = async |path: &str| {
        let request = request(Method::GET, path, None).body(Body::empty()).unwrap();
        internal.clone().oneshot(request).await.unwrap()
    };
    assert_eq!(json_of(ask(service_bff::INTERNAL_KEYS_PATH).await).await, expected);
    assert_eq!(ask("/healthz").await.status(), StatusCode::OK);
    assert_eq!(ask("/results").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(ask("/metrics").await.status(), StatusCode::NOT_FOUND, "where nobody counts");
    infra_runtime::metrics::install().unwrap();
    assert_eq!(ask("/metrics").await.status(), StatusCode::OK);
}
