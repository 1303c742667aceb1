//! What a service does with a message, and how it says that it could not.
use domain_kernel::ports::{StoreError, VaultError};
use domain_kernel::{BoxFuture, CommandId, Message};
use infra_contracts::ContractError;
use infra_contracts::stored::StoredError;
use infra_event_store::codec::CodecError;
use infra_event_store::repository::{CommandError, LoadError};

/// A consumer's doing: one message, one append to one stream.
pub trait MessageHandler: Send + Sync {
    /// Deals with `message` by exactly one append under `command` (which is its inbox: handled twice is appended
    /// once). `attempt` counts from 1; a retry of a dead letter begins above every earlier one. An answer that the
    /// handling leads to, now or later, carries an attempt at least as high.
    ///
    /// Opens no transaction of its own and sends nothing: a second effect follows from what it appended.
    ///
    /// # Errors
    /// [`HandlingError`].
    fn handle<'a>(
        &'a self,
        message: &'a Message,
        command: CommandId,
        attempt: u32,
    ) -> BoxFuture<'a, Result<Handling, HandlingError>>;
}

/// How a message was dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// The handler appended under the command, or found that it had. Where it did not and an answer is owed, it is as
    /// [`Self::NothingToDo`].
    Done,
    /// There was nothing to append; where an answer is owed, a `MessageHandled` is appended under the command.
    NothingToDo,
}

/// Why a message was not dealt with. Codes are pinned words, never data: they are published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandlingError {
    /// It may work in a moment: tried three times in place.
    #[error("the message was not handled this time: {code}")]
    Transient {
        /// Why.
        code: String,
    },
    /// Something that every message needs does not answer: the consumer waits, and this counts as no attempt.
    #[error("the consumer has to wait: {reason}")]
    Outage {
        /// For the log; never confidential.
        reason: String,
    },
    /// It will never work as it is: a dead letter.
    #[error("the message cannot be handled: {code}")]
    Permanent {
        /// Why.
        code: String,
    },
}

impl HandlingError {
    /// [`Self::Transient`].
    pub fn transient(code: impl Into<String>) -> Self {
        Self::Transient { code: code.into() }
    }

    /// [`Self::Permanent`].
    pub fn permanent(code: impl Into<String>) -> Self {
        Self::Permanent { code: code.into() }
    }

    /// [`Self::Outage`].
    pub fn outage(reason: impl Into<String>) -> Self {
        Self::Outage { reason: reason.into() }
    }
}

impl From<StoreError> for HandlingError {
    fn from(error: StoreError) -> Self {
        match error {
            // After an unknown outcome the same command is sent again and finds what became of it.
            StoreError::Unavailable { .. } | StoreError::OutcomeUnknown => Self::outage(error.to_string()),
            StoreError::Malformed { .. } => Self::permanent("append_malformed"),
            StoreError::Damaged { .. } => Self::permanent("stored_data_damaged"),
        }
    }
}

impl From<VaultError> for HandlingError {
    fn from(error: VaultError) -> Self {
        match error {
            // A wrong master key is a mistake of the installation; to give every message up for it would not mend it.
            VaultError::Unavailable { .. } | VaultError::WrongMasterKey { .. } => Self::outage(error.to_string()),
            VaultError::NotEntitled { .. } => Self::permanent("not_entitled"),
            VaultError::NotAuthentic => Self::permanent("sealed_record_not_authentic"),
            VaultError::Erased { .. } => Self::permanent("data_erased"),
        }
    }
}

impl From<CodecError> for HandlingError {
    fn from(error: CodecError) -> Self {
        match error {
            CodecError::Vault(error) => error.into(),
            CodecError::UnknownType { .. } => Self::permanent("event_type_unknown"),
            CodecError::Malformed { .. } => Self::permanent("event_malformed"),
        }
    }
}

impl From<LoadError> for HandlingError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Store(error) => error.into(),
            LoadError::Codec(error) => error.into(),
        }
    }
}

/// A refusal by the rules becomes `rejected`; a handler that knows what a refusal means looks at it first.
impl<E> From<CommandError<E>> for HandlingError {
    fn from(error: CommandError<E>) -> Self {
        match error {
            CommandError::Rejected(_) => Self::permanent("rejected"),
            CommandError::ClaimTaken(_) => Self::permanent("claim_taken"),
            CommandError::OtherCommand => Self::permanent("other_command"),
            CommandError::VersionMismatch { .. } => Self::transient("version_mismatch"),
            CommandError::Contended => Self::transient("contended"),
            CommandError::Store(error) => error.into(),
            CommandError::Codec(error) => error.into(),
        }
    }
}

impl From<ContractError> for HandlingError {
    fn from(error: ContractError) -> Self {
        match error {
            ContractError::UnknownVersion { .. } => Self::permanent("contract_version_unknown"),
            ContractError::NoEvent => Self::permanent("event_unknown"),
            ContractError::Avro(_) | ContractError::SeveralEvents | ContractError::Version => {
                Self::permanent("contract_broken")
            }
        }
    }
}

impl From<StoredError> for HandlingError {
    fn from(error: StoredError) -> Self {
        match error {
            StoredError::UnknownType { .. } => Self::permanent("event_type_unknown"),
            StoredError::NotSealed { .. } | StoredError::Avro(_) => Self::permanent("event_malformed"),
        }
    }
}
