//! The accept loop, met by clients who do not play by the rules. All of them speak over plain sockets.
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use infra_http::{Limits, Peer, Problem, json::read_body, serve};
use infra_testkit::wait_for;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Short enough for a test, long enough for a busy machine.
pub(crate) fn limits() -> Limits {
    Limits {
        header: Duration::from_secs(1),
        body_idle: Duration::from_millis(500),
        body: Duration::from_millis(1_500),
        answer: Duration::from_secs(3),
        write: Duration::from_millis(500),
        drain: Duration::from_secs(5),
        ..Limits::public()
    }
}

#[derive(Clone, Default)]
struct Seen {
    requests: Arc<AtomicUsize>,
    go_on: Arc<Notify>,
}

pub(crate) struct Running {
    address: SocketAddr,
    seen: Seen,
    stop: CancellationToken,
    served: JoinHandle<std::io::Result<()>>,
}

pub(crate) async fn running(limits: Limits) -> Running {
    let seen = Seen::default();
    let router = Router::new()
        .route("/", get(count).post(count))
        .route("/read", post(read))
        .route("/waits", get(waits))
        .route("/never", get(|| async { std::future::pending::<()>().await }))
        .route(
            "/peer",
            get(|request: axum::extract::Request| async move {
                request.extensions().get::<Peer>().map(|peer| peer.0.to_string()).unwrap_or_default()
            }),
        )
        .route("/large", get(|| async { Body::from(vec![b'a'; 64 * 1024 * 1024]) }))
        .with_state(seen.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let served = tokio::spawn(serve(listener, router, limits, stop.clone()));
    Running { address, seen, stop, served }
}

async fn count(State(seen): State<Seen>) -> &'static str {
    seen.requests.fetch_add(1, Ordering::SeqCst);
    "counted"
}

async fn read(request: axum::extract::Request) -> Result<String, Problem> {
    Ok(read_body(request).await?.len().to_string())
}

async fn waits(State(seen): State<Seen>) -> impl IntoResponse {
    seen.requests.fetch_add(1, Ordering::SeqCst);
    seen.go_on.notified().await;
    "waited"
}

impl Running {
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends `bytes` and reads until the server closes the connection.
    pub(crate) async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        rest(&mut stream).await
    }

    pub(crate) fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::SeqCst)
    }
}

/// Everything until the connection ends, within the time that any of these clients may take.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let read = tokio::time::timeout(SOON, stream.read_to_end(&mut text)).await;
    assert!(read.is_ok(), "the server keeps the connection open: {}", String::from_utf8_lossy(&text));
    String::from_utf8_lossy(&text).into_owned()
}

