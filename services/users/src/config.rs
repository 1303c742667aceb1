//! What the service is told at its start.
use crate::sessions::TokenLives;
use domain_kernel::ports::KeyRegister;
use infra_http::{TokenSigner, TokenVerifier};
use infra_runtime::Profile;
use std::sync::Arc;

/// The settings of the users service.
#[derive(Clone)]
pub struct Config {
    /// Verifies the gateway's internal tokens.
    pub verifier: TokenVerifier,
    /// Signs the users' tokens.
    pub signer: TokenSigner,
    /// The keys of every purpose, to be listed and destroyed.
    pub keys: Arc<dyn KeyRegister>,
    /// How long tokens and sessions live.
    pub lives: TokenLives,
    /// Name and password of an administrator to create at the start, if there is no user of that name. Both come from a
    /// secret file; the password is never logged. In production it has to be changed at the first log-in.
    pub first_administrator: Option<(String, String)>,
}

impl Config {
    /// The profile's lives, no first administrator.
    #[must_use]
    pub fn new(profile: Profile, verifier: TokenVerifier, signer: TokenSigner, keys: Arc<dyn KeyRegister>) -> Self {
        Self { verifier, signer, keys, lives: TokenLives::of(profile), first_administrator: None }
    }
}
