//! The gateway: one address, one token, several services' answers.
//!
//! It is built from the services' own tables ([`ServiceApi`]) and depends on no service. It alone knows users' tokens:
//! a service gets an internal one, made for it and for a minute. What it keeps it could lose: keys, revocations and
//! quotas are caches of what others own.
mod admission;
mod asyncapi;
mod breaker;
mod catalogue;
mod compose;
mod dead_letters;
mod documents;
mod erasures;
mod exchange;
mod forward;
mod gateway;
mod health;
mod hosts;
mod keys;
mod operations;
pub mod postman;
mod reveal;
mod revocations;
mod table;
mod web;

pub use asyncapi::asyncapi;
pub use catalogue::ServiceEvents;
pub use documents::openapi;
pub use keys::INTERNAL_KEYS_PATH;
pub use table::{Audience, Row, authorization_table};

use axum::Router;
use domain_kernel::ports::Clock;
use gateway::Gateway;
use infra_http::limit::RateLimits;
use infra_http::{ClientError, Correlation, KeySet, ServiceApi, TokenSigner, with_edge};
use infra_runtime::{Language, Profile, Supervisor};
use std::sync::Arc;
use web::{EventTypes, Web};

/// The gateway's pinned name.
pub const NAME: &str = "bff";
/// The service that knows every saga, and takes operators' wishes.
const SAGA_LOG: &str = "saga_log";
/// The service that issues users' tokens, publishes its keys and tells of revocations.
const USERS: &str = "users";

/// A service behind the gateway.
#[derive(Clone)]
pub struct Upstream {
    /// What it offers.
    pub api: ServiceApi,
    /// Where it is, such as `http://127.0.0.1:7001`.
    pub base_url: String,
}

/// What the gateway is started with.
#[derive(Clone)]
pub struct Config {
    /// The services, in the order of the API document.
    pub services: Vec<Upstream>,
    /// What they store, publish and read, for those who look it up.
    pub events: Vec<ServiceEvents>,
    /// The keys that users' tokens are signed with; refreshed from the users service.
    pub user_keys: KeySet,
    /// Signs the internal tokens.
    pub internal_signer: TokenSigner,
    /// Quotas per user or address.
    pub limits: RateLimits,
    /// Which rules of safety hold.
    pub profile: Profile,
    /// In which language pages are for who prefers none that there is.
    pub language: Language,
    /// Where clients find the gateway, such as `http://localhost:8080`.
    pub public_url: String,
    /// Under which names clients may ask for it, each with or without a port (without: on any); everything when `None`.
    /// Health and the internal tokens' keys are answered under every name: who balances load asks by address, services by
    /// a name of their own.
    pub allowed_hosts: Option<Vec<String>>,
}

/// Why the gateway cannot be started: a mistake in what it is started with.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A base URL is none.
    #[error("an address of a service cannot be used")]
    Address(#[from] ClientError),
    /// Two tables have the same endpoint, or two names for one place in a path.
    #[error("{path} stands in the gateway's tables twice")]
    Ambiguous {
        /// The path.
        path: String,
    },
    /// The API document cannot be written.
    #[error("the API document cannot be written")]
    Document(#[from] serde_json::Error),
}

/// Starts the gateway's tasks on `supervisor` and gives its router, for [`infra_http::serve`].
///
/// # Errors
/// [`StartError`]. A service that does not answer is no error: it may come later.
pub async fn start(config: Config, supervisor: Supervisor, clock: Arc<dyn Clock>) -> Result<Router, StartError> {
    let apis: Vec<ServiceApi> = config.services.iter().map(|upstream| upstream.api.clone()).collect();
    table::check(&apis)?;
    let document = documents::Documents::new(&apis, &config.events, &config.public_url)?;
    let gateway = Arc::new(Gateway::new(&config, &apis, Arc::clone(&clock))?);
    gateway.watch(&supervisor);
    tracing::info!(profile = ?config.profile, services = apis.len(), "the gateway is ready to be served");
    let router = forward::router(&gateway, &apis)
        .merge(compose::router(&gateway))
        .merge(dead_letters::router(&gateway))
        .merge(operations::router(&gateway))
        .merge(reveal::router(&gateway))
        .merge(health::router(&gateway))
        .merge(documents::router(document))
        .merge(keys::router(&config.internal_signer))
        .merge(web::router(&apis));
    let web = Arc::new(Web::new(
        Arc::clone(&gateway),
        (config.profile, config.language),
        Arc::clone(&clock),
        (EventTypes::of(&config.events), router.clone()),
        supervisor.token(),
    ));
    let router = web::with_pages(router, Arc::clone(&web));
    let router = web::with_front(admission::admitted(router, gateway), web);
    let router = hosts::only(config.allowed_hosts, router);
    Ok(with_edge(router, NAME, clock, Correlation::Made))
}

/// What the gateway offers inside alone, for a listener on the internal network without TLS: the public keys of the
/// internal tokens to services, whether it answers, and `/metrics`.
pub fn internal_router(internal_signer: &TokenSigner, clock: Arc<dyn Clock>) -> Router {
    let alive = axum::routing::get(infra_http::health::alive);
    let figures = axum::routing::get(infra_http::health::figures);
    let router = keys::router(internal_signer)
        .route("/healthz", alive.clone())
        .route("/livez", alive)
        .route("/metrics", figures);
    with_edge(router.fallback(|| async { infra_http::Problem::not_found() }), NAME, clock, Correlation::Made)
}
