//! One call: the request, the redirects to the broker that owns the topic, the answer.
use super::Admin;
use super::error::AdminError;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION};
use hyper::{Method, Request, StatusCode, Uri};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::error::Error;
use std::time::Duration;

/// How long a call may take, redirects included; the broker's own limit is 60 s.
const DEADLINE: Duration = Duration::from_secs(30);
/// The largest answer that is taken.
const LONGEST_ANSWER: usize = 8 * 1024 * 1024;
/// How many brokers in a row may send us on.
const REDIRECTS: usize = 5;
/// How much of what a broker says is passed on.
const LONGEST_REASON: usize = 1000;

impl Admin {
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, AdminError> {
        let answer = self.send::<()>(Method::GET, path, None).await?;
        parse(&Method::GET, path, &answer)
    }

    pub(super) async fn get_text(&self, path: &str) -> Result<String, AdminError> {
        let answer = self.send::<()>(Method::GET, path, None).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    pub(super) async fn post<B: Serialize + Sync>(&self, path: &str, body: &B) -> Result<(), AdminError> {
        self.send(Method::POST, path, Some(body)).await.map(|_| ())
    }

    /// Sends one call and gives the body of a successful answer.
    pub(super) async fn send<B: Serialize + Sync>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<Bytes, AdminError> {
        let what = format!("{method} {path}");
        let body = match body {
            Some(body) => {
                let text = serde_json::to_vec(body);
                Some(Bytes::from(text.map_err(|error| answer_error(&what, &error))?))
            }
            None => None,
        };
        let uri = format!("{}/admin/v2/{path}", self.url());
        let uri: Uri = uri.parse().map_err(|_| AdminError::Address { url: uri })?;
        match tokio::time::timeout(DEADLINE, self.follow(&what, &method, uri, body)).await {
            Ok(answer) => answer,
            Err(_) => Err(AdminError::Timeout { what }),
        }
    }

    async fn follow(&self, what: &str, method: &Method, uri: Uri, body: Option<Bytes>) -> Result<Bytes, AdminError> {
        let mut uri = uri;
        for _ in 0..=REDIRECTS {
            let (status, location, answer) = self.exchange(what, method, &uri, body.clone()).await?;
            if status != StatusCode::TEMPORARY_REDIRECT {
                return if status.is_success() { Ok(answer) } else { Err(refusal(what, status, &answer)) };
            }
            let next = location.as_ref().and_then(|location| location.to_str().ok()?.parse::<Uri>().ok());
            // The broker that we trust names the next one; it gets the same token, in clear only where ours was.
            let kept = |next: &Uri| next.scheme() == Some(&self.scheme) && next.authority().is_some();
            uri = match next.filter(kept) {
                Some(next) => next,
                None => return Err(answer_error(what, &"it sends us to no address")),
            };
        }
        Err(answer_error(what, &"it sends us on and on"))
    }

    async fn exchange(
        &self,
        what: &str,
        method: &Method,
        uri: &Uri,
        body: Option<Bytes>,
    ) -> Result<(StatusCode, Option<HeaderValue>, Bytes), AdminError> {
        let mut request = Request::builder().method(method).uri(uri);
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(token) = &self.token {
            let value = HeaderValue::try_from(format!("Bearer {}", token.reveal()));
            let mut value = value.map_err(|_| answer_error(what, &"the token is not plain text"))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let request = request.body(Full::new(body.unwrap_or_default())).map_err(|error| answer_error(what, &error))?;
        let unreachable = |error: &(dyn Error + 'static)| AdminError::Unreachable {
            address: uri.authority().map(ToString::to_string).unwrap_or_default(),
            reason: innermost(error),
        };
        let response = self.client.request(request).await.map_err(|error| unreachable(&error))?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, LONGEST_ANSWER).collect().await.map_err(|error| unreachable(&*error))?;
        Ok((parts.status, parts.headers.get(LOCATION).cloned(), body.to_bytes()))
    }
}

pub(super) fn parse<T: DeserializeOwned>(method: &Method, path: &str, answer: &[u8]) -> Result<T, AdminError> {
    serde_json::from_slice(answer).map_err(|error| answer_error(&format!("{method} {path}"), &error))
}

fn answer_error(what: &str, reason: &dyn ToString) -> AdminError {
    AdminError::Answer { what: what.to_owned(), reason: reason.to_string() }
}

fn refusal(what: &str, status: StatusCode, answer: &[u8]) -> AdminError {
    let (what, reason) = (what.to_owned(), reason(answer));
    // The broker's own exceptions are told in the stack alone.
    let has = |name: &str| answer.windows(name.len()).any(|window| window == name.as_bytes());
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            AdminError::Denied { what, status: status.as_u16(), reason }
        }
        StatusCode::NOT_FOUND => AdminError::Missing { what, reason },
        StatusCode::CONFLICT => AdminError::Conflict { what, reason },
        // Two that make the same at the same time; two that change the same.
        StatusCode::INTERNAL_SERVER_ERROR if has("AlreadyExistsException") => AdminError::Conflict { what, reason },
        StatusCode::INTERNAL_SERVER_ERROR if has("BadVersionException") => AdminError::NotNow { what, reason },
        StatusCode::SERVICE_UNAVAILABLE => AdminError::NotNow { what, reason },
        _ => AdminError::Refused { what, status: status.as_u16(), reason },
    }
}

