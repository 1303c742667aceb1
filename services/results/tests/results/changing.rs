//! `PATCH /results/{id}`.
use crate::lab::{Lab, a_result, laboratory, patient, person, physician};
use axum::http::{Method, StatusCode};
use domain_kernel::Role;
use serde_json::{Value, json};

#[tokio::test]
async fn an_amendment_keeps_the_earlier_version_in_the_history() {
    let lab = Lab::open().await;
    let id = lab.file(a_result()).await;
    let change = json!({"result": "Resultado Negativo", "reason": "Error de transcripción"});
    let answer = lab.patch(physician(), "1", change).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.body["status"], "amended");
    assert_eq!(answer.header("etag"), Some("\"2\""));
    assert!(!answer.body.to_string().contains("Negativo"), "a change is answered without what it says");

    let read = lab.get(laboratory(), &format!("/results/{id}")).await;
    assert_eq!(read.body["result"], "Resultado Negativo");
    assert_eq!(read.body["patient"], "Paciente de Prueba", "what is not named stays");
    assert_eq!(read.body["updated_at"], answer.body["updated_at"]);

    let history = lab.get(laboratory(), &format!("/results/{id}/history")).await;
    let versions: Vec<_> = history.body["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| ["status", "result", "reason", "author"].map(|field| version[field].clone()))
        .collect();
    let expected = [
        [json!("final"), json!("Resultado Positivo"), Value::Null, json!(laboratory().user.to_string())],
        [
            json!("amended"),
            json!("Resultado Negativo"),
            json!("Error de transcripción"),
            json!(physician().user.to_string()),
        ],
    ];
    assert_eq!(versions, expected);
}

#[tokio::test]
async fn a_correction_says_that_the_earlier_version_was_wrong() {
    let lab = Lab::open().await;
    let id = lab.file(a_result()).await;
    let change = json!({"patient": "Otra Persona", "reason": "Paciente equivocado", "kind": "corrected"});
    assert_eq!(lab.patch(laboratory(), &id, change).await.body["status"], "corrected");
    assert_eq!(lab.get(laboratory(), "/results/1").await.body["patient"], "Otra Persona");
}

#[tokio::test]
async fn a_change_without_reason_or_without_change_is_refused_by_field() {
    let lab = Lab::open().await;
    let id = lab.file(a_result()).await;
    for (change, pointers) in [
        (json!({"result": "Resultado Negativo"}), vec!["/reason"]),
        (json!({"reason": "Error de transcripción"}), vec!["/result"]),
        (json!({"result": "", "reason": " "}), vec!["/result", "/reason"]),
        (json!({"status": "entered_in_error"}), vec!["/reason"]),
        (json!({"status": "cancelled", "result": "x", "reason": "y"}), vec!["/result"]),
        (json!({"status": "final", "reason": "y"}), vec!["/reason"]),
        (json!({"status": "amended", "reason": "y"}), vec!["/status"]),
        (json!({"number": 7}), vec!["/number"]),
    ] {
        let answer = lab.patch(laboratory(), &id, change).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.body);
        assert_eq!(answer.wrong_fields(), pointers, "{}", answer.body);
    }
    assert_eq!(lab.events().await.len(), 1);
}

