//! A connection, in clear or over TLS.
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

type Clear = TokioIo<TcpStream>;
type Tls = TokioIo<Box<TlsStream<TcpStream>>>;

/// A connection, in clear or over TLS.
#[derive(Debug)]
pub struct Stream(Kind);

#[derive(Debug)]
enum Kind {
    Clear(Clear),
    Tls(Tls),
}

impl Stream {
    pub(super) fn clear(stream: Clear) -> Self {
        Self(Kind::Clear(stream))
    }

    pub(super) fn tls(stream: Tls) -> Self {
        Self(Kind::Tls(stream))
    }

    #[cfg(test)]
    pub(super) fn nodelay(&self) -> io::Result<bool> {
        match &self.0 {
            Kind::Clear(stream) => stream.inner().nodelay(),
            Kind::Tls(stream) => stream.inner().get_ref().0.nodelay(),
        }
    }
}

/// The same call on whichever it is.
macro_rules! on_either {
    ($stream:expr, $inner:ident => $call:expr) => {
        match &mut $stream.get_mut().0 {
            Kind::Clear($inner) => $call,
            Kind::Tls($inner) => $call,
        }
    };
}

impl Read for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        on_either!(self, inner => Pin::new(inner).poll_read(context, buffer))
    }
}

impl Write for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        on_either!(self, inner => Pin::new(inner).poll_write(context, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_either!(self, inner => Pin::new(inner).poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_either!(self, inner => Pin::new(inner).poll_shutdown(context))
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        match &self.0 {
            Kind::Clear(stream) => stream.connected(),
            Kind::Tls(stream) => stream.inner().get_ref().0.connected(),
        }
    }
}
