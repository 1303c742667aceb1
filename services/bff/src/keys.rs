//! The keys of users' tokens, kept up to date with what the users service publishes; and the gateway's own, published.
use crate::USERS;
use crate::gateway::Gateway;
use axum::routing::get;
use axum::{Json, Router};
use infra_http::tokens::Jwks;
use infra_http::{KeySet, TokenSigner};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How often the keys are asked for without a reason.
const PERIOD: Duration = Duration::from_secs(60);
/// How often at most a token with an unknown key makes us ask: anybody can send such a token.
const AT_MOST: Duration = Duration::from_secs(5);

/// Where the public keys of the internal tokens are.
pub const INTERNAL_KEYS_PATH: &str = "/.well-known/gateway-jwks.json";

/// Publishes the keys that services verify internal tokens with. They are public: who has them makes no token.
pub(crate) fn router(internal_signer: &TokenSigner) -> Router {
    let jwks = internal_signer.jwks();
    Router::new().route(INTERNAL_KEYS_PATH, get(move || async move { Json(jwks) }))
}

pub(crate) struct KeyRefresh {
    keys: KeySet,
    /// When a token made us ask, and whether there was an answer.
    last: Mutex<Option<(Instant, bool)>>,
}

impl KeyRefresh {
    pub(crate) fn new(keys: KeySet) -> Self {
        Self { keys, last: Mutex::new(None) }
    }

    /// Asks now and then, for ever.
    pub(crate) async fn follow(&self, gateway: &Gateway) {
        loop {
            let asked = self.ask(gateway).await;
            // Without any key nobody gets in: then it is worth asking more often.
            let pause = if asked || !self.keys.is_empty() { PERIOD } else { Duration::from_secs(1) };
            tokio::time::sleep(pause).await;
        }
    }

    /// Asks because a token names a key that is not known; false when nobody knows whether there is such a key.
    pub(crate) async fn refresh(&self, gateway: &Gateway) -> bool {
        let mut last = self.last.lock().await;
        if let Some((asked, answered)) = *last
            && asked.elapsed() < AT_MOST
        {
            return answered;
        }
        let answered = self.ask(gateway).await;
        *last = Some((Instant::now(), answered));
        answered
    }

    /// Takes what the users service publishes. What cannot be read, or holds no key of ours, changes nothing: the last
    /// good set stays.
    async fn ask(&self, gateway: &Gateway) -> bool {
        let Some(answer) = gateway.get_for_itself(USERS, "/.well-known/jwks.json").await else { return false };
        match serde_json::from_value::<Jwks>(answer).map(|jwks| jwks.public_keys()) {
            Ok(keys) if !keys.is_empty() => {
                self.keys.replace(keys);
                true
            }
            _ => {
                tracing::warn!("the users service publishes no key that can be used");
                false
            }
        }
    }
}