/// The `reason` of the broker's JSON answer, the title of its web page, or its text; one line, without the stack.
fn reason(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer);
    let json = serde_json::from_str::<serde_json::Value>(&text).ok();
    let title = || text.split_once("<title>")?.1.split_once("</title>").map(|(title, _)| unescaped(title));
    let reason = match json.as_ref().and_then(|json| json.get("reason")?.as_str()) {
        Some(reason) => reason.to_owned(),
        None => title().unwrap_or_else(|| text.clone().into_owned()),
    };
    let reason = ["\n\tat ", "Stacktrace:"].into_iter().fold(reason.as_str(), |reason, end| {
        // An exception's name may stand in the stack alone.
        match reason.split_once(end) {
            Some((before, _)) if before.contains("Exception") || before.contains("Message: ") => before,
            _ => reason,
        }
    });
    let reason = reason.split_once("Message: ").map_or(reason, |(_, message)| message);
    let line = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() { "no reason given".to_owned() } else { line.chars().take(LONGEST_REASON).collect() }
}

fn unescaped(html: &str) -> String {
    let characters = [("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    characters.into_iter().fold(html.to_owned(), |text, (escaped, character)| text.replace(escaped, character))
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_one_line_without_the_brokers_stack() {
        let said =
            br#"{"reason":"\n --- An unexpected error ---\n\nMessage: no\n\nStacktrace:\n\na.Exception\n\tat b\n"}"#;
        assert_eq!(reason(said), "no");
        let said = b"<html><title>Error 409 Unable: {&quot;a&quot; : 1}</title><body>more</body></html>";
        assert_eq!(reason(said), "Error 409 Unable: {\"a\" : 1}");
        assert_eq!(reason(b"HTTP 404 Not Found"), "HTTP 404 Not Found");
        assert_eq!(reason(b""), "no reason given");
    }

    #[test]
    fn the_status_tells_what_a_caller_can_do() {
        let error = |status| refusal("GET x", StatusCode::from_u16(status).unwrap(), b"");
        assert!(matches!(error(401), AdminError::Denied { .. }) && matches!(error(403), AdminError::Denied { .. }));
        assert!(matches!(error(404), AdminError::Missing { .. }) && matches!(error(409), AdminError::Conflict { .. }));
        let error_500 = |said: &str| refusal("PUT x", StatusCode::INTERNAL_SERVER_ERROR, said.as_bytes());
        let both = "Message: BadVersionException Stacktrace: AlreadyExistsException: BadVersionException";
        assert!(matches!(error_500(both), AdminError::Conflict { .. }));
        assert!(error_500("Message: BadVersionException").is_transient());
        assert!(error(503).is_transient() && !error(500).is_transient() && !error(412).is_transient());
    }
}
