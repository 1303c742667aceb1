//! Makes tokens.
use super::keys::{Jwks, PublicKey};
use super::{Claims, Kind, TokenError};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use std::fmt;

/// Signs tokens of one kind with one key. Debug shows the key's id only.
#[derive(Clone)]
pub struct TokenSigner {
    kind: Kind,
    public: PublicKey,
    key: EncodingKey,
}

impl TokenSigner {
    /// For users' tokens: the users service.
    ///
    /// # Errors
    /// [`TokenError::Signing`] when the key cannot be used.
    pub fn users(seed: &[u8; 32]) -> Result<Self, TokenError> {
        Self::from_seed(Kind::User, seed)
    }

    /// For internal tokens: the gateway.
    ///
    /// # Errors
    /// [`TokenError::Signing`] when the key cannot be used.
    pub fn gateway(seed: &[u8; 32]) -> Result<Self, TokenError> {
        Self::from_seed(Kind::Internal, seed)
    }

    fn from_seed(kind: Kind, seed: &[u8; 32]) -> Result<Self, TokenError> {
        let key = SigningKey::from_bytes(seed);
        let document = key.to_pkcs8_der().map_err(|_| TokenError::Signing)?;
        Ok(Self {
            kind,
            public: PublicKey::new(key.verifying_key().to_bytes()),
            key: EncodingKey::from_ed_der(document.as_bytes()),
        })
    }

    /// The key that verifies what this signs.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.public.clone()
    }

    /// The same, as it is published.
    #[must_use]
    pub fn jwks(&self) -> Jwks {
        Jwks::of([self.public.clone()])
    }

    /// The token that says this.
    ///
    /// # Errors
    /// [`TokenError::Signing`].
    pub fn sign(&self, claims: &Claims) -> Result<String, TokenError> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(self.kind.typ().to_owned());
        header.kid = Some(self.public.id().to_owned());
        jsonwebtoken::encode(&header, claims, &self.key).map_err(|_| TokenError::Signing)
    }
}

impl fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSigner").field("kind", &self.kind).field("key", &self.public.id()).finish_non_exhaustive()
    }
}
