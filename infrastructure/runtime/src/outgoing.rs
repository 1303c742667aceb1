//! Connections to HTTP servers, in clear or over TLS, as the address says.
//!
//! What always holds: over TLS the server's certificate is checked, name included, against the public authorities and the
//! one that was given; nothing falls back to clear text. TLS 1.2 and 1.3 only, with ring's suites.
mod stream;

pub use stream::Stream;

use hyper::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, InvalidDnsNameError, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::error::Error;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio_rustls::TlsConnector;
use tower::Service;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// Whose certificates are believed. Cheap to clone.
#[derive(Clone)]
pub struct Trust(Arc<ClientConfig>);

/// Why nobody can be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The text is no certificate.
    #[error("there is no certificate in PEM form of an authority")]
    NoCertificate,
    /// The library cannot do it.
    #[error("certificates cannot be checked: {0}")]
    Unusable(String),
}

impl Trust {
    /// The public authorities.
    ///
    /// # Errors
    /// [`TrustError::Unusable`].
    pub fn public() -> Result<Self, TrustError> {
        Self::in_roots(public_authorities())
    }

    /// The public authorities and those whose certificates (PEM) are given.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn with_authority(pem: &[u8]) -> Result<Self, TrustError> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let certificates = certificates.ok().filter(|certificates| !certificates.is_empty());
        let mut roots = public_authorities();
        for certificate in certificates.ok_or(TrustError::NoCertificate)? {
            roots.add(certificate).map_err(|_| TrustError::NoCertificate)?;
        }
        Self::in_roots(roots)
    }

    fn in_roots(roots: RootCertStore) -> Result<Self, TrustError> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| TrustError::Unusable(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }
}

fn public_authorities() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").finish_non_exhaustive()
    }
}

/// Connects for an HTTP client. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outgoing {
    tcp: HttpConnector,
    trust: Trust,
}

/// Why there is no connection: of the network, or of the certificate.
pub type Failed = Box<dyn Error + Send + Sync>;

impl Outgoing {
    /// Connects within `limit`, without TLS, and believes whom `trust` says.
    #[must_use]
    pub fn new(trust: Trust, limit: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(limit));
        Self { tcp, trust }
    }

    /// A connection to `address`, of which scheme, host and port count: `https` is TLS, whatever is then spoken.
    ///
    /// # Errors
    /// Of the network, or an [`io::Error`] of the kind `InvalidData` when the server cannot prove who it is.
    pub async fn connect(&self, address: Uri) -> Result<TokioIo<Stream>, Failed> {
        let mut connector = self.clone();
        std::future::poll_fn(|context| connector.poll_ready(context)).await?;
        connector.call(address).await.map(TokioIo::new)
    }
}

impl Service<Uri> for Outgoing {
    type Response = Stream;
    type Error = Failed;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, Failed>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let over_tls = match address.scheme_str() {
            Some("https") => Some(server_name(&address)),
            _ => None,
        };
        let (connecting, trust) = (self.tcp.call(address), Arc::clone(&self.trust.0));
        Box::pin(async move {
            let tcp = connecting.await?;
            let Some(name) = over_tls else { return Ok(Stream::clear(tcp)) };
            let handshake = TlsConnector::from(trust).connect(name?, tcp.into_inner());
            let shaken = tokio::time::timeout(HANDSHAKE, handshake).await;
            let stream = shaken.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no TLS handshake in time"))??;
            Ok(Stream::tls(TokioIo::new(Box::new(stream))))
        })
    }
}

/// The name that the certificate has to have; an IPv6 address stands in brackets in an address.
fn server_name(address: &Uri) -> Result<ServerName<'static>, InvalidDnsNameError> {
    let host = address.host().unwrap_or_default();
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    ServerName::try_from(host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_trusted_by_nobody() {
        for text in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no PEM"] {
            assert_eq!(Trust::with_authority(text.as_bytes()).unwrap_err(), TrustError::NoCertificate, "{text:?}");
        }
        let authority = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        assert!(Trust::with_authority(authority.cert.pem().as_bytes()).is_ok());
    }

    #[tokio::test]
    async fn a_connection_holds_nothing_back() {
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let outgoing = Outgoing::new(Trust::public().unwrap(), HANDSHAKE);
        let address = format!("http://{}", server.local_addr().unwrap()).parse().unwrap();
        assert!(outgoing.connect(address).await.unwrap().inner().nodelay().unwrap());
    }

    #[test]
    fn the_certificate_has_to_have_the_addresss_host() {
        let name = |address: &str| server_name(&address.parse().unwrap()).unwrap().to_str().into_owned();
        assert_eq!(name("https://pulsar:8443/admin"), "pulsar");
        assert_eq!(name("https://127.0.0.1:8443"), "127.0.0.1");
        assert_eq!(name("https://[::1]:8443"), "::1");
    }
}
