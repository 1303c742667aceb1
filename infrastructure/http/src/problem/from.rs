//! What the store's errors are to a client: "not now", or our mistake. The reasons go to the log only.
use super::Problem;
use axum::http::StatusCode;
use domain_kernel::ports::{StoreError, VaultError};
use infra_event_store::codec::CodecError;
use infra_event_store::repository::{CommandError, LoadError};
use std::time::Duration;

/// After this a client may try again when a store or a key store is out of reach.
const OUTAGE: Duration = Duration::from_secs(2);

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } => {
                tracing::warn!(error = %error, "the event store does not answer");
                Self::unavailable(OUTAGE)
            }
            StoreError::OutcomeUnknown => {
                tracing::warn!(error = %error, "a command's outcome is not known");
                Self::unavailable(OUTAGE)
                    .code("outcome_unknown")
                    .detail("It may have taken effect; with the same Idempotency-Key it is safe to send it again.")
            }
            StoreError::Malformed { .. } | StoreError::Damaged { .. } => {
                tracing::error!(error = %error, "the event store refused");
                Self::internal()
            }
        }
    }
}

impl From<VaultError> for Problem {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Unavailable { .. } => {
                tracing::warn!(error = %error, "the key store does not answer");
                Self::unavailable(OUTAGE)
            }
            VaultError::Erased { .. } => Self::new(StatusCode::GONE, "erased", "This person's data was erased"),
            VaultError::NotEntitled { .. } | VaultError::WrongMasterKey { .. } | VaultError::NotAuthentic => {
                tracing::error!(error = %error, "the vault refused");
                Self::internal()
            }
        }
    }
}

impl From<CodecError> for Problem {
    fn from(error: CodecError) -> Self {
        match error {
            CodecError::Vault(error) => error.into(),
            error => {
                tracing::error!(error = %error, "an event cannot be read or written");
                Self::internal()
            }
        }
    }
}

impl From<LoadError> for Problem {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Store(error) => error.into(),
            LoadError::Codec(error) => error.into(),
        }
    }
}

impl Problem {
    /// What a command's error is to the client; `rejected` tells what the domain's own refusal is. A service uses this:
    /// neither a domain's error nor this type is its own, so it cannot implement [`From`] between them.
    pub fn of_command<E>(error: CommandError<E>, rejected: impl FnOnce(E) -> Self) -> Self {
        match error {
            CommandError::Rejected(error) => rejected(error),
            CommandError::VersionMismatch { actual } => Self::precondition_failed().extension("version", actual.0),
            CommandError::ClaimTaken(_) => Self::conflict("already_taken", "Something that must be unique is taken."),
            CommandError::OtherCommand => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "This Idempotency-Key was used for another request",
            ),
            CommandError::Contended => Self::unavailable(Duration::from_secs(1)).code("contended"),
            CommandError::Store(error) => error.into(),
            CommandError::Codec(error) => error.into(),
        }
    }
}
