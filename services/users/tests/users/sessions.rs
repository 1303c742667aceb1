//! Sessions: refreshing, reuse, logging out, revocations, another password.
use crate::lab::{Lab, ROOT, SOON, Who};
use infra_testkit::wait_for;
use serde_json::{Value, json};
use service_users::type_id::{PASSWORD_SET, SESSIONS_REVOKED, USER_PASSWORD_CHANGED};

const HOUR: i64 = 60 * 60;

#[tokio::test]
async fn a_refresh_token_gives_new_tokens_of_the_same_session() {
    let lab = Lab::demo().await;
    lab.user("usuario2").await;
    let session = lab.log_in("usuario2", "password2").await;
    lab.advance(HOUR);
    let answer = lab.refresh(&session.refresh).await.expect(200);
    let next = lab.session(&answer);
    assert_eq!(next.id, session.id);
    assert_ne!(next.refresh, session.refresh);
    assert_eq!(answer.body["token"], answer.body["access_token"]);
    lab.refresh(&next.refresh).await.expect(200);
}

#[tokio::test]
async fn a_refreshed_token_has_the_role_of_now() {
    let lab = Lab::with_root().await;
    let user = lab.user("usuario2").await;
    let session = lab.log_in("usuario2", "password2").await;
    let root = lab.root().await;
    lab.send(root, "PATCH", &format!("/users/{user}"), Some(json!({"role": 2}))).await.expect(200);
    let answer = lab.refresh(&session.refresh).await.expect(200);
    assert_eq!(answer.body["user"]["role"], 2);
}

#[tokio::test]
async fn a_refresh_token_that_comes_twice_ends_its_session_and_is_remembered() {
    let lab = Lab::demo().await;
    let user = lab.user("usuario2").await;
    let session = lab.log_in("usuario2", "password2").await;
    let other = lab.log_in("usuario2", "password2").await;
    let next = lab.session(&lab.refresh(&session.refresh).await.expect(200));
    lab.refresh(&session.refresh).await.expect(401);
    lab.refresh(&next.refresh).await.expect(401);
    lab.refresh(&session.refresh).await.expect(401);
    assert_eq!(lab.revoked().await, [session.id]);
    let revoked = lab.history(user).await.into_iter().filter(|event| *event == SESSIONS_REVOKED).count();
    assert_eq!(revoked, 1, "once, however often the token is tried");
    // The other log-in is another family.
    lab.refresh(&other.refresh).await.expect(200);
}

#[tokio::test]
async fn of_many_who_refresh_with_one_token_at_once_one_gets_a_successor() {
    let lab = Lab::demo().await;
    lab.user("usuario2").await;
    for _ in 0..10 {
        let session = lab.log_in("usuario2", "password2").await;
        // Every connection is open and busy, so that they do come at once.
        futures_util::future::join_all((0..10).map(|_| lab.send(session.who, "GET", "/me", None))).await;
        let answers = futures_util::future::join_all((0..10).map(|_| lab.refresh(&session.refresh))).await;
        let given = answers.iter().filter(|answer| answer.status.as_u16() == 200).count();
        assert_eq!(given, 1);
        assert!(lab.revoked().await.contains(&session.id));
    }
}

#[tokio::test]
async fn a_refresh_token_that_idles_for_too_long_is_refused() {
    let lab = Lab::production().await;
    let session = lab.log_in(crate::lab::ROOT.0, crate::lab::ROOT.1).await;
    lab.advance(30 * 60);
    lab.refresh(&session.refresh).await.expect(401);
    assert_eq!(lab.revoked().await.len(), 0, "late is no theft");
}

#[tokio::test]
async fn a_session_ends_after_twelve_hours_however_often_it_is_refreshed() {
    let lab = Lab::demo().await;
    lab.user("usuario2").await;
    let mut session = lab.log_in("usuario2", "password2").await;
    for _ in 0..11 {
        lab.advance(HOUR);
        session = lab.session(&lab.refresh(&session.refresh).await.expect(200));
    }
    lab.advance(HOUR);
    lab.refresh(&session.refresh).await.expect(401);
}

#[tokio::test]
async fn an_unknown_refresh_token_is_refused() {
    let lab = Lab::demo().await;
    for token in ["", "x", &"A".repeat(43)] {
        lab.refresh(token).await.expect(401);
    }
}

#[tokio::test]
async fn logging_out_ends_this_session_and_no_other() {
    let lab = Lab::demo().await;
    lab.user("usuario2").await;
    let here = lab.log_in("usuario2", "password2").await;
    let there = lab.log_in("usuario2", "password2").await;
    lab.send(here.who, "POST", "/logout", None).await.expect(204);
    lab.send(here.who, "POST", "/logout", None).await.expect(204);
    lab.refresh(&here.refresh).await.expect(401);
    lab.refresh(&there.refresh).await.expect(200);
    assert_eq!(lab.revoked().await, [here.id]);
    lab.send(Who::Nobody, "POST", "/logout", None).await.expect(401);
}

