//! What an operator reads of history: streams, events, sagas, states, in every form; and nothing that is sealed.
use crate::client::Client;
use crate::platform::{DataDirectory, HISTORIA, Platform, historia};
use crate::schemas;
use hyper::{Method, StatusCode};
use infra_testkit::wait_for;
use serde_json::{Value, json};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// What was said in confidence: no verb may ever show it.
const SEALED: [&str; 4] = ["usuario2", "Paciente de Prueba", "Resultado Positivo", "se leyó mal"];

/// Output of a verb that has to go well.
fn told(data: &DataDirectory, arguments: &[&str]) -> String {
    let output = historia(data, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    for secret in SEALED {
        assert!(!text.contains(secret), "{arguments:?} shows {secret}");
    }
    text
}

fn document(data: &DataDirectory, arguments: &[&str]) -> Value {
    let text = told(data, &[arguments, &["-o", "json"]].concat());
    let document = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {arguments:?}: {text}"));
    schemas::check(&schemas::of(arguments), &document);
    document
}

fn refused(data: &DataDirectory, arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, stdout } = historia(data, arguments);
    assert!(stdout.is_empty(), "{arguments:?}");
    (status.code(), String::from_utf8(stderr).unwrap())
}

/// A platform where a result was filed and amended, and the patient told; gives the result and its saga.
async fn amended(platform: &Platform) -> (String, String) {
    let anybody = Client::new(&platform.url);
    let account = json!({"username": "usuario2", "password": "password2", "role": 1});
    assert_eq!(anybody.post("/users", account).await.status, StatusCode::CREATED);
    let laboratory = anybody.log_in("usuario2", "password2").await;
    let filed =
        laboratory.post("/results", json!({"patient": "Paciente de Prueba", "result": "Resultado Positivo"})).await;
    assert_eq!(filed.status, StatusCode::CREATED);
    let id = filed.body["id"].as_str().unwrap().to_owned();
    let saga = filed.headers["historia-correlation-id"].to_str().unwrap().to_owned();
    let amendment = json!({"result": "Resultado Negativo", "reason": "se leyó mal"});
    let amended = laboratory.send(Method::PATCH, &format!("/results/{id}"), Some(amendment)).await.unwrap();
    assert_eq!(amended.status, StatusCode::OK, "{}", amended.body);
    wait_for("the saga to be settled", Duration::from_secs(30), async || {
        let page = laboratory.get(&format!("/saga/logs?correlation_id={saga}")).await;
        let items = page.body["items"].as_array().unwrap().clone();
        (items.len() == 2 && items.iter().all(|item| item["state"] == "PROCESSED")).then_some(())
    })
    .await;
    (id, saga)
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_read_by_stream_by_event_and_by_saga_and_nothing_sealed_is_shown() {
    let data = DataDirectory::new();
    let platform = Platform::up(&data, &[]);
    let (result, saga) = amended(&platform).await;

    let streams = document(&data, &["streams", "list", "--category", "clinical_result"]);
    let stream = &streams["streams"][0];
    assert_eq!((&stream["stream"], &stream["version"]), (&json!(result), &json!(2)), "{streams}");
    assert_eq!(told(&data, &["streams", "list", "--category", "clinical_result", "-q"]), format!("{result}\n"));

    let found = document(&data, &["events", "search", "--type", "ResultCreated", "--since", "1h"]);
    assert_eq!(found["events"][0]["stream"], json!(result), "{found}");
    let of_saga = document(&data, &["events", "search", "--correlation", &saga, "--service", "results"]);
    assert_eq!(of_saga["events"][0]["type"], "results.result_created");
    assert_eq!(document(&data, &["events", "search", "--until", "2020-01-01"])["events"], json!([]));

    let stats = document(&data, &["events", "stats", "--by", "day"]);
    let counts = stats["counts"].as_array().unwrap();
    let sum: u64 = counts.iter().map(|count| count["events"].as_u64().unwrap()).sum();
    assert_eq!(json!(sum), stats["events"]);
    let by_type = document(&data, &["events", "stats", "--service", "results"]);
    let amended = by_type["counts"].as_array().unwrap().iter().find(|count| count["type"] == "results.result_amended");
    assert_eq!(amended.unwrap()["events"], 1);

    traced(&data, &saga);
    rehydrated(&data, &result);
    for arguments in [
        &["events", "read", &result][..],
        &["events", "tail", "--no-follow"],
        &["db", "status"],
        &["doctor", "--port", "0"],
    ] {
        document(&data, arguments);
    }
    platform.interrupt();
}

fn traced(data: &DataDirectory, saga: &str) {
    let trace = document(data, &["trace", saga]);
    let events = trace["events"].as_array().unwrap();
    let (cause, effect) = (&events[0], &events[1]);
    assert_eq!((&cause["type"], &cause["depth"]), (&json!("results.result_created"), &json!(0)));
    assert_eq!((&effect["service"], &effect["depth"]), (&json!("notifications"), &json!(1)));
    assert_eq!(effect["causation_id"], cause["event_id"]);
    assert!(events.iter().all(|event| event["service"] != "saga_log"), "its bookkeeping is left out: {trace}");
    let whole = document(data, &["trace", saga, "--all"]);
    assert!(whole["events"].as_array().unwrap().len() > events.len());

    let tree = told(data, &["trace", saga]);
    assert!(tree.starts_with("results.result_created") && tree.contains("└─ "), "{tree}");
    assert!(told(data, &["trace", saga, "--dot"]).contains("n0 -> n1"));
    assert!(told(data, &["trace", saga, "--mermaid"]).starts_with("flowchart LR"));
    assert_eq!(told(data, &["trace", saga, "--flat"]).lines().count(), events.len());
}

fn rehydrated(data: &DataDirectory, result: &str) {
    let first = document(data, &["state", result, "--at", "1"]);
    assert_eq!((&first["state"]["status"], &first["version"]), (&json!("final"), &json!(1)));
    let moment = first["at"].as_str().unwrap();
    assert_eq!(document(data, &["state", result, "--at", moment])["state"], first["state"]);
    let now = document(data, &["state", &format!("clinical_result-{result}")]);
    assert_eq!((&now["state"]["status"], &now["version"]), (&json!("amended"), &json!(2)));
    assert_eq!(now["state"]["versions"][1]["content"], "[sealed]");

    let difference = document(data, &["diff", result, "1", "2"]);
    assert_eq!(difference["events"], json!(["results.result_amended"]));
    let status = difference["changes"].as_array().unwrap().iter().find(|change| change["field"] == "status").unwrap();
    assert_eq!((&status["before"], &status["after"]), (&json!("final"), &json!("amended")));
    let history = document(data, &["events", "history", result]);
    assert_eq!(history["steps"].as_array().unwrap().len(), 2);
    assert_eq!(history["steps"][1]["changes"], difference["changes"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_and_what_is_no_name_end_with_codes_of_their_own() {
    let data = DataDirectory::new();
    let nothing = refused(&data, &["streams", "list"]);
    assert_eq!(nothing.0, Some(4), "there is no data yet: {}", nothing.1);
    Platform::up(&data, &[]).interrupt();
    let nobody = "0198a8a0-6a51-7f54-9a0c-2d9d4b1c7a10";
    for (arguments, code, hint) in [
        (&["events", "read", nobody][..], 4, "streams list"),
        (&["state", nobody], 4, "streams list"),
        (&["trace", nobody], 4, "events tail"),
        (&["events", "search", "--type", "user_craeted"], 4, "users.user_created"),
        (&["streams", "list", "--category", "clinical_resultt"], 4, "clinical_result"),
        (&["streams", "list", "--service", "user"], 4, "users"),
        (&["events", "search", "--since", "yesterday"], 2, "how long ago"),
        (&["events", "read", "user"], 2, "user-0198"),
        (&["trace", "somebody"], 2, "Historia-Correlation-Id"),
        (&["diff", nobody, "2", "1"], 2, "earlier"),
        (&["streams", "list", "-q", "--json"], 2, "--quiet"),
    ] {
        let (ended, error) = refused(&data, arguments);
        assert_eq!(ended, Some(code), "{arguments:?}: {error}");
        assert!(error.contains(hint), "{arguments:?}: {error}");
    }
}

#[test]
fn every_form_shows_the_same_columns() {
    let data = DataDirectory::new();
    let catalog = |form: &str| told(&data, &["events", "catalog", "--service", "users", "-o", form]);
    let types = serde_json::from_str::<Value>(&catalog("json")).unwrap()["types"].as_array().unwrap().len();
    assert!(types > 8);
    let csv = catalog("csv");
    assert!(csv.starts_with("service,type,category,schemas,sealed,published_as,topic,answered_by\n"), "{csv}");
    assert!(
        csv.contains("\nusers,users.user_created,user,1,\"account, contact\",UserCreated,event-user,notifications\n")
    );
    assert_eq!((csv.lines().count(), catalog("table").lines().count()), (types + 1, types + 1));
    let plain = catalog("plain");
    assert_eq!((plain.lines().count(), catalog("ndjson").lines().count()), (types, types));
    assert!(plain.lines().all(|line| line.split('\t').count() == 8), "{plain}");
    assert_eq!(told(&data, &["events", "catalog", "--service", "users"]), plain, "a pipe gets plain columns");
}

#[test]
fn a_shell_gets_completions_and_a_manual() {
    let data = DataDirectory::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(told(&data, &["completions", shell]).contains("historia"), "{shell}");
    }
    let pages = data.root().join("man");
    told(&data, &["man", pages.to_str().unwrap()]);
    let whole = std::fs::read_to_string(pages.join("historia.1")).unwrap();
    assert!(whole.contains("Exit codes"), "the codes are promised in the manual");
    assert!(pages.join("historia-events-search.1").exists());
}

#[test]
fn a_reader_who_has_seen_enough_is_no_error() {
    // The document is longer than a pipe holds, so whoever writes it learns that nobody reads.
    let mut child =
        Command::new(HISTORIA).arg("openapi").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &[][..]));
}
