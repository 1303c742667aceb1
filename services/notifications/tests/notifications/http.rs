//! Who sees which notifications, and the demo's mailbox.
use crate::stage::{Setting, Stage, body, headers, json, set, stage};
use axum::http::{HeaderValue, StatusCode, header};
use base64::Engine;
use domain_kernel::{Role, StreamId, UserId};
use infra_contracts::event_result::{ResultCreated, ResultStatus};
use infra_contracts::event_user::UserCreated;
use infra_runtime::SystemClock;
use infra_testkit::memory::MemoryMailer;
use infra_testkit::tokens;
use serde_json::Value;
use service_notifications::{MailboxMailer, NAME};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use uuid::Uuid;

fn somebody() -> UserId {
    UserId(Uuid::now_v7())
}

/// Two results: one of a patient with an account, filed by a laboratory; one of nobody known.
async fn two_results(stage: &Stage, patient: UserId, laboratory: UserId) -> [Uuid; 2] {
    let mut about = Vec::new();
    for (number, patient_id) in [(1, Some(patient.0)), (2, None)] {
        let mut headers = headers("results.result_created", StreamId(Uuid::now_v7()), "results");
        headers.actor = patient_id.map(|_| laboratory);
        let contact = Some(stage.sealed(&headers, Some("ana@example.org")).await);
        let created = ResultCreated { number, status: ResultStatus::Final, patient_id, contact };
        stage.publish_result(headers.clone(), created);
        stage.outcome(headers.event_id).await;
        about.push(headers.stream.0);
    }
    stage.caught_up().await;
    about.try_into().unwrap()
}

