//! Bodies, queries and path parameters.
use crate::support::{fixture, json_of};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use futures_util::stream;
use infra_http::json::MAXIMUM_BODY;

const JSON: &str = "application/json";

#[tokio::test]
async fn a_body_that_is_json_of_the_right_shape_is_read() {
    let response = fixture().post("application/json; charset=utf-8", "{\"name\":\"a\"}").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(json_of(response).await["name"], "a");
}

#[tokio::test]
async fn a_missing_body_and_one_that_is_no_json_are_bad_requests() {
    for body in ["", "{", "name=a"] {
        assert_eq!(fixture().post(JSON, body).await.status(), StatusCode::BAD_REQUEST, "{body}");
    }
}

#[tokio::test]
async fn json_of_another_shape_names_the_field() {
    for (body, pointer) in [("{}", "/name"), ("{\"name\":1}", "/name"), ("{\"name\":\"a\",\"admin\":true}", "/admin")] {
        let response = fixture().post(JSON, body).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(json_of(response).await["errors"][0]["pointer"], pointer, "{body}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_said_to_be_json_is_not_read() {
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16"] {
        let response = fixture().post(content_type, "{\"name\":\"a\"}").await;
        assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
    }
}

#[tokio::test]
async fn a_body_over_64_kib_is_too_large_whether_announced_or_not() {
    let body = format!("{{\"name\":\"{}\"}}", "a".repeat(MAXIMUM_BODY));
    let announced = fixture().post(JSON, body.clone()).await;
    assert_eq!(announced.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> =
        body.into_bytes().chunks(4096).map(|piece| Ok(piece.to_vec())).collect();
    let streamed = fixture().post(JSON, Body::from_stream(stream::iter(pieces))).await;
    assert_eq!(streamed.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_body_of_exactly_64_kib_is_read() {
    let frame = "{\"name\":\"\"}".len();
    let body = format!("{{\"name\":\"{}\"}}", "a".repeat(MAXIMUM_BODY - frame));
    assert_eq!(body.len(), MAXIMUM_BODY);
    assert_eq!(fixture().post(JSON, body).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_query_is_read_strictly() {
    let fixture = fixture();
    let ok = fixture.as_ana(Method::GET, "/filtered?limit=5").await;
    assert_eq!(json_of(ok).await["limit"], 5);
    for (query, pointer) in [("limit=Hunter2", "?limit"), ("page=1", "?page"), ("limit=300", "?limit")] {
        let response = fixture.as_ana(Method::GET, &format!("/filtered?{query}")).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        let problem = json_of(response).await;
        assert_eq!(problem["errors"][0]["pointer"], pointer);
        assert!(!problem.to_string().contains("Hunter2"), "{problem}");
    }
}

#[tokio::test]
async fn a_path_parameter_of_another_type_names_no_thing() {
    let fixture = fixture();
    assert_eq!(fixture.as_ana(Method::GET, "/things/seven").await.status(), StatusCode::NOT_FOUND);
    let id = "0199d3a0-7c00-7000-8000-000000000001";
    assert_eq!(fixture.as_ana(Method::GET, &format!("/things/{id}")).await.status(), StatusCode::OK);
}
