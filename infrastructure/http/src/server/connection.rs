//! One connection: what hyper does not look after itself.
use super::body::TimedBody;
use super::framing::Framing;
use super::{Limits, OverTls, Peer, Tls};
use crate::problem::Problem;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, StatusCode, Version, header};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

pub(super) struct Connection {
    pub(super) peer: SocketAddr,
    pub(super) router: Router,
    pub(super) limits: Limits,
    pub(super) stop: CancellationToken,
}

impl Connection {
    /// Shakes hands, when `tls` is spoken, and answers requests until the client goes, waits too long, or we stop.
    pub(super) async fn run(self, stream: TcpStream, tls: Option<Tls>) {
        let _ = stream.set_nodelay(true);
        let Some(tls) = tls else { return self.answer_on(stream, None).await };
        let handshake = tokio::time::timeout(self.limits.handshake, tls.accept(stream));
        match self.stop.run_until_cancelled(handshake).await {
            Some(Ok(Ok(stream))) => self.answer_on(stream, Some(OverTls)).await,
            Some(Ok(Err(error))) => tracing::debug!(error = %error, "a client does not speak our TLS"),
            Some(Err(_)) => tracing::debug!("a handshake took too long"),
            None => {}
        }
    }

    async fn answer_on<S: AsyncRead + AsyncWrite + Unpin>(self, stream: S, over_tls: Option<OverTls>) {
        let Self { peer, router, limits, stop } = self;
        let framing = Arc::new(Mutex::new(Framing::default()));
        let watched = Watched { stream, framing: Arc::clone(&framing), patience: limits.write, alarm: None };
        let service = service_fn(move |request| {
            let (router, framing) = (router.clone(), Arc::clone(&framing));
            async move { Ok::<_, Infallible>(answer(request, router, peer, over_tls, limits, &framing).await) }
        });
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header)
            .max_headers(limits.headers)
            .max_header_size(limits.header_bytes)
            .half_close(false);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(watched), service));
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            // Clients go as they please; nothing of theirs is in hyper's words.
            tracing::debug!(error = %error, "a connection ended early");
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    router: Router,
    peer: SocketAddr,
    over_tls: Option<OverTls>,
    limits: Limits,
    framing: &Mutex<Framing>,
) -> Response<Body> {
    let (ambiguous, chunked) = {
        let framing = framing.lock().unwrap_or_else(PoisonError::into_inner);
        (framing.is_ambiguous(), framing.is_chunked())
    };
    if ambiguous {
        return closing(Problem::bad_request("A request says its length once.").into_response());
    }
    let hosts = request.headers().get_all(header::HOST).iter().count();
    if request.version() == Version::HTTP_11 && hosts != 1 {
        return closing(Problem::bad_request("A request names its host once.").into_response());
    }
    let uri_bytes = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    if uri_bytes > limits.uri_bytes {
        let problem = Problem::new(StatusCode::URI_TOO_LONG, "uri_too_long", "The address is too long");
        return closing(problem.into_response());
    }
    let mut request = request.map(|body| Body::new(TimedBody::new(body, limits.body_idle, limits.body)));
    request.extensions_mut().insert(Peer(peer));
    if let Some(over_tls) = over_tls {
        request.extensions_mut().insert(over_tls);
    }
    let response = match tokio::time::timeout(limits.answer, router.oneshot(request)).await {
        Ok(Ok(response)) => response,
        Err(_) => Problem::unavailable(Duration::from_secs(2)).into_response(),
    };
    if chunked { closing(response) } else { response }
}

/// The last answer on its connection.
fn closing(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The stream, with every byte that comes in shown to [`Framing`], and an end to waiting for a client that reads nothing.
struct Watched<S> {
    stream: S,
    framing: Arc<Mutex<Framing>>,
    patience: Duration,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl<S> Watched<S> {
    fn with_patience<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.alarm = None;
            return written;
        }
        let patience = self.patience;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep(patience)));
        match alarm.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if matches!(polled, Poll::Ready(Ok(()))) {
            let came = &buffer.filled()[before..];
            self.framing.lock().unwrap_or_else(PoisonError::into_inner).observe(came);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.with_patience(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.with_patience(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.with_patience(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // With TLS there is a goodbye to write.
        let closed = Pin::new(&mut self.stream).poll_shutdown(context);
        self.with_patience(context, closed)
    }
}