async fn about(stage: &Stage, user: UserId, role: Role) -> Vec<Uuid> {
    let response = stage.get("/notifications", &stage.token(user, role)).await;
    assert_eq!(response.status(), StatusCode::OK);
    let page = json(response).await;
    page["items"].as_array().unwrap().iter().map(|item| item["about"].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn an_administrator_sees_all_others_what_they_received_or_caused() {
    let (stage, _) = stage().await;
    let (patient, laboratory) = (somebody(), somebody());
    let [of_patient, of_nobody] = two_results(&stage, patient, laboratory).await;

    for role in Role::ALL {
        let seen = about(&stage, somebody(), role).await;
        let expected = if role == Role::Administrator { vec![of_nobody, of_patient] } else { vec![] };
        assert_eq!(seen, expected, "{role}");
    }
    assert_eq!(about(&stage, patient, Role::Patient).await, [of_patient]);
    assert_eq!(about(&stage, laboratory, Role::Laboratory).await, [of_patient], "whoever caused it");
}

#[tokio::test]
async fn a_notification_is_shown_without_address_and_name() {
    let (stage, _) = stage().await;
    two_results(&stage, somebody(), somebody()).await;
    let response = stage.get("/notifications?limit=1", &stage.token(somebody(), Role::Administrator)).await;
    let text = String::from_utf8(body(response).await).unwrap();
    assert!(!text.contains("example.org") && !text.contains("Ana"), "{text}");
    let page: Value = serde_json::from_str(&text).unwrap();
    let item = page["items"][0].as_object().unwrap();
    let fields: Vec<_> = item.keys().map(String::as_str).collect();
    assert_eq!(fields, ["id", "template", "state", "attempts", "about", "about_kind", "requested_at", "updated_at"]);
    assert_eq!((item["state"].as_str(), item["attempts"].as_i64()), (Some("sent"), Some(1)));
}

#[tokio::test]
async fn the_list_comes_in_pages_newest_first() {
    let (stage, _) = stage().await;
    let [older, newer] = two_results(&stage, somebody(), somebody()).await;
    let token = stage.token(somebody(), Role::Administrator);
    let first = json(stage.get("/notifications?limit=1", &token).await).await;
    assert_eq!(first["items"][0]["about"], newer.to_string());
    let next = first["next"].as_str().unwrap();
    let second = json(stage.get(&format!("/notifications?limit=1&cursor={next}"), &token).await).await;
    assert_eq!(second["items"][0]["about"], older.to_string());
    assert_eq!(second["next"], Value::Null);
    let wrong = stage.get("/notifications?cursor=mine", &token).await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_list_waits_for_what_follows_from_a_write_and_says_when_nothing_does() {
    let (stage, _) = stage().await;
    let token = stage.token(somebody(), Role::Administrator);
    let source = headers("results.result_created", StreamId(Uuid::now_v7()), "results");
    let position = format!("{}@1-2", source.stream);
    let ask = || stage.get_after("/notifications", &token, &position);
    let published = async {
        let contact = Some(stage.sealed(&source, Some("ana@example.org")).await);
        let created = ResultCreated { number: 1, status: ResultStatus::Final, patient_id: None, contact };
        stage.publish_result(source.clone(), created);
    };
    let (response, ()) = tokio::join!(ask(), published);
    assert!(!response.headers().contains_key("historia-stale"));
    assert_eq!(json(response).await["items"][0]["about"], source.stream.to_string());

    let later = format!("{}@2", source.stream);
    let stale = stage.get_after("/notifications", &token, &later).await;
    assert_eq!(
        (stale.status(), &stale.headers()["historia-stale"]),
        (StatusCode::OK, &HeaderValue::from_static("true"))
    );
    let wrong = stage.get_after("/notifications", &token, "yesterday").await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_list_needs_a_signed_in_user() {
    let (stage, _) = stage().await;
    let anonymous = stage.get("/notifications", &tokens::anonymous(NAME, &SystemClock)).await;
    assert_eq!(anonymous.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn only_services_ask_what_was_sent_about_something() {
    let (stage, _) = stage().await;
    let [about, _] = two_results(&stage, somebody(), somebody()).await;
    let path = format!("/internal/notifications?about={about}");
    let answer = stage.get(&path, &tokens::of_service(NAME, "bff", &SystemClock)).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let answer = json(answer).await;
    assert_eq!(answer["items"].as_array().unwrap().len(), 1);
    assert_eq!(answer["items"][0]["template"], "result_available");

    let administrator = stage.get(&path, &stage.token(somebody(), Role::Administrator)).await;
    assert_eq!(administrator.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn without_the_demos_mailbox_its_addresses_do_not_exist() {
    let (stage, _) = stage().await;
    let token = stage.token(somebody(), Role::Administrator);
    for path in ["/mailbox", "/mailbox/018f2f6e-0000-7000-8000-000000000000"] {
        assert_eq!(stage.get(path, &token).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn the_demos_mailbox_shows_its_mails_and_runs_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mailer = MailboxMailer::open(directory.path(), "Historia <historia@localhost>").unwrap();
    let setting = Setting {
        mailer: Arc::new(mailer),
        mailbox: Some(directory.path().to_owned()),
        ..Setting::mailing(&Arc::new(MemoryMailer::new()))
    };
    let stage = set(setting).await;
    let headers = headers("users.user_created", StreamId(Uuid::now_v7()), "users");
    let contact = Some(stage.sealed(&headers, Some("ana@example.org")).await);
    stage.publish_user(headers.clone(), UserCreated { role: 1, contact });
    let (sent, _) = stage.outcome(headers.event_id).await;

    // Nobody needs to be signed in: the demo listens on this machine only.
    let token = tokens::anonymous(NAME, &SystemClock);
    let list = stage.get("/mailbox", &token).await;
    assert_eq!(list.status(), StatusCode::OK);
    let list = String::from_utf8(body(list).await).unwrap();
    let path = format!("/mailbox/{}", sent.headers.stream);
    assert!(list.contains(&format!("<a href=\"{path}\">")) && list.contains("ana@example.org"), "{list}");

    let mail = stage.get(&path, &token).await;
    let policy = mail.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let mail = String::from_utf8(body(mail).await).unwrap();
    assert!(mail.contains("<a href=\"http://localhost:8080\""), "{mail}");
    for page in [&list, &mail] {
        let (_, style) = page.split_once("<style>").unwrap();
        let (style, _) = style.split_once("</style>").unwrap();
        let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style));
        assert!(
            policy.contains(&format!("style-src 'sha256-{digest}'")),
            "the policy does not allow the style: {digest}"
        );
    }

    for unknown in ["/mailbox/018f2f6e-0000-7000-8000-000000000000", "/mailbox/..%2F..%2Fetc"] {
        assert_eq!(stage.get(unknown, &token).await.status(), StatusCode::NOT_FOUND, "{unknown}");
    }
}
