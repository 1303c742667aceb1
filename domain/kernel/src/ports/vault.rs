//! Sealing what is personal, and forgetting it by destroying a key.
use crate::{BoxFuture, EventId, StreamId, SubjectId, Timestamp, Version};
use std::fmt;
use uuid::Uuid;

/// What a sealed record is used for. Keys are separate per purpose, so that one part of a person's data can be
/// forgotten while another must be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// Who may log in: username, full name, password hash.
    Account,
    /// How to reach somebody: addresses.
    Contact,
    /// What is known of somebody's health.
    Clinical,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 3] = [Self::Account, Self::Contact, Self::Clinical];

    /// The pinned name, stored with every key.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Contact => "contact",
            Self::Clinical => "clinical",
        }
    }

    /// The purpose of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a sealed record was made. It is authenticated with the record (AAD), so a record moved to another event,
/// stream or person does not open; whoever copies a record keeps its origin beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The event it was sealed in.
    pub event_id: EventId,
    /// Its stream.
    pub stream: StreamId,
    /// Its version.
    pub version: Version,
    /// Its stored name, such as `users.user_created`.
    pub event_type: String,
}

/// What is inside a sealed record.
#[derive(Clone, PartialEq, Eq)]
pub enum Opened {
    /// The plain bytes and the number of the schema they are written with.
    Known {
        /// The inner schema's number, from the record's authenticated header.
        schema: u16,
        /// The plain bytes.
        plain: Vec<u8>,
    },
    /// The key was destroyed: nobody will ever know.
    Erased,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Known { .. } => "[sensitive]",
            Self::Erased => "[erased]",
        })
    }
}

/// Seals and opens under the key of a subject and purpose.
pub trait KeyVault: Send + Sync {
    /// Seals `plain`, written with inner schema number `schema`. The key is made when there is none yet, and durable
    /// before this returns.
    ///
    /// # Errors
    /// [`VaultError`].
    fn seal<'a>(
        &'a self,
        subject: SubjectId,
        purpose: Purpose,
        origin: &'a Origin,
        schema: u16,
        plain: &'a [u8],
    ) -> BoxFuture<'a, Result<Vec<u8>, VaultError>>;

    /// Opens a record that was sealed for `purpose` at `origin`.
    ///
    /// # Errors
    /// [`VaultError`]; a destroyed key is no error but [`Opened::Erased`].
    fn open<'a>(
        &'a self,
        purpose: Purpose,
        origin: &'a Origin,
        sealed: &'a [u8],
    ) -> BoxFuture<'a, Result<Opened, VaultError>>;

    /// Destroys the keys of a subject and purpose, for good; tells how many there were. New data of the same subject
    /// is refused from then on with [`VaultError::Erased`].
    ///
    /// # Errors
    /// [`VaultError`].
    fn shred(&self, subject: SubjectId, purpose: Purpose) -> BoxFuture<'_, Result<u64, VaultError>>;
}

/// The keys themselves, without what they seal. It opens nothing, so it needs no master key: whoever decides on an
/// erasure destroys keys of purposes that they may not open.
pub trait KeyRegister: Send + Sync {
    /// Up to `query.limit` keys, the oldest first; destroyed ones too.
    ///
    /// # Errors
    /// [`VaultError::Unavailable`].
    fn keys(&self, query: KeyQuery) -> BoxFuture<'_, Result<Vec<KeyRecord>, VaultError>>;

    /// Destroys the key of a subject and purpose, for good, as [`KeyVault::shred`] does; tells how many there were.
    ///
    /// # Errors
    /// [`VaultError::Unavailable`]; repeating it does no harm.
    fn destroy(&self, subject: SubjectId, purpose: Purpose) -> BoxFuture<'_, Result<u64, VaultError>>;
}

/// Which keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyQuery {
    /// Only this subject's.
    pub subject: Option<SubjectId>,
    /// Only this purpose's.
    pub purpose: Option<Purpose>,
    /// Only keys whose id is greater; ids grow with the time at which keys are made.
    pub after: Option<Uuid>,
    /// How many at most.
    pub limit: usize,
}

/// What is known of a key: when it was made and destroyed, never what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// The key.
    pub id: Uuid,
    /// Whose data it seals.
    pub subject: SubjectId,
    /// Which part of it.
    pub purpose: Purpose,
    /// The master key that wraps it; `None` once it is destroyed.
    pub master: Option<Uuid>,
    /// Since when there is a key, or the mark that there will be none.
    pub created_at: Timestamp,
    /// Since when nothing that it sealed can be opened.
    pub destroyed_at: Option<Timestamp>,
}

/// Why the vault did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The key store cannot be reached; the same call may work later.
    #[error("the key store cannot be reached: {reason}")]
    Unavailable {
        /// For the log; never confidential.
        reason: String,
    },
    /// This process was not given the master key of that purpose.
    #[error("this service may not open {purpose} records")]
    NotEntitled {
        /// Which purpose.
        purpose: Purpose,
    },
    /// The master key at hand is not the one that wrapped the subject's keys.
    #[error("the master key for {purpose} records is not the one that the keys were wrapped with")]
    WrongMasterKey {
        /// Which purpose.
        purpose: Purpose,
    },
    /// The record was changed, cut, or is not from this origin and purpose.
    #[error("a sealed record does not open: changed, or taken from somewhere else")]
    NotAuthentic,
    /// The subject's data of that purpose was erased; nothing new is sealed for it.
    #[error("the subject's {purpose} data was erased")]
    Erased {
        /// Which purpose.
        purpose: Purpose,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_purposes_never_change() {
        assert_eq!(Purpose::ALL.map(Purpose::name), ["account", "contact", "clinical"]);
        assert_eq!(Purpose::Contact.to_string(), "contact");
        assert_eq!(Purpose::ALL.map(|purpose| Purpose::parse(purpose.name())), Purpose::ALL.map(Some));
        assert_eq!(Purpose::parse("Account"), None);
    }

    #[test]
    fn what_was_opened_is_never_printed() {
        let opened = Opened::Known { schema: 1, plain: b"positive".to_vec() };
        assert_eq!(format!("{opened:?}"), "[sensitive]");
        assert_eq!(format!("{:?}", Opened::Erased), "[erased]");
    }
}
