//! What operators see of all services at once, and how their wishes find their way.
use crate::support::{BEA, Fixture, fixture, json_of, request};
use axum::body::Body;
use axum::http::{Method, Response, StatusCode, header};
use domain_kernel::Role;
use infra_http::operations::DeadLetterView;
use serde_json::{Value, json};
use uuid::Uuid;

/// A letter of a user's event that was given up so many microseconds after 2026 began.
fn letter(number: u128, micros: i64) -> DeadLetterView {
    DeadLetterView {
        id: Uuid::from_u128(number),
        consumer: "notifications".to_owned(),
        event_id: Uuid::from_u128(100 + number),
        event_type: "users.user_created".to_owned(),
        topic: "event-user".to_owned(),
        aggregate: Uuid::from_u128(200 + number),
        version: 1,
        correlation_id: Uuid::from_u128(300 + number),
        attempts: 3,
        code: "refused".to_owned(),
        failed_at: chrono::DateTime::from_timestamp_micros(1_767_225_600_000_000 + micros).unwrap(),
        parked_behind: 2,
    }
}

/// Letters 1, 3 and 5 at notifications, 2 and 4 at results.
async fn with_letters() -> Fixture {
    let fixture = fixture().await;
    for (service, numbers) in [("notifications", [1_u32, 3, 5].as_slice()), ("results", &[2, 4])] {
        let letters = numbers.iter().map(|number| letter(u128::from(*number), i64::from(*number)));
        *fixture.upstream(service).told.letters.lock().unwrap() = letters.collect();
    }
    fixture
}

fn administrator(fixture: &Fixture) -> String {
    fixture.token(BEA, Role::Administrator)
}

async fn seen(fixture: &Fixture, path: &str) -> Value {
    let response = fixture.get(path, Some(&administrator(fixture))).await;
    assert_eq!(response.status(), StatusCode::OK);
    json_of(response).await
}

async fn wish(fixture: &Fixture, path: &str, body: &Value) -> Response<Body> {
    let request = request(Method::POST, path, Some(&administrator(fixture)))
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", "once");
    fixture.send(request.body(Body::from(body.to_string())).unwrap()).await
}

fn numbers(page: &Value) -> Vec<u128> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["id"].as_str().unwrap().parse::<Uuid>().unwrap().as_u128()).collect()
}

