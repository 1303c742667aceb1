//! Bodies, queries and path parameters, read strictly: what is wrong is named by field, never by value.
//!
//! Unknown fields are refused by the types themselves (`#[serde(deny_unknown_fields)]`).
use crate::Problem;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

mod fault;

/// The largest body that is read.
pub const MAXIMUM_BODY: usize = 64 * 1024;

/// A JSON body of at most 64 KiB. 415 when it is not said to be JSON, 413 when it is larger, 400 when it is none, 422 when
/// it is JSON of another shape.
#[derive(Clone, Copy, Debug)]
pub struct StrictJson<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for StrictJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let json = is_json(request.headers());
        let bytes = read_body(request).await?;
        if bytes.is_empty() {
            return Err(Problem::bad_request("A JSON body is missing."));
        }
        if !json {
            return Err(Problem::unsupported_media_type());
        }
        parse(&bytes).map(Self)
    }
}

/// Reads JSON text strictly, as [`StrictJson`] does.
///
/// # Errors
/// 400 when it is no JSON, 422 naming the field when it is JSON of another shape.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| fault::problem(&error))?;
    deserializer.end().map_err(|_| Problem::bad_request("The body is not one JSON document."))?;
    Ok(value)
}

/// The whole body, at most 64 KiB.
///
/// # Errors
/// 413 when it is larger, 408 when it does not come in time, 400 when it breaks off.
pub async fn read_body(request: Request) -> Result<Bytes, Problem> {
    let announced =
        request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MAXIMUM_BODY as u64) {
        return Err(Problem::payload_too_large());
    }
    match Limited::new(request.into_body(), MAXIMUM_BODY).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::payload_too_large()),
        Err(error) if crate::server::is_body_timeout(&*error) => Err(Problem::request_timeout()),
        Err(_) => Err(Problem::bad_request("The body broke off.")),
    }
}

/// `application/json` or `application/…+json`, with UTF-8 if a charset is named.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let mut parts = value.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
    let json =
        media_type == "application/json" || (media_type.starts_with("application/") && media_type.ends_with("+json"));
    json && parts.all(|parameter| match parameter.split_once('=') {
        Some((name, charset)) if name.trim().eq_ignore_ascii_case("charset") => {
            charset.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    })
}

/// The query, read strictly: a parameter that is unknown, missing or of another shape is 422 naming it (`?name`).
#[derive(Clone, Copy, Debug)]
pub struct StrictQuery<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for StrictQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match axum::extract::Query::<T>::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(fault::query_problem(&rejection)),
        }
    }
}

/// A path parameter. One that is not of the type names no thing: 404.
#[derive(Clone, Copy, Debug)]
pub struct StrictPath<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for StrictPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(_)) => Err(Problem::not_found()),
            Err(_) => Err(Problem::internal()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use proptest::prelude::*;
    use serde::Deserialize;

    /// Of the shapes that bodies have.
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it is read counts")]
    struct Body {
        name: String,
        role: Option<Role>,
        inner: Option<Box<Body>>,
        list: Option<Vec<u8>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "only whether it is read counts")]
    enum Role {
        Number(i64),
        Name(String),
    }

    /// Text that is JSON, or nearly.
    fn nearly_json() -> impl Strategy<Value = String> {
        let word = prop_oneof![
            Just("{"),
            Just("}"),
            Just("["),
            Just("]"),
            Just(","),
            Just(":"),
            Just("null"),
            Just("true"),
            Just("1e999"),
            Just("-0"),
            Just("99999999999999999999"),
            Just("\"\\ud800\""),
            Just("\"\\u0000\""),
            Just("\"name\""),
            Just("\"role\""),
            Just("\"inner\""),
            Just("\"list\""),
            Just("{\"name\":\"a\",\"inner\":"),
            Just("\""),
            Just(" "),
        ];
        proptest::collection::vec(word, 0..60).prop_map(|words| words.concat())
    }

    fn is_a_value_or_the_clients_fault(bytes: &[u8]) -> bool {
        parse::<Body>(bytes).map_or_else(|problem| [400, 422].contains(&problem.status().as_u16()), |_| true)
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_body_or_the_clients_fault(bytes: Vec<u8>, text in nearly_json()) {
            prop_assert!(is_a_value_or_the_clients_fault(&bytes));
            prop_assert!(is_a_value_or_the_clients_fault(text.as_bytes()), "{}", text);
        }

        #[test]
        fn no_value_of_a_body_is_told_in_a_problem(value in "[g-z]{12}") {
            for body in [
                format!("{{\"name\":\"a\",\"list\":\"{value}\"}}"),
                format!("{{\"name\":\"a\",\"list\":[\"{value}\"]}}"),
                format!("{{\"name\":\"a\",\"role\":{{\"{value}\":1}}}}"),
                format!("{{\"name\":\"a\",\"inner\":\"{value}\"}}"),
                format!("{{\"name\":\"a\",\"inner\":{{\"name\":{{\"{value}\":1}}}}}}"),
                value.clone(),
            ] {
                let problem = parse::<Body>(body.as_bytes()).unwrap_err();
                prop_assert!(!format!("{:?} {:?}", problem, problem.errors()).contains(&value), "{}: {:?}", body, problem);
            }
        }
    }

    #[test]
    fn a_body_as_deep_as_a_body_may_be_long_is_refused() {
        for opening in ["[", "{\"name\":", "{\"name\":\"a\",\"inner\":", "{\"role\":["] {
            let body = opening.repeat(MAXIMUM_BODY / opening.len());
            let problem = parse::<Body>(body.as_bytes()).unwrap_err();
            assert!([400, 422].contains(&problem.status().as_u16()), "{opening}: {problem:?}");
        }
    }

    #[test]
    fn json_is_recognised_by_its_media_type() {
        for (value, json) in [
            ("application/json", true),
            ("Application/JSON; charset=UTF-8", true),
            ("application/merge-patch+json", true),
            ("application/json; charset=latin1", false),
            ("text/json", false),
            ("application/x-www-form-urlencoded", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(value));
            assert_eq!(is_json(&headers), json, "{value}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
