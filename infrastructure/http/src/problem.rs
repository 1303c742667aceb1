//! Every error a client sees: one document, RFC 9457.
//!
//! A problem names the field and the rule, never the value: what a client sent may be confidential, and problems end in
//! other people's logs.
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::borrow::Cow;
use std::time::Duration;
use uuid::Uuid;

mod from;

/// The media type, RFC 9457 §3.
pub const MEDIA_TYPE: &str = "application/problem+json";
/// Before a problem's code this makes its `type`: a name that never changes, not an address to open.
pub const TYPE_PREFIX: &str = "https://historia.example/problems/";
/// The registered type of a spent quota (draft-ietf-httpapi-ratelimit-headers §9).
const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

/// An error, for the client. One pointer wide, so that results stay small.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem(Box<Facts>);

#[derive(Clone, Debug, PartialEq)]
struct Facts {
    status: StatusCode,
    code: Cow<'static, str>,
    title: Cow<'static, str>,
    detail: Option<Cow<'static, str>>,
    errors: Vec<FieldError>,
    retry_after: Option<Duration>,
    headers: Vec<(HeaderName, HeaderValue)>,
    extensions: serde_json::Map<String, serde_json::Value>,
    instance: Option<Uuid>,
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Where in the body: a JSON pointer (RFC 6901), such as `/username`; `?name` for a query parameter.
    pub pointer: String,
    /// Which rule it breaks; never the value.
    pub detail: String,
}

/// The document as it is sent; also its schema.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Problem, title = "Problem")]
pub struct ProblemDocument {
    /// A name for this kind of problem that never changes.
    #[serde(rename = "type")]
    #[schema(example = "https://historia.example/problems/not_found")]
    pub kind: String,
    /// The same in words.
    #[schema(example = "Not found")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 404)]
    pub status: u16,
    /// What happened here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The request, as `urn:uuid:` and the value of `Historia-Request-Id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The last part of `type`, for programs.
    #[schema(example = "not_found")]
    pub code: String,
    /// The fields that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// What else is known, by code.
    #[serde(flatten)]
    #[schema(ignore)]
    pub extensions: serde_json::Map<String, serde_json::Value>,
}

