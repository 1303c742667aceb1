//! `GET /results`.
use crate::lab::{Lab, PATIENCE, a_result, laboratory, patient, person, physician};
use axum::http::{Method, StatusCode};
use domain_kernel::{Reason, Role, UserId, Version};
use domain_results::result_access::listing_stream;
use infra_event_store::operations::Operations;
use infra_testkit::wait_for;
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn results_are_listed_newest_first_page_by_page() {
    let lab = Lab::open().await;
    for _ in 0..12 {
        lab.file(a_result()).await;
    }
    lab.caught_up().await;
    let first = lab.get(laboratory(), "/results").await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.body);
    assert_eq!(numbers(&first.body), (3..=12).rev().collect::<Vec<_>>(), "ten a page");
    let next = first.body["next"].as_str().unwrap();
    assert!(first.header("link").unwrap().contains(next));
    let second = lab.get(laboratory(), &format!("/results?cursor={next}")).await;
    assert_eq!(numbers(&second.body), [2, 1]);
    assert_eq!(second.body["next"], Value::Null);
    assert_eq!(numbers(&lab.get(laboratory(), "/results?limit=2").await.body), [12, 11]);
    let exact = lab.get(laboratory(), "/results?limit=12").await;
    assert_eq!(exact.body["next"], Value::Null, "no page follows a full last one");
}

#[tokio::test]
async fn a_list_holds_the_write_that_it_is_told_to_wait_for_or_says_that_it_does_not() {
    let lab = Lab::open().await;
    let operations = Operations::new(lab.resources.pool.clone(), service_results::projections());
    let operator = UserId(Uuid::from_u128(4));
    operations.pause("result_summary", operator, &Reason::parse("to be late").unwrap()).await.unwrap();
    let filed = lab.post(laboratory(), a_result()).await;
    let position = filed.header("historia-position").unwrap();
    let read =
        async || lab.ask_with(Some(laboratory()), Method::GET, "/results", None, &[("historia-after", position)]).await;

    let late = read().await;
    assert_eq!((late.status, late.header("historia-stale")), (StatusCode::OK, Some("true")));
    assert_eq!(numbers(&late.body), Vec::<i64>::new());
    operations.resume("result_summary", operator, &Reason::parse("late enough").unwrap()).await.unwrap();
    let held = wait_for("the list to hold the result", PATIENCE, async || {
        let held = read().await;
        held.header("historia-stale").is_none().then(|| numbers(&held.body))
    });
    assert_eq!(held.await, [1]);
}

#[tokio::test]
async fn a_list_shows_no_clinical_value_and_no_name() {
    let lab = Lab::open().await;
    lab.file(a_result()).await;
    lab.caught_up().await;
    let list = lab.get(laboratory(), "/results").await;
    let fields: Vec<_> = list.body["items"][0].as_object().unwrap().keys().cloned().collect();
    let expected =
        ["id", "number", "status", "version", "author", "patient_id", "created_at", "updated_at", "notification"];
    assert_eq!(fields, expected);
    assert!(!list.body.to_string().contains("Paciente"));
}

#[tokio::test]
async fn each_page_is_one_look() {
    let lab = Lab::open().await;
    for _ in 0..3 {
        lab.file(a_result()).await;
    }
    lab.caught_up().await;
    for _ in 0..2 {
        lab.get(physician(), "/results").await;
    }
    let stream = listing_stream(physician().user, lab.now());
    assert_eq!(lab.resources.store.read_stream(stream, Version::NONE, 100).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_patient_lists_the_own_results_only() {
    let lab = Lab::open().await;
    lab.file(a_result()).await;
    lab.file(json!({"patient": "Ana", "result": "x", "patient_id": patient().user.to_string()})).await;
    lab.caught_up().await;
    assert_eq!(numbers(&lab.get(patient(), "/results").await.body), [2]);
    let another = format!("/results?patient_id={}", physician().user);
    assert_eq!(numbers(&lab.get(patient(), &another).await.body), Vec::<i64>::new());
    assert_eq!(numbers(&lab.get(laboratory(), "/results").await.body), [2, 1]);
}

#[tokio::test]
async fn roles_that_read_no_results_list_none() {
    let lab = Lab::open().await;
    for role in Role::ALL {
        let expected = match role {
            Role::Laboratory | Role::Physician | Role::Patient | Role::Nurse => StatusCode::OK,
            _ => StatusCode::FORBIDDEN,
        };
        assert_eq!(lab.get(person(role, 9), "/results").await.status, expected, "{role}");
    }
}

#[tokio::test]
async fn results_are_filtered_by_status_patient_and_time() {
    let lab = Lab::open().await;
    lab.file(a_result()).await;
    lab.file(json!({"patient": "Ana", "result": "x", "status": "preliminary"})).await;
    lab.file(json!({"patient": "Ana", "result": "x", "patient_id": patient().user.to_string()})).await;
    lab.patch(laboratory(), "1", json!({"result": "Resultado Negativo", "reason": "Error"})).await;
    lab.caught_up().await;
    let list = async |query: &str| numbers(&lab.get(laboratory(), &format!("/results?{query}")).await.body);
    assert_eq!(list("status=amended").await, [1]);
    assert_eq!(list("status=preliminary").await, [2]);
    assert_eq!(list(&format!("patient_id={}", patient().user)).await, [3]);
    assert_eq!(list("notification=pending").await, [3, 2, 1]);
    assert_eq!(list("notification=sent").await, Vec::<i64>::new());
    let second = lab.get(laboratory(), "/results/2").await.body["created_at"].as_str().unwrap().to_owned();
    assert_eq!(list(&format!("from={second}")).await, [3, 2]);
    assert_eq!(list(&format!("to={second}")).await, [1]);
    assert_eq!(list("from=2999-01-01").await, Vec::<i64>::new());
}

#[tokio::test]
async fn a_wrong_filter_is_named() {
    let lab = Lab::open().await;
    for (query, pointers) in [
        ("status=done&notification=maybe&from=ayer", vec!["?status", "?notification", "?from"]),
        ("limit=101", vec!["?limit"]),
        ("colour=red", vec!["?colour"]),
    ] {
        let answer = lab.get(laboratory(), &format!("/results?{query}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert_eq!(answer.wrong_fields(), pointers, "{query}");
    }
    assert_eq!(lab.get(laboratory(), "/results?cursor=bm8").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_list_follows_what_happens_to_a_result() {
    let lab = Lab::open().await;
    let id = lab.file(a_result()).await;
    lab.patch(laboratory(), &id, json!({"status": "entered_in_error", "reason": "Paciente equivocado"})).await;
    let item = wait_for("the list to follow", PATIENCE, async || {
        let list = lab.get(laboratory(), "/results?status=entered_in_error").await;
        list.body["items"].as_array()?.first().cloned()
    })
    .await;
    assert_eq!(item["version"], 2);
    assert_ne!(item["updated_at"], item["created_at"]);
}

fn numbers(page: &Value) -> Vec<i64> {
    page["items"].as_array().unwrap().iter().map(|item| item["number"].as_i64().unwrap()).collect()
}
