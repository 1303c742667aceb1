//! What is sealed, shown from the command line: with a login and a reason, and never without a record of both.
use crate::client::Client;
use crate::operating::Operator;
use crate::platform::{DataDirectory, Platform};
use crate::schemas;
use hyper::StatusCode;
use infra_testkit::wait_for;
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

const REASON: [&str; 3] = ["--reveal", "--reason", "complaint 2026-117"];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sealed_is_revealed_to_an_administrator_with_a_reason_and_recorded() {
    let data = DataDirectory::new();
    let platform = Platform::up(&data, &[]);
    let anybody = Client::new(&platform.url);
    let account = json!({"username": "usuario2", "password": "password2", "role": 1});
    assert_eq!(anybody.post("/users", account).await.status, StatusCode::CREATED);
    let laboratory = anybody.log_in("usuario2", "password2").await;
    let filed =
        laboratory.post("/results", json!({"patient": "Paciente de Prueba", "result": "Resultado Positivo"})).await;
    let result = filed.body["id"].as_str().unwrap().to_owned();

    let administrator = Operator::new(&data, "administrator");
    let (read, state) = (["events", "read", &result], ["state", &result]);
    for verb in [&read[..], &state[..]] {
        let asked = [verb, &REASON[..]].concat();
        administrator.refused(&asked, 5, "historia login");
        administrator.refused(&[verb, &["--reveal"]].concat(), 2, "--reason");
        administrator.refused(&[verb, &["--reason", "why"]].concat(), 2, "--reveal");
    }

    let secret = data.path().join("secrets/administrator-password").display().to_string();
    administrator.log_in(&platform.url, "admin", &secret);
    administrator.refused(&[&read[..], &["--reveal", "--reason", " "]].concat(), 2, "/reason");
    let events = administrator.told(&[&read[..], &REASON[..]].concat());
    schemas::check_answer("Revealed", &events);
    assert_eq!(events["events"][0]["data"]["sealed_clinical"]["result"], "Resultado Positivo");
    let shown = administrator.told(&[&state[..], &REASON[..], &["--at", "1"]].concat());
    schemas::check_answer("Revealed", &shown);
    assert_eq!(shown["state"]["versions"][0]["content"]["patient"], "Paciente de Prueba");
    let nobody = "0198a8a0-6a51-7f54-9a0c-2d9d4b1c7a10";
    administrator.refused(&[&["events", "read", nobody], &REASON[..]].concat(), 4, "without --reveal");

    // Without it all stays as it is.
    let sealed = administrator.told(&read);
    assert_eq!(sealed["events"][0]["data"]["sealed_clinical"], "[84 bytes]");
    let records = administrator.told(&["events", "search", "--type", "payload_revealed", "--service", "results"]);
    let records = records["events"].as_array().unwrap();
    assert_eq!(records.len(), 2, "one for each, and none for what was refused");
    let record = &records[0]["data"];
    assert_eq!((&record["stream_id"], &record["reason"]), (&json!(result), &json!("complaint 2026-117")));
    assert_eq!(records[0]["event_id"], events["record"]);
    let looks = wait_for("the laboratory to see it", Duration::from_secs(30), async || {
        let answer = laboratory.get(&format!("/results/{result}/access")).await;
        let looks = answer.body["items"].as_array()?.clone();
        (looks.len() == 2).then_some(looks)
    })
    .await;
    assert!(looks.iter().all(|look| look["access"] == "revealed" && look["role"] == 4), "{looks:?}");

    let password = data.root().join("password");
    std::fs::write(&password, "password2\n").unwrap();
    std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).unwrap();
    let other = Operator::new(&data, "laboratory");
    other.log_in(&platform.url, "usuario2", password.to_str().unwrap());
    other.refused(&[&read[..], &REASON[..]].concat(), 5, "may");
    platform.interrupt();
    let logs = administrator.told(&["logs", "-n", "100000"]).to_string();
    assert!(logs.contains("sealed payloads are revealed"), "a line says that it was done");
    assert!(!logs.contains("Resultado Positivo") && !logs.contains("Paciente de Prueba"), "never what was shown");
}
