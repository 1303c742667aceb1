//! When a subject's clinical record last grew, for whoever decides whether it may be forgotten.
use crate::lab::{Lab, a_result, laboratory, patient};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use domain_kernel::UserId;
use infra_testkit::tokens;
use serde_json::{Value, json};
use service_results::NAME;
use std::str::FromStr;
use uuid::Uuid;

/// What the gateway is told.
async fn newest(lab: &Lab, subject: &str) -> (StatusCode, Value) {
    let token = tokens::of_service(NAME, "bff", &*lab.resources.clock);
    let request = Request::get(format!("/internal/subjects/{subject}/newest-entry"))
        .header(header::AUTHORIZATION, format!("Bearer {token}"));
    let answer = lab.send(request.body(Body::empty()).unwrap()).await;
    (answer.status, answer.body)
}

async fn updated_at(lab: &Lab, id: &str) -> Value {
    lab.get(laboratory(), &format!("/results/{id}")).await.body["updated_at"].clone()
}

fn moment(text: &Value) -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_str(text.as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn the_newest_entry_is_that_of_any_result_of_the_patient_also_when_it_was_withdrawn() {
    let lab = Lab::open().await;
    let linked = || json!({"patient": "Ana Soto", "result": "Positivo", "patient_id": patient().user.to_string()});
    let subject = patient().user.to_string();
    let first = lab.file(linked()).await;
    let (status, told) = newest(&lab, &subject).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(moment(&told["newest_entry_at"]), moment(&updated_at(&lab, &first).await), "what was just filed counts");

    let second = lab.file(linked()).await;
    lab.patch(laboratory(), &first, json!({"result": "Negativo", "reason": "se leyó mal"})).await;
    let amended = newest(&lab, &subject).await.1;
    assert_eq!(moment(&amended["newest_entry_at"]), moment(&updated_at(&lab, &first).await));
    let body = json!({"status": "entered_in_error", "reason": "otro paciente"});
    let withdrawn = lab.patch(laboratory(), &second, body).await;
    assert_eq!(withdrawn.status, StatusCode::OK, "{}", withdrawn.body);
    let newest = newest(&lab, &subject).await.1;
    assert_eq!(moment(&newest["newest_entry_at"]), moment(&updated_at(&lab, &second).await));
}

#[tokio::test]
async fn a_result_that_is_linked_to_nobody_is_its_own_subject_and_one_that_is_linked_is_not() {
    let lab = Lab::open().await;
    let unlinked = lab.file(a_result()).await;
    assert!(newest(&lab, &unlinked).await.1["newest_entry_at"].is_string());
    let mut body = a_result();
    body["patient_id"] = json!(patient().user.to_string());
    let linked = lab.file(body).await;
    for nobody in [linked, UserId(Uuid::nil()).to_string()] {
        assert_eq!(newest(&lab, &nobody).await, (StatusCode::OK, json!({"newest_entry_at": null})));
    }
}

#[tokio::test]
async fn a_read_model_that_does_not_follow_is_no_answer() {
    let lab = Lab::open().await;
    lab.file(a_result()).await;
    lab.caught_up().await;
    lab.resources.supervisor.stop().await;
    let late = lab.file(a_result()).await;
    assert_eq!(newest(&lab, &late).await.0, StatusCode::SERVICE_UNAVAILABLE, "what it does not hold yet may be newer");
}

#[tokio::test]
async fn only_services_ask_for_the_newest_entry() {
    let lab = Lab::open().await;
    let path = format!("/internal/subjects/{}/newest-entry", patient().user);
    assert_eq!(lab.ask(laboratory(), Method::GET, &path, None).await.status, StatusCode::NOT_FOUND);
}