#[tokio::test]
async fn the_gateway_is_told_what_was_revoked_since_its_cursor() {
    let lab = Lab::demo().await;
    lab.user("usuario2").await;
    let session = lab.log_in("usuario2", "password2").await;
    let ask = async |after: &str| {
        lab.send(Who::Gateway, "GET", &format!("/internal/revocations{after}"), None).await.expect(200)
    };
    let empty = ask("").await;
    assert_eq!(empty.body["items"], json!([]));
    let cursor = empty.text("next");
    lab.send(session.who, "POST", "/logout", None).await.expect(204);
    let answer = ask(&format!("?after={cursor}")).await;
    let now = 1_767_225_600_000_000_i64;
    assert_eq!(answer.body["items"], json!([{"kind": "session", "id": session.id.to_string(), "at": now}]));
    // Told again for ten seconds, then no more.
    let later = answer.text("next").parse::<i64>().unwrap() + 10_000_001;
    assert_eq!(ask(&format!("?after={later}")).await.body["items"], json!([]));
}

#[tokio::test]
async fn only_services_ask_for_revocations() {
    let lab = Lab::with_root().await;
    let root = lab.root().await;
    lab.send(root, "GET", "/internal/revocations", None).await.expect(404);
    lab.send(Who::Nobody, "GET", "/internal/revocations", None).await.expect(404);
}

#[tokio::test]
async fn another_password_ends_the_other_sessions_and_keeps_this_one() {
    let lab = Lab::demo().await;
    let user = lab.user("usuario2").await;
    let here = lab.log_in("usuario2", "password2").await;
    let there = lab.log_in("usuario2", "password2").await;
    let body = json!({"current_password": "password2", "new_password": "una frase larga"});
    lab.send(here.who, "POST", "/me/password", Some(body)).await.expect(204);
    lab.refresh(&there.refresh).await.expect(401);
    lab.refresh(&here.refresh).await.expect(200);
    assert_eq!(lab.revoked().await, [there.id]);
    lab.try_log_in("usuario2", "password2").await.expect(401);
    lab.try_log_in("usuario2", "una frase larga").await.expect(200);
    assert_eq!(lab.history(user).await[2..], [PASSWORD_SET, USER_PASSWORD_CHANGED, SESSIONS_REVOKED]);
}

/// What the gateway is told about the password of `user`.
async fn must_change(lab: &Lab, user: domain_kernel::UserId) -> bool {
    let answer = lab.send(Who::Gateway, "GET", &format!("/internal/users/{user}/password"), None).await.expect(200);
    answer.body["must_change_password"].as_bool().unwrap()
}

#[tokio::test]
async fn in_production_the_first_administrator_has_to_choose_another_password() {
    let lab = Lab::production().await;
    let answer = lab.try_log_in(ROOT.0, ROOT.1).await.expect(200);
    assert_eq!(answer.body["must_change_password"], true);
    let claims = lab.verifier().verify(&answer.text("access_token")).unwrap();
    assert!(claims.must_change_password, "the gateway learns it from the token");
    let session = lab.session(&answer);
    assert!(must_change(&lab, session.user).await);
    let refreshed = lab.refresh(&session.refresh).await.expect(200);
    assert_eq!(refreshed.body["must_change_password"], true, "refreshing is no way around");

    let body = json!({"current_password": ROOT.1, "new_password": "otra frase larga"});
    lab.send(session.who, "POST", "/me/password", Some(body)).await.expect(204);
    assert!(!must_change(&lab, session.user).await);
    let refreshed = lab.refresh(&refreshed.text("refresh_token")).await.expect(200);
    assert_eq!(refreshed.body["must_change_password"], false);
    assert!(!lab.verifier().verify(&refreshed.text("access_token")).unwrap().must_change_password);
    let again = lab.restarted(Some(ROOT)).await;
    let answer = again.try_log_in(ROOT.0, "otra frase larga").await.expect(200);
    assert_eq!(answer.body["must_change_password"], false, "a restart asks no second time");
}

#[tokio::test]
async fn nobody_else_has_to_choose_another_password() {
    let lab = Lab::with_root().await;
    lab.user("usuario2").await;
    for (name, password) in [ROOT, ("usuario2", "password2")] {
        let answer = lab.try_log_in(name, password).await.expect(200);
        assert_eq!(answer.body["must_change_password"], false, "{name}");
        assert!(!must_change(&lab, lab.session(&answer).user).await);
    }
    let root = lab.root().await;
    lab.send(root, "GET", "/internal/users/0198f3a2-7c1e-7d30-9a51-5f0b2c9e4d11/password", None).await.expect(404);
}

#[tokio::test]
async fn the_new_password_is_another_than_the_current_one() {
    let lab = Lab::production().await;
    let session = lab.log_in(ROOT.0, ROOT.1).await;
    let body = json!({"current_password": ROOT.1, "new_password": ROOT.1});
    let answer = lab.send(session.who, "POST", "/me/password", Some(body)).await.expect(422);
    assert_eq!(answer.faults(), ["/new_password"]);
    assert!(must_change(&lab, session.user).await);
}

