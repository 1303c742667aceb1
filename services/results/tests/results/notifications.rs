//! What became of the mails, and the call-the-patient worklist.
use crate::lab::{Lab, PATIENCE, a_result, laboratory, person};
use crate::mailroom::Mailroom;
use axum::http::StatusCode;
use domain_kernel::ids::{handling_command, handling_stream};
use domain_kernel::message::topics;
use domain_kernel::{Message, Role, StreamId};
use domain_results::result_notification::notification_stream;
use infra_contracts::saga_step::{self, SagaStep};
use infra_testkit::wait_for;
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn a_sent_mail_shows_at_the_result_and_does_not_move_the_etag() {
    let lab = Lab::open().await;
    let mailroom = Mailroom::open(&lab.resources).await;
    let id = lab.file(a_result()).await;
    mailroom.sent("result", id.parse().unwrap());
    let read = wait_for("the mail to show", PATIENCE, async || {
        let read = lab.get(laboratory(), &format!("/results/{id}")).await;
        (read.body["notification"]["state"] == "sent").then_some(read)
    })
    .await;
    assert_eq!(read.header("etag"), Some("\"1\""));
    assert_eq!(read.body["version"], 1);
    lab.caught_up().await;
    let list = lab.get(laboratory(), "/results?notification=sent").await;
    assert_eq!(list.body["items"][0]["id"], json!(id));
}

#[tokio::test]
async fn what_is_heard_of_a_mail_answers_the_message_that_told_it() {
    let lab = Lab::open().await;
    let mailroom = Mailroom::open(&lab.resources).await;
    let id = lab.file(a_result()).await;
    let told = mailroom.sent("result", id.parse().unwrap());
    let answer = answer_to(&lab, &told).await;
    assert_eq!(answer.headers.stream, notification_stream(StreamId(id.parse().unwrap())));
    assert_eq!(answer.headers.correlation_id, told.headers.correlation_id);
    assert_eq!(answer.headers.consumer.as_deref(), Some("results"));
    assert_eq!(answer.headers.attempt, Some(1));
    let done = lab.resources.store.find_command(handling_command("results", told.headers.event_id)).await.unwrap();
    assert_eq!(done.unwrap().stream, answer.headers.stream, "one append, under the message's command");
}

#[tokio::test]
async fn a_mail_about_a_user_is_answered_and_nothing_else_is_kept() {
    let lab = Lab::open().await;
    let mailroom = Mailroom::open(&lab.resources).await;
    let told = mailroom.sent("user", Uuid::from_u128(5));
    let answer = answer_to(&lab, &told).await;
    assert_eq!(answer.headers.stream, handling_stream("results", told.headers.stream));
    assert_eq!(lab.events().await.len(), 1);
}

#[tokio::test]
async fn a_failed_or_suppressed_mail_puts_the_result_on_the_worklist() {
    let lab = Lab::open().await;
    let mailroom = Mailroom::open(&lab.resources).await;
    let [failed, suppressed, sent] =
        [lab.file(a_result()).await, lab.file(a_result()).await, lab.file(a_result()).await];
    mailroom.failed(failed.parse().unwrap());
    // What concerns different results is heard side by side: the second comes when the first is known.
    wait_for("the first to be on the list", PATIENCE, async || {
        let calls = lab.get(laboratory(), "/worklist/calls").await;
        (calls.body["items"].as_array()?.len() == 1).then_some(())
    })
    .await;
    mailroom.suppressed(suppressed.parse().unwrap());
    mailroom.sent("result", sent.parse().unwrap());
    let calls = wait_for("both to be on the list", PATIENCE, async || {
        let calls = lab.get(laboratory(), "/worklist/calls").await;
        (calls.body["items"].as_array()?.len() == 2).then_some(calls)
    })
    .await;
    let due: Vec<_> = calls.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| ["id", "number", "notification", "code"].map(|field| call[field].clone()))
        .collect();
    let expected = [
        [json!(failed), json!(1), json!("failed"), json!("smtp-550")],
        [json!(suppressed), json!(2), json!("suppressed"), json!("no_contact")],
    ];
    assert_eq!(due, expected, "the longest waiting first");
    let read = lab.get(laboratory(), "/results/1").await;
    assert_eq!(read.body["notification"], json!({"state": "failed", "code": "smtp-550"}));
}

#[tokio::test]
async fn a_later_mail_takes_the_result_off_the_worklist() {
    let lab = Lab::open().await;
    let mailroom = Mailroom::open(&lab.resources).await;
    let id = lab.file(a_result()).await;
    mailroom.failed(id.parse().unwrap());
    on_the_worklist(&lab, 1).await;
    mailroom.sent("result", id.parse().unwrap());
    on_the_worklist(&lab, 0).await;
}

#[tokio::test]
async fn nobody_is_called_about_a_withdrawn_result() {
    let lab = Lab::open().await;
    let mailroom = Mailroom::open(&lab.resources).await;
    let id = lab.file(a_result()).await;
    mailroom.failed(id.parse().unwrap());
    on_the_worklist(&lab, 1).await;
    lab.patch(laboratory(), &id, json!({"status": "entered_in_error", "reason": "Paciente equivocado"})).await;
    on_the_worklist(&lab, 0).await;
}

#[tokio::test]
async fn the_worklist_is_for_those_who_call() {
    let lab = Lab::open().await;
    for role in Role::ALL {
        let expected = match role {
            Role::Laboratory | Role::Physician => StatusCode::OK,
            _ => StatusCode::FORBIDDEN,
        };
        assert_eq!(lab.get(person(role, 9), "/worklist/calls").await.status, expected, "{role}");
    }
}

#[tokio::test]
async fn the_worklist_is_paged() {
    let lab = Lab::open().await;
    let mailroom = Mailroom::open(&lab.resources).await;
    for waiting in 1..=3 {
        let id = lab.file(a_result()).await;
        mailroom.suppressed(id.parse().unwrap());
        // One after the other: what is told at the same time is heard in any order.
        on_the_worklist(&lab, waiting).await;
    }
    let first = lab.get(laboratory(), "/worklist/calls?limit=2").await;
    let next = first.body["next"].as_str().unwrap();
    let second = lab.get(laboratory(), &format!("/worklist/calls?limit=2&cursor={next}")).await;
    let pages = [&first, &second].map(|page| page.body["items"].as_array().unwrap().len());
    assert_eq!(pages, [2, 1]);
    assert_eq!(second.body["items"][0]["number"], 3);
    assert!(second.body["next"].is_null());
}

async fn on_the_worklist(lab: &Lab, expected: usize) {
    wait_for("the worklist to change", PATIENCE, async || {
        let calls = lab.get(laboratory(), "/worklist/calls").await;
        (calls.body["items"].as_array()?.len() == expected).then_some(())
    })
    .await;
}

/// The `MessageHandled` that this service publishes as its answer to `told`.
async fn answer_to(lab: &Lab, told: &Message) -> Message {
    let publisher = service_results::publisher();
    wait_for("the answer", PATIENCE, async || {
        lab.events().await.iter().find_map(|event| {
            let message = publisher.message(topics::SAGA_STEP, event).unwrap()?;
            let record = saga_step::decode(message.headers.contract_version, &message.payload).unwrap();
            let SagaStep::MessageHandled(step) = record.event else { return None };
            assert_eq!((step.consumer.as_str(), step.source_topic.as_str()), ("results", topics::EVENT_NOTIFICATION));
            (step.source_event_id == told.headers.event_id.0).then_some(message)
        })
    })
    .await
}
