//! Signing in with a browser, and what its session is worth.
use crate::browser::{ACCEPT, Browser};
use crate::support::{SOON, fixture, json_of, request};
use crate::upstreams::{LIFETIME_SECONDS, PASSWORD, account};
use axum::body::Body;
use axum::http::{HeaderValue, Method, StatusCode, header};
use domain_kernel::Role;
use domain_kernel::ports::Clock;
use infra_testkit::wait_for;
use serde_json::json;
use std::sync::Arc;

const SESSION: &str = "historia-session";

#[tokio::test]
async fn a_page_loads_nothing_from_elsewhere_and_holds_no_script_or_style() {
    let fixture = fixture().await;
    let mut browser = Browser::new(&fixture);
    for path in ["/", "/sign-in", "/nothing"] {
        let got = browser.get(path).await;
        assert_eq!(got.headers[header::CONTENT_TYPE], "text/html; charset=utf-8", "{path}");
        assert_eq!(
            got.headers[header::CONTENT_SECURITY_POLICY],
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
             form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        );
        assert_eq!(got.headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(got.headers[header::REFERRER_POLICY], "same-origin");
        assert!(!got.body.contains("<style") && !got.body.contains("<script>") && !got.body.contains(" style="));
        assert!(!got.body.contains("://"), "{}", got.body);
        assert_eq!(got.body.matches("<h1").count(), 1, "{path}");
    }
}

#[tokio::test]
async fn what_pages_load_is_there_and_kept_by_its_digest() {
    let fixture = fixture().await;
    let page = Browser::new(&fixture).get("/sign-in").await.body;
    for file in ["pages.css", "pages.js", "htmx.min.js"] {
        let path = format!("/assets/{file}");
        assert!(page.contains(&path), "{file}");
        let response = fixture.get(&path, None).await;
        assert_eq!(response.status(), StatusCode::OK, "{file}");
        let etag = response.headers()[header::ETAG].clone();
        let again = request(Method::GET, &path, None).header(header::IF_NONE_MATCH, etag).body(Body::empty()).unwrap();
        assert_eq!(fixture.send(again).await.status(), StatusCode::NOT_MODIFIED, "{file}");
    }
    assert_eq!(fixture.status("/assets/other.js", None).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn whoever_signs_in_gets_a_session_and_is_led_where_they_wanted_to() {
    let fixture = fixture().await;
    let mut browser = Browser::new(&fixture);
    let got = browser.sign_in("administrator", PASSWORD, "/saga/logs?state=FAILED").await;
    assert_eq!(got.location(), "/saga/logs?state=FAILED");
    let cookie = got.headers.get_all(header::SET_COOKIE).iter().next().unwrap().to_str().unwrap().to_owned();
    assert!(
        cookie.starts_with("historia-session=") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
    let page = browser.get("/").await.body;
    assert!(page.contains("administrador") && page.contains("Cerrar sesión"), "{page}");
    assert_eq!(browser.get("/sign-in?next=%2Fdocs").await.location(), "/docs");
}

#[tokio::test]
async fn signing_in_never_leads_to_another_site() {
    let fixture = fixture().await;
    let got = Browser::new(&fixture).sign_in("patient", PASSWORD, "//evil.example/").await;
    assert_eq!(got.location(), "/");
}

#[tokio::test]
async fn a_wrong_password_is_said_beside_the_form_and_never_repeated() {
    let fixture = fixture().await;
    let mut browser = Browser::new(&fixture);
    let got = browser.sign_in("patient", "wrong-password", "/saga/logs").await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
    assert_eq!(got.headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
    assert!(got.body.contains("role=\"alert\"") && got.body.contains("value=\"patient\""), "{}", got.body);
    assert!(got.body.contains("value=\"/saga/logs\"") && !got.body.contains("wrong-password"), "{}", got.body);
    assert!(!browser.cookies.contains_key(SESSION));
}

#[tokio::test]
async fn a_sign_in_that_no_page_of_ours_sent_reaches_nobody() {
    let fixture = fixture().await;
    let mut browser = Browser::new(&fixture);
    let token = browser.get("/sign-in").await.form_token();
    let body = |token: &str| format!("form_token={token}&username=patient&password=x");
    let form = "application/x-www-form-urlencoded";
    let post = |browser: &Browser, origin: &str, kind: &str, body: String| {
        let request = browser.request(Method::POST, "/sign-in").header(header::ORIGIN, origin);
        request.header(header::CONTENT_TYPE, kind).body(body.into()).unwrap()
    };
    let ours = "http://localhost:8080";
    let mut wrong = vec![
        post(&browser, "https://evil.example", form, body(&token)),
        post(&browser, "null", form, body(&token)),
        post(&browser, ours, form, body("other")),
        post(&browser, ours, form, body("")),
        post(&Browser::new(&fixture), ours, form, body(&token)),
    ];
    for request in wrong.drain(..) {
        let got = browser.send(request).await;
        assert_eq!(got.status, StatusCode::FORBIDDEN);
        assert!(got.body.contains("Este formulario ya no es válido"), "{}", got.body);
    }
    let json = post(&browser, ours, "application/json", "{}".to_owned());
    assert_eq!(browser.send(json).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(fixture.upstream("users").told.last("/login").is_none());
}

#[tokio::test]
async fn signing_out_ends_the_session_here_and_at_the_users_service() {
    let fixture = fixture().await;
    let mut browser = Browser::signed_in(&fixture, Role::Patient).await;
    let old = browser.cookies[SESSION].clone();
    let token = browser.get("/").await.form_token();
    let forged = browser.post("/sign-out", &[("form_token", "other")]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let got = browser.post("/sign-out", &[("form_token", &token)]).await;
    assert_eq!(got.location(), "/sign-in?signed-out");
    assert!(!browser.cookies.contains_key(SESSION));
    assert!(fixture.upstream("users").told.last("/logout").is_some());
    browser.cookies.insert(SESSION.to_owned(), old);
    assert!(browser.get("/").await.body.contains("Iniciar sesión"));
}

#[tokio::test]
async fn a_session_that_was_revoked_is_over() {
    let fixture = fixture().await;
    let mut browser = Browser::signed_in(&fixture, Role::Patient).await;
    let revocation =
        json!({"kind": "user", "id": account(Role::Patient).0, "at": fixture.clock.now().plus_seconds(1).0});
    fixture.upstream("users").told.revocations.lock().unwrap().push(revocation);
    wait_for("the end of the session", SOON, async || {
        browser.get("/").await.body.contains("Iniciar sesión").then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_access_token_that_ends_is_refreshed_once_for_all_who_wait() {
    let fixture = fixture().await;
    let browser = Browser::signed_in(&fixture, Role::Administrator).await;
    fixture.clock.advance_millis((LIFETIME_SECONDS - 10) * 1_000);
    let visits = (0..20).map(|_| {
        let request = browser.request(Method::GET, "/").body(Body::empty()).unwrap();
        async { crate::support::text(fixture.send(request).await).await }
    });
    let pages = futures_util::future::join_all(visits).await;
    assert!(pages.iter().all(|page| page.contains("administrador")));
    let seen = fixture.upstream("users").told.seen.lock().unwrap().clone();
    assert_eq!(seen.iter().filter(|(path, _)| path == "/token/refresh").count(), 1);
}

#[tokio::test]
async fn a_session_that_cannot_be_refreshed_is_over() {
    let fixture = fixture().await;
    let mut browser = Browser::signed_in(&fixture, Role::Administrator).await;
    fixture.upstream("users").told.refresh_tokens.lock().unwrap().clear();
    fixture.clock.advance_millis(LIFETIME_SECONDS * 1_000);
    assert!(browser.get("/").await.body.contains("Iniciar sesión"));
}

#[tokio::test]
async fn a_token_counts_for_programs_and_a_cookie_for_pages_alone() {
    let fixture = fixture().await;
    let browser = Browser::signed_in(&fixture, Role::Laboratory).await;
    let cookie = format!("{SESSION}={}", browser.cookies[SESSION]);
    for accept in ["application/json", "*/*", ACCEPT] {
        let builder = request(Method::GET, "/results", None).header(header::ACCEPT, accept);
        let response = fixture.send(builder.header(header::COOKIE, &cookie).body(Body::empty()).unwrap()).await;
        let refused = [StatusCode::UNAUTHORIZED, StatusCode::SEE_OTHER].contains(&response.status());
        assert!(refused, "{accept}: {}", response.status());
    }
    let both = request(Method::GET, "/", Some("no-token")).header(header::ACCEPT, ACCEPT);
    let response = fixture.send(both.header(header::COOKIE, &cookie).body(Body::empty()).unwrap()).await;
    assert_eq!(json_of(response).await["message"], "BFF Running");
}

#[tokio::test]
async fn a_problem_is_a_page_for_people_and_a_document_for_programs() {
    let fixture = fixture().await;
    let mut browser = Browser::new(&fixture);
    let got = browser.get("/nothing").await;
    assert_eq!(got.status, StatusCode::NOT_FOUND);
    assert!(got.body.contains("<html lang=\"es\">") && got.body.contains("Esta página no existe"), "{}", got.body);
    let request_id = got.headers["historia-request-id"].to_str().unwrap();
    assert!(got.body.contains(request_id));
    assert_eq!(json_of(fixture.get("/nothing", None).await).await["code"], "not_found");
    let post = browser.post("/docs", &[]).await;
    assert_eq!(
        (post.status, &post.headers[header::ALLOW]),
        (StatusCode::METHOD_NOT_ALLOWED, &HeaderValue::from_static("GET"))
    );
}

#[tokio::test]
async fn a_language_once_chosen_stays() {
    let fixture = fixture().await;
    let mut browser = Browser::new(&fixture);
    assert!(browser.get("/sign-in").await.body.contains("<html lang=\"es\">"));
    assert!(browser.get("/sign-in?lang=en").await.body.contains("<html lang=\"en\">"));
    let again = browser.get("/sign-in?next=%2Fdocs").await.body;
    assert!(again.contains("<html lang=\"en\">"));
    assert!(again.contains("href=\"/sign-in?next=%2Fdocs&#38;lang=es\" hreflang=\"es\" lang=\"es\""), "{again}");
}

#[tokio::test]
async fn whoever_has_to_choose_a_password_is_told_so_and_may_sign_out() {
    let fixture = fixture().await;
    let users = Arc::clone(&fixture.upstream("users").told);
    users.must_change.lock().unwrap().push(account(Role::Administrator).0);
    let mut browser = Browser::new(&fixture);
    let got = browser.sign_in("administrator", PASSWORD, "/").await;
    assert_eq!(got.location(), "/password?required&next=%2F");
    let token = browser.get("/").await.form_token();
    assert_eq!(browser.post("/sign-out", &[("form_token", &token)]).await.location(), "/sign-in?signed-out");
}
