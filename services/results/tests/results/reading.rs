//! `GET /results/{id}`, its history, and who read it.
use crate::lab::{Lab, a_result, laboratory, patient, person, physician};
use axum::http::{Method, StatusCode};
use domain_kernel::ports::{KeyVault, Purpose};
use domain_kernel::{Role, StreamId, Version};
use domain_results::result_access::query_stream;
use infra_testkit::wait_for;
use serde_json::{Value, json};
use std::sync::Arc;

#[tokio::test]
async fn a_result_is_read_unsealed_with_its_version_as_etag() {
    let lab = Lab::open().await;
    let id = lab.file(a_result()).await;
    let answer = lab.get(physician(), &format!("/results/{id}")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("etag"), Some("\"1\""));
    assert_eq!(answer.body["patient"], "Paciente de Prueba");
    assert_eq!(answer.body["result"], "Resultado Positivo");
    assert_eq!(answer.body["status"], "final");
    assert_eq!(answer.body["version"], 1);
    assert_eq!(answer.body["author"], json!(laboratory().user.to_string()));
    assert_eq!(answer.body["patient_id"], Value::Null);
    assert_eq!(answer.body["notification"], json!({"state": "pending"}));
    assert_eq!(answer.body["versions"].as_array().unwrap().len(), 1);
    assert_eq!(answer.body.get("erased"), None);
    assert_eq!(answer.body["created_at"], answer.body["updated_at"]);
}

#[tokio::test]
async fn the_table_of_who_reads_what_holds_for_results_and_histories() {
    let lab = Lab::open().await;
    let own = lab.file(linked_to_the_patient()).await;
    let another = lab.file(a_result()).await;
    for role in Role::ALL {
        // The same account in every role, so that only the role decides.
        let reader = person(role, 3);
        let expected = match role {
            Role::Laboratory | Role::Physician | Role::Nurse => [StatusCode::OK, StatusCode::OK],
            Role::Patient => [StatusCode::OK, StatusCode::NOT_FOUND],
            _ => [StatusCode::NOT_FOUND, StatusCode::NOT_FOUND],
        };
        for (id, expected) in [&own, &another].into_iter().zip(expected) {
            for path in [format!("/results/{id}"), format!("/results/{id}/history")] {
                assert_eq!(lab.get(reader, &path).await.status, expected, "{role} {path}");
            }
        }
    }
}

#[tokio::test]
async fn another_patients_result_and_an_unknown_one_are_the_same_404() {
    let lab = Lab::open().await;
    let another = lab.file(a_result()).await;
    let foreign = lab.get(patient(), &format!("/results/{another}")).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
    let unknown = "0199d3a0-7c00-7000-8000-00000000ffff";
    for path in ["/results/999", "/results/1", "/results/0", "/results/nobody", &format!("/results/{unknown}")] {
        let answer = lab.get(patient(), path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.problem(), foreign.problem(), "{path}");
    }
    let auditor = lab.get(person(Role::Auditor, 5), "/results/1").await;
    assert_eq!(auditor.problem(), foreign.problem());
}

#[tokio::test]
async fn a_refused_reader_leaves_no_look() {
    let lab = Lab::open().await;
    let id = lab.file(a_result()).await;
    lab.get(patient(), &format!("/results/{id}")).await;
    assert_eq!(lab.events().await.len(), 1, "the filing alone");
}

#[tokio::test]
async fn reading_leaves_an_event_and_does_not_move_the_etag() {
    let lab = Lab::open().await;
    let id = lab.file(a_result()).await;
    for _ in 0..3 {
        assert_eq!(lab.get(physician(), &format!("/results/{id}")).await.header("etag"), Some("\"1\""));
    }
    assert_eq!(looks(&lab, &id, physician().user).await, 3);
}

#[tokio::test]
async fn many_readers_at_once_all_leave_an_event() {
    let lab = Arc::new(Lab::open().await);
    let id = lab.file(a_result()).await;
    let readers: Vec<_> = (0..24)
        .map(|_| {
            let (lab, path) = (Arc::clone(&lab), format!("/results/{id}"));
            tokio::spawn(async move { lab.get(physician(), &path).await.status })
        })
        .collect();
    for reader in readers {
        assert_eq!(reader.await.unwrap(), StatusCode::OK);
    }
    assert_eq!(looks(&lab, &id, physician().user).await, 24);
}

