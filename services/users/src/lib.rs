//! The users service: accounts, log-in, tokens.
//!
//! Accounts are event-sourced: [`domain_users`] decides, the event store remembers, names and addresses sealed under
//! their user's key, usernames and given addresses reserved by claims. Sessions, refresh tokens and the back-off of
//! log-ins are short-lived secrets in plain tables. Access tokens are signed here and nowhere else. What is kept of a
//! person is forgotten from here too: an administrator asks for it, another approves, and the key is destroyed.
mod accounts;
mod administrators;
mod backoff;
mod codec;
mod config;
mod database;
mod eraser;
mod erasure_codec;
mod erasure_list;
mod erasures;
mod http;
mod inspection;
mod passwords;
mod publisher;
mod sessions;
mod sign_in;
mod start;
mod statements;
mod stored;
mod streams;
mod sweep;
mod user_list;

pub use config::Config;
pub use http::api;
pub use inspection::states;
pub use publisher::{TOPICS, publisher};
pub use sessions::TokenLives;
pub use start::{StartError, start};
pub use stored::{EVENTS, type_id};

use domain_kernel::ports::{Claim, Clock, EventStore, KeyVault};
pub use domain_users::Username;
use domain_users::{Erasure, User};
use infra_event_store::BlindIndex;
use infra_event_store::projection::Projection;
use infra_event_store::repository::Repository;
use std::sync::Arc;

/// The pinned name: of the service, its database, its consumer and the audience of its internal tokens.
pub const NAME: &str = "users";

/// The service's own tables, after the event store's.
pub static MIGRATIONS: &[(i64, &str, &str)] = &[
    (1001, "user_list", include_str!("../../../migrations/users/1001_user_list.sql")),
    (1002, "sessions", include_str!("../../../migrations/users/1002_sessions.sql")),
    (1003, "grants", include_str!("../../../migrations/users/1003_grants.sql")),
    (1004, "erasures", include_str!("../../../migrations/users/1004_erasures.sql")),
];

/// The service's read models.
#[must_use]
pub fn projections() -> Vec<Arc<dyn Projection>> {
    vec![Arc::new(user_list::UserListProjection), Arc::new(erasure_list::ErasureListProjection)]
}

/// The accounts in `store`, opened with `vault`.
#[must_use]
pub fn users(store: Arc<dyn EventStore>, vault: Arc<dyn KeyVault>, clock: Arc<dyn Clock>) -> Repository<User> {
    Repository::new(store, Arc::new(codec::UserCodec::new(vault)), clock)
}

/// The erasures and legal holds in `store`.
#[must_use]
pub fn erasures(store: Arc<dyn EventStore>, clock: Arc<dyn Clock>) -> Repository<Erasure> {
    Repository::new(store, Arc::new(erasure_codec::ErasureCodec), clock)
}

/// The unique key that a username is: reserved with the account, for ever.
#[must_use]
pub fn username_claim(index: &BlindIndex, username: &Username) -> Claim {
    index.claim(accounts::USERNAME, username.as_str())
}

/// Every SQL statement of the service, by name.
#[must_use]
pub fn statements() -> &'static [(&'static str, &'static str)] {
    statements::ALL
}
