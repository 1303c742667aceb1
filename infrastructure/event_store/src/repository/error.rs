//! Why a command or a load did not go through.
use crate::codec::CodecError;
use domain_kernel::Version;
use domain_kernel::ports::{ClaimKind, StoreError};

/// Why a command had no effect.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum CommandError<E> {
    /// The aggregate's rules forbid it.
    ///
    /// Handling: tell the caller which rule; the same command in the same state is refused again.
    #[error("the command was refused")]
    Rejected(E),
    /// The aggregate is not at the version that the caller named.
    ///
    /// Handling: 412; the caller reads again and decides again.
    #[error("the aggregate is at version {actual}")]
    VersionMismatch {
        /// Where it is.
        actual: Version,
    },
    /// A unique key belongs to somebody else.
    ///
    /// Handling: 409, naming the field that the kind stands for.
    #[error("a unique key of kind {} is taken", .0.0)]
    ClaimTaken(ClaimKind),
    /// The command id stands for another request.
    ///
    /// Handling: 422; the client used one idempotency key for two requests.
    #[error("the command id stands for another request")]
    OtherCommand,
    /// Too many others changed the stream meanwhile.
    ///
    /// Handling: 503 with `Retry-After`, or a later redelivery; the same command id may be used again.
    #[error("too many others changed the stream meanwhile")]
    Contended,
    /// The store did not do it.
    ///
    /// Handling: [`StoreError::Unavailable`] and [`StoreError::OutcomeUnknown`] → 503, try again with the same command
    /// id; the others are defects → 500.
    #[error("the event store did not execute the command")]
    Store(#[from] StoreError),
    /// An event could not be encoded, sealed, opened or decoded.
    ///
    /// Handling: an unavailable vault → 503; a subject that was erased → tell the caller; the others → 500.
    #[error("an event could not be encoded or decoded")]
    Codec(#[from] CodecError),
}

impl<E> From<LoadError> for CommandError<E> {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Store(error) => Self::Store(error),
            LoadError::Codec(error) => Self::Codec(error),
        }
    }
}

/// Why an aggregate could not be loaded. Handling: as of the same errors of [`CommandError`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The store did not answer.
    #[error("the stream could not be read")]
    Store(#[from] StoreError),
    /// An event could not be decoded.
    #[error("an event of the stream could not be decoded")]
    Codec(#[from] CodecError),
}
