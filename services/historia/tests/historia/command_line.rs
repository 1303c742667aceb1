//! The other verbs, on the data that `up` left or is using.
use crate::client::Client;
use crate::platform::{DataDirectory, HISTORIA, Platform, historia};
use hyper::StatusCode;
use serde_json::{Value, json};
use std::process::{Command, Output, Stdio};

fn document(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: standard output is not one JSON document: {}", String::from_utf8_lossy(&output.stdout))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn history_can_be_read_replayed_and_proved_whether_up_runs_or_not() {
    let data = DataDirectory::new();
    let platform = Platform::up(&data, &[]);
    let anybody = Client::new(&platform.url);
    let account = json!({"username": "usuario2", "password": "password2", "role": 1});
    let user = anybody.post("/users", account).await;
    assert_eq!(user.status, StatusCode::CREATED);
    let laboratory = anybody.log_in("usuario2", "password2").await;
    let filed = json!({"patient": "Paciente de Prueba", "result": "Resultado Positivo"});
    let result = laboratory.post("/results", filed).await;
    assert_eq!(result.status, StatusCode::CREATED);
    let stream = result.body["id"].as_str().unwrap().to_owned();

    // While it runs.
    read_events(&data, &stream);
    let tail = document(&historia(&data, &["events", "tail", "--no-follow", "-n", "100", "--json"]));
    let types: Vec<&str> =
        tail["events"].as_array().unwrap().iter().filter_map(|event| event["type"].as_str()).collect();
    assert!(types.contains(&"users.user_created") && types.contains(&"results.result_created"), "{types:?}");
    let rebuilt = document(&historia(&data, &["replay", "rebuild", "result_summary", "--json", "--no-progress"]));
    assert_eq!(rebuilt["projections"][0]["name"], "result_summary");
    assert_eq!(laboratory.get("/results").await.body["items"].as_array().unwrap().len(), 1);
    let status = document(&historia(&data, &["db", "status", "--json"]));
    assert!(status["databases"].as_array().unwrap().iter().all(|database| database["state"] == "current"), "{status}");
    platform.interrupt();

    // And when it does not.
    read_events(&data, &stream);
    let verified = document(&historia(&data, &["replay", "verify", "--json", "--no-progress"]));
    assert_eq!(verified["whole"], true, "{verified}");
    let unknown = historia(&data, &["replay", "rebuild", "nothing_like_it"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("result_summary"), "the error names what there is");
}

fn read_events(data: &DataDirectory, stream: &str) {
    let read = document(&historia(data, &["events", "read", stream, "--json"]));
    let event = &read["events"][0];
    assert_eq!((event["type"].as_str(), event["version"].as_u64()), (Some("results.result_created"), Some(1)));
    assert!(!read.to_string().contains("Positivo"), "what is sealed stays sealed");
}

#[test]
fn a_second_up_on_the_same_data_is_refused_in_one_line() {
    let data = DataDirectory::new();
    let _platform = Platform::up(&data, &[]);
    let second = historia(&data, &["up", "--port", "0"]);
    let error = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(7), "{error}");
    assert_eq!(error.trim().lines().count(), 1, "{error}");
    assert!(error.contains("already"), "{error}");
}

#[test]
fn a_port_in_use_is_refused_in_one_line() {
    let data = DataDirectory::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let up = historia(&data, &["up", "--port", &port]);
    let error = String::from_utf8_lossy(&up.stderr);
    assert_eq!(up.status.code(), Some(7), "{error}");
    assert_eq!(error.trim().lines().count(), 1, "{error}");
    assert!(error.contains(&port) && error.contains("--port"), "{error}");
}

#[test]
fn a_wrong_master_key_is_refused_in_one_line() {
    let data = DataDirectory::new();
    Platform::up(&data, &[]).interrupt();
    let file = data.path().join("secrets/master-clinical.key");
    let key = std::fs::read_to_string(&file).unwrap();
    let first = key.find(|character: char| character.is_ascii_hexdigit()).unwrap();
    let other = if key.as_bytes()[key.trim_end().len() - 1] == b'0' { "1" } else { "0" };
    let end = key.trim_end().len();
    assert!(end > first + 32);
    std::fs::write(&file, format!("{}{other}\n", &key[..end - 1])).unwrap();
    let up = historia(&data, &["up", "--port", "0"]);
    let error = String::from_utf8_lossy(&up.stderr);
    assert_eq!(up.status.code(), Some(1), "{error}");
    assert_eq!(error.trim().lines().count(), 1, "{error}");
    assert!(error.contains("master") && error.contains("clinical"), "{error}");
}

#[test]
fn fresh_moves_the_old_data_aside() {
    let data = DataDirectory::new();
    Platform::up(&data, &[]).interrupt();
    Platform::up(&data, &["--fresh"]).interrupt();
    let aside = std::fs::read_dir(data.root()).unwrap().filter_map(Result::ok).filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with("data-") && entry.path().join("postgres").exists()
    });
    assert_eq!(aside.count(), 1);
}

#[test]
fn doctor_says_what_is_there_in_one_document() {
    let data = DataDirectory::new();
    let report = document(&historia(&data, &["doctor", "--json", "--port", "0"]));
    let checks = report["checks"].as_array().unwrap();
    let postgres = checks.iter().find(|check| check["name"] == "postgresql").expect("PostgreSQL is looked for");
    assert_eq!(postgres["state"], "ok", "{report}");
}

#[test]
fn a_wrong_call_is_exit_code_two() {
    let output = Command::new(HISTORIA).arg("no-such-verb").stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
