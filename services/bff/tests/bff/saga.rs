//! The saga log for people.
use crate::browser::{ACCEPT, Browser};
use crate::support::{Fixture, SOON, fixture, json_of, request};
use axum::body::Body;
use axum::http::{HeaderValue, Method, Response, StatusCode, header};
use domain_kernel::Role;
use http_body_util::BodyExt;
use serde_json::{Value, json};

const EVENT: &str = "00000000-0000-0000-0000-0000000000e1";
const ANSWER: &str = "00000000-0000-0000-0000-0000000000e2";

fn event(id: &str, event_type: &str, topic: &str, state: &str, cause: Option<&str>, consumers: &Value) -> Value {
    json!({
        "id": id,
        "event_type": event_type,
        "state": state,
        "correlation_id": "00000000-0000-0000-0000-00000000000c",
        "causation_id": cause,
        "topic": topic,
        "aggregate": "00000000-0000-0000-0000-00000000000a",
        "version": 1,
        "occurred_at": if cause.is_some() { "2025-12-31T23:59:30.250Z" } else { "2025-12-31T23:59:30Z" },
        "consumers": consumers,
    })
}

/// A user was created, and the mail to them failed for good.
fn failed() -> Value {
    let gave_up = json!([{"name": "notifications", "state": "FAILED", "attempts": 5, "error": "smtp_refused"}]);
    event(EVENT, "UserCreated", "event-user", "FAILED", None, &gave_up)
}

fn tell(fixture: &Fixture, path: &str, answer: Value) {
    let answers = &fixture.upstream("saga_log").told.answers;
    answers.lock().unwrap().insert(path.to_owned(), (StatusCode::OK, answer));
}

fn tell_of(fixture: &Fixture, shown: &Value) {
    let answered = json!([{"name": "results", "state": "PROCESSED", "attempts": 1, "error": null}]);
    let caused = event(ANSWER, "NotificationFailed", "event-notification", "PROCESSED", Some(EVENT), &answered);
    let mut view = shown.clone();
    view["saga"] = json!([shown, caused]);
    tell(fixture, &format!("/saga/logs/{}", shown["id"].as_str().unwrap()), view);
}

#[tokio::test]
async fn a_browser_gets_a_page_and_everything_else_the_services_json() {
    let fixture = fixture().await;
    let list = json!({"items": [failed()], "next": null});
    tell(&fixture, "/saga/logs", list.clone());
    let mut browser = Browser::signed_in(&fixture, Role::Administrator).await;
    let page = browser.get("/saga/logs").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("UserCreated") && page.body.contains("smtp_refused"), "{}", page.body);
    let token = fixture.token(crate::support::ANA, Role::Administrator);
    for accept in ["*/*", "application/json", ACCEPT] {
        let asked = request(Method::GET, "/saga/logs", Some(&token)).header(header::ACCEPT, accept);
        let response = fixture.send(asked.body(Body::empty()).unwrap()).await;
        assert_eq!(json_of(response).await, list, "{accept}");
    }
}

#[tokio::test]
async fn whoever_is_not_signed_in_is_led_to_the_form_and_back() {
    let fixture = fixture().await;
    let mut browser = Browser::new(&fixture);
    let got = browser.get("/saga/logs?state=FAILED&type=").await;
    assert_eq!(got.location(), "/sign-in?next=%2Fsaga%2Flogs%3Fstate%3DFAILED%26type%3D");
    let form = browser.get("/sign-in?next=%2Fsaga%2Flogs%3Fstate%3DFAILED").await.body;
    assert!(form.contains("name=\"next\" value=\"/saga/logs?state=FAILED\""), "{form}");
}

#[tokio::test]
async fn filters_stand_in_the_address_and_reach_the_service_the_page_and_the_command() {
    let fixture = fixture().await;
    tell(&fixture, "/saga/logs", json!({"items": [failed()], "next": "abc"}));
    let mut browser = Browser::signed_in(&fixture, Role::Administrator).await;
    let asked = "/saga/logs?state=FAILED&type=UserCreated&from=2025-12-31T10%3A00&to=&correlation_id=";
    let page = browser.get(asked).await.body;
    let (path, headers) = fixture.upstream("saga_log").told.last("/saga/logs").unwrap();
    assert_eq!(path, "/saga/logs?state=FAILED&type=UserCreated&from=2025-12-31T10%3A00%3A00.000Z&limit=25");
    assert!(!headers.contains_key(header::COOKIE));
    assert!(page.contains("<option selected>FAILED</option>"), "{page}");
    assert!(page.contains("value=\"2025-12-31T10:00:00\""), "{page}");
    assert!(page.contains("historia saga list --state FAILED --type UserCreated --from 2025-12-31T10:00:00.000Z"));
    let next = "/saga/logs?state=FAILED&#38;type=UserCreated&#38;from=2025-12-31T10%3A00%3A00.000Z&#38;cursor=abc";
    assert!(page.contains(next), "{page}");
    assert!(page.contains("hace 30,000 s"), "{page}");
}

