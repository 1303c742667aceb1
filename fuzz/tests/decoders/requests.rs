//! A whole request, as a service reads it: path, query, headers and body of any bytes.
use axum::body::{Body, to_bytes};
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use axum::routing::post;
use axum::{Json, Router};
use bolero::check;
use domain_kernel::Version;
use domain_kernel::ports::Clock;
use fuzz::{hostile, parts, tried, within_bounds};
use infra_event_store::BlindIndex;
use infra_http::etag::{self, IfMatch};
use infra_http::{Access, Edge, RequestContext, Route, StrictJson, StrictPath, StrictQuery, json, names, protected};
use infra_runtime::Health;
use infra_testkit::memory::ManualClock;
use infra_testkit::tokens;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::runtime::Builder;
use tower::ServiceExt;
use uuid::Uuid;

const SERVICE: &str = "things";

/// Of the shapes that the services' bodies have: limits, unions, presence, nesting.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only whether it is read counts")]
struct Thing {
    username: String,
    role: Option<Role>,
    #[serde(default)]
    email: Option<Option<String>>,
    patient_id: Option<Uuid>,
    status: Option<Status>,
    inner: Option<Box<Thing>>,
    #[serde(default)]
    list: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(untagged)]
#[expect(dead_code, reason = "only whether it is read counts")]
enum Role {
    Number(i64),
    Name(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Preliminary,
    Final,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only whether it is read counts")]
struct Filter {
    limit: Option<u32>,
    cursor: Option<String>,
    patient_id: Option<Uuid>,
}

async fn change(
    context: RequestContext,
    StrictPath(_): StrictPath<Uuid>,
    StrictQuery(_): StrictQuery<Filter>,
    if_match: IfMatch,
    StrictJson(_): StrictJson<Thing>,
) -> Json<Value> {
    Json(json!({
        "command": context.command_id.to_string(),
        "digest": context.digest.is_some(),
        "traceparent": context.traceparent,
        "version": if_match.0.map(|version| version.0),
    }))
}

fn service(clock: &Arc<ManualClock>) -> Router {
    let edge = Edge {
        service: SERVICE,
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        blind_index: BlindIndex::new([5; 32]),
        health: Health::new(),
    };
    let verifier = tokens::verifier(SERVICE, Arc::clone(clock) as Arc<dyn Clock>);
    let routes = [Route::new(Method::POST, "/things/{id}", Access::Public)];
    protected(Router::new().route("/things/{id}", post(change)), &routes, verifier, edge)
}

/// A body of the shape above, and bodies that nearly are.
fn bodies() -> [Vec<u8>; 4] {
    [
        r#"{"username":"usuario2","role":1,"email":null,"status":"final","list":[1,2]}"#,
        r#"{"username":"a","role":"laboratory","patient_id":"0199d3a0-7c00-7000-8000-000000000003"}"#,
        r#"{"username":"a","inner":{"username":"b","inner":{"username":"c","role":1e3}}}"#,
        r#"{"username":"\ud83d\ude00","list":[],"status":"preliminary"}"#,
    ]
    .map(|text| text.as_bytes().to_vec())
}

/// The answer and, if it is one that a client should understand, its content.
type Answer = (StatusCode, Value);

/// Every request is served or told what is wrong with it, by a problem that tells nothing of the server; a repeated
/// request with a key is the same command, one without is another; only trace contexts are taken for such.
#[test]
fn any_request_is_served_or_told_what_is_wrong_with_it() {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let clock = Arc::new(ManualClock::new());
    let service = service(&clock);
    let token = format!("Bearer {}", tokens::anonymous(SERVICE, &*clock));
    let id = "0199d3a0-7c00-7000-8000-000000000003";
    let genuine: [&[&str]; 7] = [
        &[id, "1"],
        &["limit=10&cursor=abc", "patient_id=%30199d3a0-7c00-7000-8000-000000000003", "limit=-1"],
        &["abc", "\"abc\"", "\"\""],
        &["\"3\"", "*", "W/\"3\"", "\"4294967295\""],
        &["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
        &["application/json", "application/merge-patch+json; charset=\"utf-8\"", "text/plain"],
        &[],
    ];
    let genuine = genuine.map(|texts| texts.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>());
    let bodies = bodies();
    let send = |method: Method, uri: &str, values: &[(HeaderName, HeaderValue)], body: &[u8]| -> Option<Answer> {
        let mut request = Request::builder().method(method).uri(uri).header(header::AUTHORIZATION, &token);
        for (name, value) in values {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(body.to_vec())).ok()?;
        let response = runtime.block_on(service.clone().oneshot(request)).unwrap();
        let (parts, body) = response.into_parts();
        let bytes = runtime.block_on(to_bytes(body, 1 << 20)).unwrap();
        let value: Value = serde_json::from_slice(&bytes).unwrap_or_else(|_| panic!("{}: {bytes:?}", parts.status));
        if parts.status != StatusCode::OK {
            assert_eq!(parts.headers[header::CONTENT_TYPE], "application/problem+json", "{}", parts.status);
            assert_eq!(value["status"], parts.status.as_u16());
            assert!(value["instance"].as_str().unwrap().starts_with("urn:uuid:"));
        }
        Some((parts.status, value))
    };
    check!().with_iterations(10_000).with_max_len(1024).for_each(tried(|input| {
        let parts = parts::<7>(input);
        let made: Vec<Vec<u8>> = parts[..6].iter().zip(&genuine).map(|(part, like)| hostile(part, like)).collect();
        let body = hostile(parts[6], &bodies);
        // What is not written stands for what is right, so that a short input comes far.
        let text = |at: usize| if parts[at].is_empty() { genuine[at][0].clone() } else { made[at].clone() };
        let Ok(path) = String::from_utf8(text(0)) else { return };
        let Ok(query) = String::from_utf8(if parts[1].is_empty() { Vec::new() } else { made[1].clone() }) else {
            return;
        };
        let names = [names::IDEMPOTENCY_KEY, header::IF_MATCH, names::TRACEPARENT, header::CONTENT_TYPE];
        let values: Vec<(HeaderName, HeaderValue)> = names
            .into_iter()
            .enumerate()
            .filter(|(at, name)| *name == header::CONTENT_TYPE || !parts[at + 2].is_empty())
            .filter_map(|(at, name)| Some((name, HeaderValue::from_bytes(&text(at + 2)).ok()?)))
            .collect();
        within_bounds(|| {
            let uri = format!("/things/{path}?{query}");
            let Some((status, answer)) = send(Method::POST, &uri, &values, &body) else { return };
            let expected = [200, 400, 404, 405, 413, 415, 422];
            assert!(expected.contains(&status.as_u16()), "{status}: {answer}");
            if status != StatusCode::OK {
                return;
            }
            let trace = answer["traceparent"].as_str();
            assert!(trace.is_none_or(|trace| trace.split('-').map(str::len).eq([2, 32, 16, 2])), "{trace:?}");
            let (_, again) = send(Method::POST, &uri, &values, &body).unwrap();
            assert_eq!(answer["command"] == again["command"], answer["digest"] == true, "{answer} {again}");
        });
    }));
}

/// Any bytes are a body or the client's fault; a fault names fields, and quotes nothing that could be a value.
#[test]
fn any_bytes_are_a_body_or_the_clients_fault() {
    let bodies = bodies();
    check!().with_iterations(20_000).with_max_len(1024).for_each(tried(|input| {
        let body = hostile(input, &bodies);
        let read = within_bounds(|| json::parse::<Thing>(&body));
        let Err(problem) = read else { return };
        assert!([400, 422].contains(&problem.status().as_u16()), "{problem:?}");
        for error in problem.errors() {
            assert!(error.pointer.is_empty() || error.pointer.starts_with('/'), "{error:?}");
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-.".contains(&byte);
            assert!(error.pointer.bytes().all(plain) && !error.detail.contains('"'), "{error:?}");
        }
    }));
}

/// An entity tag that is taken is one that we give; the weak comparison finds it among others.
#[test]
fn an_entity_tag_that_is_taken_is_one_of_ours() {
    let genuine =
        ["\"3\"", "*", "W/\"3\"", "\"1\", W/\"2\"", "\"4294967295\"", "\"00\""].map(|tag| tag.as_bytes().to_vec());
    check!().with_iterations(10_000).with_max_len(64).for_each(tried(|input| {
        let Ok(value) = HeaderValue::from_bytes(&hostile(input, &genuine)) else { return };
        let mut headers = axum::http::HeaderMap::new();
        headers.insert(header::IF_MATCH, value.clone());
        headers.insert(header::IF_NONE_MATCH, value);
        match IfMatch::parse(&headers) {
            Ok(IfMatch(Some(version))) => {
                let again = [(header::IF_MATCH, etag::of(version))].into_iter().collect();
                assert_eq!(IfMatch::parse(&again), Ok(IfMatch(Some(version))));
                let same = [(header::IF_NONE_MATCH, etag::of(version))].into_iter().collect();
                assert!(etag::not_modified(&same, version));
            }
            Ok(IfMatch(None)) => assert!(etag::not_modified(&headers, Version(7)), "any"),
            Err(problem) => assert_eq!(problem.status(), 400),
        }
    }));
}
