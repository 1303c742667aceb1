//! What the service is told at its start.
use crate::sessions::TokenLives;
use infra_http::{TokenSigner, TokenVerifier};
use infra_runtime::Profile;

/// The settings of the users service.
#[derive(Clone)]
pub struct Config {
    /// Verifies the gateway's internal tokens.
    pub verifier: TokenVerifier,
    /// Signs the users' tokens.
    pub signer: TokenSigner,
    /// How long tokens and sessions live.
    pub lives: TokenLives,
    /// Name and password of an administrator to create at the start, if there is no user of that name. Both come from a
    /// secret file; the password is never logged. In production it has to be changed at the first log-in.
    pub first_administrator: Option<(String, String)>,
}

impl Config {
    /// The profile's lives, no first administrator.
    #[must_use]
    pub fn new(profile: Profile, verifier: TokenVerifier, signer: TokenSigner) -> Self {
        Self { verifier, signer, lives: TokenLives::of(profile), first_administrator: None }
    }
}
