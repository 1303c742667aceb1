//! `POST /operations/streams/{stream}/reveal`: what a result's sealed records say, on the record.
use crate::lab::{Answer, Lab, PATIENCE, Person, a_result, laboratory, patient, person, physician};
use axum::http::{Method, StatusCode};
use domain_kernel::ports::{KeyVault, Purpose};
use domain_kernel::{Role, StreamId};
use infra_disclosure::{PayloadRevealed, disclosure_stream};
use infra_testkit::wait_for;
use serde_json::{Value, json};

fn administrator() -> Person {
    person(Role::Administrator, 4)
}

async fn reveal(lab: &Lab, who: Person, stream: &str, body: Value) -> Answer {
    lab.ask(who, Method::POST, &format!("/operations/streams/{stream}/reveal"), Some(body)).await
}

fn why() -> Value {
    json!({"reason": "complaint 2026-117"})
}

async fn records(lab: &Lab) -> Vec<PayloadRevealed> {
    lab.events().await.iter().filter_map(|event| infra_disclosure::read(event).unwrap()).collect()
}

#[tokio::test]
async fn an_administrator_is_shown_what_a_result_says_and_the_laboratory_sees_that() {
    let lab = Lab::open().await;
    let id = lab.file(a_result()).await;
    lab.patch(laboratory(), &id, json!({"result": "Resultado Negativo", "reason": "Error de transcripción"})).await;
    lab.get(physician(), &format!("/results/{id}")).await;

    let shown = reveal(&lab, administrator(), &id, why()).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.body);
    assert_eq!(shown.header("cache-control"), Some("no-store"));
    let events = shown.body["events"].as_array().unwrap();
    let said: Vec<&Value> = events.iter().map(|event| &event["data"]["sealed_clinical"]).collect();
    assert_eq!(said[0], &json!({"patient": "Paciente de Prueba", "result": "Resultado Positivo"}));
    assert_eq!(
        (&said[1]["result"], &said[1]["reason"]),
        (&json!("Resultado Negativo"), &json!("Error de transcripción"))
    );
    let body = json!({"reason": "complaint 2026-117", "show": "state", "to": 1});
    let state = reveal(&lab, administrator(), &id, body).await.body;
    assert_eq!(state["state"]["versions"][0]["content"]["result"], "Resultado Positivo");

    let looks = wait_for("both reveals to be listed", PATIENCE, async || {
        let answer = lab.get(laboratory(), &format!("/results/{id}/access")).await;
        let looks = answer.body["items"].as_array()?.clone();
        (looks.len() == 3).then_some(looks)
    })
    .await;
    let seen: Vec<_> = looks.iter().map(|look| (look["role"].clone(), look["access"].clone())).collect();
    let revealed = (json!(4), json!("revealed"));
    assert_eq!(seen, [revealed.clone(), revealed, (json!(2), json!("result"))], "the latest first");
    assert_eq!(looks[1]["id"], shown.body["record"]);
    lab.caught_up().await;
    for read_model in service_results::projections() {
        let store = &*lab.resources.store;
        let equality = infra_event_store::projection::verify(&*read_model, store, &lab.resources.pool, |_| ()).await;
        assert!(equality.unwrap().is_equal());
    }
}

#[tokio::test]
async fn only_an_administrator_with_a_reason_is_shown_anything() {
    let lab = Lab::open().await;
    let id = lab.file(a_result()).await;
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Administrator) {
        let refused = reveal(&lab, person(role, 9), &id, why()).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{role}");
    }
    for body in [json!({}), json!({"reason": ""}), json!({"reason": "x".repeat(201)}), json!({"reason": "a\u{7}b"})] {
        let refused = reveal(&lab, administrator(), &id, body.clone()).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(refused.wrong_fields(), ["/reason"], "{body}");
    }
    let longest = reveal(&lab, administrator(), &id, json!({"reason": "x".repeat(200)})).await;
    assert_eq!(longest.status, StatusCode::OK);
    assert_eq!(records(&lab).await.len(), 1, "who is refused leaves no record");
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_shown_to_an_administrator_either() {
    let lab = Lab::open().await;
    let id = lab.file(a_result()).await;
    lab.store.refuse_appends(true);
    for show in ["events", "state"] {
        let answer = reveal(&lab, administrator(), &id, json!({"reason": "why", "show": show})).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{show}");
        assert_eq!(answer.body["code"], "access_not_recorded");
        assert!(!answer.body.to_string().contains("Resultado"));
    }
    lab.store.refuse_appends(false);
    assert!(records(&lab).await.is_empty());
    assert_eq!(reveal(&lab, administrator(), &id, why()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_forgotten_persons_results_stay_forgotten() {
    let lab = Lab::open().await;
    let mut body = a_result();
    body["patient_id"] = json!(patient().user.to_string());
    let id = lab.file(body).await;
    lab.ports.vault.shred(patient().user.into(), Purpose::Clinical).await.unwrap();
    let shown = reveal(&lab, administrator(), &id, why()).await;
    assert_eq!(shown.body["events"][0]["data"]["sealed_clinical"], "[erased]");
    let state = reveal(&lab, administrator(), &id, json!({"reason": "why", "show": "state"})).await;
    let content = &state.body["state"]["versions"][0]["content"];
    assert_eq!(content, &json!({"patient": "[erased]", "result": "[erased]"}));
}

#[tokio::test]
async fn the_stream_of_the_records_is_no_result() {
    let lab = Lab::open().await;
    let id = lab.file(a_result()).await;
    reveal(&lab, administrator(), &id, why()).await;
    let stream = disclosure_stream(StreamId(id.parse().unwrap()));
    assert_eq!(lab.get(physician(), &format!("/results/{stream}")).await.status, StatusCode::NOT_FOUND);
    let change = json!({"result": "Resultado Negativo", "reason": "why"});
    assert_eq!(lab.patch(laboratory(), &stream.to_string(), change).await.status, StatusCode::NOT_FOUND);
    let nowhere = reveal(&lab, administrator(), "0199d3a0-7c00-7000-8000-00000000ffff", why()).await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
}
