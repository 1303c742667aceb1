//! A small HTTP client: what a Postman user sends, and what comes back.
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::client::legacy::Client as Connections;
use hyper_util::rt::TokioExecutor;
use infra_runtime::outgoing::{Outgoing, Trust};
use serde_json::Value;
use std::time::Duration;

/// A user of the platform, logged in or not.
#[derive(Clone)]
pub(crate) struct Client {
    connections: Connections<Outgoing, Full<Bytes>>,
    base: String,
    token: Option<String>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Client {
    pub(crate) fn new(base: &str) -> Self {
        Self::trusting(Trust::public().unwrap(), base)
    }

    /// Over TLS, believing whom `trust` says.
    pub(crate) fn trusting(trust: Trust, base: &str) -> Self {
        let outgoing = Outgoing::new(trust, Duration::from_secs(20));
        let connections = Connections::builder(TokioExecutor::new()).build(outgoing);
        Self { connections, base: base.trim_end_matches('/').to_owned(), token: None }
    }

    /// Sends; `Err` when no answer came.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<Answer, String> {
        self.send_as(None, method, path, body).await
    }

    /// The same under an `Idempotency-Key`: however often it is sent, it is done once.
    pub(crate) async fn send_under(
        &self,
        key: &str,
        method: Method,
        path: &str,
        body: Value,
    ) -> Result<Answer, String> {
        self.send_as(Some(key), method, path, Some(body)).await
    }

    async fn send_as(
        &self,
        key: Option<&str>,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Answer, String> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let bytes = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Bytes::from(body.to_string())
            }
            None => Bytes::new(),
        };
        let request = request.body(Full::new(bytes)).map_err(|error| error.to_string())?;
        let response = self.connections.request(request).await.map_err(|error| error.to_string())?;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }

    /// What is answered to a GET, as text.
    pub(crate) async fn text(&self, path: &str) -> Result<String, String> {
        let uri = format!("{}{path}", self.base).parse().unwrap();
        let response = self.connections.get(uri).await.map_err(|error| error.to_string())?;
        let body = response.into_body().collect().await.map_err(|error| error.to_string())?;
        Ok(String::from_utf8_lossy(&body.to_bytes()).into_owned())
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await.unwrap()
    }

    /// The same connections, logged in as `username`.
    pub(crate) async fn log_in(&self, username: &str, password: &str) -> Self {
        let answer = self.post("/login", serde_json::json!({"username": username, "password": password})).await;
        assert_eq!(answer.status, StatusCode::OK, "{username} could not log in: {}", answer.body);
        let token = answer.body["access_token"].as_str().unwrap().to_owned();
        Self { token: Some(token), ..self.clone() }
    }

    /// The same connections, with whatever text as a token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same user at another gateway.
    pub(crate) fn at(&self, base: &str) -> Self {
        Self { base: base.trim_end_matches('/').to_owned(), ..self.clone() }
    }

    /// Every item of a list, page by page.
    pub(crate) async fn all(&self, path: &str) -> Vec<Value> {
        self.all_if_available(path).await.unwrap_or_else(|problem| panic!("{path}: {problem}"))
    }

    /// The same, or the problem of a service that asks to be left in peace for a moment (503).
    pub(crate) async fn all_if_available(&self, path: &str) -> Result<Vec<Value>, Value> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("{path}{separator}limit=100{cursor}")).await;
            if page.status == StatusCode::SERVICE_UNAVAILABLE {
                return Err(page.body);
            }
            assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
            items.extend(page.body["items"].as_array().unwrap().iter().cloned());
            match page.body["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(items),
            }
        }
    }
}
