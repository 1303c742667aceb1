//! Accepts tokens: of one kind, from one issuer, for one audience; everything else is refused.
//!
//! A verified token is remembered by its SHA-256 digest, so that a client's hundred requests cost one signature check.
//! Time and key set are looked at every time: an expired token or one of a key that is gone is never accepted from memory.
use super::keys::{KeySet, PublicKey, is_key_id};
use super::{Claims, GATEWAY_ISSUER, Kind, Subject, TokenError, USERS_AUDIENCE, USERS_ISSUER};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain_kernel::ports::Clock;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Clocks of two machines may differ by this.
pub const LEEWAY_SECONDS: i64 = 5;
/// A longer token is refused unread.
pub const MAXIMUM_BYTES: usize = 4096;
/// How many verified tokens are remembered, in each of two generations.
const REMEMBERED: usize = 8192;

/// Verifies tokens of one kind. Cheap to clone; clones share what they remember.
#[derive(Clone)]
pub struct TokenVerifier {
    inner: Arc<Inner>,
}

struct Inner {
    kind: Kind,
    issuer: &'static str,
    audience: String,
    keys: KeySet,
    clock: Arc<dyn Clock>,
    validation: Validation,
    remembered: Mutex<Remembered>,
}

/// Two generations: when the young one is full it becomes the old one, and the old one is forgotten.
#[derive(Default)]
struct Remembered {
    young: HashMap<[u8; 32], Verified>,
    old: HashMap<[u8; 32], Verified>,
}

#[derive(Clone)]
struct Verified {
    key: PublicKey,
    claims: Arc<Claims>,
}

/// The header, with the members that we take and no others: `crit`, `jku`, `x5u`, `jwk`, `zip` … do not fit.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StrictHeader {
    alg: String,
    typ: String,
    kid: String,
}

impl TokenVerifier {
    /// For users' tokens: the gateway.
    #[must_use]
    pub fn users(keys: KeySet, clock: Arc<dyn Clock>) -> Self {
        Self::new(Kind::User, USERS_ISSUER, USERS_AUDIENCE, keys, clock)
    }

    /// For internal tokens made for `service`.
    #[must_use]
    pub fn internal(service: &str, keys: KeySet, clock: Arc<dyn Clock>) -> Self {
        Self::new(Kind::Internal, GATEWAY_ISSUER, service, keys, clock)
    }

    fn new(kind: Kind, issuer: &'static str, audience: &str, keys: KeySet, clock: Arc<dyn Clock>) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        // Time is judged below, by the clock that was given.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let remembered = Mutex::default();
        let audience = audience.to_owned();
        Self { inner: Arc::new(Inner { kind, issuer, audience, keys, clock, validation, remembered }) }
    }

    /// The keys it trusts.
    #[must_use]
    pub fn keys(&self) -> &KeySet {
        &self.inner.keys
    }

    /// Whom the tokens are for.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.inner.audience
    }

    /// What the token says, if it is to be believed.
    ///
    /// # Errors
    /// [`TokenError`]; after [`TokenError::UnknownKey`] newer keys may help.
    pub fn verify(&self, token: &str) -> Result<Arc<Claims>, TokenError> {
        let inner = &*self.inner;
        if token.len() > MAXIMUM_BYTES {
            return Err(TokenError::Malformed);
        }
        let digest: [u8; 32] = Sha256::digest(token).into();
        if let Some(verified) = inner.recall(&digest) {
            // A key that was replaced verifies nothing any more, not even from memory.
            if inner.keys.find(verified.key.id()).as_ref() == Some(&verified.key) {
                inner.judge_time(&verified.claims)?;
                return Ok(verified.claims);
            }
        }
        let verified = inner.verify_anew(token)?;
        inner.judge_time(&verified.claims)?;
        inner.remember(digest, verified.clone());
        Ok(verified.claims)
    }

    #[cfg(test)]
    fn remembered(&self) -> usize {
        let remembered = self.inner.remembered.lock().unwrap();
        remembered.young.len() + remembered.old.len()
    }
}

impl Inner {
    fn verify_anew(&self, token: &str) -> Result<Verified, TokenError> {
        let mut parts = token.split('.');
        let (Some(header), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(TokenError::Malformed);
        };
        if !token.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
            return Err(TokenError::Malformed);
        }
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| TokenError::Malformed)?;
        let header: StrictHeader = serde_json::from_slice(&header).map_err(|_| TokenError::Malformed)?;
        if header.alg != "EdDSA" {
            return Err(TokenError::Algorithm);
        }
        if header.typ != self.kind.typ() {
            return Err(TokenError::Kind);
        }
        if !is_key_id(&header.kid) {
            return Err(TokenError::Malformed);
        }
        let key = self.keys.find(&header.kid).ok_or(TokenError::UnknownKey)?;
        let decoding = DecodingKey::from_ed_der(key.bytes());
        let claims = jsonwebtoken::decode::<Claims>(token, &decoding, &self.validation)
            .map_err(|_| TokenError::NotAuthentic)?
            .claims;
        // The library was told; this says it once more, where a reader can see it.
        if claims.iss != self.issuer || claims.aud != self.audience || claims.exp <= claims.iat {
            return Err(TokenError::NotAuthentic);
        }
        if self.kind == Kind::User && !(matches!(claims.sub, Subject::User(_)) && claims.sid.is_some()) {
            return Err(TokenError::NotAuthentic);
        }
        Ok(Verified { key, claims: Arc::new(claims) })
    }

    fn judge_time(&self, claims: &Claims) -> Result<(), TokenError> {
        let now = self.clock.now().0.div_euclid(1_000_000);
        if claims.exp.saturating_add(LEEWAY_SECONDS) <= now {
            return Err(TokenError::Expired);
        }
        if claims.nbf.max(claims.iat) > now.saturating_add(LEEWAY_SECONDS) {
            return Err(TokenError::NotYetValid);
        }
        Ok(())
    }

    fn recall(&self, digest: &[u8; 32]) -> Option<Verified> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.young.get(digest).or_else(|| remembered.old.get(digest)).cloned()
    }

    fn remember(&self, digest: [u8; 32], verified: Verified) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.young.len() >= REMEMBERED {
            remembered.old = std::mem::take(&mut remembered.young);
        }
        remembered.young.insert(digest, verified);
    }
}

impl fmt::Debug for TokenVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenVerifier")
            .field("kind", &self.inner.kind)
            .field("audience", &self.inner.audience)
            .field("keys", &self.inner.keys)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
