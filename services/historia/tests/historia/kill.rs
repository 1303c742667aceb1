//! Nothing acknowledged is lost and nothing is done twice when the whole platform is killed while it works.
use crate::client::Client;
use crate::platform::{DataDirectory, Platform, administrator_password, historia, mails};
use hyper::{Method, StatusCode};
use infra_testkit::wait_for;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;

const LABORATORIES: usize = 5;
const RESULTS_EACH: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_platform_loses_no_acknowledged_result_and_mails_each_once() {
    let data = DataDirectory::new();
    let platform = Platform::up(&data, &[]);
    let acknowledged = file_until_killed(platform).await;
    assert!(acknowledged.len() > 50, "too few results were acknowledged before the kill: {}", acknowledged.len());
    assert!(acknowledged.len() < LABORATORIES * RESULTS_EACH, "the kill came after the last result");

    // The list is read again and again while the machine is busy.
    let platform = Platform::up(&data, &["--rate-get", "60000", "--rate-all", "60000"]);
    let administrator = Client::new(&platform.url).log_in("admin", &administrator_password(&data)).await;
    let laboratory = Client::new(&platform.url).log_in("laboratorio0", "password2").await;
    every_result_is_there(&laboratory, &acknowledged).await;
    let stored: BTreeSet<String> =
        laboratory.all("/results").await.iter().map(|result| result["id"].as_str().unwrap().to_owned()).collect();
    assert!(acknowledged.is_subset(&stored));

    let sent = wait_for("every event of the saga log to be PROCESSED", Duration::from_secs(60), async || {
        // Busy with what the kill left, the platform may ask for patience.
        let events = administrator.all_if_available("/saga/logs").await.ok()?;
        let settled = events.iter().all(|event| event["state"] == "PROCESSED");
        let sent: Vec<Value> = events.into_iter().filter(|event| event["event_type"] == "NotificationSent").collect();
        // The results' patients, the laboratories and the administrator.
        (settled && sent.len() > stored.len() + LABORATORIES).then_some(sent)
    })
    .await;
    each_is_told_once(&administrator, &stored, &sent).await;

    assert_eq!(mails(&data), sent.len(), "one message in the mailbox for each NotificationSent");
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
    tokio::time::timeout(Duration::from_secs(60), half.notified()).await.expect("results are answered");
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

/// Each stored result caused exactly one `NotificationSent`.
async fn each_is_told_once(administrator: &Client, stored: &BTreeSet<String>, sent: &[Value]) {
    let created: BTreeMap<String, String> = administrator
        .all("/saga/logs?type=ResultCreated")
        .await
        .iter()
        .map(|event| (event["id"].as_str().unwrap().to_owned(), event["aggregate"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(created.len(), stored.len(), "every stored result is in the saga log, once");
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    for event in sent {
        if let Some(result) = created.get(event["causation_id"].as_str().unwrap()) {
            *told.entry(result).or_default() += 1;
        }
    }
    for result in stored {
        assert_eq!(told.get(result.as_str()), Some(&1), "result {result} was told a wrong number of times");
    }
}