#[tokio::test]
async fn a_repeated_read_is_a_second_look_whatever_the_client_calls_it() {
    let lab = Lab::open().await;
    let id = lab.file(a_result()).await;
    for _ in 0..2 {
        let key = [("idempotency-key", "one-key")];
        let path = format!("/results/{id}");
        lab.ask_with(Some(physician()), Method::GET, &path, None, &key).await;
    }
    assert_eq!(looks(&lab, &id, physician().user).await, 2);
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_shown() {
    let lab = Lab::open().await;
    let id = lab.file(a_result()).await;
    lab.store.refuse_appends(true);
    for path in [format!("/results/{id}"), format!("/results/{id}/history"), "/results".to_owned()] {
        let answer = lab.get(physician(), &path).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(answer.body["code"], "access_not_recorded");
        assert!(answer.header("retry-after").is_some());
        assert!(!answer.body.to_string().contains("Resultado Positivo"));
    }
    lab.store.refuse_appends(false);
    assert_eq!(lab.get(physician(), &format!("/results/{id}")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_erased_result_answers_with_nulls_and_says_so() {
    let lab = Lab::open().await;
    let id = lab.file(linked_to_the_patient()).await;
    let amended = json!({"result": "Resultado Negativo", "reason": "Error de transcripción"});
    lab.patch(laboratory(), &id, amended.clone()).await;
    lab.ports.vault.shred(patient().user.into(), Purpose::Clinical).await.unwrap();

    let answer = lab.get(laboratory(), &format!("/results/{id}")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body["patient"], Value::Null);
    assert_eq!(answer.body["result"], Value::Null);
    assert_eq!(answer.body["erased"], true);
    assert_eq!(answer.body["status"], "amended");
    let history = lab.get(laboratory(), &format!("/results/{id}/history")).await;
    for version in history.body["versions"].as_array().unwrap() {
        assert_eq!(
            (&version["result"], &version["reason"], &version["erased"]),
            (&Value::Null, &Value::Null, &json!(true))
        );
    }
    let change = lab.patch(laboratory(), &id, amended).await;
    assert_eq!(change.status, StatusCode::GONE);
}

#[tokio::test]
async fn a_result_linked_to_nobody_is_its_own_subject() {
    let lab = Lab::open().await;
    let [first, second] = [lab.file(a_result()).await, lab.file(a_result()).await];
    let subject = StreamId(first.parse().unwrap());
    lab.ports.vault.shred(subject.into(), Purpose::Clinical).await.unwrap();
    assert_eq!(lab.get(laboratory(), &format!("/results/{first}")).await.body["erased"], true);
    assert_eq!(lab.get(laboratory(), &format!("/results/{second}")).await.body["result"], "Resultado Positivo");
}

#[tokio::test]
async fn the_laboratory_sees_who_read_a_result_and_never_what_it_says() {
    let lab = Lab::open().await;
    let id = lab.file(linked_to_the_patient()).await;
    lab.get(physician(), &format!("/results/{id}")).await;
    lab.get(patient(), &format!("/results/{id}/history")).await;
    let answer = wait_for("both looks to be listed", crate::lab::PATIENCE, async || {
        let answer = lab.get(laboratory(), &format!("/results/{id}/access")).await;
        (answer.body["items"].as_array()?.len() == 2).then_some(answer)
    })
    .await;
    let looks: Vec<_> = answer.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|look| (look["reader"].clone(), look["role"].clone(), look["access"].clone()))
        .collect();
    let expected = [
        (json!(patient().user.to_string()), json!(3), json!("history")),
        (json!(physician().user.to_string()), json!(2), json!("result")),
    ];
    assert_eq!(looks, expected, "the latest first");
    assert!(!answer.body.to_string().contains("Resultado"));
    let first = lab.get(laboratory(), "/results/1/access?limit=1").await;
    let next = first.body["next"].as_str().unwrap();
    let second = lab.get(laboratory(), &format!("/results/1/access?limit=1&cursor={next}")).await;
    assert_eq!(second.body["items"][0], answer.body["items"][1]);
    assert_eq!(second.body["next"], Value::Null);
}

#[tokio::test]
async fn only_the_laboratory_sees_who_read() {
    let lab = Lab::open().await;
    lab.file(a_result()).await;
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Laboratory) {
        assert_eq!(lab.get(person(role, 9), "/results/1/access").await.status, StatusCode::FORBIDDEN, "{role}");
    }
    assert_eq!(lab.get(laboratory(), "/results/999/access").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_id_of_another_kind_of_stream_is_no_result() {
    let lab = Lab::open().await;
    let id = lab.file(a_result()).await;
    lab.get(physician(), &format!("/results/{id}")).await;
    let looks = query_stream(StreamId(id.parse().unwrap()), physician().user, lab.now());
    for path in [format!("/results/{looks}"), format!("/results/{looks}/access"), format!("/results/{looks}/history")] {
        assert_eq!(lab.get(laboratory(), &path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let change = json!({"status": "final"});
    assert_eq!(lab.patch(laboratory(), &looks.to_string(), change).await.status, StatusCode::NOT_FOUND);
}

fn linked_to_the_patient() -> Value {
    json!({
        "patient": "Paciente de Prueba",
        "result": "Resultado Positivo",
        "patient_id": patient().user.to_string(),
        "patient_email": "ana@example.org"
    })
}

async fn looks(lab: &Lab, result: &str, reader: domain_kernel::UserId) -> usize {
    let stream = query_stream(StreamId(result.parse().unwrap()), reader, lab.now());
    lab.resources.store.read_stream(stream, Version::NONE, 1_000).await.unwrap().len()
}
