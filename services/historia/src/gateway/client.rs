//! Requests to the gateway, as whoever is logged in; what it refuses becomes an exit code and a line that says why.
use super::session::{Session, SessionFile};
use crate::exit::Exit;
use crate::failure::Failure;
use axum::body::Bytes;
use axum::http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use infra_http::client::MAXIMUM_ANSWER;
use infra_runtime::outgoing::{Outgoing, Trust};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// For the connection, and for the whole answer: longer than the gateway gives its services.
const CONNECT: Duration = Duration::from_secs(5);
const DEADLINE: Duration = Duration::from_secs(15);
/// A token that ends within so many seconds is refreshed first.
const ALMOST_OVER: i64 = 10;

/// The way to a gateway, without anybody's token.
pub(crate) struct Way {
    url: String,
    connections: Client<Outgoing, Full<Bytes>>,
}

impl Way {
    /// To the gateway at `url`, believing the public authorities and the one whose certificate is in the file.
    ///
    /// # Errors
    /// The file holds no certificate.
    pub(crate) fn new(url: &str, certificate_file: Option<&Path>) -> Result<Self, Failure> {
        let trust = match certificate_file {
            Some(file) => {
                let failed = |error: &dyn std::error::Error| format!("{}: {error}", file.display());
                let pem = std::fs::read(file).map_err(|error| Failure::new(failed(&error)))?;
                Trust::with_authority(&pem).map_err(|error| Failure::new(failed(&error)))?
            }
            None => Trust::public()?,
        };
        let connections = Client::builder(TokioExecutor::new()).build(Outgoing::new(trust, CONNECT));
        Ok(Self { url: url.trim_end_matches('/').to_owned(), connections })
    }

    /// Sends, and gives the answer's body; `null` for none.
    ///
    /// # Errors
    /// The gateway cannot be reached, or refuses.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        request = request.header(header::ACCEPT, "application/json");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let bytes = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        let request = request.body(Full::new(bytes))?;
        let exchange = async {
            let answer = self.connections.request(request).await.map_err(|error| self.unreachable(&error))?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), MAXIMUM_ANSWER).collect().await;
            let body = body.map_err(|_| Failure::ending(Exit::Unavailable, "the gateway's answer broke off"))?;
            Ok::<_, Failure>((status, body.to_bytes()))
        };
        let late = |_| Failure::ending(Exit::Unavailable, format!("the gateway at {} does not answer", self.url));
        let (status, bytes) = tokio::time::timeout(DEADLINE, exchange).await.map_err(late)??;
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if status.is_success() { Ok(body) } else { Err(refusal(status, &body)) }
    }

    fn unreachable(&self, error: &(dyn std::error::Error + 'static)) -> Failure {
        let reason = Failure::of("", error).message;
        let message =
            format!("the gateway at {} cannot be reached ({reason}): is `historia up` running there?", self.url);
        Failure::ending(Exit::Unavailable, message)
    }
}

/// The gateway, for whoever is logged in.
pub(super) struct Gateway {
    way: Way,
    token: String,
}

impl Gateway {
    /// The gateway that was logged in to. An access token that is over is refreshed.
    ///
    /// # Errors
    /// Nobody is logged in, or the session is over.
    pub(super) async fn of_session() -> Result<Self, Failure> {
        let file = SessionFile::of_user()?;
        let mut session = file.read()?;
        let way = Way::new(&session.url, session.certificate_file.as_deref())?;
        if is_over(&session) {
            session = refreshed(&way, &file).await?;
        }
        Ok(Self { way, token: session.access_token })
    }

    /// # Errors
    /// The gateway cannot be reached, or refuses.
    pub(super) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.way.send(Method::GET, path, Some(&self.token), None).await
    }

    /// # Errors
    /// The gateway cannot be reached, or refuses.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.way.send(Method::POST, path, Some(&self.token), Some(body)).await
    }
}

fn is_over(session: &Session) -> bool {
    session.expires_at <= chrono::Utc::now().timestamp() + ALMOST_OVER
}

async fn refreshed(way: &Way, file: &SessionFile) -> Result<Session, Failure> {
    let _lock = file.lock()?;
    let session = file.read()?;
    if !is_over(&session) {
        // Somebody else refreshed it while this one waited.
        return Ok(session);
    }
    let body = json!({"refresh_token": session.refresh_token});
    let answer = way
        .send(Method::POST, "/token/refresh", None, Some(&body))
        .await
        .map_err(|failure| if failure.exit == Exit::NotAuthorised { over() } else { failure })?;
    let session = with_tokens(session, &answer)?;
    file.write(&session)?;
    Ok(session)
}

/// `session` with the tokens of an answer.
///
/// # Errors
/// There are none in it.
pub(super) fn with_tokens(session: Session, answer: &Value) -> Result<Session, Failure> {
    let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
    let lifetime = answer.get("expires_in").and_then(Value::as_i64);
    let (Some(access_token), Some(refresh_token), Some(lifetime)) =
        (text("access_token"), text("refresh_token"), lifetime)
    else {
        return Err(Failure::new("the gateway's answer holds no tokens: is that address Historia's?"));
    };
    let expires_at = chrono::Utc::now().timestamp().saturating_add(lifetime);
    Ok(Session { access_token, refresh_token, expires_at, ..session })
}

fn over() -> Failure {
    Failure::ending(Exit::NotAuthorised, "the session is over: run `historia login` again")
}

/// What a problem document (RFC 9457) means for a command.
fn refusal(status: StatusCode, problem: &Value) -> Failure {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut message = text(problem, "detail");
    if message.is_empty() {
        message = text(problem, "title");
    }
    for error in problem.get("errors").and_then(Value::as_array).into_iter().flatten() {
        message.push_str(&format!(" ({} {})", text(error, "pointer"), text(error, "detail")));
    }
    let code = text(problem, "code");
    let label = if code.is_empty() { status.as_u16().to_string() } else { code };
    let (exit, advice) = match status {
        StatusCode::UNAUTHORIZED => (Exit::NotAuthorised, "; run `historia login` again"),
        StatusCode::FORBIDDEN => (Exit::NotAuthorised, "; log in as somebody who may"),
        StatusCode::NOT_FOUND => (Exit::NotFound, ""),
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => (Exit::Busy, ""),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => (Exit::Usage, ""),
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => (Exit::Unavailable, "; try again in a moment"),
        _ => (Exit::Error, ""),
    };
    Failure::ending(exit, format!("the gateway refuses: {message} [{label}]{advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_gateway_refuses_ends_with_the_code_for_that() {
        let problem = json!({"title": "Conflict", "detail": "No consumer gave up.", "code": "nothing_failed"});
        let failure = refusal(StatusCode::CONFLICT, &problem);
        assert_eq!(failure.exit, Exit::Busy);
        assert_eq!(failure.message, "the gateway refuses: No consumer gave up. [nothing_failed]");
        for (status, exit) in [(401, Exit::NotAuthorised), (403, Exit::NotAuthorised), (404, Exit::NotFound)] {
            assert_eq!(refusal(StatusCode::from_u16(status).unwrap(), &Value::Null).exit, exit);
        }
        for (status, exit) in [(422, Exit::Usage), (429, Exit::Unavailable), (503, Exit::Unavailable)] {
            assert_eq!(refusal(StatusCode::from_u16(status).unwrap(), &Value::Null).exit, exit);
        }
        let fields = json!({"title": "Unprocessable", "errors": [{"pointer": "/reason", "detail": "is too long"}]});
        assert!(refusal(StatusCode::UNPROCESSABLE_ENTITY, &fields).message.contains("/reason is too long"));
    }
}
