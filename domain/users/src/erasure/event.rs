//! What can have happened around a key.
use crate::erasure::Country;
use crate::profile::printable;
use domain_kernel::ports::Purpose;
use domain_kernel::{DomainEvent, StreamId, SubjectId, Timestamp, UserId};

/// Whose key, and what it seals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubjectKey {
    /// Whose data.
    pub subject: SubjectId,
    /// Which part of it.
    pub purpose: Purpose,
}

impl SubjectKey {
    /// The stream in which everything about this key is decided.
    #[must_use]
    pub fn stream(self) -> StreamId {
        StreamId(self.subject.derive(&format!("erasure/{}", self.purpose)))
    }
}

/// Who did something, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act {
    /// The administrator.
    pub by: UserId,
    /// The moment.
    pub at: Timestamp,
}

/// Why, in the words of who decides: 1 to 500 printable characters. It outlives what is erased and is kept in clear, so
/// it names nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// # Errors
    /// [`crate::InvalidReason`] when empty, longer than 500 characters or with a control character.
    pub fn parse(text: &str) -> Result<Self, crate::InvalidReason> {
        printable(text, 500).map(Self).ok_or(crate::InvalidReason)
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A fact about one key. All are private to the service.
#[derive(Clone, Debug, PartialEq)]
pub enum ErasureEvent {
    /// Somebody asked that the key be destroyed.
    Requested {
        /// Which key.
        key: SubjectKey,
        /// Whose law counts.
        country: Country,
        /// Why.
        reason: Reason,
        /// Who, and when.
        act: Act,
    },
    /// Somebody else agreed: the key will be destroyed, and nothing stops it any more.
    Approved {
        /// Who, and when.
        act: Act,
    },
    /// It will not be destroyed for now.
    Declined {
        /// Why.
        reason: Reason,
        /// Who, and when.
        act: Act,
    },
    /// The key is gone.
    KeyDestroyed {
        /// When it was found gone.
        at: Timestamp,
    },
    /// The key must be kept until further notice.
    HoldPlaced {
        /// Which key.
        key: SubjectKey,
        /// Why.
        reason: Reason,
        /// Who, and when.
        act: Act,
    },
    /// It need not be kept any more, as far as the hold goes.
    HoldLifted {
        /// Why.
        reason: Reason,
        /// Who, and when.
        act: Act,
    },
}

impl DomainEvent for ErasureEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::Requested { .. } => "users.erasure_requested",
            Self::Approved { .. } => "users.erasure_approved",
            Self::Declined { .. } => "users.erasure_declined",
            Self::KeyDestroyed { .. } => "users.key_destroyed",
            Self::HoldPlaced { .. } => "users.legal_hold_placed",
            Self::HoldLifted { .. } => "users.legal_hold_lifted",
        }
    }
}
