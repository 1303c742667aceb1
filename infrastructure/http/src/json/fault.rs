//! From serde's words to a problem. serde quotes the value it did not like; here only the field and what was expected
//! are let through.
use crate::Problem;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};
use std::error::Error;

/// The problem of a body that does not fit.
pub(super) fn problem(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    match error.inner().classify() {
        Category::Data => {
            let (field, detail) = fault(&error.inner().to_string());
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "The request breaks a rule")
                .field(pointer(error.path(), field.as_deref()), detail)
        }
        Category::Syntax | Category::Eof | Category::Io => Problem::bad_request("The body is not valid JSON."),
    }
}

/// The problem of a query that does not fit.
pub(super) fn query_problem(rejection: &QueryRejection) -> Problem {
    let mut message = rejection.to_string();
    let mut source: Option<&dyn Error> = rejection.source();
    while let Some(inner) = source {
        message = inner.to_string();
        source = inner.source();
    }
    let (field, detail) = fault(&message);
    // axum names the parameter in front of the reason, as `name: reason`.
    let field = field.or_else(|| {
        let outer = rejection.source().map_or_else(|| rejection.to_string(), ToString::to_string);
        let (name, _) = outer.split_once(": ")?;
        is_name(name).then(|| name.to_owned())
    });
    Problem::unprocessable(format!("?{}", field.unwrap_or_default()), detail)
}

/// The field that serde's message names, if it names one, and what to tell about it.
fn fault(message: &str) -> (Option<String>, String) {
    for (beginning, detail) in [
        ("missing field `", "is missing"),
        ("unknown field `", "is not a field that is known here"),
        ("duplicate field `", "is there twice"),
    ] {
        if let Some((_, rest)) = message.split_once(beginning) {
            let field = rest.split('`').next().unwrap_or_default();
            return (is_name(field).then(|| field.to_owned()), detail.to_owned());
        }
    }
    // `invalid type: string "…", expected u8 at line 1 column 9`: only what comes after the last "expected".
    let expected =
        message.rsplit_once(", expected ").map(|(_, expected)| expected.split(" at line ").next().unwrap_or_default());
    match expected {
        Some(expected) if !expected.is_empty() && !expected.contains('"') && expected.len() <= 200 => {
            (None, format!("must be {expected}"))
        }
        _ => (None, "is not valid".to_owned()),
    }
}

/// A name that may be repeated to the client: a field's name, not half a document.
fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

/// The JSON pointer (RFC 6901) to the field. Names of unknown keys appear only when they look like names.
fn pointer(path: &Path, field: Option<&str>) -> String {
    let mut segments: Vec<String> = path
        .iter()
        .map_while(|segment| match segment {
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Map { key } => is_name(key).then(|| key.clone()),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect();
    if let Some(field) = field
        && segments.last().map(String::as_str) != Some(field)
    {
        segments.push(field.to_owned());
    }
    segments.iter().map(|segment| format!("/{segment}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use crate::Problem;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the shape matters")]
    struct Registration {
        username: String,
        #[serde(default)]
        role: Option<u8>,
        #[serde(default)]
        addresses: Vec<Address>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the shape matters")]
    struct Address {
        email: String,
    }

    fn refused(body: &str) -> Problem {
        parse::<Registration>(body.as_bytes()).unwrap_err()
    }

    fn field(body: &str) -> (u16, String, String) {
        let problem = refused(body);
        let error = problem.errors().first().cloned().unwrap();
        (problem.status().as_u16(), error.pointer, error.detail)
    }

    #[test]
    fn text_that_is_no_json_is_a_bad_request() {
        for body in ["{", "nonsense", r#"{"username":"a"} {}"#, r#"{"username":}"#] {
            assert_eq!(refused(body).status(), 400, "{body}");
        }
    }

    #[test]
    fn a_missing_field_is_named() {
        assert_eq!(field("{}"), (422, "/username".into(), "is missing".into()));
        assert_eq!(
            field(r#"{"username":"a","addresses":[{"email":"x"},{}]}"#),
            (422, "/addresses/1/email".into(), "is missing".into())
        );
    }

    #[test]
    fn an_unknown_and_a_doubled_field_are_named() {
        let (status, pointer, _) = field(r#"{"username":"a","admin":true}"#);
        assert_eq!((status, pointer.as_str()), (422, "/admin"));
        let (status, pointer, _) = field(r#"{"username":"a","username":"b"}"#);
        assert_eq!((status, pointer.as_str()), (422, "/username"));
    }

    #[test]
    fn a_wrong_value_is_never_repeated() {
        for body in [
            r#"{"username":"a","role":"Hunter2, expected nothing"}"#,
            r#"{"username":"a","role":-31337}"#,
            r#"{"username":["Hunter2"]}"#,
            r#"{"username":"a","Hunter2 of somebody":1}"#,
        ] {
            let text = serde_json::to_string(&refused(body).document()).unwrap();
            assert!(!text.contains("Hunter2") && !text.contains("31337"), "{text}");
        }
        let (status, pointer, detail) = field(r#"{"username":"a","role":"x"}"#);
        assert_eq!((status, pointer.as_str(), detail.as_str()), (422, "/role", "must be u8"));
    }
}
