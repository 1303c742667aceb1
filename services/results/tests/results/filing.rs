//! `POST /results`.
use crate::lab::{Lab, a_result, laboratory, patient, person, physician};
use axum::http::{Method, StatusCode};
use domain_kernel::Role;
use domain_kernel::ports::{KeyVault, Purpose};
use infra_runtime::Profile;
use serde_json::json;

#[tokio::test]
async fn a_filed_result_is_answered_with_its_id_and_its_running_number() {
    let lab = Lab::open().await;
    let answer = lab.post(laboratory(), a_result()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let id = answer.body["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), Some(format!("/results/{id}").as_str()));
    assert_eq!(answer.header("etag"), Some("\"1\""));
    assert!(answer.header("historia-correlation-id").is_some());
    assert_eq!(answer.body["number"], 1, "the first is 1");
    assert_eq!(answer.body["status"], "final");
    let second = lab.post(physician(), a_result()).await;
    assert_eq!(second.body["number"], 2);
    assert_ne!(second.body["id"], answer.body["id"]);
}

#[tokio::test]
async fn a_result_is_found_by_number_as_soon_as_it_is_filed() {
    let lab = Lab::open().await;
    let filed = lab.post(laboratory(), a_result()).await;
    let by_number = lab.get(laboratory(), "/results/1").await;
    assert_eq!(by_number.status, StatusCode::OK);
    assert_eq!(by_number.body["id"], filed.body["id"]);
    assert_eq!(by_number.body["created_at"], filed.body["created_at"]);
}

#[tokio::test]
async fn a_result_begins_as_final_in_the_demo_and_as_preliminary_elsewhere() {
    for (profile, status) in [(Profile::Demo, "final"), (Profile::Production, "preliminary")] {
        let lab = Lab::open_in(profile).await;
        assert_eq!(lab.post(laboratory(), a_result()).await.body["status"], status);
        for asked in ["registered", "preliminary", "final"] {
            let body = json!({"patient": "Paciente de Prueba", "result": "Resultado Positivo", "status": asked});
            assert_eq!(lab.post(laboratory(), body).await.body["status"], asked);
        }
    }
}

#[tokio::test]
async fn only_the_laboratory_and_physicians_file_results() {
    let lab = Lab::open().await;
    for role in Role::ALL {
        let answer = lab.post(person(role, 9), a_result()).await;
        let expected = match role {
            Role::Laboratory | Role::Physician => StatusCode::CREATED,
            _ => StatusCode::FORBIDDEN,
        };
        assert_eq!(answer.status, expected, "{role}");
    }
    let anonymous = lab.ask_with(None, Method::POST, "/results", Some(a_result()), &[]).await;
    assert_eq!(anonymous.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn every_wrong_field_is_named_and_nothing_is_stored() {
    let lab = Lab::open().await;
    let long = "a".repeat(10_001);
    for (body, pointers) in [
        (
            json!({"patient": " ", "result": long, "patient_email": "ana"}),
            vec!["/patient", "/result", "/patient_email"],
        ),
        (json!({"patient": "a".repeat(201), "result": "Resultado Positivo"}), vec!["/patient"]),
        (json!({"patient": "Paciente de Prueba", "result": "x", "patient_id": "1"}), vec!["/patient_id"]),
        (json!({"patient": "Paciente de Prueba", "result": "x", "status": "amended"}), vec!["/status"]),
        (json!({"patient": "Paciente de Prueba", "result": "x", "color": "rojo"}), vec!["/color"]),
        (json!({"patient": "Paciente de Prueba"}), vec!["/result"]),
    ] {
        let answer = lab.post(laboratory(), body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.body);
        assert_eq!(answer.wrong_fields(), pointers, "{}", answer.body);
    }
    assert!(lab.events().await.is_empty());
}

#[tokio::test]
async fn the_same_idempotency_key_files_one_result() {
    let lab = Lab::open().await;
    let key = [("idempotency-key", "0d0f9a4e-one")];
    let file = async |body| lab.ask_with(Some(laboratory()), Method::POST, "/results", Some(body), &key).await;
    let first = file(a_result()).await;
    let again = file(a_result()).await;
    assert_eq!(again.status, StatusCode::CREATED);
    assert_eq!(again.body, first.body);
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(again.header("historia-correlation-id"), first.header("historia-correlation-id"));
    assert_eq!(lab.events().await.len(), 1);
    let other = file(json!({"patient": "Otra Persona", "result": "Resultado Positivo"})).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(other.body["code"], "idempotency_key_reused");
}

#[tokio::test]
async fn nothing_is_filed_for_a_patient_whose_data_was_erased() {
    let lab = Lab::open().await;
    lab.ports.vault.shred(patient().user.into(), Purpose::Clinical).await.unwrap();
    let body = json!({"patient": "Ana", "result": "Resultado Positivo", "patient_id": patient().user.to_string()});
    let answer = lab.post(laboratory(), body).await;
    assert_eq!(answer.status, StatusCode::GONE);
    assert!(lab.events().await.is_empty());
}
