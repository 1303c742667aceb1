//! Bugs planted on purpose, to see that the simulation finds them.
//!
//! None of them is in the product: each changes what one of the simulation's own adapters does, in the way in which a
//! mistake in the real one, or in its use, would show.
use std::fmt;

/// A planted bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Defect {
    /// Messages are acknowledged when they are received, not when they were handled.
    AcknowledgedBeforeCommit,
    /// The store keeps no command ids.
    CommandIdForgotten,
    /// Different commands have the same command id now and then.
    CommandIdShared,
    /// An append has its place in the global order before it is committed: a reader passes it, and never sees it.
    XidTakenEarly,
    /// A checkpoint is saved at the end of the log, beyond what was acknowledged or confirmed.
    CheckpointAheadOfReceipt,
    /// A client that got no answer asks again under another `Idempotency-Key`.
    RepeatedUnderAnotherKey,
    /// A dead letter is written, and its stream goes on.
    LetterWithoutParking,
    /// The store appends after whatever the stream ends with by now.
    ExpectedVersionIgnored,
    /// The store takes claims without looking whether they are taken.
    ClaimNotChecked,
    /// An append is answered before it is on the disk: a crash loses the last one.
    AnsweredBeforeDurable,
    /// A relay takes a message that was not confirmed for sent.
    RelaySkipsAfterError,
    /// Every sender gets every lease, also from who has it.
    LeaseNotKept,
    /// Every attempt mails under a `Message-ID` of its own.
    MessageIdPerAttempt,
    /// What follows a letter is acknowledged and not kept.
    FollowersDropped,
    /// A stream is unparked while messages wait behind its letter.
    UnparkedTooEarly,
    /// A read model's checkpoint is committed after its rows, not with them.
    CheckpointApartFromRows,
    /// A read model takes a batch without looking where it stands.
    FenceIgnored,
    /// A broken subscription is resumed behind what it had in hand.
    ResumedBehindTheUnacknowledged,
    /// An append whose answer is lost is taken for done.
    UnknownTakenForDone,
}

impl Defect {
    /// Every planted bug.
    pub const ALL: &[Self] = &[
        Self::AcknowledgedBeforeCommit,
        Self::CommandIdForgotten,
        Self::CommandIdShared,
        Self::XidTakenEarly,
        Self::CheckpointAheadOfReceipt,
        Self::RepeatedUnderAnotherKey,
        Self::LetterWithoutParking,
        Self::ExpectedVersionIgnored,
        Self::ClaimNotChecked,
        Self::AnsweredBeforeDurable,
        Self::RelaySkipsAfterError,
        Self::LeaseNotKept,
        Self::MessageIdPerAttempt,
        Self::FollowersDropped,
        Self::UnparkedTooEarly,
        Self::CheckpointApartFromRows,
        Self::FenceIgnored,
        Self::ResumedBehindTheUnacknowledged,
        Self::UnknownTakenForDone,
    ];
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AcknowledgedBeforeCommit => "acknowledged before it is handled",
            Self::CommandIdForgotten => "no command ids kept",
            Self::CommandIdShared => "one command id for different commands",
            Self::XidTakenEarly => "place in the global order taken before the commit",
            Self::CheckpointAheadOfReceipt => "checkpoint ahead of what was acknowledged or confirmed",
            Self::RepeatedUnderAnotherKey => "request repeated under another key",
            Self::LetterWithoutParking => "dead letter without parking",
            Self::ExpectedVersionIgnored => "expected version ignored",
            Self::ClaimNotChecked => "claim not checked",
            Self::AnsweredBeforeDurable => "append answered before it is durable",
            Self::RelaySkipsAfterError => "relay goes on after an error",
            Self::LeaseNotKept => "lease given to everybody",
            Self::MessageIdPerAttempt => "another Message-ID for every attempt",
            Self::FollowersDropped => "what follows a letter is dropped",
            Self::UnparkedTooEarly => "unparked while messages wait",
            Self::CheckpointApartFromRows => "read model's checkpoint not committed with its rows",
            Self::FenceIgnored => "read model's fence ignored",
            Self::ResumedBehindTheUnacknowledged => "broken subscription resumed too far ahead",
            Self::UnknownTakenForDone => "unknown outcome taken for done",
        })
    }
}
