//! Calls from one process to another: one deadline for the whole exchange, typed errors, no redirects, no proxies.
use axum::body::Bytes;
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use axum::http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::fmt;
use std::time::Duration;

/// The largest answer that is taken: a page of a hundred items is far below it.
pub const MAXIMUM_ANSWER: usize = 8 * 1024 * 1024;
/// Shorter than the services keep an idle connection open, so that the client lets go first.
const IDLE: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(2);

/// Calls one service. Cheap to clone; clones share the connections.
#[derive(Clone)]
pub struct ServiceClient {
    service: &'static str,
    authority: Authority,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The service cannot be reached, or closed the connection. A command may have taken effect.
    #[error("the {service} service cannot be reached")]
    Unavailable {
        /// Which service.
        service: &'static str,
        /// The transport's reason.
        #[source]
        source: hyper_util::client::legacy::Error,
    },
    /// No whole answer within the deadline. A command may have taken effect.
    #[error("the {service} service did not answer in time")]
    Timeout {
        /// Which service.
        service: &'static str,
    },
    /// The answer broke off or was larger than [`MAXIMUM_ANSWER`].
    #[error("the {service} service's answer cannot be used")]
    Answer {
        /// Which service.
        service: &'static str,
    },
    /// It was not asked: it did not answer a moment ago. Nothing took effect.
    #[error("the {service} service did not answer a moment ago")]
    NotAsked {
        /// Which service.
        service: &'static str,
    },
    /// The path or the base URL is none.
    #[error("the address of the {service} service is not valid")]
    Address {
        /// Which service.
        service: &'static str,
    },
}

impl ServiceClient {
    /// For the service at `base_url`, such as `http://127.0.0.1:7001`: scheme, host and port only.
    ///
    /// # Errors
    /// [`ClientError::Address`].
    pub fn new(service: &'static str, base_url: &str) -> Result<Self, ClientError> {
        let wrong = || ClientError::Address { service };
        let uri: Uri = base_url.parse().map_err(|_| wrong())?;
        let parts = uri.into_parts();
        if parts.scheme != Some(Scheme::HTTP) || parts.path_and_query.is_some_and(|path| path != "/") {
            return Err(wrong());
        }
        let authority = parts.authority.ok_or_else(wrong)?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Ok(Self { service, authority, client })
    }

    /// The service's name.
    #[must_use]
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// Sends a request whose URI has only path and query, and gives the whole answer.
    ///
    /// # Errors
    /// [`ClientError`]; an answer with an error status is an answer.
    pub async fn send(&self, request: Request<Bytes>, deadline: Duration) -> Result<Response<Bytes>, ClientError> {
        let service = self.service;
        match tokio::time::timeout(deadline, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(ClientError::Timeout { service }),
        }
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ClientError> {
        let service = self.service;
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        parts.uri = Uri::builder()
            .scheme(Scheme::HTTP)
            .authority(self.authority.clone())
            .path_and_query(path)
            .build()
            .map_err(|_| ClientError::Address { service })?;
        let response = self
            .client
            .request(Request::from_parts(parts, Full::new(body)))
            .await
            .map_err(|source| ClientError::Unavailable { service, source })?;
        let (parts, body) = response.into_parts();
        match Limited::new(body, MAXIMUM_ANSWER).collect().await {
            Ok(body) => Ok(Response::from_parts(parts, body.to_bytes())),
            Err(error) => {
                if error.is::<LengthLimitError>() {
                    tracing::error!(service.name = service, "an answer was larger than {MAXIMUM_ANSWER} bytes");
                }
                Err(ClientError::Answer { service })
            }
        }
    }
}

impl fmt::Debug for ServiceClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceClient")
            .field("service", &self.service)
            .field("authority", &self.authority)
            .finish_non_exhaustive()
    }
}
