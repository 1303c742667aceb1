//! What an operator may ask of the consumers that gave up on an event.
use crate::stage::{LIMIT, Stage, Told, failed, new_saga, result_created, skipped, stage, told, user_created};
use axum::http::StatusCode;
use domain_kernel::message::topics;
use domain_kernel::{Checkpoint, Message, MessageHeaders, Role, UserId, Version};
use infra_contracts::saga_command::{self, RetryRequested, SagaCommand, SkipRequested};
use infra_testkit::wait_for;
use serde_json::{Value, json};
use uuid::Uuid;

fn somebody() -> UserId {
    UserId(Uuid::now_v7())
}

/// What the service has asked of consumers.
async fn asked(stage: &Stage) -> Vec<(Message, SagaCommand)> {
    let events = stage.resources.store.read_all(Checkpoint::default(), 1_000).await.unwrap();
    let publisher = service_saga_log::publisher();
    let messages = events.iter().filter_map(|event| publisher.message(topics::SAGA_COMMAND, event).unwrap());
    messages
        .map(|message| {
            let record = saga_command::decode(message.headers.contract_version, &message.payload).unwrap();
            (message, record.event)
        })
        .collect()
}

#[tokio::test]
async fn an_administrator_asks_the_consumer_that_gave_up_to_try_again_above_its_last_attempt() {
    let stage = stage().await;
    let created = result_created(new_saga(), None);
    stage.hear([&created, &told(&created, &Told::Failed, 6)]).await;

    let operator = somebody();
    let path = format!("/saga/logs/{}/retry", created.headers.event_id);
    let body = json!({"reason": "the mail server is back"});
    let (status, answer) = stage.post(&path, &stage.token(operator, Role::Administrator), body).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    assert_eq!(answer["correlation_id"], created.headers.correlation_id.to_string());

    let (message, retry) = wait_for("the retry", LIMIT, async || asked(&stage).await.pop()).await;
    let expected =
        RetryRequested { event_id: created.headers.event_id.0, consumer: "notifications".into(), attempt: 7 };
    assert_eq!(retry, expected.into());
    assert_eq!(message.headers.correlation_id, created.headers.correlation_id, "it is part of the saga");
    assert_eq!(message.headers.actor, Some(operator));
    assert!(!String::from_utf8_lossy(&message.payload).contains("mail server"), "the reason is not published");
}

#[tokio::test]
async fn nothing_is_retried_that_did_not_fail() {
    let stage = stage().await;
    let created = result_created(new_saga(), None);
    stage.hear([&created]).await;
    let token = stage.token(somebody(), Role::Administrator);
    let path = format!("/saga/logs/{}/retry", created.headers.event_id);
    let (status, problem) = stage.post(&path, &token, json!({"reason": "please"})).await;
    assert_eq!((status, problem["code"].as_str()), (StatusCode::CONFLICT, Some("nothing_failed")));

    stage.hear([&told(&created, &Told::Failed, 1)]).await;
    let (status, _) = stage.post(&path, &token, json!({"reason": "please", "consumer": "results"})).await;
    assert_eq!(status, StatusCode::CONFLICT, "that consumer did not give up");
    assert_eq!(asked(&stage).await.len(), 0);
}

#[tokio::test]
async fn an_administrator_asks_the_consumer_that_gave_up_to_let_the_event_pass() {
    let stage = stage().await;
    let created = user_created(new_saga(), somebody(), None);
    stage.hear([&created, &failed(&created, "notifications", 6, Some("refused"))]).await;

    let operator = somebody();
    let path = format!("/saga/logs/{}/skip", created.headers.event_id);
    let body = json!({"reason": "the account was a test", "consumer": "notifications"});
    let (status, answer) = stage.post(&path, &stage.token(operator, Role::Administrator), body).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    assert_eq!(answer["correlation_id"], created.headers.correlation_id.to_string());

    let (message, skip) = wait_for("the skip", LIMIT, async || asked(&stage).await.pop()).await;
    let expected = SkipRequested {
        source_event_id: created.headers.event_id.0,
        source_stream_id: created.headers.stream.0,
        consumer: "notifications".into(),
    };
    assert_eq!(skip, expected.into());
    assert_eq!(message.headers.correlation_id, created.headers.correlation_id, "it is part of the saga");
    assert_eq!(message.headers.actor, Some(operator));
    assert!(!String::from_utf8_lossy(&message.payload).contains("a test"), "the reason is not published");

    assert_eq!(stage.shown(&created).await["state"], "FAILED", "the consumer has not skipped it yet");
    stage.hear([&skipped(&created, "notifications", 6, Some("operator"))]).await;
    let shown = stage.shown(&created).await;
    assert_eq!((&shown["state"], &shown["consumers"][0]["state"]), (&json!("PROCESSED"), &json!("SKIPPED")));
}

#[tokio::test]
async fn a_clinical_event_is_never_skipped() {
    let stage = stage().await;
    let created = result_created(new_saga(), None);
    stage.hear([&created, &told(&created, &Told::Failed, 6)]).await;
    let path = format!("/saga/logs/{}/skip", created.headers.event_id);
    let token = stage.token(somebody(), Role::Administrator);
    let (status, problem) = stage.post(&path, &token, json!({"reason": "please"})).await;
    assert_eq!((status, problem["code"].as_str()), (StatusCode::CONFLICT, Some("clinical_event")));
    assert_eq!(asked(&stage).await.len(), 0);
}

