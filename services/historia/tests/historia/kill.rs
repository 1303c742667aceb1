//! Nothing acknowledged is lost and nothing is done twice when the whole platform is killed while it works.
use crate::client::Client;
use crate::platform::{DataDirectory, Platform, administrator_password, historia, mails};
use crate::told::{each_is_told_once, everything_is_told};
use hyper::{Method, StatusCode};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;

const LABORATORIES: usize = 5;
const RESULTS_EACH: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_platform_loses_no_acknowledged_result_and_mails_each_once() {
    survives_a_kill("embedded").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_killed_with_its_broker_loses_no_acknowledged_result_and_mails_each_once() {
    if !infra_testkit::pulsar::is_skipped() {
        survives_a_kill("pulsar").await;
    }
}

/// With a broker of its own, that one goes down with the platform.
async fn survives_a_kill(broker: &str) {
    let data = DataDirectory::new();
    let platform = Platform::up(&data, &["--broker", broker]);
    let acknowledged = file_until_killed(platform).await;
    assert!(acknowledged.len() > 50, "too few results were acknowledged before the kill: {}", acknowledged.len());
    assert!(acknowledged.len() < LABORATORIES * RESULTS_EACH, "the kill came after the last result");

    // The list is read again and again while the machine is busy.
    let platform = Platform::up(&data, &["--broker", broker, "--rate-get", "60000", "--rate-all", "60000"]);
    let administrator = Client::new(&platform.url).log_in("admin", &administrator_password(&data)).await;
    let laboratory = Client::new(&platform.url).log_in("laboratorio0", "password2").await;
    every_result_is_there(&laboratory, &acknowledged).await;
    // The administrator's and the laboratories'.
    let welcomes = LABORATORIES + 1;
    let events = everything_is_told(&administrator, &acknowledged, welcomes).await;
    let sent = each_is_told_once(&events, &acknowledged, welcomes);
    let created = laboratory.all("/results").await.len();
    assert_eq!(sent, created + welcomes, "every stored result is in the saga log");
    assert_eq!(mails(&data), sent, "one message in the mailbox for each NotificationSent");
    platform.interrupt();

    let verified = historia(&data, &["replay", "verify", "--json"]);
    let report = String::from_utf8_lossy(&verified.stdout);
    assert!(verified.status.success(), "{report}{}", String::from_utf8_lossy(&verified.stderr));
}

/// Files results from several laboratories at once, kills the platform in the middle, and tells what was acknowledged.
async fn file_until_killed(platform: Platform) -> BTreeSet<String> {
    let anybody = Client::new(&platform.url);
    let (answered, half) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let mut posts = JoinSet::new();
    for laboratory in 0..LABORATORIES {
        let username = format!("laboratorio{laboratory}");
        let created = anybody.post("/users", json!({"username": username, "password": "password2", "role": 1})).await;
        assert_eq!(created.status, StatusCode::CREATED, "{}", created.body);
        let client = anybody.log_in(&username, "password2").await;
        for number in 0..RESULTS_EACH {
            let (client, answered, half) = (client.clone(), answered.clone(), half.clone());
            posts.spawn(async move {
                let body = json!({"patient": format!("Paciente {number}"), "result": "Resultado Positivo"});
                let answer = client.send(Method::POST, "/results", Some(body)).await.ok()?;
                (answer.status == StatusCode::CREATED).then_some(())?;
                if answered.fetch_add(1, Ordering::Relaxed) == LABORATORIES * RESULTS_EACH / 3 {
                    half.notify_one();
                }
                Some(answer.body["id"].as_str()?.to_owned())
            });
        }
    }
    tokio::time::timeout(Duration::from_secs(120), half.notified()).await.expect("results are answered");
    platform.kill_9();
    let mut acknowledged = BTreeSet::new();
    while let Some(answer) = posts.join_next().await {
        acknowledged.extend(answer.unwrap());
    }
    acknowledged
}

async fn every_result_is_there(laboratory: &Client, acknowledged: &BTreeSet<String>) {
    for id in acknowledged.iter().step_by(7) {
        let answer = laboratory.get(&format!("/results/{id}")).await;
        assert_eq!(answer.status, StatusCode::OK, "result {id} is lost: {}", answer.body);
        assert_eq!(answer.body["result"], "Resultado Positivo");
    }
}
