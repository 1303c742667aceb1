//! A target per decoder: `docs/hostile-input.md`.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]
#[path = "decoders/contracts.rs"]
mod contracts;
#[path = "decoders/genuine.rs"]
mod genuine;
#[path = "decoders/keys.rs"]
mod keys;
#[path = "decoders/requests.rs"]
mod requests;
#[path = "decoders/sealed.rs"]
mod sealed;
#[path = "decoders/stored.rs"]
mod stored;
#[path = "decoders/tokens.rs"]
mod tokens;