#[tokio::test]
async fn a_saga_is_drawn_and_told_in_a_table_and_as_a_tree() {
    let fixture = fixture().await;
    tell_of(&fixture, &failed());
    let mut browser = Browser::signed_in(&fixture, Role::Auditor).await;
    let page = browser.get(&format!("/saga/logs/{EVENT}?lang=en")).await.body;
    assert!(page.contains("<title id=\"timeline-name\">Timeline</title>") && page.contains("<polygon"), "{page}");
    assert_eq!(page.matches("<g class=\"lane ").count(), 4, "two events, and an answer owed to each");
    assert!(page.contains("+250 ms"), "{page}");
    let tree = page.split_once("<ul class=\"tree\">").unwrap().1;
    assert!(tree.contains("aria-current=\"true\">UserCreated"), "{tree}");
    assert!(tree.find("UserCreated").unwrap() < tree.find("<ul>").unwrap());
    assert!(tree.find("<ul>").unwrap() < tree.find("NotificationFailed").unwrap());
    assert!(page.contains(&format!("historia saga show {EVENT}")));
    assert!(!page.contains("/retry\""), "an auditor asks for nothing");
}

#[tokio::test]
async fn an_administrator_asks_for_a_retry_with_a_reason() {
    let fixture = fixture().await;
    tell_of(&fixture, &failed());
    let mut browser = Browser::signed_in(&fixture, Role::Administrator).await;
    let path = format!("/saga/logs/{EVENT}");
    let page = browser.get(&path).await;
    for wish in ["retry", "skip"] {
        assert!(page.body.contains(&format!("action=\"{path}/{wish}\"")), "{wish}");
        let fields = [("form_token", &*page.form_token()), ("reason", "the mail server is back"), ("consumer", "")];
        let got = browser.post(&format!("{path}/{wish}"), &fields).await;
        assert_eq!(got.location(), format!("{path}?asked={wish}"));
        let told = &fixture.upstream("saga_log").told;
        assert!(told.last(&format!("{path}/{wish}")).is_some());
        let body = told.bodies.lock().unwrap().last().cloned().unwrap();
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), json!({"reason": "the mail server is back"}));
    }
    assert!(browser.get(&format!("{path}?asked=retry")).await.body.contains("Se pidió el reintento."));
}

#[tokio::test]
async fn nobody_is_offered_to_skip_what_is_clinical_or_to_retry_what_did_not_fail() {
    let fixture = fixture().await;
    let mut browser = Browser::signed_in(&fixture, Role::Administrator).await;
    let gave_up = json!([{"name": "notifications", "state": "FAILED", "attempts": 5, "error": null}]);
    tell_of(&fixture, &event(EVENT, "ResultCreated", "event-result", "FAILED", None, &gave_up));
    let page = browser.get(&format!("/saga/logs/{EVENT}")).await.body;
    assert!(page.contains("/retry\"") && !page.contains("/skip\""), "{page}");
    tell_of(&fixture, &event(EVENT, "UserCreated", "event-user", "PROCESSED", None, &json!([])));
    let page = browser.get(&format!("/saga/logs/{EVENT}")).await.body;
    assert!(!page.contains("/retry\"") && !page.contains("/skip\""), "{page}");
}

#[tokio::test]
async fn a_retry_that_no_page_of_the_session_sent_has_no_effect() {
    let fixture = fixture().await;
    let mut browser = Browser::signed_in(&fixture, Role::Administrator).await;
    let path = format!("/saga/logs/{EVENT}/retry");
    let other = Browser::signed_in(&fixture, Role::Administrator).await.get("/").await.form_token();
    for token in ["", "other", &other] {
        let got = browser.post(&path, &[("form_token", token), ("reason", "x")]).await;
        assert_eq!(got.status, StatusCode::FORBIDDEN);
    }
    let ours = browser.get("/").await.form_token();
    let body = format!("form_token={ours}&reason=x");
    let kind = "application/x-www-form-urlencoded";
    let foreign = browser.request(Method::POST, &path).header(header::ORIGIN, "https://evil.example");
    let foreign = foreign.header(header::CONTENT_TYPE, kind).body(body.into()).unwrap();
    assert_eq!(browser.send(foreign).await.status, StatusCode::FORBIDDEN);
    assert!(fixture.upstream("saga_log").told.last(&path).is_none());
}

