//! Logging in, and what guessing costs.
use crate::lab::{Lab, Who};
use domain_kernel::Role;
use infra_http::tokens::{KeySet, Subject, TokenVerifier};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

#[tokio::test]
async fn who_knows_name_and_password_gets_tokens() {
    let lab = Lab::demo().await;
    let user = lab.user("usuario2").await;
    let answer = lab.try_log_in(" USUARIO2", "password2").await.expect(200);
    assert_eq!(answer.body["token_type"], "Bearer");
    assert_eq!(answer.body["expires_in"], 3600);
    assert_eq!(answer.body["token"], answer.body["access_token"]);
    assert_eq!(answer.body["user"], json!({"id": user.to_string(), "username": "usuario2", "role": 1}));
    let claims = lab.verifier().verify(&answer.text("access_token")).unwrap();
    assert_eq!((&claims.sub, claims.role), (&Subject::User(user), Some(Role::Laboratory)));
    assert_eq!((claims.iss.as_str(), claims.aud.as_str()), ("historia-users", "historia"));
    assert_eq!(claims.exp - claims.iat, 3600);
    assert!(claims.sid.is_some());
}

#[tokio::test]
async fn in_production_an_access_token_lives_5_minutes() {
    let lab = Lab::production().await;
    let answer = lab.try_log_in(crate::lab::ROOT.0, crate::lab::ROOT.1).await.expect(200);
    let claims = lab.verifier().verify(&answer.text("access_token")).unwrap();
    assert_eq!((claims.exp - claims.iat, &answer.body["expires_in"]), (300, &json!(300)));
}

#[tokio::test]
async fn the_published_key_verifies_the_tokens() {
    let lab = Lab::demo().await;
    lab.user("usuario2").await;
    let token = lab.try_log_in("usuario2", "password2").await.text("access_token");
    let answer = lab.send(Who::Nobody, "GET", "/.well-known/jwks.json", None).await.expect(200);
    let jwks: infra_http::tokens::Jwks = serde_json::from_value(answer.body).unwrap();
    let verifier = TokenVerifier::users(KeySet::new(jwks.public_keys()), Arc::clone(&lab.resources.clock));
    assert!(verifier.verify(&token).is_ok());
}

/// A problem without what is of this request only.
fn comparable(mut body: Value) -> Value {
    body["instance"] = Value::Null;
    body
}

#[tokio::test]
async fn a_wrong_name_a_wrong_password_and_a_deactivated_user_get_the_same_answer() {
    let lab = Lab::with_root().await;
    lab.user("usuario2").await;
    let gone = lab.user("usuario3").await;
    lab.send(lab.root().await, "DELETE", &format!("/users/{gone}"), None).await.expect(204);

    let wrong_password = lab.try_log_in("usuario2", "password3").await.expect(401);
    let wrong_name = lab.try_log_in("nadie", "password2").await.expect(401);
    let no_name = lab.try_log_in("x", "").await.expect(401);
    let deactivated = lab.try_log_in("usuario3", "password2").await.expect(401);
    let expected = comparable(wrong_password.body);
    for other in [wrong_name, no_name, deactivated] {
        assert_eq!(comparable(other.body), expected);
        let names = |headers: &axum::http::HeaderMap| headers.keys().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&other.headers), names(&wrong_password.headers));
    }
}

#[tokio::test]
async fn a_wrong_name_costs_as_much_as_a_wrong_password() {
    let lab = Lab::demo().await;
    for number in 0..5 {
        lab.user(&format!("usuario{number}")).await;
    }
    let median = async |prefix: &str| {
        let mut times = Vec::new();
        for number in 0..5 {
            let begun = Instant::now();
            lab.try_log_in(&format!("{prefix}{number}"), "wrong password").await.expect(401);
            times.push(begun.elapsed());
        }
        times.sort_unstable();
        times[2]
    };
    let (known, unknown) = (median("usuario").await, median("nadie").await);
    // A hash takes tens of milliseconds, all the rest a few: without the hash this would be far below a half.
    assert!(unknown * 2 > known, "a wrong name takes {unknown:?}, a wrong password {known:?}");
}