#[tokio::test]
async fn the_dead_letters_of_every_service_are_one_list_oldest_first() {
    let fixture = with_letters().await;
    let first = seen(&fixture, "/dead-letters?limit=3").await;
    assert_eq!(numbers(&first), [1, 2, 3]);
    assert_eq!(first["unavailable"], json!([]));
    let item = &first["items"][0];
    assert_eq!((&item["service"], &item["event_type"]), (&json!("notifications"), &json!("UserCreated")));
    let second = seen(&fixture, &format!("/dead-letters?limit=3&cursor={}", first["next"].as_str().unwrap())).await;
    assert_eq!((numbers(&second), &second["next"]), (vec![4, 5], &Value::Null));
    let forged = fixture.get("/dead-letters?cursor=x", Some(&administrator(&fixture))).await;
    assert_eq!(forged.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_dead_service_is_named_and_takes_only_its_own_letters_away() {
    let mut fixture = with_letters().await;
    fixture.upstream_mut("results").die().await;
    let page = seen(&fixture, "/dead-letters").await;
    assert_eq!((numbers(&page), &page["unavailable"]), (vec![1, 3, 5], &json!(["results"])));
    assert_eq!(seen(&fixture, &format!("/dead-letters/{}", Uuid::from_u128(3))).await["service"], "notifications");
    let unknown = format!("/dead-letters/{}", Uuid::from_u128(4));
    let response = fixture.get(&unknown, Some(&administrator(&fixture))).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "who does not answer may have it");
}

#[tokio::test]
async fn a_wish_about_a_letter_is_one_about_its_event_and_consumer_at_the_saga_log() {
    let fixture = with_letters().await;
    let path = format!("/dead-letters/{}/retry", Uuid::from_u128(2));
    let answer = json_of(wish(&fixture, &path, &json!({"reason": " it works again "})).await).await;
    assert_eq!(answer["uri"], format!("/saga/logs/{}/retry", Uuid::from_u128(102)));
    assert_eq!(answer["user"], BEA.to_string(), "on the operator's behalf");
    let asked: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(asked, json!({"reason": "it works again", "consumer": "notifications"}));
    let (_, headers) = fixture.upstream("saga_log").told.last("/saga/logs").unwrap();
    assert_eq!(headers["idempotency-key"], "once");
}

#[tokio::test]
async fn a_wish_about_a_failure_that_the_saga_log_was_not_told_of_says_what_the_letter_knows() {
    let fixture = fixture().await;
    let of_the_log = DeadLetterView { consumer: "saga_log".to_owned(), ..letter(6, 6) };
    let about_a_message = DeadLetterView { topic: "saga-command".to_owned(), ..letter(7, 7) };
    *fixture.upstream("saga_log").told.letters.lock().unwrap() = vec![of_the_log];
    *fixture.upstream("notifications").told.letters.lock().unwrap() = vec![about_a_message];
    for (number, wished, consumer, topic) in
        [(6, "retry", "saga_log", "event-user"), (7, "skip", "notifications", "saga-command")]
    {
        let path = format!("/dead-letters/{}/{wished}", Uuid::from_u128(number));
        let answer = json_of(wish(&fixture, &path, &json!({"reason": "it works again"})).await).await;
        assert_eq!(answer["uri"], format!("/operations/untold-failures/{wished}"), "{answer}");
        let asked: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        let known = json!({
            "reason": "it works again",
            "event_id": Uuid::from_u128(100 + number),
            "correlation_id": Uuid::from_u128(300 + number),
            "topic": topic,
            "aggregate": Uuid::from_u128(200 + number),
            "consumer": consumer,
            "attempts": 3,
        });
        assert_eq!(asked, known);
    }
    for wished in ["retry", "skip"] {
        let direct = wish(&fixture, &format!("/operations/untold-failures/{wished}"), &json!({})).await;
        assert_eq!(direct.status(), StatusCode::NOT_FOUND, "the gateway alone asks there");
    }
}

#[tokio::test]
async fn a_letter_that_the_saga_log_knows_nothing_of_cannot_be_asked_for() {
    let fixture = with_letters().await;
    let reason = json!({"reason": "please"});
    let unknown = (StatusCode::NOT_FOUND, json!({}));
    let address = format!("/saga/logs/{}/skip", Uuid::from_u128(102));
    fixture.upstream("saga_log").told.answers.lock().unwrap().insert(address, unknown);
    let response = wish(&fixture, &format!("/dead-letters/{}/skip", Uuid::from_u128(2)), &reason).await;
    assert_eq!(response.status(), StatusCode::CONFLICT);
    let response = wish(&fixture, &format!("/dead-letters/{}/skip", Uuid::from_u128(9)), &reason).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_status_has_a_part_for_every_service_and_marks_the_dead() {
    let mut fixture = with_letters().await;
    fixture.upstream_mut("results").die().await;
    let status = seen(&fixture, "/ops/status").await;
    let parts: Vec<_> = status["services"].as_array().unwrap().iter().collect();
    assert_eq!(parts.len(), 4);
    let part = |name: &str| parts.iter().find(|part| part["service"] == name).unwrap();
    assert_eq!((&part("notifications")["status"], &part("notifications")["dead_letters"]), (&json!("ok"), &json!(3)));
    assert_eq!((&part("results")["status"], &part("results")["dead_letters"]), (&json!("unavailable"), &Value::Null));
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_not_asked_for_a_moment_and_the_status_says_so() {
    let mut fixture = with_letters().await;
    let breaker = async |fixture: &Fixture| {
        let status = seen(fixture, "/ops/status").await;
        let services = status["services"].as_array().unwrap();
        services.iter().find(|part| part["service"] == "results").unwrap()["breakers"][0].clone()
    };
    let closed = breaker(&fixture).await;
    assert_eq!((&closed["name"], &closed["state"]), (&json!("gateway"), &json!("closed")));
    fixture.clock.advance_millis(1_000);
    fixture.upstream_mut("results").die().await;
    for _ in 0..5 {
        let response = fixture.get("/results/1", Some(&administrator(&fixture))).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
    let open = breaker(&fixture).await;
    assert_eq!(open["state"], "open");
    assert!(open["since"].as_str().unwrap() > closed["since"].as_str().unwrap());
    let response = fixture.get("/results/1", Some(&administrator(&fixture))).await;
    assert_eq!(json_of(response).await["service"], "results", "and the answer is what it was");
    assert_eq!(fixture.status("/users", Some(&administrator(&fixture))).await, StatusCode::OK, "the others are asked");
}

#[tokio::test]
async fn a_wish_about_a_projection_goes_to_its_service() {
    let fixture = fixture().await;
    let reason = json!({"reason": "a slow fold"});
    let answer = json_of(wish(&fixture, "/ops/projections/results/result_summary/pause", &reason).await).await;
    assert_eq!(
        (&answer["uri"], &answer["body"]),
        (&json!("/operations/projections/result_summary/pause"), &json!(reason.to_string()))
    );
    for path in ["/ops/projections/others/result_summary/pause", "/ops/projections/results/a%2Fb/resume"] {
        assert_eq!(wish(&fixture, path, &reason).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_wish_to_see_what_is_sealed_goes_to_its_service_and_nothing_of_the_answer_is_kept() {
    let fixture = fixture().await;
    let (stream, why) = (Uuid::from_u128(7), json!({"reason": "complaint 2026-117"}));
    let response = wish(&fixture, &format!("/ops/streams/results/{stream}/reveal"), &why).await;
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let answer = json_of(response).await;
    assert_eq!(answer["uri"], format!("/operations/streams/{stream}/reveal"));
    assert_eq!((&answer["user"], &answer["body"]), (&json!(BEA.to_string()), &json!(why.to_string())));
    for path in [format!("/ops/streams/others/{stream}/reveal"), "/ops/streams/results/a%2Fb/reveal".to_owned()] {
        assert_eq!(wish(&fixture, &path, &why).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Administrator) {
        let token = fixture.token(BEA, role);
        let asked = request(Method::POST, &format!("/ops/streams/results/{stream}/reveal"), Some(&token));
        assert_eq!(fixture.send(asked.body(Body::empty()).unwrap()).await.status(), StatusCode::FORBIDDEN, "{role}");
    }
}

#[tokio::test]
async fn what_is_for_operators_is_for_nobody_else() {
    let fixture = with_letters().await;
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Administrator) {
        let token = fixture.token(BEA, role);
        assert_eq!(fixture.status("/ops/status", Some(&token)).await, StatusCode::FORBIDDEN, "{role}");
        let reads = if role == Role::Auditor { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(fixture.status("/dead-letters", Some(&token)).await, reads, "{role}");
        let asked = request(Method::POST, &format!("/dead-letters/{}/skip", Uuid::from_u128(2)), Some(&token));
        assert_eq!(fixture.send(asked.body(Body::empty()).unwrap()).await.status(), StatusCode::FORBIDDEN, "{role}");
    }
    assert_eq!(fixture.status("/operations/status", Some(&administrator(&fixture))).await, StatusCode::NOT_FOUND);
}
