//! A steady load of results. Each is a command with a key of its own, which its client repeats until it is acknowledged.
use crate::client::Client;
use crate::history::History;
use hyper::{Method, StatusCode};
use platform::Failure;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{RwLock, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

pub const LABORATORIES: usize = 5;
const PASSWORD: &str = "password2";
/// How long one command is repeated.
const TAKEN: Duration = Duration::from_secs(180);
/// How long a log-in may take before the command is tried again with the old token.
const LOG_IN: Duration = Duration::from_secs(10);
/// The pause before a command is repeated.
const AGAIN: Duration = Duration::from_millis(200);
/// How many commands may be under way at most; while so many are, no new one begins.
const AT_MOST: usize = 400;

/// Those who file.
#[derive(Clone)]
pub struct Laboratories(Arc<Vec<RwLock<Client>>>);

impl Laboratories {
    /// Registers them.
    pub async fn register(url: &str) -> Result<Self, Failure> {
        let mut clients = Vec::new();
        for number in 0..LABORATORIES {
            let (username, anybody) = (username(number), Client::at(url));
            let account = json!({"username": username, "password": PASSWORD, "email": format!("{username}@lab.local")});
            let answer = anybody.ask(Method::POST, "/users", Some(&username), Some(account)).await?;
            if answer.status != StatusCode::CREATED {
                return Err(format!("{}: {}", answer.status, answer.body).into());
            }
            clients.push(RwLock::new(Client::log_in(url, &username, PASSWORD).await?));
        }
        Ok(Self(Arc::new(clients)))
    }

    /// One of them.
    pub async fn one(&self, number: usize) -> Client {
        self.0[number % LABORATORIES].read().await.clone()
    }

    /// Logs in again when its token is not taken any more; what does not work now is tried again with the command.
    async fn log_in_again(&self, number: usize, refused: &Client) {
        let mut client = self.0[number % LABORATORIES].write().await;
        if client.token == refused.token
            && let Ok(Ok((token, _))) =
                timeout(LOG_IN, client.new_session(&username(number % LABORATORIES), PASSWORD)).await
        {
            client.token = Some(token);
        }
    }
}

fn username(number: usize) -> String {
    format!("laboratorio{number}")
}

/// A load that is under way.
pub struct Load {
    stop: watch::Sender<bool>,
    ended: JoinHandle<()>,
}

impl Load {
    /// Begins to file `rate` results a second in the round.
    pub fn begin(laboratories: &Laboratories, history: &History, round: usize, rate: u32) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let (laboratories, history) = (laboratories.clone(), history.clone());
        let ended = tokio::spawn(async move {
            let (mut commands, room) = (tokio::task::JoinSet::new(), Arc::new(Semaphore::new(AT_MOST)));
            let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate.max(1));
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
            for number in 0.. {
                tokio::select! {
                    _ = ticks.tick() => {}
                    _ = stopped.wait_for(|stop| *stop) => break,
                }
                let Ok(place) = Arc::clone(&room).try_acquire_owned() else { continue };
                let (laboratories, history) = (laboratories.clone(), history.clone());
                commands.spawn(async move {
                    file(&laboratories, &history, round, number).await;
                    drop(place);
                });
            }
            while commands.join_next().await.is_some() {}
        });
        Self { stop, ended }
    }

    /// Ends it when all its commands are acknowledged or given up.
    pub async fn end(self) -> Result<(), Failure> {
        let _ = self.stop.send(true);
        Ok(self.ended.await?)
    }

    /// Whether all its commands are through; after [`Self::begin_to_end`].
    pub fn has_ended(&self) -> bool {
        self.ended.is_finished()
    }

    /// No new command begins.
    pub fn begin_to_end(&self) {
        let _ = self.stop.send(true);
    }
}

/// Files one result until it is acknowledged, under the same key.
pub async fn file(laboratories: &Laboratories, history: &History, round: usize, number: usize) {
    let (key, body, begun) = (key(round, number), body(round, number), Instant::now());
    while begun.elapsed() < TAKEN {
        let client = laboratories.one(number).await;
        history.sent(round, &key);
        match client.send(Method::POST, "/results", Some(&key), Some(body.clone())).await {
            Ok(answer) if answer.status == StatusCode::CREATED => {
                let (id, number) = (answer.body["id"].as_str(), answer.body["number"].as_i64());
                return match id.zip(number) {
                    Some((id, number)) => history.acknowledged(&key, id, number),
                    None => history.refused(&key, "201 without a result"),
                };
            }
            Ok(answer) if answer.status == StatusCode::UNAUTHORIZED => {
                history.unknown(&key, "401");
                laboratories.log_in_again(number, &client).await;
            }
            Ok(answer) if may_be_repeated(answer.status) => history.unknown(&key, answer.status.as_str()),
            Ok(answer) => return history.refused(&key, &format!("{}: {}", answer.status, answer.body)),
            Err(error) => history.unknown(&key, &error.to_string()),
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// The `Idempotency-Key` of a command.
pub fn key(round: usize, number: usize) -> String {
    format!("round-{round}-{number}")
}

/// What it asks for.
pub fn body(round: usize, number: usize) -> Value {
    json!({"patient": format!("Paciente {}", key(round, number)), "result": "Resultado Positivo"})
}

fn may_be_repeated(status: StatusCode) -> bool {
    let patience = [StatusCode::CONFLICT, StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT];
    status.is_server_error() || patience.contains(&status)
}
