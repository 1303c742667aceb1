//! What can be asked about a key.
use crate::erasure::{Act, Country, Reason, SubjectKey};
use domain_kernel::Timestamp;

/// An intention.
#[derive(Clone, Debug)]
pub enum ErasureCommand {
    /// Asks that a key be destroyed.
    Request {
        /// Which key.
        key: SubjectKey,
        /// Whose law says how long its records are kept.
        country: Country,
        /// Why, without names.
        reason: Reason,
        /// What holds now.
        facts: Facts,
        /// Who asks, and when.
        act: Act,
    },
    /// Agrees, as the second person.
    Approve {
        /// What holds now.
        facts: Facts,
        /// Who agrees, and when.
        act: Act,
    },
    /// Does not agree; whoever asked may so take the request back.
    Decline {
        /// Why, without names.
        reason: Reason,
        /// Who declines, and when.
        act: Act,
    },
    /// Writes down that the key is gone.
    RecordDestruction {
        /// Since when.
        at: Timestamp,
    },
    /// Forbids that the key is destroyed until the hold is lifted.
    PlaceHold {
        /// Which key.
        key: SubjectKey,
        /// Why, without names.
        reason: Reason,
        /// What has become of the key.
        standing: KeyStanding,
        /// Who places it, and when.
        act: Act,
    },
    /// Lifts the hold.
    LiftHold {
        /// Why, without names.
        reason: Reason,
        /// Who lifts it, and when.
        act: Act,
    },
}

/// What a decision rests on and no stream of this aggregate knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What has become of the key.
    pub standing: KeyStanding,
    /// The subject is an account that may log in.
    pub account_is_active: bool,
    /// When the newest clinical entry of the subject was made; `None` when nobody who can be asked knows it.
    pub newest_entry_at: Option<Timestamp>,
}

/// What has become of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStanding {
    /// There never was one: nothing was sealed for this subject and purpose.
    Unknown,
    /// It opens what was sealed since then.
    Usable {
        /// When it was made: nothing that it seals is older.
        since: Timestamp,
    },
    /// It is gone.
    Destroyed,
}
