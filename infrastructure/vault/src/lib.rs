//! What the platform keeps secret and how it forgets: sealed records under a key per subject and purpose, the hash
//! chain and the anchors that prove the history whole, and the blind index that finds what nobody may read.
//!
//! ```text
//! master key (one per purpose, a file)      never in the database
//!    └─ wraps ─▶ data key (one per subject and purpose, `keys` database)
//!                   └─ seals ─▶ the sensitive part of an event
//! ```
//! Destroying a data key erases what it sealed, wherever copies of the sealed bytes are; the hash chain runs over the
//! sealed bytes and stays whole. The blind index has a secret of its own, outside all rotation, because its digests
//! are look-up keys.
pub mod anchor;
mod blind_index;
pub mod break_glass;
pub mod chain;
mod master_keys;
mod pg_vault;
pub mod sealed;
pub mod statements;

pub use blind_index::BlindIndex;
pub use master_keys::{MasterKey, MasterKeyError, MasterKeyId, MasterKeys};
pub use pg_vault::PgVault;

/// The `keys` database: version, name and SQL of each migration, in order.
pub static MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "keys", include_str!("../../../migrations/keys/0001_keys.sql")),
    (2, "grants", include_str!("../../../migrations/keys/0002_grants.sql")),
    (3, "break_glass", include_str!("../../../migrations/keys/0003_break_glass.sql")),
    (4, "break_glass_of_messages", include_str!("../../../migrations/keys/0004_break_glass_of_messages.sql")),
    (5, "break_glass_alarms", include_str!("../../../migrations/keys/0005_break_glass_alarms.sql")),
];