pub(crate) fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[tokio::test]
async fn a_client_that_sends_half_a_header_is_cut_off() {
    let running = running(limits()).await;
    let begun = Instant::now();
    let answer = running.exchange(b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ").await;
    assert!(answer.is_empty() || status(&answer) == "408", "{answer}");
    assert!(begun.elapsed() >= limits().header);
    assert_eq!(running.requests(), 0);
}

#[tokio::test]
async fn a_header_that_comes_drop_by_drop_is_cut_off_too() {
    let running = running(limits()).await;
    let (mut reading, mut writing) = running.connect().await.into_split();
    let drip = tokio::spawn(async move {
        let _ = writing.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n").await;
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        loop {
            tick.tick().await;
            if writing.write_all(b"X-A: b\r\n").await.is_err() {
                break;
            }
        }
    });
    let mut text = Vec::new();
    let ended = tokio::time::timeout(SOON, reading.read_to_end(&mut text)).await;
    assert!(ended.is_ok(), "still open");
    drip.abort();
    assert_eq!(running.requests(), 0);
}

#[tokio::test]
async fn a_body_that_stops_coming_is_given_up() {
    let running = running(limits()).await;
    let answer = running.exchange(b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc").await;
    assert_eq!(status(&answer), "408", "{answer}");
}

#[tokio::test]
async fn a_body_that_comes_drop_by_drop_has_a_time_for_the_whole() {
    let running = running(limits()).await;
    let (mut reading, mut writing) = running.connect().await.into_split();
    let drip = tokio::spawn(async move {
        let _ = writing.write_all(b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n").await;
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        loop {
            tick.tick().await;
            if writing.write_all(b"a").await.is_err() {
                break;
            }
        }
    });
    let mut text = Vec::new();
    let begun = Instant::now();
    let ended = tokio::time::timeout(SOON, reading.read_to_end(&mut text)).await;
    drip.abort();
    assert!(ended.is_ok(), "still open");
    assert_eq!(status(&String::from_utf8_lossy(&text)), "408");
    assert!(begun.elapsed() >= limits().body);
}

#[tokio::test]
async fn both_length_headers_are_refused_in_either_order() {
    let lengths =
        ["Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 5"];
    for lengths in lengths {
        let running = running(limits()).await;
        let answer =
            running.exchange(format!("POST / HTTP/1.1\r\nHost: a\r\n{lengths}\r\n\r\n0\r\n\r\n").as_bytes()).await;
        assert_eq!(status(&answer), "400", "{answer}");
        assert_eq!(running.requests(), 0, "{lengths}");
    }
}

#[tokio::test]
async fn both_length_headers_are_refused_in_a_later_request_too() {
    let running = running(limits()).await;
    let mut stream = running.connect().await;
    stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab").await.unwrap();
    wait_for("the first request", SOON, async || (running.requests() == 1).then_some(())).await;
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n")
        .await
        .unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.contains("counted") && answer.contains("HTTP/1.1 400"), "{answer}");
    assert_eq!(running.requests(), 1);
}

#[tokio::test]
async fn nothing_is_read_after_a_chunked_body() {
    let running = running(limits()).await;
    let smuggled =
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let answer = running.exchange(smuggled).await;
    assert_eq!(status(&answer), "200", "{answer}");
    assert_eq!(running.requests(), 1);
}

#[tokio::test]
async fn malformed_requests_never_reach_a_handler() {
    let running = running(limits()).await;
    for request in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\na",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
        "nonsense\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let answer = running.exchange(request.as_bytes()).await;
        assert_ne!(status(&answer), "200", "{request:?}: {answer}");
    }
    assert_eq!(running.requests(), 0);
}

#[tokio::test]
async fn a_header_has_limits() {
    let running = running(limits()).await;
    let many = "X-A: b\r\n".repeat(limits().headers + 1);
    let answer = running.exchange(format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n").as_bytes()).await;
    assert_eq!(status(&answer), "431", "{answer}");
    let long = format!("X-A: {}\r\n", "b".repeat(limits().header_bytes));
    let answer = running.exchange(format!("GET / HTTP/1.1\r\nHost: a\r\n{long}\r\n").as_bytes()).await;
    assert_eq!(status(&answer), "431", "{answer}");
    let path = "a".repeat(limits().uri_bytes);
    let answer = running.exchange(format!("GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).await;
    assert_eq!(status(&answer), "414", "{answer}");
    assert!(answer.contains("application/problem+json"));
    assert_eq!(running.requests(), 0);
}

#[tokio::test]
async fn an_answer_that_does_not_begin_in_time_is_a_503() {
    let running = running(limits()).await;
    let answer = running.exchange(b"GET /never HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert_eq!(status(&answer), "503", "{answer}");
    assert!(answer.contains("retry-after:"), "{answer}");
}

#[tokio::test]
async fn a_client_that_reads_nothing_of_its_answer_is_cut_off() {
    let running = running(Limits { connections: 1, ..limits() }).await;
    let mut idle = running.connect().await;
    idle.write_all(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    // The only connection is taken until the server gives it up; then the next client gets its answer.
    let answer = running.exchange(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert_eq!(status(&answer), "200", "{answer}");
}

#[tokio::test]
async fn connections_over_the_limit_wait_for_one_to_end() {
    let running = running(Limits { connections: 1, ..limits() }).await;
    let mut first = running.connect().await;
    first.write_all(b"GET /waits HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    wait_for("the first request", SOON, async || (running.requests() == 1).then_some(())).await;
    let mut second = running.connect().await;
    second.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut byte = [0];
    let waited = tokio::time::timeout(Duration::from_millis(100), second.read(&mut byte)).await;
    assert!(waited.is_err(), "the second was served beside the first");
    running.seen.go_on.notify_one();
    assert!(rest(&mut first).await.contains("waited"));
    assert!(rest(&mut second).await.contains("counted"));
}

#[tokio::test]
async fn a_request_under_way_is_finished_when_we_stop() {
    let running = running(limits()).await;
    let mut stream = running.connect().await;
    stream.write_all(b"GET /waits HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    wait_for("the request", SOON, async || (running.requests() == 1).then_some(())).await;
    running.stop.cancel();
    let address = running.address;
    wait_for("the listener to close", SOON, async || TcpStream::connect(address).await.is_err().then_some(())).await;
    running.seen.go_on.notify_one();
    assert!(rest(&mut stream).await.contains("waited"));
    tokio::time::timeout(SOON, running.served).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_cut_when_we_stop() {
    let running =
        running(Limits { answer: Duration::from_secs(60), drain: Duration::from_millis(300), ..limits() }).await;
    let mut stream = running.connect().await;
    stream.write_all(b"GET /waits HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    wait_for("the request", SOON, async || (running.requests() == 1).then_some(())).await;
    running.stop.cancel();
    tokio::time::timeout(SOON, running.served).await.unwrap().unwrap().unwrap();
    assert!(rest(&mut stream).await.is_empty());
}

#[tokio::test]
async fn a_handler_knows_the_other_end_of_the_connection() {
    let running = running(limits()).await;
    let mut stream = running.connect().await;
    let own = stream.local_addr().unwrap().to_string();
    stream.write_all(b"GET /peer HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(rest(&mut stream).await.ends_with(&own));
}
