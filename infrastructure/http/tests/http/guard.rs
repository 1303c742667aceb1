//! What stands before every handler.
use crate::support::{ANA, BEA, Fixture, SERVICE, answer_of, code, fixture, fixture_with, json_of, request, text};
use axum::body::Body;
use axum::http::{HeaderName, Method, StatusCode, header};
use domain_kernel::Role;
use domain_kernel::ports::Clock;
use infra_event_store::repository::CommandError;
use infra_http::{KeySet, Problem, TokenSigner, TokenVerifier};
use infra_testkit::tokens;
use serde_json::Value;

const KEY: &str = "idempotency-key";

#[tokio::test]
async fn an_unknown_address_is_a_problem() {
    let response = fixture().as_ana(Method::GET, "/nothing").await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(code(response).await, "not_found");
}

#[tokio::test]
async fn a_route_that_is_not_in_the_table_does_not_exist() {
    let response = fixture().as_ana(Method::GET, "/forgotten").await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    let response = fixture().as_ana(Method::POST, "/panics").await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let response = fixture().as_ana(Method::DELETE, "/things").await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()[header::ALLOW], "POST");
}

#[tokio::test]
async fn head_is_allowed_where_get_is() {
    assert_eq!(fixture().as_ana(Method::HEAD, "/mine").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_service_that_does_not_know_the_gateway_yet_is_not_ready_and_blames_nobody() {
    let fixture = fixture_with(|service, clock| TokenVerifier::internal(service, KeySet::default(), clock));
    let response = fixture.as_ana(Method::GET, "/mine").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key(header::RETRY_AFTER));
}

#[tokio::test]
async fn without_an_internal_token_even_a_public_route_is_closed() {
    let fixture = fixture();
    let response = fixture.send(request(Method::GET, "/open", None).body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
    assert_eq!(code(response).await, "unauthorized");
}

#[tokio::test]
async fn only_a_valid_internal_token_for_this_service_opens() {
    let fixture = fixture();
    let good = fixture.token(ANA, Role::Laboratory);
    let elsewhere = tokens::of_user("elsewhere", ANA, Role::Laboratory, &*fixture.clock);
    let (said, signature) = good.rsplit_once('.').unwrap();
    let changed = if signature.starts_with('A') { 'B' } else { 'A' };
    let tampered = format!("{said}.{changed}{}", &signature[1..]);
    let unsigned = format!("{}.", good.rsplit_once('.').unwrap().0);
    let foreign = {
        let claims = infra_http::Claims::internal(
            infra_http::Subject::User(ANA),
            Some(Role::Laboratory),
            None,
            SERVICE,
            fixture.clock.now(),
            fixture.clock.unique_id(),
        );
        TokenSigner::gateway(&[66; 32]).unwrap().sign(&claims).unwrap()
    };
    let try_with = async |token: &str| {
        fixture.send(request(Method::GET, "/mine", Some(token)).body(Body::empty()).unwrap()).await.status()
    };
    assert_eq!(try_with(&good).await, StatusCode::OK);
    for token in [&elsewhere, &tampered, &unsigned, &foreign, &String::new()] {
        assert_eq!(try_with(token).await, StatusCode::UNAUTHORIZED);
    }
    fixture.clock.advance_millis(66_000);
    assert_eq!(try_with(&good).await, StatusCode::UNAUTHORIZED, "expired");
}

#[tokio::test]
async fn a_route_for_users_is_closed_to_nobody_whatever_its_handler_asks_for() {
    let fixture = fixture();
    for token in [fixture.anonymous(), tokens::of_service(SERVICE, "bff", &*fixture.clock)] {
        let response = fixture.send(request(Method::GET, "/context", Some(&token)).body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn another_scheme_than_bearer_opens_nothing() {
    let fixture = fixture();
    let token = fixture.token(ANA, Role::Laboratory);
    for (scheme, status) in [("Basic", StatusCode::UNAUTHORIZED), ("bearer", StatusCode::OK)] {
        let asked = request(Method::GET, "/mine", None).header(header::AUTHORIZATION, format!("{scheme} {token}"));
        assert_eq!(fixture.send(asked.body(Body::empty()).unwrap()).await.status(), status, "{scheme}");
    }
}

#[tokio::test]
async fn two_authorization_headers_are_none() {
    let fixture = fixture();
    let token = fixture.token(ANA, Role::Laboratory);
    let request = request(Method::GET, "/mine", Some(&token))
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::empty())
        .unwrap();
    assert_eq!(fixture.send(request).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_role_that_is_not_in_the_table_is_refused() {
    let fixture = fixture();
    let patient = fixture.token(ANA, Role::Patient);
    let response = fixture.send(request(Method::POST, "/things", Some(&patient)).body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let anonymous = fixture.anonymous();
    let response = fixture.send(request(Method::POST, "/things", Some(&anonymous)).body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_internal_route_is_for_services_and_does_not_exist_for_others() {
    let fixture = fixture();
    let response = fixture.as_ana(Method::GET, "/internal/things").await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    let token = tokens::of_service(SERVICE, "bff", &*fixture.clock);
    let response =
        fixture.send(request(Method::GET, "/internal/things", Some(&token)).body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::OK);
    let response = fixture.send(request(Method::GET, "/mine", Some(&token)).body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "a service is nobody's user");
}

#[tokio::test]
async fn a_public_route_knows_who_calls_if_somebody_does() {
    let fixture = fixture();
    let anonymous = fixture.anonymous();
    let response = fixture.send(request(Method::GET, "/open", Some(&anonymous)).body(Body::empty()).unwrap()).await;
    assert_eq!(json_of(response).await["signed_in"], false);
    let response = fixture.as_ana(Method::GET, "/open").await;
    assert_eq!(json_of(response).await["signed_in"], true);
}

async fn make(fixture: &Fixture, token: &str, key: Option<&str>, name: &str) -> (Value, Value) {
    let mut builder = request(Method::POST, "/things", Some(token)).header(header::CONTENT_TYPE, "application/json");
    if let Some(key) = key {
        builder = builder.header(KEY, key);
    }
    let body = format!("{{\"name\":\"{name}\"}}");
    let answer = json_of(fixture.send(builder.body(body.into()).unwrap()).await).await;
    assert_eq!(answer["name"], name, "the body reaches the handler");
    (answer["command"].clone(), answer["digest"].clone())
}

#[tokio::test]
async fn without_an_idempotency_key_every_request_is_a_command_of_its_own() {
    let fixture = fixture();
    let token = fixture.token(ANA, Role::Laboratory);
    let (first, digest) = make(&fixture, &token, None, "a").await;
    let (second, _) = make(&fixture, &token, None, "a").await;
    assert_ne!(first, second);
    assert_eq!(digest, Value::Null);
}

#[tokio::test]
async fn with_the_same_idempotency_key_the_same_request_is_the_same_command() {
    let fixture = fixture();
    let token = fixture.token(ANA, Role::Laboratory);
    let first = make(&fixture, &token, Some("k1"), "a").await;
    fixture.clock.advance_millis(30_000);
    let again = fixture.token(ANA, Role::Laboratory);
    assert_eq!(make(&fixture, &again, Some("k1"), "a").await, first);
    assert_eq!(make(&fixture, &again, Some("\"k1\""), "a").await, first, "quotes of a structured string do not count");
}

#[tokio::test]
async fn with_the_same_idempotency_key_another_request_has_another_digest() {
    let fixture = fixture();
    let token = fixture.token(ANA, Role::Laboratory);
    let (first, digest) = make(&fixture, &token, Some("k1"), "a").await;
    let (same, other_digest) = make(&fixture, &token, Some("k1"), "b").await;
    assert_eq!(first, same);
    assert_ne!(digest, other_digest);
}

#[tokio::test]
async fn with_another_idempotency_key_the_same_request_is_another_command() {
    let fixture = fixture();
    let token = fixture.token(ANA, Role::Laboratory);
    let (first, _) = make(&fixture, &token, Some("k1"), "a").await;
    let (second, _) = make(&fixture, &token, Some("k2"), "a").await;
    assert_ne!(first, second);
}

#[tokio::test]
async fn one_users_idempotency_key_says_nothing_to_another() {
    let fixture = fixture();
    let (ana, _) = make(&fixture, &fixture.token(ANA, Role::Laboratory), Some("k1"), "a").await;
    let (bea, _) = make(&fixture, &fixture.token(BEA, Role::Laboratory), Some("k1"), "a").await;
    assert_ne!(ana, bea);
}

#[tokio::test]
async fn an_idempotency_key_on_a_read_means_nothing() {
    let fixture = fixture();
    let token = fixture.token(ANA, Role::Laboratory);
    let mut commands = Vec::new();
    for _ in 0..2 {
        let asked = request(Method::GET, "/context", Some(&token)).header(KEY, "k1").body(Body::empty()).unwrap();
        let context = json_of(fixture.send(asked).await).await;
        assert_eq!(context["digest"], Value::Null);
        commands.push(context["command"].clone());
    }
    assert_ne!(commands[0], commands[1]);
}

#[tokio::test]
async fn an_idempotency_key_that_is_none_is_refused() {
    let fixture = fixture();
    let token = fixture.token(ANA, Role::Laboratory);
    for (key, status) in [
        ("", StatusCode::BAD_REQUEST),
        ("\"\"", StatusCode::BAD_REQUEST),
        ("two words", StatusCode::BAD_REQUEST),
        (&"x".repeat(256), StatusCode::BAD_REQUEST),
        (&"x".repeat(255), StatusCode::OK),
    ] {
        // With a body that is right: the key alone is to blame.
        let asked = request(Method::POST, "/things", Some(&token)).header(header::CONTENT_TYPE, "application/json");
        let asked = asked.header(KEY, key).body(Body::from(r#"{"name":"a"}"#)).unwrap();
        assert_eq!(fixture.send(asked).await.status(), status, "{key}");
    }
}

#[tokio::test]
async fn the_gateways_ids_are_taken_and_answered() {
    let fixture = fixture();
    let token = fixture.token(ANA, Role::Laboratory);
    let correlation = "0199d3a0-7c00-7000-8000-000000000001";
    let request_id = "0199d3a0-7c00-7000-8000-000000000002";
    let trace = "00-0199d3a07c0070008000000000000001-00f067aa0ba902b7-01";
    let request = request(Method::GET, "/context", Some(&token))
        .header("historia-correlation-id", correlation)
        .header("historia-request-id", request_id)
        .header("historia-client-address", "192.0.2.7")
        .header("traceparent", trace)
        .body(Body::empty())
        .unwrap();
    let response = fixture.send(request).await;
    assert_eq!(response.headers()["historia-correlation-id"], correlation);
    assert_eq!(response.headers()["historia-request-id"], request_id);
    let context = json_of(response).await;
    assert_eq!(context["correlation"], correlation);
    assert_eq!(context["request"], request_id);
    assert_eq!(context["traceparent"], trace);
    assert_eq!(context["client"], "192.0.2.7");
    assert_eq!(context["actor"], ANA.to_string());
}

#[tokio::test]
async fn ids_that_are_missing_are_made() {
    let fixture = fixture();
    let response = fixture.as_ana(Method::GET, "/context").await;
    let correlation = response.headers()["historia-correlation-id"].to_str().unwrap().to_owned();
    assert_eq!(json_of(response).await["correlation"], correlation);
}

#[tokio::test]
async fn a_panic_is_a_problem_that_tells_nothing() {
    let response = fixture().as_ana(Method::GET, "/panics").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let body = text(response).await;
    assert!(body.contains("\"code\":\"internal\"") && !body.contains("Hunter2"), "{body}");
}

#[tokio::test]
async fn a_librarys_own_error_becomes_a_problem_without_its_words() {
    let response = fixture().as_ana(Method::GET, "/garbled").await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let body = text(response).await;
    assert!(body.contains("\"code\":\"bad_request\"") && !body.contains("Hunter2"), "{body}");
}

#[tokio::test]
async fn a_problem_names_its_request() {
    let response = fixture().as_ana(Method::GET, "/nothing").await;
    let request_id = response.headers()["historia-request-id"].to_str().unwrap().to_owned();
    assert_eq!(json_of(response).await["instance"], format!("urn:uuid:{request_id}"));
}

#[tokio::test]
async fn every_answer_forbids_caching_framing_and_sniffing() {
    for path in ["/mine", "/nothing", "/healthz", "/panics"] {
        let response = fixture().as_ana(Method::GET, path).await;
        for (name, value) in [
            ("cache-control", "no-store"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(response.headers()[HeaderName::from_static(name)], value, "{path}");
        }
        assert!(response.headers().get(header::SERVER).is_none());
    }
}

#[tokio::test]
async fn health_needs_no_token() {
    let fixture = fixture();
    for path in ["/healthz", "/livez", "/readyz"] {
        let response = fixture.send(request(Method::GET, path, None).body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(json_of(response).await["status"], "OK");
    }
}

#[tokio::test]
async fn figures_need_no_token() {
    infra_runtime::metrics::install().unwrap();
    let response = fixture().send(request(Method::GET, "/metrics", None).body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/plain; version=0.0.4");
}

#[tokio::test]
async fn a_service_is_not_ready_while_something_it_needs_is_missing() {
    let fixture = fixture();
    fixture.health.register("database", || Box::pin(async { Err("password authentication failed".to_owned()) }));
    let get = async |path| fixture.send(request(Method::GET, path, None).body(Body::empty()).unwrap()).await;
    let response = get("/readyz").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body = text(response).await;
    assert!(body.contains("\"database\":\"UNAVAILABLE\"") && !body.contains("password"), "{body}");
    assert_eq!(get("/livez").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_commands_errors_are_the_problems_that_clients_can_act_on() {
    let problem = |error: CommandError<()>| {
        Problem::of_command(error, |()| Problem::conflict("already_final", "It is final already."))
    };
    let unavailable = || domain_kernel::ports::StoreError::Unavailable { reason: "Hunter2".to_owned() };
    for (error, status, code_name) in [
        (CommandError::Rejected(()), 409, "already_final"),
        (CommandError::VersionMismatch { actual: domain_kernel::Version(4) }, 412, "precondition_failed"),
        (CommandError::OtherCommand, 422, "idempotency_key_reused"),
        (CommandError::Contended, 503, "contended"),
        (CommandError::Store(unavailable()), 503, "unavailable"),
        (CommandError::Store(domain_kernel::ports::StoreError::OutcomeUnknown), 503, "outcome_unknown"),
        (
            CommandError::Store(domain_kernel::ports::StoreError::Damaged { reason: "Hunter2".to_owned() }),
            500,
            "internal",
        ),
    ] {
        let response = answer_of(problem(error));
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.headers().contains_key(header::RETRY_AFTER), status == 503);
        let body = text(response).await;
        assert!(body.contains(&format!("\"code\":\"{code_name}\"")) && !body.contains("Hunter2"), "{body}");
    }
}