#[tokio::test]
async fn who_may_not_is_told_so_on_a_page() {
    let fixture = fixture().await;
    let mut patient = Browser::signed_in(&fixture, Role::Patient).await;
    let got = patient.get("/saga/logs").await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    assert!(got.body.contains("Su rol no puede ver esto"), "{}", got.body);
    assert!(!patient.get("/").await.body.contains("href=\"/saga/logs\""));

    let mut laboratory = Browser::signed_in(&fixture, Role::Laboratory).await;
    let token = laboratory.get("/").await.form_token();
    let fields = [("form_token", &*token), ("reason", "x")];
    let got = laboratory.post(&format!("/saga/logs/{EVENT}/retry"), &fields).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    assert!(fixture.upstream("saga_log").told.last(&format!("/saga/logs/{EVENT}/retry")).is_none());
}

#[tokio::test]
async fn what_the_service_refuses_is_said_in_the_readers_language() {
    let fixture = fixture().await;
    let mut browser = Browser::signed_in(&fixture, Role::Administrator).await;
    let token = browser.get("/").await.form_token();
    let refusal = json!({"code": "nothing_failed", "title": "x", "status": 409, "detail": "No consumer gave up."});
    let path = format!("/saga/logs/{EVENT}/retry");
    let answers = &fixture.upstream("saga_log").told.answers;
    answers.lock().unwrap().insert(path.clone(), (StatusCode::CONFLICT, refusal));
    let got = browser.post(&path, &[("form_token", &token), ("reason", "x")]).await;
    assert_eq!(got.status, StatusCode::CONFLICT);
    assert!(got.body.contains("Nadie se dio por vencido con este evento"), "{}", got.body);
}

#[tokio::test]
async fn a_session_of_who_has_to_choose_a_password_shows_nothing_but_that() {
    let fixture = fixture().await;
    let administrator = crate::upstreams::account(Role::Administrator);
    fixture.upstream("users").told.must_change.lock().unwrap().push(administrator.0);
    let mut browser = Browser::new(&fixture);
    browser.sign_in("administrator", crate::upstreams::PASSWORD, "/").await;
    assert_eq!(browser.get("/saga/logs").await.location(), "/password?required&next=%2Fsaga%2Flogs");
}

/// A live view, opened by `browser`.
async fn live(fixture: &Fixture, browser: &Browser<'_>, query: &str) -> Response<Body> {
    let request = browser.request(Method::GET, &format!("/saga/logs/live?{query}"));
    let mut request = request.body(Body::empty()).unwrap();
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
    fixture.send(request).await
}

/// What it tells, until `until` is in it; `None` when it ends before.
async fn tells(view: &mut Response<Body>, until: &str) -> Option<String> {
    let mut told = String::new();
    while !told.contains(until) {
        let frame = tokio::time::timeout(SOON, view.body_mut().frame()).await.unwrap()?;
        told.push_str(std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap());
    }
    Some(told)
}

#[tokio::test]
async fn a_live_view_goes_on_from_its_page_and_tells_rows_under_its_filter() {
    let fixture = fixture().await;
    let browser = Browser::signed_in(&fixture, Role::Administrator).await;
    let settled = event(ANSWER, "UserCreated", "event-user", "PROCESSED", None, &json!([]));
    tell(&fixture, "/saga/logs/changes", json!({"items": [failed(), settled], "next": "c1"}));
    let mut view = live(&fixture, &browser, "state=FAILED&type=UserCreated&after=c0").await;
    assert_eq!(view.status(), StatusCode::OK);
    assert_eq!(view.headers()[header::CONTENT_TYPE], "text/event-stream");
    let told = tells(&mut view, "id: c1").await.unwrap();
    assert!(told.contains("event: event\ndata: <tr id=\"event-00000000-0000-0000-0000-0000000000e1\">"), "{told}");
    assert!(told.contains("event: left\n"), "what left the filter is told apart: {told}");
    let seen = fixture.upstream("saga_log").told.seen.lock().unwrap().clone();
    let asked = &seen.iter().find(|(path, _)| path.starts_with("/saga/logs/changes")).unwrap().0;
    assert_eq!(asked, "/saga/logs/changes?type=UserCreated&after=c0");
}

