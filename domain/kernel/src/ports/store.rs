//! The event store.
use crate::{BoxFuture, Checkpoint, CommandId, CorrelationId, Hash, Head, NewEvent, RecordedEvent, StreamId, Version};

/// Keeps events: append-only streams, one global order, command ids and claims.
///
/// What always holds:
/// 1. an append takes effect whole or not at all: head, events, command id, claims and releases together;
/// 2. a stream's versions are 1, 2, 3 … without gaps, each chained to the one before by its hash;
/// 3. a command id takes effect once, in one stream, for ever;
/// 4. a claim `(kind, key)` is held by one stream at a time;
/// 5. [`Self::read_all`] never skips an event that is committed later: it shows an event only when nothing can appear
///    before it any more, and events of one stream in version order.
pub trait EventStore: Send + Sync {
    /// Appends to one stream, exactly after `append.expected`.
    ///
    /// # Errors
    /// [`StoreError`]; after [`StoreError::OutcomeUnknown`] look the command id up before anything else.
    fn append(&self, append: Append) -> BoxFuture<'_, Result<AppendOutcome, StoreError>>;

    /// Up to `limit` events of `stream` after version `after`, in order; empty when there are none.
    ///
    /// # Errors
    /// [`StoreError`].
    fn read_stream(
        &self,
        stream: StreamId,
        after: Version,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, StoreError>>;

    /// The end of `stream`; the default head when it has no event.
    ///
    /// # Errors
    /// [`StoreError`].
    fn head(&self, stream: StreamId) -> BoxFuture<'_, Result<Head, StoreError>>;

    /// Up to `limit` events after `after`, in global order, without ever skipping one.
    ///
    /// # Errors
    /// [`StoreError`].
    fn read_all(&self, after: Checkpoint, limit: usize) -> BoxFuture<'_, Result<Vec<RecordedEvent>, StoreError>>;

    /// What became of a command; `None` when it never took effect.
    ///
    /// # Errors
    /// [`StoreError`].
    fn find_command(&self, command: CommandId) -> BoxFuture<'_, Result<Option<CommandRecord>, StoreError>>;

    /// Which stream holds a claim.
    ///
    /// # Errors
    /// [`StoreError`].
    fn find_claim(&self, kind: ClaimKind, key: Hash) -> BoxFuture<'_, Result<Option<StreamId>, StoreError>>;

    /// The next running number of this store, from 1. Gaps are normal; a number is never given out twice.
    ///
    /// # Errors
    /// [`StoreError`].
    fn next_number(&self) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// Resolves when something may have been appended since the last call: at once after an append through this
    /// process, otherwise after an adaptive pause (5 to 250 ms). A reader that found nothing waits here.
    fn appended(&self) -> BoxFuture<'_, ()>;
}

/// An extension of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// The stream.
    pub stream: StreamId,
    /// The head that the decision was made on.
    pub expected: Head,
    /// What to append, command by command; at least one, each with at least one event.
    pub commands: Vec<AppendCommand>,
}

/// One command's part of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendCommand {
    /// Takes effect once.
    pub command_id: CommandId,
    /// An HMAC of what was asked: the same command id with another digest is a client's mistake. `None` for commands
    /// that no client names.
    pub digest: Option<Hash>,
    /// The saga, to be answered again when the command is repeated.
    pub correlation_id: CorrelationId,
    /// Unique keys to take; all free, or the command has no effect.
    pub claims: Vec<Claim>,
    /// Unique keys to give back; they must be held by this very stream.
    pub releases: Vec<Claim>,
    /// What happened.
    pub events: Vec<NewEvent>,
}

/// What a unique key is about (a username, a running number …); numbers are pinned per service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClaimKind(pub i16);

/// A unique key: an HMAC, so the table of claims tells nobody anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Claim {
    /// What it is about.
    pub kind: ClaimKind,
    /// HMAC-SHA-256 of the normalised value.
    pub key: Hash,
}

/// What became of an append. Exactly one, always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendOutcome {
    /// It took effect; the stream now ends here.
    Appended(Head),
    /// The stream does not end where the decision thought: look the command id up, load, decide again.
    Stale,
    /// The command took effect before.
    Duplicate(CommandRecord),
    /// Another stream holds the key.
    ClaimTaken {
        /// Whose claim was refused.
        command_id: CommandId,
        /// What is taken.
        kind: ClaimKind,
    },
}

/// A command that took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandRecord {
    /// The command.
    pub command_id: CommandId,
    /// In which stream.
    pub stream: StreamId,
    /// The stream's version just after it.
    pub version: Version,
    /// Its saga.
    pub correlation_id: CorrelationId,
    /// What was asked, as an HMAC.
    pub digest: Option<Hash>,
}

/// Why the store did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Nothing happened; the same call may work later.
    #[error("the event store cannot be reached: {reason}")]
    Unavailable {
        /// For the log; never confidential.
        reason: String,
    },
    /// The connection broke while an append was under way: it is in, whole, or it is not.
    #[error("whether the append took effect is not known")]
    OutcomeUnknown,
    /// The call itself is wrong (no event, a release that is not the stream's, a size over the limit); never right
    /// later.
    #[error("the append is not well formed: {reason}")]
    Malformed {
        /// What is wrong.
        reason: String,
    },
    /// What is stored is not what was written.
    #[error("stored data is damaged: {reason}")]
    Damaged {
        /// Where and how.
        reason: String,
    },
}
