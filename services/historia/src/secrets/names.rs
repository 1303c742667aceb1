//! The names of the files; the same in a data directory, where all are in one place, and in a service's own folder.

/// The password of the first administrator.
pub(crate) const ADMINISTRATOR_PASSWORD: &str = "administrator-password";
/// The seed of the key that signs users' tokens.
pub(crate) const USER_TOKEN_KEY: &str = "user-token.key";
/// The seed of the key that signs internal tokens.
pub(crate) const GATEWAY_TOKEN_KEY: &str = "gateway-token.key";
/// The public part of it, for the services.
pub(crate) const GATEWAY_KEYS: &str = "gateway-jwks.json";
/// The seed of the key that signs anchors.
pub(crate) const ANCHOR_KEY: &str = "anchor.key";
/// The password of the databases' owner.
pub(crate) const OWNER_PASSWORD: &str = "database-owner";
/// What the broker checks tokens with.
pub(crate) const BROKER_TOKEN_KEY: &str = "broker-token.key";
/// The token that is shown to the broker.
pub(crate) const BROKER_TOKEN: &str = "broker-token";

/// The password of the role that works in `database`.
pub(crate) fn role_password(database: &str) -> String {
    format!("database-{}", database.trim_start_matches("historia_"))
}

/// The key of a service's look-ups.
pub(crate) fn blind_index(service: &str) -> String {
    format!("blind-index-{service}.key")
}

/// A purpose's master key.
pub(crate) fn master_key(purpose: domain_kernel::ports::Purpose) -> String {
    format!("master-{purpose}.key")
}
