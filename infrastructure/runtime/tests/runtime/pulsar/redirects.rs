//! Where the admin interface lets itself be sent on to, by a server that says what the test wants.
use infra_runtime::outgoing::Trust;
use infra_runtime::pulsar::Token;
use infra_runtime::pulsar::admin::{Admin, AdminError};
use infra_testkit::tls::Authority;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Answers each connection of `listener` with the next of `answers`, over TLS; gives what was asked.
async fn answer(listener: TcpListener, authority: &Authority, answers: Vec<String>) -> Vec<String> {
    let identity = authority.identity(&["localhost"]);
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap(),
        )
        .unwrap();
    let (acceptor, mut asked) = (TlsAcceptor::from(Arc::new(config)), Vec::new());
    for answer in answers {
        let mut stream = acceptor.accept(listener.accept().await.unwrap().0).await.unwrap();
        let (mut request, mut byte) = (Vec::new(), [0]);
        while !request.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).await.unwrap();
            request.push(byte[0]);
        }
        asked.push(String::from_utf8(request).unwrap());
        stream.write_all(answer.as_bytes()).await.unwrap();
        // The client need not wait for the end.
        let _ = stream.shutdown().await;
    }
    asked
}

fn sends_on_to(address: &str) -> String {
    format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

fn says(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn a_token_goes_where_the_broker_sends_it_but_never_in_clear() {
    let (authority, token) = (Authority::new(), Token::new("the-token"));
    let trust = Trust::with_authority(authority.pem().as_bytes()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let clear = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    clear.set_nonblocking(true).unwrap();
    let in_clear = format!("http://localhost:{}/admin/v2/tenants", clear.local_addr().unwrap().port());
    let admin = Admin::trusting(trust, &url, Some(token)).unwrap();

    let next = format!("{url}/admin/v2/elsewhere");
    let answers = vec![sends_on_to(&next), says(r#"["historia"]"#), sends_on_to(&in_clear)];
    let (asked, ()) = tokio::join!(answer(listener, &authority, answers), async {
        assert_eq!(admin.tenants().await.unwrap(), ["historia"]);
        let refused = admin.tenants().await.unwrap_err();
        assert!(matches!(refused, AdminError::Answer { .. }), "{refused:?}");
    });
    assert!(asked[1].starts_with("GET /admin/v2/elsewhere "), "{}", asked[1]);
    assert!(asked.iter().all(|request| request.contains("authorization: Bearer the-token")), "{asked:?}");
    assert!(clear.accept().is_err(), "somebody came in clear");
}
