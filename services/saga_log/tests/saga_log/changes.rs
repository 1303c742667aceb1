//! What changed since somebody last asked.
use crate::stage::{Stage, Told, failed, ids, ids_of, new_saga, result_created, stage, told};
use axum::http::StatusCode;
use domain_kernel::{Message, Role, UserId};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

fn somebody() -> UserId {
    UserId(Uuid::now_v7())
}

/// Every change after `after`, one answer after the other until none comes any more.
async fn changes_after(stage: &Stage, token: &str, query: &str, mut after: String) -> (Vec<Value>, String) {
    let mut told = Vec::new();
    loop {
        let (status, answer) = stage.get(&format!("/saga/logs/changes?after={after}{query}"), token).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        told.extend(answer["items"].as_array().unwrap().iter().cloned());
        let next = answer["next"].as_str().unwrap().to_owned();
        if next == after {
            return (told, after);
        }
        after = next;
    }
}

async fn now(stage: &Stage, token: &str) -> String {
    let (_, answer) = stage.get("/saga/logs/changes", token).await;
    assert_eq!(answer["items"], json!([]));
    answer["next"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_burst_is_told_to_the_last_event_and_nothing_of_before() {
    let stage = stage().await;
    let token = stage.token(somebody(), Role::Administrator);
    stage.hear([&result_created(new_saga(), None)]).await;
    let begin = now(&stage, &token).await;
    let burst: Vec<Message> = (0..700).map(|_| result_created(new_saga(), None)).collect();
    stage.hear(&burst).await;
    let (told, end) = changes_after(&stage, &token, "", begin).await;
    let told: BTreeSet<&str> = told.iter().map(|event| event["id"].as_str().unwrap()).collect();
    let happened: Vec<String> = burst.iter().map(|message| message.headers.event_id.to_string()).collect();
    assert_eq!(told, happened.iter().map(String::as_str).collect());
    assert_eq!(changes_after(&stage, &token, "", end).await.0, Vec::<Value>::new());
}

#[tokio::test]
async fn an_answer_is_a_change_of_its_event_and_of_nobody_elses() {
    let stage = stage().await;
    let user = somebody();
    let (own, strange) = (result_created(new_saga(), Some(user)), result_created(new_saga(), Some(somebody())));
    stage.hear([&own, &strange]).await;
    let (laboratory, administrator) =
        (stage.token(user, Role::Laboratory), stage.token(somebody(), Role::Administrator));
    let begin = now(&stage, &administrator).await;
    stage.hear([&failed(&own, "notifications", 3, Some("refused")), &told(&strange, &Told::Sent, 1)]).await;
    let changed = async |token: &str, query: &str| {
        let (told, _) = changes_after(&stage, token, query, begin.clone()).await;
        ids(&json!({"items": told}))
    };
    let sent = changed(&administrator, "&type=NotificationSent").await;
    assert_eq!(changed(&laboratory, "").await, ids_of([&own]));
    assert_eq!(changed(&administrator, "&state=FAILED").await, ids_of([&own]));
    assert_eq!(sent.len(), 1);
    let all = changed(&administrator, "").await;
    assert_eq!(all, [ids_of([&own, &strange]), sent].concat());
}

#[tokio::test]
async fn a_place_that_was_not_told_here_is_refused() {
    let stage = stage().await;
    let token = stage.token(somebody(), Role::Administrator);
    for after in ["1", "WzAsMCwwXQ"] {
        let (status, _) = stage.get(&format!("/saga/logs/changes?after={after}"), &token).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{after}");
    }
}
