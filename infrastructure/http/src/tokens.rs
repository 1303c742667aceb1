//! Tokens: JWTs signed with Ed25519, two kinds that are never taken for one another (RFC 8725 §3.12).
//!
//! A user's token (`at+jwt`, RFC 9068) is issued by the users service and accepted by the gateway only. The gateway swaps
//! it for an internal token of 60 seconds, made for one service. Whoever verifies holds public keys only, so no service
//! can make a token.
mod claims;
mod keys;
mod signer;
mod verifier;

pub use claims::{Claims, INTERNAL_LIFETIME_SECONDS, Subject};
pub use keys::{Jwk, Jwks, KeySet, PublicKey};
pub use signer::TokenSigner;
pub use verifier::{LEEWAY_SECONDS, MAXIMUM_BYTES, TokenVerifier};

/// Which of the two kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    User,
    Internal,
}

impl Kind {
    /// The `typ` header.
    pub(crate) fn typ(self) -> &'static str {
        match self {
            Self::User => "at+jwt",
            Self::Internal => "internal+jwt",
        }
    }
}

/// Issuer of the users' tokens.
pub const USERS_ISSUER: &str = "historia-users";
/// Audience of the users' tokens.
pub const USERS_AUDIENCE: &str = "historia";
/// Issuer of the internal tokens.
pub const GATEWAY_ISSUER: &str = "historia-gateway";

/// Why a token is not accepted (or cannot be made). For logs and tests; a client is told no more than 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a compact JWT of at most 4 KiB, or with header members that we do not take.
    #[error("the token is not well formed")]
    Malformed,
    /// Another algorithm than `EdDSA`.
    #[error("the token's algorithm is not allowed")]
    Algorithm,
    /// Another kind of token.
    #[error("the token is of another kind")]
    Kind,
    /// No key of that id. The keys at hand may be old.
    #[error("the token's key is not known")]
    UnknownKey,
    /// Signature, issuer, audience or claims are wrong.
    #[error("the token is not authentic, or not for us")]
    NotAuthentic,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// The signing key does not work.
    #[error("the token cannot be signed")]
    Signing,
}
