//! Results that are filed by several clients at once while somebody else kills what takes them.
use crate::client::Client;
use hyper::{Method, StatusCode};
use infra_testkit::wait_for;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How many file at once.
const CLIENTS: usize = 8;
const RESULTS_EACH: usize = 9;
/// How long one result may take, with everything that is killed meanwhile.
const TAKEN: Duration = Duration::from_secs(120);
/// After so long a client gives an answer up and asks again.
const ANSWER: Duration = Duration::from_secs(20);

/// A load that is under way.
pub(crate) struct Load {
    half: Arc<Notify>,
    clients: JoinSet<BTreeSet<String>>,
}

impl Load {
    /// How many results are filed.
    pub(crate) const RESULTS: usize = CLIENTS * RESULTS_EACH;

    /// Begins to file, under keys that begin with `name`, at the gateways of `sides` in turn.
    pub(crate) fn begin(name: &str, sides: &[Client]) -> Self {
        let (taken, half) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let (sides, name) = (sides.to_vec(), format!("{name}-{client}"));
            let (taken, half) = (Arc::clone(&taken), Arc::clone(&half));
            clients.spawn(async move {
                let mut ids = BTreeSet::new();
                for number in 0..RESULTS_EACH {
                    ids.insert(file(sides.clone(), client + number, format!("{name}-{number}")).await);
                    if taken.fetch_add(1, Ordering::Relaxed) == Self::RESULTS / 2 {
                        half.notify_one();
                    }
                }
                ids
            });
        }
        Self { half, clients }
    }

    /// Returns in the middle of it.
    pub(crate) async fn is_half_done(&self) {
        timeout(TAKEN, self.half.notified()).await.expect("results are taken");
    }

    /// Waits until everything is taken; the results' ids.
    pub(crate) async fn taken(self) -> BTreeSet<String> {
        let taken: BTreeSet<String> = self.clients.join_all().await.into_iter().flatten().collect();
        assert_eq!(taken.len(), Self::RESULTS, "two requests were given the same result");
        taken
    }
}

/// Files a result until it is taken, under the same key: whoever is being killed answers with 503, or not at all.
async fn file(sides: Vec<Client>, first: usize, key: String) -> String {
    let body = json!({"patient": "Paciente de Prueba", "result": "Resultado Positivo"});
    let mut sides = sides.into_iter().cycle().skip(first);
    // Of owned futures, so that it may run as a task.
    let asked = move || {
        let (side, key, body) = (sides.next(), key.clone(), body.clone());
        async move {
            let sent = timeout(ANSWER, side?.send_under(&key, Method::POST, "/results", body)).await;
            match sent {
                Ok(Ok(answer)) if answer.status == StatusCode::CREATED => {
                    Some(answer.body["id"].as_str().expect("a result has an id").to_owned())
                }
                Ok(Ok(answer)) if !answer.status.is_server_error() => {
                    panic!("a client cannot repeat {}: {}", answer.status, answer.body)
                }
                _ => None,
            }
        }
    };
    wait_for("a result to be taken", TAKEN, asked).await
}
