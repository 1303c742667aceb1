//! `up` with a broker of its own, on data that were begun without one.
use crate::client::Client;
use crate::plain_text::nothing_is_in_clear;
use crate::platform::{DataDirectory, Platform, administrator_password, mails};
use hyper::StatusCode;
use infra_testkit::wait_for;
use serde_json::json;
use std::time::Duration;

/// Results filed with each way of carrying messages.
const EACH: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn changing_the_broker_on_existing_data_repeats_nothing() {
    if infra_testkit::pulsar::namespace().await.is_none() {
        return;
    }
    let data = DataDirectory::new();
    let platform = up(&data, "embedded");
    let account = json!({"username": "usuario2", "password": "password2", "role": 1, "full_name": "Ana Soto"});
    assert_eq!(Client::new(&platform.url).post("/users", account).await.status, StatusCode::CREATED);
    file(&platform).await;
    settled(&platform, &data, EACH).await;
    platform.interrupt();

    let platform = up(&data, "pulsar");
    file(&platform).await;
    settled(&platform, &data, 2 * EACH).await;
    platform.interrupt();
    nothing_is_in_clear(data.root(), "http");
    nothing_is_in_clear(&data.path().join("pulsar/data"), "results.result_created");

    let platform = up(&data, "embedded");
    file(&platform).await;
    settled(&platform, &data, 3 * EACH).await;
    platform.interrupt();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_there_is_used_and_left_running() {
    let Some(place) = infra_testkit::pulsar::namespace().await else { return };
    let data = DataDirectory::new();
    let (admin, namespace) = (place.admin.url(), &place.namespace);
    let words = ["--broker", &place.service_url, "--broker-admin", &admin];
    let inside = ["--broker-tenant", namespace.tenant(), "--broker-namespace", namespace.name()];
    let platform = Platform::up(&data, &[&words[..], &inside[..]].concat());
    let account = json!({"username": "usuario2", "password": "password2", "role": 1});
    assert_eq!(Client::new(&platform.url).post("/users", account).await.status, StatusCode::CREATED);
    file(&platform).await;
    settled(&platform, &data, EACH).await;
    platform.interrupt();
    assert!(!data.path().join("pulsar").exists(), "no other broker was started");
    let topic = namespace.topic("event-result").unwrap();
    assert!(place.admin.stats(&topic).await.is_ok(), "the broker goes on");
}

/// The saga log is read again and again, so nobody is told to wait.
fn up(data: &DataDirectory, broker: &str) -> Platform {
    Platform::up(data, &["--broker", broker, "--rate-get", "60000", "--rate-all", "60000"])
}

async fn file(platform: &Platform) {
    let laboratory = Client::new(&platform.url).log_in("usuario2", "password2").await;
    for _ in 0..EACH {
        let result = json!({"patient": "Paciente de Prueba", "result": "Resultado Positivo"});
        assert_eq!(laboratory.post("/results", result).await.status, StatusCode::CREATED);
    }
}

/// Everybody who owed an answer gave it, and every result was told exactly once.
pub(crate) async fn settled(platform: &Platform, data: &DataDirectory, results: usize) {
    let administrator = Client::new(&platform.url).log_in("admin", &administrator_password(data)).await;
    let sent = wait_for("every event to be PROCESSED", Duration::from_secs(90), async || {
        let events = administrator.all_if_available("/saga/logs").await.ok()?;
        let of = |kind: &str| events.iter().filter(|event| event["event_type"] == kind).count();
        let settled = events.iter().all(|event| event["state"] == "PROCESSED");
        // The administrator's welcome, the laboratory's, and one for each result.
        (settled && of("ResultCreated") == results && of("NotificationSent") >= results + 2)
            .then(|| of("NotificationSent"))
    })
    .await;
    assert_eq!(sent, results + 2);
    assert_eq!(mails(data), sent);
}
