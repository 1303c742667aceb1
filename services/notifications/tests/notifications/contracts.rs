//! Producers of another release: with an older contract, with a newer one, and with events that nobody here knows.
use crate::stage::{headers, json, stage};
use domain_kernel::message::topics;
use domain_kernel::{Message, Role, StreamId, UserId};
use infra_contracts::event_notification::NotificationEvent;
use infra_contracts::event_result::{ResultAmended, ResultCompleted, ResultCorrected, ResultEvent, ResultReleased};
use infra_runtime::metrics;
use uuid::Uuid;

/// `ResultAmended` as a producer with version 1 of the contract wrote it.
const AMENDED_BEFORE: &[u8] =
    include_bytes!("../../../../infrastructure/contracts/golden/event-result/result_amended.v1.bin");

fn new_stream() -> StreamId {
    StreamId(Uuid::now_v7())
}

#[tokio::test]
async fn a_patient_finds_every_mail_about_the_own_results() {
    let (stage, _) = stage().await;
    let patient = UserId(Uuid::now_v7());
    let patient_id = Some(patient.0);
    let mut about = Vec::new();
    for name in ["result_released", "result_amended", "result_corrected"] {
        let headers = headers(&format!("results.{name}"), new_stream(), "results");
        let contact = Some(stage.sealed(&headers, Some("ana@example.org")).await);
        let event: ResultEvent = match name {
            "result_released" => ResultReleased { number: 1, contact, patient_id }.into(),
            "result_amended" => ResultAmended { number: 1, contact, patient_id }.into(),
            _ => ResultCorrected { number: 1, contact, patient_id }.into(),
        };
        stage.publish_result(headers.clone(), event);
        stage.outcome(headers.event_id).await;
        about.push(headers.stream.0.to_string());
    }
    stage.caught_up().await;
    let page = json(stage.get("/notifications", &stage.token(patient, Role::Patient)).await).await;
    let mut seen: Vec<_> =
        page["items"].as_array().unwrap().iter().map(|item| item["about"].as_str().unwrap().to_owned()).collect();
    seen.sort_unstable();
    about.sort_unstable();
    assert_eq!(seen, about);
}

#[tokio::test]
async fn what_a_producer_of_before_tells_is_still_understood() {
    let (stage, _) = stage().await;
    let mut headers = headers("results.result_amended", new_stream(), "results");
    headers.contract_version = 1;
    let event = headers.event_id;
    stage.results.tell([Message { topic: topics::EVENT_RESULT, headers, payload: AMENDED_BEFORE.to_vec() }]);
    let (_, outcome) = stage.outcome(event).await;
    // The pinned message has no address.
    assert!(matches!(outcome, NotificationEvent::NotificationSuppressed(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_type_of_event_that_nobody_here_knows_is_passed_over_and_counted() {
    let figures = metrics::install().unwrap();
    let (stage, _) = stage().await;
    let mut headers = headers("results.result_cancelled", new_stream(), "results");
    headers.event_type = "results.result_postponed".to_owned();
    headers.contract_version = 99;
    let unknown = headers.event_id;
    stage.results.tell([Message { topic: topics::EVENT_RESULT, headers, payload: vec![0xFF] }]);
    // What comes behind it is told, so it was passed by then.
    let told = stage.final_result(1).await;
    stage.outcome(told.event_id).await;
    let about_it = |message: &Message| message.headers.causation_id == Some(unknown);
    assert!(!stage.published().await.iter().any(about_it), "neither handled nor failed");
    let counted = r#"historia_messages_skipped_unknown_total{consumer="notifications",topic="event-result"} 1"#;
    assert!(figures.render().contains(counted), "{}", figures.render());
}

#[tokio::test]
async fn a_completion_tells_the_patient_nothing_and_needs_no_answer() {
    let (stage, mailer) = stage().await;
    let completed = headers("results.result_completed", new_stream(), "results");
    stage.publish_result(completed.clone(), ResultCompleted { number: 1 });
    let told = stage.final_result(2).await;
    stage.outcome(told.event_id).await;
    assert_eq!(mailer.sent().len(), 1);
    let about_it = |message: &Message| message.headers.causation_id == Some(completed.event_id);
    assert!(!stage.published().await.iter().any(about_it));
}
