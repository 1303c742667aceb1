//! `replay republish`: told beforehand, done once it is confirmed, recorded; and nobody does anything twice.
use crate::client::Client;
use crate::operating::Operator;
use crate::platform::{DataDirectory, Platform};
use crate::schemas;
use crate::up_on_pulsar::settled;
use hyper::StatusCode;
use infra_runtime::postgres;
use infra_testkit::wait_for;
use infra_vault::break_glass::Turn;
use serde_json::{Value, json};
use std::time::Duration;

const RESULTS: usize = 3;
const PART: [&str; 8] = ["replay", "republish", "results", "event-result", "--from", "1", "--to", "1000000"];

async fn file(platform: &Platform) {
    let account = json!({"username": "usuario2", "password": "password2", "role": 1});
    assert_eq!(Client::new(&platform.url).post("/users", account).await.status, StatusCode::CREATED);
    let laboratory = Client::new(&platform.url).log_in("usuario2", "password2").await;
    for _ in 0..RESULTS {
        let result = json!({"patient": "Paciente de Prueba", "result": "Resultado Positivo"});
        assert_eq!(laboratory.post("/results", result).await.status, StatusCode::CREATED);
    }
}

fn what(operator: &Operator<'_>) -> Vec<(String, String)> {
    let records = operator.told(&["keys", "break-glass"])["records"].clone();
    let text = |record: &Value, field: &str| record[field].as_str().unwrap_or_default().to_owned();
    records.as_array().unwrap().iter().map(|record| (text(record, "what"), text(record, "about"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_history_is_published_again_when_it_is_confirmed_and_changes_nothing() {
    let Some(place) = infra_testkit::pulsar::namespace().await else { return };
    let data = DataDirectory::new();
    let (admin, namespace) = (place.admin.url(), &place.namespace);
    let broker = ["--broker", &place.service_url, "--broker-tenant", namespace.tenant()];
    let broker = [&broker[..], &["--broker-namespace", namespace.name()]].concat();
    let rates = ["--broker-admin", &admin, "--rate-get", "60000", "--rate-all", "60000"];
    let platform = Platform::up(&data, &[&broker[..], &rates].concat());
    file(&platform).await;
    settled(&platform, &data, RESULTS).await;
    let operator = Operator::new(&data, "owner");
    let topic = namespace.topic("event-result").unwrap();
    let taken = async || place.admin.stats(&topic).await.unwrap().msg_in_counter;
    let before = taken().await;

    // A dry run says what there is, and does nothing.
    let call = [&PART[..], &broker].concat();
    let dry = operator.told(&call);
    schemas::check("replay-republish", &dry);
    assert_eq!((&dry["messages"], &dry["streams"]), (&json!(RESULTS), &json!(RESULTS)), "{dry}");
    assert_eq!((&dry["published"], &dry["types"][0]["type"]), (&json!(false), &json!("results.result_created")));
    let consumers: Vec<_> = dry["consumers"].as_array().unwrap().iter().map(|seeing| &seeing["consumer"]).collect();
    assert_eq!(consumers, ["notifications", "saga_log"], "{dry}");
    assert_eq!(dry["consumers"][0]["owes"], RESULTS);
    assert_eq!((taken().await, what(&operator)), (before, vec![]), "nothing was sent, nothing was written");

    // It is not done without its code, or without being meant, or while somebody else does it.
    let code = dry["confirm"].as_str().unwrap().to_owned();
    let reason = ["--reason", "the broker lost the topic"];
    let words = |code: &str, more: &[&str]| -> Vec<String> {
        [&call[..], &["--confirm", code], &reason, more].concat().into_iter().map(str::to_owned).collect()
    };
    let refused = |words: Vec<String>, exit: i32, said: &str| {
        operator.refused(&words.iter().map(String::as_str).collect::<Vec<_>>(), exit, said);
    };
    refused(words(&code, &[]), 2, "--break-glass");
    refused(words("3-0000000000000000", &["--break-glass"]), 7, "look again");
    let options = postgres::running(&data.path().join("postgres")).unwrap().unwrap();
    let keys = infra_runtime::database::pool(options.database("historia_keys"), 2).await.unwrap();
    // Whose call ended has it until the server has noticed.
    let turn = wait_for("the turn to be free", Duration::from_secs(20), async || {
        Turn::take(&keys, "republish").await.unwrap()
    })
    .await;
    refused(words(&code, &["--break-glass"]), 7, "one at a time");
    turn.give_back().await.unwrap();
    keys.close().await;
    assert_eq!((taken().await, what(&operator)), (before, vec![]));

    // Confirmed, it is done and recorded; who has dealt with the messages knows them by their ids.
    let meant = words(&code, &["--break-glass"]);
    let done = wait_for("the turn to be free", Duration::from_secs(20), async || {
        let (exit, stdout, stderr) =
            operator.run(&[&meant.iter().map(String::as_str).collect::<Vec<_>>()[..], &["-o", "json"]].concat());
        assert!([0, 7].contains(&exit), "{stderr}");
        (exit == 0).then(|| serde_json::from_str::<Value>(&stdout).unwrap())
    })
    .await;
    schemas::check("replay-republish", &done);
    assert_eq!((&done["published"], &done["confirm"]), (&json!(true), &json!(code)));
    assert_eq!(taken().await, before + RESULTS as u64);
    let records = what(&operator);
    assert_eq!(
        records.iter().map(|(what, _)| what.as_str()).collect::<Vec<_>>(),
        ["republish_done", "republish_begun"]
    );
    assert!(
        records[0].1.starts_with("results event-result positions ") && records[0].1.ends_with(&code),
        "{records:?}"
    );
    wait_for("everybody to have taken them", Duration::from_secs(30), async || {
        let stats = place.admin.stats(&topic).await.unwrap();
        stats.subscriptions.values().all(|subscription| subscription.msg_backlog == 0).then_some(())
    })
    .await;
    settled(&platform, &data, RESULTS).await;
    assert_eq!(operator.told(&call)["confirm"], json!(code), "the same messages have the same code");
    platform.interrupt();
    assert_eq!(operator.told(&["replay", "verify", "--no-progress"])["whole"], true);
}

#[test]
fn without_a_broker_there_is_nothing_to_publish_again() {
    let data = DataDirectory::new();
    let operator = Operator::new(&data, "owner");
    operator.refused(&PART, 7, "subscribers read this log themselves");
    let broker = ["--broker", "pulsar://127.0.0.1:1"];
    let of =
        |service, topic| [&["replay", "republish", service, topic, "--from", "1", "--to", "2"][..], &broker].concat();
    operator.refused(&of("result", "event-result"), 4, "did you mean: results");
    operator.refused(&of("results", "event-user"), 4, "it does on: event-result");
}
