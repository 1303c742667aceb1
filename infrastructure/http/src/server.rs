//! The accept loop: every wait of a client has an end.
//!
//! `axum::serve` builds its connections without a timer, so hyper's header time-out never fires there and half a header
//! holds a connection for ever. This loop has one, and time-outs for bodies and stalled writes, and a limit on
//! connections, and refuses what two servers could read in two ways (a request with two lengths, RFC 9112 §6.1). With TLS
//! it is the same loop: a handshake that does not end is one more wait with an end.
mod body;
mod connection;
mod framing;
mod tls;

pub use body::BodyTimeout;
pub use tls::{Tls, TlsError, TlsFiles};

use axum::Router;
use connection::Connection;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The other end of a request's connection; in the extensions of every request that [`serve`] takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// In the extensions of every request that came over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverTls;

/// How long and how much a client may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For a whole header, and for the next request on an open connection.
    pub header: Duration,
    /// Between two pieces of a body.
    pub body_idle: Duration,
    /// For a whole body.
    pub body: Duration,
    /// For the answer to begin.
    pub answer: Duration,
    /// For a client to take a piece of an answer.
    pub write: Duration,
    /// For requests under way when we stop.
    pub drain: Duration,
    /// Header lines.
    pub headers: usize,
    /// Bytes of request line and headers.
    pub header_bytes: usize,
    /// Bytes of path and query.
    pub uri_bytes: usize,
    /// Connections at once; the next ones wait to be accepted.
    pub connections: usize,
}

impl Limits {
    /// For clients that nobody knows.
    #[must_use]
    pub fn public() -> Self {
        Self {
            handshake: Duration::from_secs(5),
            header: Duration::from_secs(5),
            body_idle: Duration::from_secs(5),
            body: Duration::from_secs(15),
            answer: Duration::from_secs(30),
            write: Duration::from_secs(30),
            drain: Duration::from_secs(10),
            headers: 64,
            header_bytes: 16 * 1024,
            uri_bytes: 2 * 1024,
            connections: 4096,
        }
    }

    /// For the gateway and other services, which keep connections open.
    #[must_use]
    pub fn internal() -> Self {
        Self { header: Duration::from_secs(90), uri_bytes: 4 * 1024, ..Self::public() }
    }
}

/// Serves `router` until `stop`; then lets requests under way finish within [`Limits::drain`], and cuts the rest.
///
/// # Errors
/// The listener has no address.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
) -> std::io::Result<()> {
    accept(listener, router, limits, None, stop).await
}

/// The same over TLS, and nothing else: who does not speak it is cut off. A changed certificate is used from the next
/// connection on.
///
/// # Errors
/// The listener has no address.
pub async fn serve_tls(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    tls: Tls,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let following = tls.clone();
    tokio::select! {
        served = accept(listener, router, limits, Some(tls), stop) => served,
        () = following.follow() => Ok(()),
    }
}

async fn accept(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    tls: Option<Tls>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let address = listener.local_addr()?;
    let connections = Arc::new(Semaphore::new(limits.connections));
    let running = TaskTracker::new();
    let cut = CancellationToken::new();
    loop {
        let permit = tokio::select! {
            () = stop.cancelled() => break,
            permit = Arc::clone(&connections).acquire_owned() => match permit {
                Ok(permit) => permit,
                Err(_) => break,
            },
        };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // The client is gone already, or we are out of file descriptors: a moment's rest helps the second.
                tracing::warn!(error = %error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let connection = Connection { peer, router: router.clone(), limits, stop: stop.clone() };
        let tls = tls.clone();
        let cut = cut.clone();
        running.spawn(async move {
            tokio::select! {
                () = connection.run(stream, tls) => {}
                () = cut.cancelled() => {}
            }
            drop(permit);
        });
    }
    drop(listener);
    running.close();
    if tokio::time::timeout(limits.drain, running.wait()).await.is_err() {
        tracing::warn!(%address, connections = running.len(), "requests under way are cut");
        cut.cancel();
        running.wait().await;
    }
    Ok(())
}

/// Whether a body's error, or what caused it, is that it did not come in time.
pub(crate) fn is_body_timeout(error: &(dyn Error + 'static)) -> bool {
    let mut error = Some(error);
    while let Some(current) = error {
        if current.is::<BodyTimeout>() {
            return true;
        }
        error = current.source();
    }
    false
}
