//! Choosing another password in a browser.
use crate::browser::{Browser, Got};
use crate::support::{Fixture, fixture};
use crate::upstreams::{PASSWORD, account};
use axum::http::StatusCode;
use domain_kernel::Role;

const OWN: &str = "one of my own";

/// A gateway before an administrator whose password somebody else chose.
async fn with_a_given_password() -> Fixture {
    let fixture = fixture().await;
    fixture.upstream("users").told.must_change.lock().unwrap().push(account(Role::Administrator).0);
    fixture
}

async fn choose(browser: &mut Browser<'_>, current: &str, chosen: &str, again: &str) -> Got {
    let token = browser.get("/password").await.form_token();
    let fields = [
        ("form_token", &*token),
        ("next", "/saga/logs"),
        ("current_password", current),
        ("new_password", chosen),
        ("new_password_again", again),
    ];
    browser.post("/password", &fields).await
}

#[tokio::test]
async fn whose_password_somebody_else_chose_is_led_to_the_form_and_then_on_to_where_they_wanted() {
    let fixture = with_a_given_password().await;
    let mut browser = Browser::new(&fixture);
    let to_the_form = "/password?required&next=%2Fsaga%2Flogs%3Fstate%3DFAILED";
    let got = browser.sign_in("administrator", PASSWORD, "/saga/logs?state=FAILED").await;
    assert_eq!(got.location(), to_the_form);
    assert_eq!(browser.get("/saga/logs?state=FAILED").await.location(), to_the_form, "whatever they look for");
    let page = browser.get(to_the_form).await;
    assert!(page.body.contains("Su contraseña la eligió otra persona"), "{}", page.body);
    assert!(page.body.contains("name=\"next\" value=\"/saga/logs?state=FAILED\""), "{}", page.body);

    let changed = choose(&mut browser, PASSWORD, OWN, OWN).await;
    assert_eq!(changed.location(), "/password?changed&next=%2Fsaga%2Flogs");
    let page = browser.get("/password?changed&next=%2Fsaga%2Flogs").await.body;
    assert!(page.contains("role=\"status\"") && page.contains("href=\"/saga/logs\""), "{page}");
    assert!(browser.get("/ops").await.status == StatusCode::OK, "and everything is answered");
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_the_form_and_nothing_that_was_typed_is_repeated() {
    let fixture = with_a_given_password().await;
    let mut browser = Browser::new(&fixture);
    browser.sign_in("administrator", PASSWORD, "/").await;
    let wrong = [
        ("not this one", OWN, OWN, "La contraseña actual no es correcta"),
        (PASSWORD, OWN, "another of my own", "no son iguales"),
        (PASSWORD, "short", "short", "muy corta"),
    ];
    for (current, chosen, again, words) in wrong {
        let got = choose(&mut browser, current, chosen, again).await;
        assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(got.body.contains("role=\"alert\"") && got.body.contains(words), "{}", got.body);
        for typed in [current, chosen, again] {
            assert!(!got.body.contains(&format!("\"{typed}\"")), "{}", got.body);
        }
        assert!(got.body.contains("name=\"next\" value=\"/saga/logs\""), "{}", got.body);
    }
    assert_eq!(browser.get("/ops").await.location(), "/password?required&next=%2Fops", "nothing changed");
}

#[tokio::test]
async fn the_form_is_for_who_is_signed_in_and_only_our_own_page_sends_it() {
    let fixture = fixture().await;
    assert_eq!(Browser::new(&fixture).get("/password").await.location(), "/sign-in?next=%2Fpassword");
    let mut browser = Browser::signed_in(&fixture, Role::Patient).await;
    assert!(browser.get("/").await.body.contains("href=\"/password\""), "everybody may change their own");
    let forged = browser.post("/password", &[("form_token", "other"), ("current_password", PASSWORD)]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let elsewhere = browser.get("/password?changed&next=%2F%2Fevil.example").await.body;
    assert!(!elsewhere.contains("evil.example\">"), "{elsewhere}");
    assert!(fixture.upstream("users").told.last("/me/password").is_none());
}
