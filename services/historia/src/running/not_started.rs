//! Why a service did not start, and whether waiting helps.
use crate::failure::Failure;
use domain_kernel::ports::{BusError, StoreError, VaultError};
use infra_runtime::database::{DatabaseError, MigrationError};
use std::error::Error;

/// A service did not start.
#[derive(Debug)]
pub(crate) enum NotStarted {
    /// Something that it needs is not there yet: a server, a schema, a broker. The same start may succeed later.
    NotYet(Failure),
    /// A setting, a key or the data is wrong; nobody waits for that.
    Never(Failure),
}

impl<E: Error + 'static> From<E> for NotStarted {
    fn from(error: E) -> Self {
        if passes(&error) { Self::NotYet(error.into()) } else { Self::Never(error.into()) }
    }
}

impl From<Failure> for NotStarted {
    fn from(failure: Failure) -> Self {
        Self::Never(failure)
    }
}

impl From<NotStarted> for Failure {
    fn from(reason: NotStarted) -> Self {
        match reason {
            NotStarted::NotYet(failure) | NotStarted::Never(failure) => failure,
        }
    }
}

/// Whether the error, or what caused it, is one that goes by itself.
fn passes(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if passes_itself(error) {
            return true;
        }
        cause = error.source();
    }
    false
}

fn passes_itself(error: &(dyn Error + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<MigrationError>() {
        return matches!(error, MigrationError::NotMigrated { .. } | MigrationError::Database(_));
    }
    matches!(error.downcast_ref(), Some(DatabaseError::Unreachable { .. }))
        || matches!(error.downcast_ref(), Some(StoreError::Unavailable { .. } | StoreError::OutcomeUnknown))
        || matches!(error.downcast_ref(), Some(VaultError::Unavailable { .. }))
        || matches!(error.downcast_ref(), Some(BusError::Unavailable { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(error: impl Error + 'static) -> bool {
        matches!(NotStarted::from(error), NotStarted::NotYet(_))
    }

    #[test]
    fn who_is_not_there_yet_is_waited_for() {
        let reason = || "refused".to_owned();
        assert!(waits(DatabaseError::Unreachable { database: "historia_users".into(), reason: reason() }));
        assert!(waits(MigrationError::NotMigrated { database: "historia_users", missing: 3 }));
        assert!(waits(StoreError::Unavailable { reason: reason() }));
        assert!(waits(VaultError::Unavailable { reason: reason() }));
        assert!(waits(service_users::StartError::Bus(BusError::Unavailable { reason: reason() })));
    }

    #[test]
    fn what_waiting_does_not_mend_is_told_at_once() {
        let purpose = domain_kernel::ports::Purpose::Contact;
        assert!(!waits(VaultError::WrongMasterKey { purpose }));
        assert!(!waits(StoreError::Damaged { reason: "epoch".into() }));
        let newer = MigrationError::Newer { database: "historia_users", version: 9, name: "later".into() };
        assert!(!waits(newer));
        assert!(!waits(infra_http::tokens::TokenError::Signing));
    }
}