impl Problem {
    /// A problem of a kind of its own. `code` is a lower-case word with underscores; it never changes.
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, title: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Facts {
            status,
            code: code.into(),
            title: title.into(),
            detail: None,
            errors: Vec::new(),
            retry_after: None,
            headers: Vec::new(),
            extensions: serde_json::Map::new(),
            instance: None,
        }))
    }

    /// 400: the request cannot be read.
    pub fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", "The request cannot be read").detail(detail)
    }

    /// 422: the request can be read and breaks a rule. `pointer` as in [`FieldError`].
    pub fn unprocessable(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "The request breaks a rule").field(pointer, detail)
    }

    /// 401: no valid token.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "A valid access token is needed")
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 403: a valid token of a role that may not do this.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "This role may not do this")
    }

    /// 404: no such thing, or none that the caller may know of.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found")
    }

    /// 405: the address exists, for the methods in `allowed`.
    #[must_use]
    pub fn method_not_allowed(allowed: &str) -> Self {
        let problem =
            Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This address has no such method");
        match HeaderValue::from_str(allowed) {
            Ok(allowed) => problem.header(header::ALLOW, allowed),
            Err(_) => problem,
        }
    }

    /// 409: it is already so, or already somebody else's.
    pub fn conflict(code: impl Into<Cow<'static, str>>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, code, "This conflicts with what is there").detail(detail)
    }

    /// 412: the thing has changed since the version that `If-Match` names.
    #[must_use]
    pub fn precondition_failed() -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", "It has changed since you read it")
    }

    /// 413: more than 64 KiB.
    #[must_use]
    pub fn payload_too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "The body is larger than 64 KiB")
    }

    /// 415: the body is not said to be JSON.
    #[must_use]
    pub fn unsupported_media_type() -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body must be application/json")
    }

    /// 429: a quota is spent.
    #[must_use]
    pub fn too_many_requests(retry_after: Duration) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "quota_exceeded", "Too many requests").retry_after(retry_after)
    }

    /// 503: not now.
    #[must_use]
    pub fn unavailable(retry_after: Duration) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "This does not work at the moment")
            .retry_after(retry_after)
    }

    /// 408: the body did not come in time.
    #[must_use]
    pub fn request_timeout() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", "The request did not come in time")
    }

    /// 500: our mistake; what it was is in the log, under the request id.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side")
    }

    /// The problem for a status that something else than our code answered.
    #[must_use]
    pub fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::BAD_REQUEST => Self::new(status, "bad_request", "The request cannot be read"),
            StatusCode::UNAUTHORIZED => Self::unauthorized(),
            StatusCode::FORBIDDEN => Self::forbidden(),
            StatusCode::NOT_FOUND => Self::not_found(),
            StatusCode::REQUEST_TIMEOUT => Self::request_timeout(),
            StatusCode::PAYLOAD_TOO_LARGE => Self::payload_too_large(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::unsupported_media_type(),
            StatusCode::PRECONDITION_FAILED => Self::precondition_failed(),
            StatusCode::SERVICE_UNAVAILABLE => Self::unavailable(Duration::from_secs(1)),
            status if status.is_client_error() => {
                Self::new(status, "bad_request", status.canonical_reason().unwrap_or("The request cannot be served"))
            }
            _ => Self::internal(),
        }
    }

    /// Says what happened here; never a value that somebody sent or stored.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Another code (and with it, another `type`).
    #[must_use]
    pub fn code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.0.code = code.into();
        self
    }

    /// Names one more field that is wrong; `pointer` as in [`FieldError`].
    #[must_use]
    pub fn field(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.0.errors.push(FieldError { pointer: pointer.into(), detail: detail.into() });
        self
    }

    /// When it is worth trying again; rounded up to whole seconds, at least one.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// One more response header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// One more member of the document.
    #[must_use]
    pub fn extension(mut self, name: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
        self.0.extensions.insert(name.into(), value.into());
        self
    }

    /// The request it is about.
    #[must_use]
    pub fn instance(mut self, request: Uuid) -> Self {
        self.0.instance = Some(request);
        self
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The code.
    #[must_use]
    pub fn code_name(&self) -> &str {
        &self.0.code
    }

    /// The fields that are wrong.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// The document that is sent.
    #[must_use]
    pub fn document(&self) -> ProblemDocument {
        let kind = match self.0.code.as_ref() {
            "quota_exceeded" => QUOTA_EXCEEDED.to_owned(),
            code => format!("{TYPE_PREFIX}{code}"),
        };
        ProblemDocument {
            kind,
            title: self.0.title.clone().into_owned(),
            status: self.0.status.as_u16(),
            detail: self.0.detail.clone().map(Cow::into_owned),
            instance: self.0.instance.map(|request| format!("urn:uuid:{request}")),
            code: self.0.code.clone().into_owned(),
            errors: self.0.errors.clone(),
            extensions: self.0.extensions.clone(),
        }
    }
}

/// Whole seconds for `Retry-After`: rounded up, at least one.
pub(crate) fn whole_seconds(after: Duration) -> u64 {
    let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
    seconds.max(1)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.document()).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.0.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(after) = self.0.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(after)));
        }
        for (name, value) in &self.0.headers {
            headers.insert(name, value.clone());
        }
        // The edge finds it here and writes the request's id into it.
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_an_rfc_9457_document() {
        let problem = Problem::unprocessable("/username", "is empty").instance(Uuid::from_u128(1));
        assert_eq!(
            serde_json::to_value(problem.document()).unwrap(),
            serde_json::json!({
                "type": "https://historia.example/problems/invalid",
                "title": "The request breaks a rule",
                "status": 422,
                "instance": "urn:uuid:00000000-0000-0000-0000-000000000001",
                "code": "invalid",
                "errors": [{"pointer": "/username", "detail": "is empty"}],
            })
        );
        let response = problem.into_response();
        assert_eq!(response.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
    }

    #[test]
    fn retry_after_is_never_zero() {
        assert_eq!(whole_seconds(Duration::ZERO), 1);
        assert_eq!(whole_seconds(Duration::from_millis(1001)), 2);
    }

    #[test]
    fn without_a_token_the_scheme_is_named() {
        let response = Problem::unauthorized().into_response();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
    }
}
