//! A decision on an erasure is told what only the results service knows, and nobody else tells it.
use crate::support::{BEA, Fixture, fixture, request};
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use domain_kernel::Role;
use serde_json::{Value, json};
use uuid::Uuid;

const HEADER: &str = "historia-newest-entry";
const SUBJECT: Uuid = Uuid::from_u128(0x50b);
const ERASURE: Uuid = Uuid::from_u128(0xe5a);
const NEWEST: &str = "2011-03-01T10:00:00Z";

/// The results service says when the subject's newest entry was made, the users service what the erasure is about.
async fn told(purpose: &str, newest: &Value) -> Fixture {
    let fixture = fixture().await;
    let answers = &fixture.upstream("results").told.answers;
    let address = format!("/internal/subjects/{SUBJECT}/newest-entry");
    answers.lock().unwrap().insert(address, (StatusCode::OK, json!({"newest_entry_at": newest})));
    let erasure = json!({"id": ERASURE, "subject": SUBJECT, "purpose": purpose, "state": "requested"});
    let answers = &fixture.upstream("users").told.answers;
    answers.lock().unwrap().insert(format!("/erasures/{ERASURE}"), (StatusCode::OK, erasure));
    fixture
}

/// Asks for an erasure and approves one, claiming an old entry; what the users service was told with each.
async fn decided(fixture: &Fixture, purpose: &str) -> [Option<String>; 2] {
    let token = fixture.token(BEA, Role::Administrator);
    let body = json!({"subject": SUBJECT, "purpose": purpose, "country": "CL", "reason": "asked for"}).to_string();
    let approve = format!("/erasures/{ERASURE}/approve");
    let mut heard = Vec::new();
    for (path, body) in [("/erasures", body.as_str()), (approve.as_str(), "")] {
        let asked = request(Method::POST, path, Some(&token))
            .header(header::CONTENT_TYPE, "application/json")
            .header(HEADER, "1990-01-01T00:00:00Z");
        let response = fixture.send(asked.body(Body::from(body.to_owned())).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let (address, headers) = fixture.upstream("users").told.last(path).unwrap();
        assert_eq!(address, path);
        heard.push(headers.get(HEADER).map(|value| value.to_str().unwrap().to_owned()));
    }
    heard.try_into().unwrap()
}

#[tokio::test]
async fn the_newest_clinical_entry_is_asked_for_and_told() {
    let fixture = told("clinical", &json!(NEWEST)).await;
    assert_eq!(decided(&fixture, "clinical").await, [Some(NEWEST.to_owned()), Some(NEWEST.to_owned())]);
}

#[tokio::test]
async fn what_the_results_service_does_not_say_is_not_told_whatever_the_client_says() {
    let fixture = told("clinical", &Value::Null).await;
    assert_eq!(decided(&fixture, "clinical").await, [None, None]);
    let mut fixture = told("clinical", &json!(NEWEST)).await;
    fixture.upstream_mut("results").die().await;
    assert_eq!(decided(&fixture, "clinical").await, [None, None], "and nothing else is taken down with it");
}

#[tokio::test]
async fn other_purposes_ask_nobody() {
    let fixture = told("contact", &json!(NEWEST)).await;
    assert_eq!(decided(&fixture, "contact").await, [None, None]);
    assert!(fixture.upstream("results").told.last("/internal/subjects").is_none());
}

#[tokio::test]
async fn what_is_no_request_is_for_the_users_service_to_refuse() {
    let fixture = told("clinical", &json!(NEWEST)).await;
    let token = fixture.token(BEA, Role::Administrator);
    for body in ["", "{", "[]", r#"{"subject": 7, "purpose": "clinical"}"#] {
        let asked = request(Method::POST, "/erasures", Some(&token)).header(header::CONTENT_TYPE, "application/json");
        fixture.send(asked.body(Body::from(body)).unwrap()).await;
        let (_, headers) = fixture.upstream("users").told.last("/erasures").unwrap();
        assert!(headers.get(HEADER).is_none(), "{body}");
        assert_eq!(fixture.upstream("users").told.bodies.lock().unwrap().last().unwrap(), body);
    }
}
