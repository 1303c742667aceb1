//! Tokens: how a client shows the broker in which role it comes.
use super::PulsarError;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use std::fmt;

/// A signed token. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A token that was made elsewhere.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A token for `role`, valid as long as the key is, signed (HS256) with the secret key of the broker. For a broker
    /// of our own; a platform's operator makes tokens with a private key instead.
    ///
    /// # Errors
    /// [`PulsarError::Token`].
    pub fn sign(secret_key: &[u8], role: &str) -> Result<Self, PulsarError> {
        #[derive(Serialize)]
        struct Claims<'a> {
            sub: &'a str,
        }
        let signed = jsonwebtoken::encode(
            &Header::new(Algorithm::HS256),
            &Claims { sub: role },
            &EncodingKey::from_secret(secret_key),
        );
        signed.map(Self).map_err(|_| PulsarError::Token)
    }

    /// The token itself, to be sent to the broker and nowhere else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
