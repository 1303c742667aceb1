//! What a process answers before its service has started: that it lives, and that it is not ready.
use super::listen;
use crate::failure::Failure;
use axum::Router;
use axum::routing::get;
use infra_http::health::alive;
use infra_http::{Limits, Problem};
use infra_runtime::Supervisor;
use infra_runtime::supervisor::CancellationToken;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// After this a client may ask again.
const AGAIN: Duration = Duration::from_secs(2);

/// A listener in use by the one who waits. The same port is given to the service afterwards, without a gap in which
/// somebody's connection is refused.
pub(super) struct Waiting {
    listener: std::net::TcpListener,
    stop: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Waiting {
    /// Listens on `address` and answers that `name` is not ready.
    ///
    /// # Errors
    /// The address cannot be had.
    pub(super) async fn listen(address: SocketAddr, name: &str) -> Result<Self, Failure> {
        let listener = listen(address).await?.into_std()?;
        let stop = CancellationToken::new();
        let now = TcpListener::from_std(listener.try_clone()?)?;
        tracing::info!(service = name, address = %listener.local_addr()?, "listening");
        let limits = Limits { drain: Duration::from_secs(1), ..Limits::internal() };
        let serving = tokio::spawn(infra_http::serve(now, router(), limits, stop.clone()));
        Ok(Self { listener, stop, serving })
    }

    /// The waiting is over: gives the listener to whoever answers from now on.
    ///
    /// # Errors
    /// The operating system does not let us.
    pub(super) async fn done(self) -> Result<TcpListener, Failure> {
        self.stop.cancel();
        self.serving.await??;
        Ok(TcpListener::from_std(self.listener)?)
    }

    /// The process ends without having started.
    pub(super) async fn end(self, supervisor: &Supervisor) {
        self.stop.cancel();
        // What the listener's end has to say changes nothing any more.
        let _ = self.serving.await;
        supervisor.stop().await;
    }
}

fn router() -> Router {
    Router::new()
        .route("/healthz", get(alive))
        .route("/livez", get(alive))
        .fallback(|| async { Problem::unavailable(AGAIN).detail("The service is starting.") })
}
