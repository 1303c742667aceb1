//! A small HTTP client: what a user sends, and what comes back.
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use platform::{Connections, Failure, connections};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// After so long a client gives an answer up.
const ANSWER: Duration = Duration::from_secs(10);
/// How long a client that has nothing better to do asks again.
const PATIENCE: Duration = Duration::from_secs(90);
const AGAIN: Duration = Duration::from_millis(200);

const PATIENT: [StatusCode; 4] = [
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::GATEWAY_TIMEOUT,
    StatusCode::TOO_MANY_REQUESTS,
];

/// A user at a gateway, logged in or not.
#[derive(Clone)]
pub struct Client {
    connections: Connections,
    base: String,
    pub token: Option<String>,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

impl Client {
    pub fn at(base: &str) -> Self {
        Self { connections: connections(), base: base.to_owned(), token: None }
    }

    pub async fn log_in(base: &str, username: &str, password: &str) -> Result<Self, Failure> {
        let mut client = Self::at(base);
        client.token = Some(client.new_session(username, password).await?.0);
        Ok(client)
    }

    /// A new access token and its refresh token.
    pub async fn new_session(&self, username: &str, password: &str) -> Result<(String, String), Failure> {
        let account = json!({"username": username, "password": password});
        let answer = self.ask(Method::POST, "/login", None, Some(account)).await?;
        let text = |field: &str| answer.body[field].as_str().map(str::to_owned);
        text("access_token")
            .zip(text("refresh_token"))
            .ok_or_else(|| format!("{username} could not log in: {}: {}", answer.status, answer.body).into())
    }

    /// Sends, under an `Idempotency-Key` if one is given; an error when no answer came in time.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<Value>,
    ) -> Result<Answer, Failure> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let bytes = body.map_or(Bytes::new(), |body| Bytes::from(body.to_string()));
        let request = request.body(Full::new(bytes))?;
        let answered = timeout(ANSWER, async {
            let (parts, body) = self.connections.request(request).await?.into_parts();
            let bytes = body.collect().await?.to_bytes();
            let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
            Ok::<_, Failure>(Answer { status: parts.status, body })
        });
        answered.await?
    }

    pub async fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.send(Method::GET, path, None, None).await
    }

    /// The same, again and again while there is no answer or one that asks for patience: the machine may be busy.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<Value>,
    ) -> Result<Answer, Failure> {
        let begun = Instant::now();
        loop {
            let answer = self.send(method.clone(), path, key, body.clone()).await;
            let asks_for_patience = match &answer {
                Ok(answer) => PATIENT.contains(&answer.status),
                Err(_) => true,
            };
            if !asks_for_patience || begun.elapsed() > PATIENCE {
                return answer;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    pub async fn is_ready(&self) -> bool {
        self.get("/readyz").await.is_ok_and(|answer| answer.status == StatusCode::OK)
    }
}
