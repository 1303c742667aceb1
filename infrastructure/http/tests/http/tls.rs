//! The accept loop over TLS, with a certificate that changes.
use axum::Router;
use axum::routing::get;
use infra_http::{Correlation, Limits, OverTls, Tls, TlsError, TlsFiles, serve, serve_tls, with_edge};
use infra_testkit::memory::ManualClock;
use infra_testkit::wait_for;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

const SOON: Duration = Duration::from_secs(20);
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// A certificate for `localhost` and its key, both PEM.
struct Identity {
    certificate: String,
    key: String,
    der: CertificateDer<'static>,
}

fn identity() -> Identity {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    Identity {
        certificate: made.cert.pem(),
        key: made.signing_key.serialize_pem(),
        der: made.cert.der().clone().into_owned(),
    }
}

fn files(directory: &TempDir) -> TlsFiles {
    TlsFiles { certificate: directory.path().join("chain.pem"), key: directory.path().join("key.pem") }
}

fn write(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn put(files: &TlsFiles, certificate: &str, key: &str) {
    write(&files.certificate, certificate, 0o644);
    write(&files.key, key, 0o600);
}

struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    served: JoinHandle<std::io::Result<()>>,
    files: TlsFiles,
    _directory: TempDir,
}

fn limits() -> Limits {
    Limits { handshake: Duration::from_millis(400), header: Duration::from_millis(400), ..Limits::public() }
}

fn router() -> Router {
    let over_tls = get(|request: axum::extract::Request| async move {
        if request.extensions().get::<OverTls>().is_some() { "over TLS" } else { "in the clear" }
    });
    with_edge(Router::new().route("/", over_tls), "test", Arc::new(ManualClock::new()), Correlation::Made)
}

async fn running(identity: &Identity) -> Running {
    let directory = tempfile::tempdir().unwrap();
    let files = files(&directory);
    put(&files, &identity.certificate, &identity.key);
    let tls = Tls::looking_every(Duration::from_millis(20), files.clone()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let served = tokio::spawn(serve_tls(listener, router(), limits(), tls, stop.clone()));
    Running { address, stop, served, files, _directory: directory }
}

/// A client that trusts `identity` and nobody else.
async fn connect(address: SocketAddr, identity: &Identity) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(identity.der.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

async fn ask(mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin) -> String {
    stream.write_all(REQUEST).await.unwrap();
    rest(&mut stream).await
}

/// Everything until the connection ends; a cut connection ends too.
async fn rest(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(SOON, stream.read_to_end(&mut bytes)).await;
    assert!(read.is_ok(), "the server keeps the connection open");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn over_tls_a_request_is_answered_and_the_browser_told_to_come_back_so() {
    let identity = identity();
    let running = running(&identity).await;
    let answer = ask(connect(running.address, &identity).await.unwrap()).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("over TLS"), "{answer}");
    assert!(answer.contains("strict-transport-security: max-age=63072000; includeSubDomains"), "{answer}");
    running.stop.cancel();
    running.served.await.unwrap().unwrap();
}

#[tokio::test]
async fn in_the_clear_no_browser_is_told_to_come_by_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let served = tokio::spawn(serve(listener, router(), limits(), stop.clone()));
    let answer = ask(TcpStream::connect(address).await.unwrap()).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("in the clear"), "{answer}");
    assert!(!answer.contains("strict-transport-security"), "{answer}");
    stop.cancel();
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn who_does_not_speak_tls_is_answered_nothing() {
    let running = running(&identity()).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(!answer.contains("HTTP/1.1"), "{answer}");
}

#[tokio::test]
async fn a_handshake_that_does_not_go_on_is_cut_and_others_are_served() {
    let identity = identity();
    let running = running(&identity).await;
    let begun = Instant::now();
    let mut silent = TcpStream::connect(running.address).await.unwrap();
    let mut halfway = TcpStream::connect(running.address).await.unwrap();
    // The first bytes of a ClientHello.
    halfway.write_all(&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01]).await.unwrap();
    assert!(ask(connect(running.address, &identity).await.unwrap()).await.starts_with("HTTP/1.1 200 "));
    for stream in [&mut silent, &mut halfway] {
        rest(stream).await;
    }
    assert!(begun.elapsed() >= Duration::from_millis(400));
}

#[tokio::test]
async fn the_limits_hold_over_tls_as_well() {
    let identity = identity();
    let running = running(&identity).await;
    let mut stream = connect(running.address, &identity).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: loc").await.unwrap();
    rest(&mut stream).await;
    let mut twice = connect(running.address, &identity).await.unwrap();
    let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    twice.write_all(request.as_bytes()).await.unwrap();
    assert!(rest(&mut twice).await.starts_with("HTTP/1.1 400 "));
}

#[tokio::test]
async fn stopping_does_not_wait_for_handshakes() {
    let running = running(&identity()).await;
    let _silent = TcpStream::connect(running.address).await.unwrap();
    running.stop.cancel();
    tokio::time::timeout(SOON, running.served).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_changed_certificate_is_used_for_the_next_connection() {
    let (before, after) = (identity(), identity());
    let running = running(&before).await;
    let open = connect(running.address, &before).await.unwrap();
    // The chain comes first: as long as it does not fit the key, the pair of before is used.
    write(&running.files.certificate, &after.certificate, 0o644);
    assert!(connect(running.address, &before).await.is_ok());
    write(&running.files.key, &after.key, 0o600);
    wait_for("the new certificate", SOON, async || connect(running.address, &after).await.ok().map(drop)).await;
    assert!(connect(running.address, &before).await.is_err(), "the old one is gone");
    let open = ask(open).await;
    assert!(open.is_empty() || open.starts_with("HTTP/1.1 200 "), "{open}");
}

#[test]
fn files_that_are_no_certificate_and_key_are_refused_by_their_names() {
    let (one, other) = (identity(), identity());
    let directory = tempfile::tempdir().unwrap();
    let files = files(&directory);
    let refused = || Tls::read(files.clone()).unwrap_err();
    assert!(matches!(refused(), TlsError::Unreadable { .. }));
    write(&files.certificate, &one.certificate, 0o644);
    assert!(matches!(refused(), TlsError::Key(_)), "no key");
    write(&files.key, &one.key, 0o644);
    assert!(refused().to_string().contains("chmod 600"), "others may read the key");
    put(&files, "nothing", &one.key);
    assert!(matches!(refused(), TlsError::NoCertificate { .. }));
    put(&files, &one.certificate, &one.certificate);
    assert!(matches!(refused(), TlsError::NoKey { .. }));
    put(&files, &one.certificate, &other.key);
    let unfit = refused();
    assert!(matches!(unfit, TlsError::Unfit { .. }));
    let secret = other.key.lines().nth(1).unwrap();
    assert!(unfit.to_string().contains("chain.pem") && !format!("{unfit} {unfit:?}").contains(secret));
    put(&files, &one.certificate, &one.key);
    let tls = Tls::read(files.clone()).unwrap();
    assert!(!format!("{tls:?}").contains(one.key.lines().nth(1).unwrap()));
}