#[tokio::test]
async fn after_five_failures_the_next_attempt_waits_also_with_the_right_password() {
    let lab = Lab::demo().await;
    lab.user("usuario2").await;
    for _ in 0..5 {
        lab.try_log_in("usuario2", "wrong password").await.expect(401);
    }
    let answer = lab.try_log_in("usuario2", "password2").await.expect(429);
    assert_eq!(answer.header("retry-after"), "1");
    lab.advance(1);
    lab.try_log_in("usuario2", "password2").await.expect(200);
}

#[tokio::test]
async fn a_name_that_nobody_has_backs_off_like_any_other() {
    let lab = Lab::demo().await;
    for _ in 0..5 {
        lab.try_log_in("nadie", "wrong password").await.expect(401);
    }
    lab.try_log_in(" Nadie", "wrong password").await.expect(429);
}

#[tokio::test]
async fn the_wait_doubles_up_to_a_quarter_of_an_hour() {
    let lab = Lab::demo().await;
    lab.user("usuario2").await;
    for _ in 0..4 {
        lab.try_log_in("usuario2", "wrong password").await.expect(401);
    }
    for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
        lab.try_log_in("usuario2", "wrong password").await.expect(401);
        let answer = lab.try_log_in("usuario2", "wrong password").await.expect(429);
        assert_eq!(answer.header("retry-after"), wait.to_string());
        lab.advance(wait);
    }
    // Never a lock-out.
    lab.try_log_in("usuario2", "password2").await.expect(200);
}

#[tokio::test]
async fn a_right_password_ends_the_back_off() {
    let lab = Lab::demo().await;
    lab.user("usuario2").await;
    for _ in 0..2 {
        for _ in 0..4 {
            lab.try_log_in("usuario2", "wrong password").await.expect(401);
        }
        lab.try_log_in("usuario2", "password2").await.expect(200);
    }
}

#[tokio::test]
async fn failures_are_forgotten_after_a_day() {
    let lab = Lab::demo().await;
    lab.user("usuario2").await;
    for _ in 0..4 {
        lab.try_log_in("usuario2", "wrong password").await.expect(401);
    }
    lab.advance(24 * 60 * 60 + 1);
    for _ in 0..5 {
        lab.try_log_in("usuario2", "wrong password").await.expect(401);
    }
    lab.try_log_in("usuario2", "wrong password").await.expect(429);
}

#[tokio::test]
async fn an_address_that_guesses_names_waits_and_other_addresses_do_not() {
    let lab = Lab::demo().await;
    lab.user("usuario2").await;
    let guessing: Option<IpAddr> = Some([203, 0, 113, 7].into());
    for number in 0..5 {
        lab.log_in_from(&format!("nadie{number}"), "wrong password", guessing).await.expect(401);
    }
    lab.log_in_from("usuario2", "password2", guessing).await.expect(429);
    lab.log_in_from("usuario2", "password2", Some([203, 0, 113, 8].into())).await.expect(200);
}

#[tokio::test]
async fn a_crowd_of_log_ins_is_refused_at_once_with_retry_after() {
    let lab = Lab::demo().await;
    let cores = std::thread::available_parallelism().unwrap().get();
    let crowd = 4 * (cores + 32);
    let names: Vec<String> = (0..crowd).map(|number| format!("nadie{number}")).collect();
    let answers = futures_util::future::join_all(names.iter().map(|name| lab.try_log_in(name, "password2"))).await;
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status.as_u16() == 503).collect();
    assert!(!refused.is_empty(), "all {crowd} were taken");
    assert!(refused.iter().all(|answer| answer.header("retry-after") == "1"));
    assert!(answers.iter().all(|answer| [401, 503].contains(&answer.status.as_u16())));
}
