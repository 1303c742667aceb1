//! What the service is told from outside.
use infra_http::TokenVerifier;

/// The service's settings.
#[derive(Clone)]
pub struct Config {
    /// Verifies the gateway's internal tokens.
    pub verifier: TokenVerifier,
}
