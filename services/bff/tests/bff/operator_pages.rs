//! What operators see and do in a browser.
use crate::browser::Browser;
use crate::support::{Fixture, fixture};
use axum::http::StatusCode;
use domain_kernel::Role;
use infra_http::operations::{DeadLetterView, ProjectionView, RebuildView};
use serde_json::{Value, json};
use uuid::Uuid;

const LETTER: Uuid = Uuid::from_u128(0xde);
const EVENT: Uuid = Uuid::from_u128(0xe1);

fn letter(topic: &str) -> DeadLetterView {
    DeadLetterView {
        id: LETTER,
        consumer: "notifications".to_owned(),
        event_id: EVENT,
        event_type: "users.user_created".to_owned(),
        topic: topic.to_owned(),
        aggregate: Uuid::from_u128(0xa),
        version: 1,
        correlation_id: Uuid::from_u128(0xc),
        attempts: 3,
        code: "event_malformed".to_owned(),
        failed_at: "2025-12-31T23:59:30Z".parse().unwrap(),
        parked_behind: 2,
    }
}

async fn with_letter(topic: &str) -> Fixture {
    let fixture = fixture().await;
    fixture.upstream("notifications").told.letters.lock().unwrap().push(letter(topic));
    fixture
}

#[tokio::test]
async fn an_administrator_sees_services_and_dead_letters_and_what_may_be_done_about_them() {
    let fixture = with_letter("event-user").await;
    let mut browser = Browser::signed_in(&fixture, Role::Administrator).await;
    let page = browser.get("/ops?lang=en").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    for service in ["users", "results", "notifications", "saga_log"] {
        assert!(page.body.contains(&format!("<th scope=\"row\">{service}</th>")), "{service}");
    }
    assert!(page.body.contains("UserCreated") && page.body.contains("event_malformed"), "{}", page.body);
    for wish in ["retry", "skip"] {
        assert!(page.body.contains(&format!("action=\"/dead-letters/{LETTER}/{wish}\"")), "{wish}");
    }
}

#[tokio::test]
async fn an_open_breaker_is_shown_in_words() {
    let mut fixture = fixture().await;
    fixture.upstream_mut("results").die().await;
    let mut browser = Browser::signed_in(&fixture, Role::Administrator).await;
    for _ in 0..5 {
        browser.get("/ops").await;
    }
    let page = browser.get("/ops?lang=en").await.body;
    assert!(page.contains("gateway: <span class=\"state failed\">open: not asked</span>"), "{page}");
    assert_eq!(page.matches("gateway: <span class=\"state processed\">closed</span>").count(), 3, "{page}");
}

#[tokio::test]
async fn a_rebuild_is_shown_with_how_far_it_is_and_whether_it_was_broken_off() {
    let fixture = fixture().await;
    let rebuilt = |running| ProjectionView {
        name: "result_summary".to_owned(),
        version: 1,
        generation: 2,
        position: 7,
        behind_events: 0,
        behind_seconds: 0,
        paused: false,
        pause: None,
        rebuild: Some(RebuildView { done: 1_999, total: 4_000, running }),
    };
    let mut browser = Browser::signed_in(&fixture, Role::Administrator).await;
    for (running, words) in [(true, ">rebuild</span>"), (false, ">rebuild broken off</span>")] {
        *fixture.upstream("results").told.projections.lock().unwrap() = vec![rebuilt(running)];
        let page = browser.get("/ops?lang=en").await.body;
        assert!(
            page.contains("<progress max=\"4000\" value=\"1999\"") && page.contains("1999 / 4000 · 49 %"),
            "{page}"
        );
        assert!(page.contains(words), "{page}");
    }
}

#[tokio::test]
async fn the_letter_of_a_clinical_event_is_not_offered_for_skipping() {
    let fixture = with_letter("event-result").await;
    let page = Browser::signed_in(&fixture, Role::Administrator).await.get("/ops").await.body;
    assert!(page.contains(&format!("/dead-letters/{LETTER}/retry")), "{page}");
    assert!(!page.contains(&format!("/dead-letters/{LETTER}/skip")), "{page}");
}

#[tokio::test]
async fn a_wish_about_a_letter_reaches_the_saga_log_with_its_reason() {
    let fixture = with_letter("event-user").await;
    let mut browser = Browser::signed_in(&fixture, Role::Administrator).await;
    let token = browser.get("/ops").await.form_token();
    let path = format!("/dead-letters/{LETTER}/retry");
    let forged = browser.post(&path, &[("form_token", "other"), ("reason", "x")]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let saga_log = &fixture.upstream("saga_log").told;
    assert!(saga_log.last(&format!("/saga/logs/{EVENT}/retry")).is_none());
    let got = browser.post(&path, &[("form_token", &token), ("reason", "the schema is there now")]).await;
    assert_eq!(got.location(), "/ops?asked");
    assert!(saga_log.last(&format!("/saga/logs/{EVENT}/retry")).is_some());
    let sent: Value = serde_json::from_str(saga_log.bodies.lock().unwrap().last().unwrap()).unwrap();
    assert_eq!(sent, json!({"reason": "the schema is there now", "consumer": "notifications"}));
    assert!(browser.get("/ops?asked").await.body.contains("role=\"status\""));
}

#[tokio::test]
async fn nobody_else_sees_how_the_platform_stands() {
    let fixture = fixture().await;
    for role in [Role::Laboratory, Role::Patient, Role::Auditor] {
        let mut browser = Browser::signed_in(&fixture, role).await;
        assert_eq!(browser.get("/ops").await.status, StatusCode::FORBIDDEN, "{role}");
        assert!(!browser.get("/").await.body.contains("href=\"/ops\""), "{role}");
    }
    assert_eq!(Browser::new(&fixture).get("/ops").await.location(), "/sign-in?next=%2Fops");
}