#[tokio::test]
async fn nothing_is_skipped_that_did_not_fail() {
    let stage = stage().await;
    let created = user_created(new_saga(), somebody(), None);
    stage.hear([&created]).await;
    let path = format!("/saga/logs/{}/skip", created.headers.event_id);
    let token = stage.token(somebody(), Role::Administrator);
    let (status, problem) = stage.post(&path, &token, json!({"reason": "please"})).await;
    assert_eq!((status, problem["code"].as_str()), (StatusCode::CONFLICT, Some("nothing_failed")));
    assert_eq!(asked(&stage).await.len(), 0);
}

async fn a_wish_needs_an_administrator_a_reason_and_an_event(wish: &str) {
    let stage = stage().await;
    let user = somebody();
    let created = user_created(new_saga(), user, Some(user));
    stage.hear([&created, &failed(&created, "notifications", 1, None)]).await;
    let path = format!("/saga/logs/{}/{wish}", created.headers.event_id);
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Administrator) {
        let (status, _) = stage.post(&path, &stage.token(user, role), json!({"reason": "please"})).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{role}");
    }
    let token = stage.token(somebody(), Role::Administrator);
    for body in [json!({}), json!({"reason": "  "}), json!({"reason": "x".repeat(201)}), json!({"reason": "a", "b": 1})]
    {
        let (status, problem) = stage.post(&path, &token, body.clone()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body} {problem}");
    }
    let unknown = format!("/saga/logs/{}/{wish}", Uuid::now_v7());
    let (status, _) = stage.post(&unknown, &token, json!({"reason": "please"})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(asked(&stage).await.len(), 0);
}

#[tokio::test]
async fn a_retry_needs_an_administrator_a_reason_and_an_event() {
    a_wish_needs_an_administrator_a_reason_and_an_event("retry").await;
}

#[tokio::test]
async fn a_skip_needs_an_administrator_a_reason_and_an_event() {
    a_wish_needs_an_administrator_a_reason_and_an_event("skip").await;
}

/// The letters of the log's own consumer.
async fn letters(stage: &Stage) -> Vec<Value> {
    let (status, letters) = stage.get("/operations/dead-letters", &stage.token(somebody(), Role::Administrator)).await;
    assert_eq!(status, StatusCode::OK, "{letters}");
    letters.as_array().unwrap().clone()
}

/// What an operator wishes of a letter of the log's own, as the gateway asks it.
async fn wish(stage: &Stage, verb: &str, letter: &Value) -> (StatusCode, Value) {
    let mut asked = json!({"reason": "a release knows better"});
    for known in ["event_id", "correlation_id", "topic", "aggregate", "consumer", "attempts"] {
        asked[known] = letter[known].clone();
    }
    let token = stage.token(somebody(), Role::Administrator);
    stage.post(&format!("/operations/untold-failures/{verb}"), &token, asked).await
}

/// `message` as nobody can read it.
fn broken(message: &Message) -> Message {
    Message { payload: vec![0xff], ..message.clone() }
}

async fn the_one_letter(stage: &Stage) -> Value {
    wait_for("the letter", LIMIT, async || letters(stage).await.pop()).await
}

async fn no_letter_is_left(stage: &Stage) {
    wait_for("the letter to go", LIMIT, async || letters(stage).await.is_empty().then_some(())).await;
}

#[tokio::test]
async fn what_the_log_itself_gave_up_is_taken_again_and_what_waited_behind_it_follows() {
    let stage = stage().await;
    let created = user_created(new_saga(), somebody(), None);
    let step = failed(&created, "notifications", 1, None);
    let later = {
        let told = skipped(&created, "notifications", 1, Some("operator"));
        let headers = MessageHeaders { stream: step.headers.stream, version: Version(2), ..told.headers };
        Message { headers, ..told }
    };
    stage.hear([&created]).await;
    stage.publish([&broken(&step), &later]);
    let letter = the_one_letter(&stage).await;
    assert_eq!((&letter["topic"], &letter["consumer"]), (&json!("saga-step"), &json!("saga_log")));

    let (status, _) = wish(&stage, "retry", &letter).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let again = wait_for("another attempt", LIMIT, async || {
        letters(&stage).await.pop().filter(|again| again["attempts"] != letter["attempts"])
    })
    .await;
    assert_eq!(stage.shown(&created).await["state"], "RECEIVED");

    let mended = sqlx::query("update dead_letter set payload = $1").bind(&step.payload);
    mended.execute(&stage.resources.pool).await.unwrap();
    assert_eq!(wish(&stage, "retry", &again).await.0, StatusCode::ACCEPTED);
    no_letter_is_left(&stage).await;
    wait_for("both steps to be heard", LIMIT, async || {
        (stage.shown(&created).await["consumers"][0]["state"] == "SKIPPED").then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_the_log_itself_gave_up_can_be_set_aside_unless_it_is_clinical() {
    let stage = stage().await;
    let step = failed(&user_created(new_saga(), somebody(), None), "notifications", 1, None);
    stage.publish([&broken(&step)]);
    let letter = the_one_letter(&stage).await;
    assert_eq!(wish(&stage, "skip", &letter).await.0, StatusCode::ACCEPTED);
    no_letter_is_left(&stage).await;

    let mut clinical = letter;
    clinical["topic"] = json!(topics::EVENT_RESULT);
    let (status, problem) = wish(&stage, "skip", &clinical).await;
    assert_eq!((status, problem["code"].as_str()), (StatusCode::CONFLICT, Some("clinical_event")));
}