#[tokio::test]
async fn only_the_version_that_was_read_is_changed() {
    let lab = Lab::open().await;
    let id = lab.file(a_result()).await;
    let path = format!("/results/{id}");
    let change = async |etag: &str, text: &str| {
        let change = json!({"result": text, "reason": "Error de transcripción"});
        lab.ask_with(Some(laboratory()), Method::PATCH, &path, Some(change), &[("if-match", etag)]).await
    };
    assert_eq!(change("\"1\"", "Resultado Negativo").await.status, StatusCode::OK);
    let late = change("\"1\"", "Resultado Indeterminado").await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(lab.get(laboratory(), &path).await.body["result"], "Resultado Negativo");
    assert_eq!(change("\"2\"", "Resultado Indeterminado").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_same_idempotency_key_changes_once() {
    let lab = Lab::open().await;
    let id = lab.file(a_result()).await;
    let change = async || {
        let change = json!({"result": "Resultado Negativo", "reason": "Error de transcripción"});
        let (path, headers) = (format!("/results/{id}"), [("idempotency-key", "amend-1"), ("if-match", "\"1\"")]);
        lab.ask_with(Some(laboratory()), Method::PATCH, &path, Some(change), &headers).await
    };
    let (first, again) = (change().await, change().await);
    assert_eq!((first.status, again.status), (StatusCode::OK, StatusCode::OK));
    assert_eq!(first.body, again.body);
    assert_eq!(lab.events().await.len(), 2);
}

#[tokio::test]
async fn a_result_goes_from_registered_to_preliminary_to_final() {
    let lab = Lab::open().await;
    let id = lab.file(json!({"patient": "Ana", "result": "pendiente", "status": "registered"})).await;
    let early = lab.patch(laboratory(), &id, json!({"status": "final"})).await;
    assert_eq!((early.status, &early.body["code"]), (StatusCode::CONFLICT, &json!("not_preliminary")));
    for status in ["preliminary", "final"] {
        let answer = lab.patch(laboratory(), &id, json!({"status": status})).await;
        assert_eq!((answer.status, &answer.body["status"]), (StatusCode::OK, &json!(status)));
    }
    let again = lab.patch(laboratory(), &id, json!({"status": "final"})).await;
    assert_eq!((again.status, again.header("etag")), (StatusCode::OK, Some("\"3\"")), "already so");
}

#[tokio::test]
async fn a_preliminary_result_is_cancelled_and_a_final_one_is_not() {
    let lab = Lab::open().await;
    let preliminary = lab.file(json!({"patient": "Ana", "result": "x", "status": "preliminary"})).await;
    let cancel = json!({"status": "cancelled", "reason": "Muestra insuficiente"});
    assert_eq!(lab.patch(laboratory(), &preliminary, cancel.clone()).await.body["status"], "cancelled");
    let last = lab.get(laboratory(), &format!("/results/{preliminary}/history")).await.body["versions"][1].clone();
    assert_eq!(last["reason"], "Muestra insuficiente");
    let id = lab.file(a_result()).await;
    let refused = lab.patch(laboratory(), &id, cancel).await;
    assert_eq!((refused.status, &refused.body["code"]), (StatusCode::CONFLICT, &json!("already_final")));
}

#[tokio::test]
async fn a_result_entered_in_error_is_the_end() {
    let lab = Lab::open().await;
    let id = lab.file(a_result()).await;
    let withdraw = json!({"status": "entered_in_error", "reason": "Paciente equivocado"});
    assert_eq!(lab.patch(laboratory(), &id, withdraw).await.body["status"], "entered_in_error");
    let amend = json!({"result": "Resultado Negativo", "reason": "Error de transcripción"});
    let refused = lab.patch(laboratory(), &id, amend).await;
    assert_eq!((refused.status, &refused.body["code"]), (StatusCode::CONFLICT, &json!("entered_in_error")));
}

#[tokio::test]
async fn only_the_laboratory_and_physicians_change_results() {
    let lab = Lab::open().await;
    let linked = json!({"patient": "Ana", "result": "x", "patient_id": patient().user.to_string()});
    let id = lab.file(linked).await;
    for role in Role::ALL.into_iter().filter(|role| !matches!(role, Role::Laboratory | Role::Physician)) {
        let change = json!({"status": "entered_in_error", "reason": "no"});
        assert_eq!(lab.patch(person(role, 3), &id, change).await.status, StatusCode::FORBIDDEN, "{role}");
    }
}

#[tokio::test]
async fn an_unknown_result_is_not_changed() {
    let lab = Lab::open().await;
    for id in ["7", "0199d3a0-7c00-7000-8000-00000000ffff", "nobody"] {
        let answer = lab.patch(laboratory(), id, json!({"status": "final"})).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{id}");
    }
}
