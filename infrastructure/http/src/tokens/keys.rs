//! Public keys: how they are published (JWKS, RFC 7517 and RFC 8037) and how they are held.
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// More keys than this in one set are a mistake, or an attack.
const MAXIMUM_KEYS: usize = 16;

/// An Ed25519 public key and its id.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    id: String,
    bytes: [u8; 32],
}

impl PublicKey {
    /// The key under the id that follows from it (the JWK thumbprint, RFC 7638).
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        let x = URL_SAFE_NO_PAD.encode(bytes);
        let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        Self { id: URL_SAFE_NO_PAD.encode(Sha256::digest(canonical)), bytes }
    }

    /// The `kid`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicKey").field(&self.id).finish()
    }
}

/// A published set of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Jwks {
    /// The keys.
    pub keys: Vec<Jwk>,
}

/// A published key. Members that are not here are not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Jwk {
    /// `OKP`.
    pub kty: String,
    /// `Ed25519`.
    #[serde(default)]
    pub crv: String,
    /// `EdDSA`.
    #[serde(default)]
    pub alg: String,
    /// `sig`.
    #[serde(default, rename = "use")]
    pub purpose: String,
    /// The key's id.
    #[serde(default)]
    pub kid: String,
    /// The public key, base64url.
    #[serde(default)]
    pub x: String,
}

impl Jwks {
    /// These keys.
    pub fn of(keys: impl IntoIterator<Item = PublicKey>) -> Self {
        let keys = keys
            .into_iter()
            .map(|key| Jwk {
                kty: "OKP".to_owned(),
                crv: "Ed25519".to_owned(),
                alg: "EdDSA".to_owned(),
                purpose: "sig".to_owned(),
                kid: key.id.clone(),
                x: URL_SAFE_NO_PAD.encode(key.bytes),
            })
            .collect();
        Self { keys }
    }

    /// The Ed25519 signing keys in it; others, and such with ids that we do not take, are left out.
    #[must_use]
    pub fn public_keys(&self) -> Vec<PublicKey> {
        self.keys.iter().filter_map(Jwk::public_key).take(MAXIMUM_KEYS).collect()
    }
}

impl Jwk {
    fn public_key(&self) -> Option<PublicKey> {
        let suits = self.kty == "OKP"
            && self.crv == "Ed25519"
            && matches!(self.alg.as_str(), "" | "EdDSA")
            && matches!(self.purpose.as_str(), "" | "sig")
            && is_key_id(&self.kid);
        if !suits {
            return None;
        }
        let bytes = <[u8; 32]>::try_from(URL_SAFE_NO_PAD.decode(&self.x).ok()?).ok()?;
        Some(PublicKey { id: self.kid.clone(), bytes })
    }
}

/// Whether a `kid` is one that we look up: up to 64 letters, digits, `-` and `_`.
pub(super) fn is_key_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// The keys that tokens are verified with, by id. Clones share them, so a refresh reaches every verifier.
#[derive(Clone, Default)]
pub struct KeySet {
    keys: Arc<RwLock<Arc<HashMap<String, PublicKey>>>>,
}

impl KeySet {
    /// These keys.
    pub fn new(keys: impl IntoIterator<Item = PublicKey>) -> Self {
        let set = Self::default();
        set.replace(keys);
        set
    }

    /// From now on these keys and no others.
    pub fn replace(&self, keys: impl IntoIterator<Item = PublicKey>) {
        let keys = keys.into_iter().map(|key| (key.id.clone(), key)).collect();
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// The key of that id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<PublicKey> {
        self.snapshot().get(id).cloned()
    }

    /// Whether there is no key yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.snapshot().is_empty()
    }

    /// The set as it is published.
    #[must_use]
    pub fn jwks(&self) -> Jwks {
        let mut keys: Vec<PublicKey> = self.snapshot().values().cloned().collect();
        keys.sort_by(|one, other| one.id.cmp(&other.id));
        Jwks::of(keys)
    }

    fn snapshot(&self) -> Arc<HashMap<String, PublicKey>> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.snapshot().keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_set_is_read_back_and_foreign_keys_are_left_out() {
        let key = PublicKey::new([7; 32]);
        let mut jwks = Jwks::of([key.clone()]);
        jwks.keys.push(Jwk { kty: "oct".to_owned(), ..jwks.keys[0].clone() });
        jwks.keys.push(Jwk { kid: "../etc".to_owned(), ..jwks.keys[0].clone() });
        let text = serde_json::to_string(&jwks).unwrap();
        assert_eq!(serde_json::from_str::<Jwks>(&text).unwrap().public_keys(), [key]);
    }

    #[test]
    fn a_key_of_another_kind_or_use_is_left_out() {
        let key = PublicKey::new([7; 32]);
        let published = Jwks::of([key.clone()]).keys[0].clone();
        let read = |change: fn(&mut Jwk)| {
            let mut changed = published.clone();
            change(&mut changed);
            changed.public_key()
        };
        assert_eq!(read(|_| {}), Some(key.clone()));
        assert_eq!(read(|jwk| jwk.alg.clear()), Some(key.clone()));
        assert_eq!(read(|jwk| jwk.purpose.clear()), Some(key));
        assert_eq!(read(|jwk| jwk.kty = "EC".to_owned()), None);
        assert_eq!(read(|jwk| jwk.crv = "Ed448".to_owned()), None);
        assert_eq!(read(|jwk| jwk.alg = "ES256".to_owned()), None);
        assert_eq!(read(|jwk| jwk.purpose = "enc".to_owned()), None);
        assert_eq!(read(|jwk| jwk.kid.clear()), None);
        assert_eq!(read(|jwk| jwk.x.truncate(40)), None);
    }

    #[test]
    fn a_set_is_published_in_the_order_of_its_ids() {
        let keys: Vec<PublicKey> = (1..=8).map(|seed| PublicKey::new([seed; 32])).collect();
        let set = KeySet::new(keys.clone());
        let mut ids: Vec<&str> = keys.iter().map(PublicKey::id).collect();
        ids.sort_unstable();
        let published = set.jwks();
        assert_eq!(published.keys.iter().map(|jwk| jwk.kid.as_str()).collect::<Vec<_>>(), ids);
        assert_eq!(set.find(ids[0]).as_ref().map(PublicKey::id), Some(ids[0]));
    }

    #[test]
    fn the_key_id_is_the_thumbprint_of_rfc_8037() {
        // RFC 8037 appendix A.3.
        let x = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        let key = PublicKey::new(x.try_into().unwrap());
        assert_eq!(key.id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}
