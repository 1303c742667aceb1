//! Why a key is not destroyed, held or released.
use domain_kernel::Timestamp;

/// The rule that forbids it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErasureError {
    /// Nothing was ever sealed for this subject and purpose.
    #[error("the subject has no key for this purpose")]
    NoSuchKey,
    /// The key is gone already.
    #[error("the key was destroyed already")]
    AlreadyErased,
    /// A request waits for its decision.
    #[error("the erasure was asked for already")]
    AlreadyRequested,
    /// It was decided; the key is about to go.
    #[error("the erasure was approved already")]
    AlreadyApproved,
    /// There is nothing to decide.
    #[error("no erasure waits for a decision")]
    NothingRequested,
    /// Nobody approves what they asked for.
    #[error("somebody else has to approve it")]
    SecondPersonNeeded,
    /// A legal hold stands.
    #[error("a legal hold forbids it")]
    OnHold,
    /// There is a hold already.
    #[error("there is a legal hold already")]
    AlreadyHeld,
    /// There is no hold to lift.
    #[error("there is no legal hold")]
    NotHeld,
    /// Whoever may still log in is deactivated first.
    #[error("the account is active")]
    AccountActive,
    /// The law wants the record kept for longer.
    #[error("{law} keeps it")]
    Retained {
        /// Which law.
        law: &'static str,
        /// At least until then.
        until: Timestamp,
    },
    /// The key is older than the period, and nobody knows how old the newest entry is: it is kept.
    #[error("{law} may keep it: the age of the newest entry is not known")]
    NotProvable {
        /// Which law.
        law: &'static str,
    },
}