#[tokio::test]
async fn a_page_says_where_its_live_view_goes_on() {
    let fixture = fixture().await;
    tell(&fixture, "/saga/logs/changes", json!({"items": [], "next": "c7"}));
    tell(&fixture, "/saga/logs", json!({"items": [], "next": null}));
    let mut browser = Browser::signed_in(&fixture, Role::Administrator).await;
    let page = browser.get("/saga/logs?state=FAILED").await.body;
    assert!(page.contains("data-live=\"/saga/logs/live?state=FAILED\" data-after=\"c7\""), "{page}");
    let seen: Vec<String> =
        fixture.upstream("saga_log").told.seen.lock().unwrap().iter().map(|(path, _)| path.clone()).collect();
    assert_eq!(seen, ["/saga/logs/changes", "/saga/logs?state=FAILED&limit=25"], "in this order");
    assert!(!browser.get("/saga/logs?cursor=x").await.body.contains("data-live"), "older pages stand still");
}

#[tokio::test]
async fn a_live_view_that_was_interrupted_goes_on_where_it_was() {
    let fixture = fixture().await;
    let browser = Browser::signed_in(&fixture, Role::Auditor).await;
    tell(&fixture, "/saga/logs/changes", json!({"items": [failed()], "next": "c9"}));
    let request = browser.request(Method::GET, "/saga/logs/live?after=c0").header("last-event-id", "c8");
    let mut view = fixture.send(request.body(Body::empty()).unwrap()).await;
    tells(&mut view, "id: c9").await.unwrap();
    let (path, _) = fixture.upstream("saga_log").told.last("/saga/logs/changes?after=c8").unwrap();
    assert_eq!(path, "/saga/logs/changes?after=c8");
}

#[tokio::test]
async fn a_live_view_ends_with_its_session() {
    let fixture = fixture().await;
    let mut browser = Browser::signed_in(&fixture, Role::Administrator).await;
    tell(&fixture, "/saga/logs/changes", json!({"items": [], "next": "c0"}));
    let mut view = live(&fixture, &browser, "after=c0").await;
    let token = browser.get("/").await.form_token();
    browser.post("/sign-out", &[("form_token", &token)]).await;
    assert!(tells(&mut view, "event: end").await.is_some());
    assert_eq!(tells(&mut view, "anything").await, None);
}

#[tokio::test]
async fn a_live_view_that_is_only_left_open_does_not_keep_its_session() {
    let fixture = fixture().await;
    let browser = Browser::signed_in(&fixture, Role::Administrator).await;
    tell(&fixture, "/saga/logs/changes", json!({"items": [], "next": "c0"}));
    let mut view = live(&fixture, &browser, "after=c0").await;
    fixture.clock.advance_millis(30 * 60 * 1_000);
    assert!(tells(&mut view, "event: end").await.is_some());
}

#[tokio::test]
async fn a_user_has_three_live_views_and_a_closed_one_makes_room() {
    let fixture = fixture().await;
    let browser = Browser::signed_in(&fixture, Role::Administrator).await;
    let mut views = Vec::new();
    for _ in 0..3 {
        views.push(live(&fixture, &browser, "after=c0").await);
    }
    assert_eq!(live(&fixture, &browser, "after=c0").await.status(), StatusCode::TOO_MANY_REQUESTS);
    let auditor = Browser::signed_in(&fixture, Role::Auditor).await;
    assert_eq!(live(&fixture, &auditor, "after=c0").await.status(), StatusCode::OK, "another user's");
    views.pop();
    assert_eq!(live(&fixture, &browser, "after=c0").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_live_view_is_for_who_may_see_the_saga_log() {
    let fixture = fixture().await;
    let nobody = Browser::new(&fixture);
    assert_eq!(live(&fixture, &nobody, "after=c0").await.status(), StatusCode::UNAUTHORIZED);
    let patient = Browser::signed_in(&fixture, Role::Patient).await;
    assert_eq!(live(&fixture, &patient, "after=c0").await.status(), StatusCode::FORBIDDEN);
    let administrator = Browser::signed_in(&fixture, Role::Administrator).await;
    assert_eq!(live(&fixture, &administrator, "").await.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn what_a_service_tells_is_never_markup() {
    let fixture = fixture().await;
    let evil = json!([{"name": "<b>x</b>", "state": "FAILED", "attempts": 1, "error": "<script>alert(1)</script>"}]);
    tell(
        &fixture,
        "/saga/logs",
        json!({"items": [event(EVENT, "<i>", "event-user", "FAILED", None, &evil)], "next": null}),
    );
    let mut browser = Browser::signed_in(&fixture, Role::Administrator).await;
    let page = browser.get("/saga/logs?type=%22%3E%3Cscript%3E").await.body;
    assert!(!page.contains("<script>") && !page.contains("<b>") && !page.contains("<i>"), "{page}");
}