#[tokio::test]
async fn who_does_not_know_the_current_password_does_not_change_it() {
    let lab = Lab::demo().await;
    lab.user("usuario2").await;
    let session = lab.log_in("usuario2", "password2").await;
    let wrong = json!({"current_password": "password3", "new_password": "una frase larga"});
    for _ in 0..5 {
        let answer = lab.send(session.who, "POST", "/me/password", Some(wrong.clone())).await.expect(422);
        assert_eq!(answer.faults(), ["/current_password"]);
    }
    // Guessing with a stolen token backs off as well.
    lab.send(session.who, "POST", "/me/password", Some(wrong)).await.expect(429);
    lab.advance(1);
    lab.try_log_in("usuario2", "password2").await.expect(200);
}

#[tokio::test]
async fn a_repeated_change_of_password_is_answered_again() {
    let lab = Lab::demo().await;
    let user = lab.user("usuario2").await;
    let session = lab.log_in("usuario2", "password2").await;
    let body = json!({"current_password": "password2", "new_password": "una frase larga"});
    for _ in 0..2 {
        let key = [("idempotency-key", "k1")];
        lab.send_with(session.who, "POST", "/me/password", Some(body.clone()), &key).await.expect(204);
    }
    assert_eq!(lab.history(user).await.len(), 5);
}

#[tokio::test]
async fn a_user_reads_the_own_account() {
    let lab = Lab::demo().await;
    let user = lab.user("usuario2").await;
    let session = lab.log_in("usuario2", "password2").await;
    let answer = lab.send(session.who, "GET", "/me", None).await.expect(200);
    assert_eq!((answer.text("id"), answer.text("username")), (user.to_string(), "usuario2".to_owned()));
    assert_eq!(answer.header("etag"), "\"2\"");
    lab.send(Who::Nobody, "GET", "/me", None).await.expect(401);
}

#[tokio::test]
async fn sessions_that_an_event_revoked_end_although_the_process_was_killed_in_between() {
    let lab = Lab::with_root().await;
    let user = lab.user("usuario2").await;
    let session = lab.log_in("usuario2", "password2").await;
    lab.send(lab.root().await, "DELETE", &format!("/users/{user}"), None).await.expect(204);
    lab.resources.supervisor.stop().await;
    // As if the process had died between the event and the end of the sessions.
    for statement in [
        "update session set revoked_at = null",
        "delete from revocation",
        "delete from checkpoint where name = 'users.sessions_revoked'",
    ] {
        sqlx::query(statement).execute(&lab.database.pool).await.unwrap();
    }
    let lab = lab.restarted(None).await;
    wait_for("the revocation", SOON, async || lab.revoked().await.contains(&session.id).then_some(())).await;
}

#[tokio::test]
async fn who_is_deactivated_while_logging_in_is_not_logged_in() {
    let lab = Lab::with_root().await;
    let user = lab.user("usuario2").await;
    let root = lab.root().await;
    let meanwhile = lab.clone();
    let work = async move {
        meanwhile.send(root, "DELETE", &format!("/users/{user}"), None).await.expect(204);
        // The session is younger than the deactivation: nothing but a second look finds it.
        meanwhile.advance(1);
    };
    lab.interloper.after_next_read(user.into(), Box::pin(work));
    lab.try_log_in("usuario2", "password2").await.expect(401);
    assert_eq!(lab.revoked().await.len(), 1);
}

#[tokio::test]
async fn who_logs_in_with_a_password_that_is_changed_meanwhile_is_not_logged_in() {
    let lab = Lab::demo().await;
    let user = lab.user("usuario2").await;
    let session = lab.log_in("usuario2", "password2").await;
    let meanwhile = lab.clone();
    let work = async move {
        let body = json!({"current_password": "password2", "new_password": "una frase larga"});
        meanwhile.send(session.who, "POST", "/me/password", Some(body)).await.expect(204);
        meanwhile.advance(1);
    };
    lab.interloper.after_next_read(user.into(), Box::pin(work));
    lab.try_log_in("usuario2", "password2").await.expect(401);
    assert_eq!(lab.revoked().await.len(), 1);
    lab.refresh(&session.refresh).await.expect(200);
}

#[tokio::test]
async fn a_log_in_after_a_revocation_is_not_swept_away_with_it() {
    let lab = Lab::with_root().await;
    let user = lab.user("usuario2").await;
    let before = lab.log_in("usuario2", "password2").await;
    let root = lab.root().await;
    lab.send(root, "DELETE", &format!("/users/{user}"), None).await.expect(204);
    lab.send(root, "POST", &format!("/users/{user}/reactivate"), None).await.expect(200);
    lab.advance(1);
    let after = lab.log_in("usuario2", "password2").await;
    sqlx::query("delete from checkpoint where name = 'users.sessions_revoked'")
        .execute(&lab.database.pool)
        .await
        .unwrap();
    let lab = lab.restarted(None).await;
    wait_for("the sweep", SOON, async || {
        let saved: Option<(String,)> =
            sqlx::query_as("select name from checkpoint where name = 'users.sessions_revoked'")
                .fetch_optional(&lab.database.pool)
                .await
                .unwrap();
        saved
    })
    .await;
    assert_eq!(lab.revoked().await, [before.id]);
    assert_ne!(lab.refresh(&after.refresh).await.expect(200).body, Value::Null);
}
