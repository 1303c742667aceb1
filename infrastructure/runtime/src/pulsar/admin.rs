//! What is asked of a broker over its admin REST interface (`/admin/v2`), with typed answers.
//!
//! What always holds: what is made is made once, and making it again says so instead of failing; every call has a
//! deadline; names are checked before they become part of an address; a token is in no error and no log, and never
//! leaves TLS for clear text, wherever the broker sends us.
mod call;
mod error;
mod names;
mod namespaces;
mod schemas;
mod topics;

pub use error::AdminError;
pub use names::{NameError, Namespace, TopicName};
pub use namespaces::{Policies, Retention, Right, Rights};
pub use schemas::RegisteredSchema;
pub use topics::{SubscriptionStats, TopicStats};

use super::token::Token;
use crate::outgoing::{Outgoing, Trust};
use bytes::Bytes;
use http_body_util::Full;
use hyper::Method;
use hyper::http::uri::{Authority, Scheme};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Serialize;
use std::fmt;
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(5);
/// The broker closes idle connections after a while; the client lets go first.
const IDLE: Duration = Duration::from_secs(15);

/// Whether a call had to do anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It was not there, and is now.
    Created,
    /// It was there already.
    WasThere,
}

/// Calls one broker's admin interface. Cheap to clone; clones share the connections.
#[derive(Clone)]
pub struct Admin {
    scheme: Scheme,
    authority: Authority,
    token: Option<Token>,
    client: Client<Outgoing, Full<Bytes>>,
}

impl Admin {
    /// For the broker at `url`, such as `http://127.0.0.1:8088` (scheme, host and port only), as whom `token` says. Over
    /// TLS (`https://`) the broker's certificate must be a public authority's.
    ///
    /// # Errors
    /// [`AdminError::Address`], [`AdminError::Trust`].
    pub fn new(url: &str, token: Option<Token>) -> Result<Self, AdminError> {
        Self::trusting(Trust::public()?, url, token)
    }

    /// The same, believing whom `trust` says.
    ///
    /// # Errors
    /// [`AdminError::Address`].
    pub fn trusting(trust: Trust, url: &str, token: Option<Token>) -> Result<Self, AdminError> {
        let wrong = || AdminError::Address { url: url.to_owned() };
        let parts = url.parse::<hyper::Uri>().map_err(|_| wrong())?.into_parts();
        let scheme = parts.scheme.filter(|scheme| [Scheme::HTTP, Scheme::HTTPS].contains(scheme)).ok_or_else(wrong)?;
        if parts.path_and_query.is_some_and(|path| path != "/") {
            return Err(wrong());
        }
        let authority = parts.authority.filter(|authority| !authority.as_str().contains('@')).ok_or_else(wrong)?;
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(Outgoing::new(trust, CONNECT));
        Ok(Self { scheme, authority, token, client })
    }

    /// The interface's address, such as `http://127.0.0.1:8088`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    /// Asks the broker to send itself a message; fails when it cannot.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn health(&self) -> Result<(), AdminError> {
        self.get_text("brokers/health").await.map(|_| ())
    }

    /// The names of the clusters that the broker knows, such as `standalone`.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn clusters(&self) -> Result<Vec<String>, AdminError> {
        self.get("clusters").await
    }

    /// The names of all tenants.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn tenants(&self) -> Result<Vec<String>, AdminError> {
        self.get("tenants").await
    }

    /// Makes a tenant whose namespaces may be in every cluster that the broker knows.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn create_tenant(&self, tenant: &str, admin_roles: &[&str]) -> Result<Made, AdminError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Tenant<'a> {
            admin_roles: &'a [&'a str],
            allowed_clusters: Vec<String>,
        }
        let tenant = names::checked(tenant)?;
        // `global` is not a cluster; it is listed because its configuration is kept beside the others.
        let allowed_clusters = self.clusters().await?.into_iter().filter(|cluster| cluster != "global").collect();
        let body = Tenant { admin_roles, allowed_clusters };
        self.make(&format!("tenants/{tenant}"), Some(&body)).await
    }

    /// `PUT`s what may be there already.
    async fn make<B: Serialize + Sync>(&self, path: &str, body: Option<&B>) -> Result<Made, AdminError> {
        match self.send(Method::PUT, path, body).await {
            Ok(_) => Ok(Made::Created),
            Err(AdminError::Conflict { .. }) => Ok(Made::WasThere),
            Err(error) => Err(error),
        }
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("url", &self.url()).field("token", &self.token).finish_non_exhaustive()
    }
}
