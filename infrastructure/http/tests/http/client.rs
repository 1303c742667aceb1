//! Calls between services.
use axum::body::Bytes;
use axum::http::{Request, StatusCode, header};
use axum::response::Redirect;
use axum::routing::get;
use axum::{Router, body::Body};
use infra_http::client::MAXIMUM_ANSWER;
use infra_http::{ClientError, Limits, ServiceClient, serve};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const SOON: Duration = Duration::from_secs(5);

async fn upstream() -> (ServiceClient, CancellationToken) {
    let router = Router::new()
        .route("/echo", get(|request: axum::extract::Request| async move { request.uri().to_string() }))
        .route("/elsewhere", get(|| async { Redirect::temporary("/echo") }))
        .route("/never", get(|| async { std::future::pending::<()>().await }))
        .route("/broken", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .route("/huge", get(|| async { Body::from(vec![b'a'; MAXIMUM_ANSWER + 1]) }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = ServiceClient::new("things", &format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let stop = CancellationToken::new();
    tokio::spawn(serve(listener, router, Limits::internal(), stop.clone()));
    (client, stop)
}

fn ask(path: &str) -> Request<Bytes> {
    Request::get(path).body(Bytes::new()).unwrap()
}

#[tokio::test]
async fn path_and_query_reach_the_service_as_they_are() {
    let (client, stop) = upstream().await;
    let answer = client.send(ask("/echo?a=1&b=%2F"), SOON).await.unwrap();
    assert_eq!(answer.body(), "/echo?a=1&b=%2F");
    stop.cancel();
}

#[tokio::test]
async fn an_error_status_is_an_answer_and_a_redirect_is_not_followed() {
    let (client, stop) = upstream().await;
    assert_eq!(client.send(ask("/broken"), SOON).await.unwrap().status(), StatusCode::INTERNAL_SERVER_ERROR);
    let answer = client.send(ask("/elsewhere"), SOON).await.unwrap();
    assert_eq!(answer.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(answer.headers()[header::LOCATION], "/echo");
    stop.cancel();
}

#[tokio::test]
async fn a_service_that_is_down_is_unavailable() {
    // A port that was free a moment ago: nobody listens on it.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = ServiceClient::new("things", &format!("http://{address}")).unwrap();
    assert!(matches!(client.send(ask("/echo"), SOON).await, Err(ClientError::Unavailable { service: "things", .. })));
}

#[tokio::test]
async fn a_service_that_does_not_answer_in_time_is_a_timeout() {
    let (client, stop) = upstream().await;
    let answer = client.send(ask("/never"), Duration::from_millis(50)).await;
    assert!(matches!(answer, Err(ClientError::Timeout { service: "things" })));
    stop.cancel();
}

#[tokio::test]
async fn an_answer_larger_than_the_limit_is_not_taken() {
    let (client, stop) = upstream().await;
    assert!(matches!(client.send(ask("/huge"), SOON).await, Err(ClientError::Answer { .. })));
    stop.cancel();
}

#[tokio::test]
async fn an_address_is_scheme_host_and_port() {
    assert!(ServiceClient::new("things", "http://127.0.0.1:7001").is_ok());
    for wrong in ["127.0.0.1:7001", "https://127.0.0.1", "http://127.0.0.1/base", "http://", "nonsense"] {
        assert!(ServiceClient::new("things", wrong).is_err(), "{wrong}");
    }
}
