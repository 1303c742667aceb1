//! Every service as a process of its own, on a real broker, killed one after the other.
use crate::client::Client;
use crate::stage::{SERVICES, Stage};
use crate::walk_through::walk;
use hyper::{Method, StatusCode};
use infra_testkit::wait_for;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long the platform may take to have everything told, after a kill and on a busy machine.
const SETTLED: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn services_alone_lose_nothing_when_each_of_them_and_the_broker_are_killed() {
    let Some(mut stage) = Stage::set().await else { return };
    they_wait_for_schema_and_topics(&mut stage).await;
    let (url, answers) = (stage.url(), stage.directory().join("answers"));
    tokio::task::spawn_blocking(move || walk(&url, &answers)).await.unwrap();

    // Side by side: two of each that hears messages.
    for name in ["results", "notifications", "saga-log"] {
        stage.start_another(name);
    }
    let laboratory = Client::new(&stage.url()).log_in("usuario2", "password2").await;
    let mut filed = BTreeSet::new();
    for (name, _) in SERVICES {
        file(&laboratory, &mut filed).await;
        stage.kill_9(name);
        stage.start(name);
        file(&laboratory, &mut filed).await;
        stage.ready(name).await;
    }
    file(&laboratory, &mut filed).await;
    stage.broker.broker().kill().await;
    file(&laboratory, &mut filed).await;
    stage.broker.broker().start_again().await.unwrap();
    file(&laboratory, &mut filed).await;

    let administrator = stage.administrator().await;
    let events = everything_is_told(&administrator, &filed).await;
    each_is_told_once(&events, &filed);
    let sent = events.iter().filter(|event| event["event_type"] == "NotificationSent").count();
    // A mail whose answer got lost is sent again under the same id.
    assert_eq!(stage.mail.count(), sent, "one mail for each NotificationSent");
    stage.stop().await;
}

/// Started before anything that they need is there, they need no restart.
async fn they_wait_for_schema_and_topics(stage: &mut Stage) {
    for (name, _) in SERVICES {
        stage.start(name);
    }
    for name in ["users", "results", "notifications", "saga-log"] {
        wait_for(&format!("{name} to wait"), Duration::from_secs(60), async || {
            stage.log(name).contains("waiting").then_some(())
        })
        .await;
    }
    stage.run_once("migrations");
    stage.run_once("topics");
    // Nothing is left to do.
    stage.run_once("migrations");
    stage.run_once("topics");
    for (name, _) in SERVICES {
        stage.ready(name).await;
        assert!(stage.is_running(name), "{name}: {}", stage.log(name));
    }
}

/// Files a result until it is taken: whoever is being killed answers with 503, or not at all.
async fn file(laboratory: &Client, filed: &mut BTreeSet<String>) {
    let body = json!({"patient": "Paciente de Prueba", "result": "Resultado Positivo"});
    let id = wait_for("a result to be taken", Duration::from_secs(60), async || {
        let answer = laboratory.send(Method::POST, "/results", Some(body.clone())).await.ok()?;
        (answer.status == StatusCode::CREATED).then(|| answer.body["id"].as_str().unwrap().to_owned())
    });
    filed.insert(id.await);
}

/// Waits until the saga log has every result and everybody who owed an answer gave it.
async fn everything_is_told(administrator: &Client, filed: &BTreeSet<String>) -> Vec<Value> {
    wait_for("every event of the saga log to be PROCESSED", SETTLED, async || {
        let events = administrator.all_if_available("/saga/logs").await.ok()?;
        let of = |kind: &'static str| events.iter().filter(move |event| event["event_type"] == kind);
        let created = of("ResultCreated").count();
        let settled = events.iter().all(|event| event["state"] == "PROCESSED");
        // The administrator's welcome, the laboratory's, and one for each result.
        (settled && created > filed.len() && of("NotificationSent").count() == created + 2).then_some(events)
    })
    .await
}

/// Each acknowledged result is in the saga log once and caused exactly one `NotificationSent`.
fn each_is_told_once(events: &[Value], filed: &BTreeSet<String>) {
    let text = |event: &Value, field: &str| event[field].as_str().unwrap_or_default().to_owned();
    let mut created: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in events.iter().filter(|event| event["event_type"] == "ResultCreated") {
        created.entry(text(event, "aggregate")).or_default().push(text(event, "id"));
    }
    for result in filed {
        let ids = created.get(result).unwrap_or_else(|| panic!("result {result} is lost"));
        assert_eq!(ids.len(), 1, "result {result} is in the saga log {} times", ids.len());
        let told = events.iter().filter(|event| event["event_type"] == "NotificationSent");
        assert_eq!(told.filter(|event| event["causation_id"] == ids[0]).count(), 1, "result {result}");
    }
}
