//! Versions as entity tags: what a client saw, and what it wants to change.
use crate::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use domain_kernel::Version;

/// The entity tag of a version, such as `"3"`.
///
/// Set it as the `ETag` header of the thing that has this version.
#[must_use]
pub fn of(version: Version) -> HeaderValue {
    #[expect(clippy::expect_used, reason = "digits and quotes are always a header value")]
    HeaderValue::from_str(&format!("\"{version}\"")).expect("digits in quotes")
}

/// Whether `If-None-Match` names this version (or any): then 304 says all.
#[must_use]
pub fn not_modified(headers: &HeaderMap, version: Version) -> bool {
    let current = format!("\"{version}\"");
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        // RFC 9110 §13.1.2: the weak comparison.
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == current)
}

/// `If-Match`: the version that the client wants to change; `None` when it does not say, or says any (`*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IfMatch(pub Option<Version>);

impl IfMatch {
    /// Reads the header.
    ///
    /// # Errors
    /// 400 for anything that is not one entity tag of ours; a weak one never matches here (RFC 9110 §13.1.1), so it is
    /// refused too.
    pub fn parse(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut values = headers.get_all(header::IF_MATCH).iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        let wrong = || Problem::bad_request("If-Match takes one entity tag as it was given in ETag.");
        if values.next().is_some() {
            return Err(wrong());
        }
        let text = value.to_str().map_err(|_| wrong())?.trim();
        if text == "*" {
            return Ok(Self(None));
        }
        let digits = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(wrong)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        digits.parse().map(|version| Self(Some(Version(version)))).map_err(|_| wrong())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::parse(&parts.headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn if_match(value: &str) -> Result<IfMatch, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, HeaderValue::from_str(value).unwrap());
        IfMatch::parse(&headers)
    }

    #[test]
    fn an_entity_tag_is_the_version_in_quotes() {
        assert_eq!(of(Version(3)), "\"3\"");
        assert_eq!(if_match("\"3\""), Ok(IfMatch(Some(Version(3)))));
        assert_eq!(if_match("*"), Ok(IfMatch(None)));
        assert_eq!(IfMatch::parse(&HeaderMap::new()), Ok(IfMatch(None)));
    }

    #[test]
    fn a_tag_that_is_not_ours_is_refused() {
        for wrong in ["3", "W/\"3\"", "\"+3\"", "\"\"", "\"a\"", "\"1\", \"2\"", "\"99999999999\""] {
            assert!(if_match(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn if_none_match_compares_weakly() {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static("\"1\", W/\"3\""));
        assert!(not_modified(&headers, Version(3)));
        assert!(!not_modified(&headers, Version(2)));
    }
}
