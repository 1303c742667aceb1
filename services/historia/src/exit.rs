//! How a command ends: exit codes that a script can rely on, and which errors mean which.
use domain_kernel::ports::{StoreError, VaultError};
use infra_event_store::projection::ProjectionError;
use infra_http::ClientError;
use infra_messaging::republish::RepublishError;
use infra_runtime::database::{DatabaseError, MigrationError};
use infra_runtime::postgres::ClusterError;
use infra_runtime::pulsar::admin::AdminError;
use std::error::Error;
use std::process::ExitCode;

/// How a command ends. The numbers are promised in `--help` and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// It did what it should.
    Done = 0,
    /// It could not, for a reason that the last line on standard error says.
    Error = 1,
    /// It was called wrongly; clap's own number for that.
    Usage = 2,
    /// A check found damage.
    Damage = 3,
    /// What it is about is not there.
    NotFound = 4,
    /// Nobody is logged in, or who is may not do that.
    NotAuthorised = 5,
    /// Something that it needs does not answer; the same call may work later.
    Unavailable = 6,
    /// Somebody else is at it, or things are not as the call takes them to be.
    Busy = 7,
}

impl Exit {
    /// What `error`, or what caused it, means.
    pub(crate) fn of(error: &(dyn Error + 'static)) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(exit) = itself(error) {
                return exit;
            }
            cause = error.source();
        }
        Self::Error
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

fn itself(error: &(dyn Error + 'static)) -> Option<Exit> {
    let unavailable = matches!(error.downcast_ref(), Some(DatabaseError::Unreachable { .. }))
        || matches!(error.downcast_ref(), Some(MigrationError::NotMigrated { .. }))
        || matches!(error.downcast_ref(), Some(StoreError::Unavailable { .. }))
        || matches!(error.downcast_ref(), Some(VaultError::Unavailable { .. }))
        || matches!(error.downcast_ref(), Some(ClusterError::NotStarted { .. }))
        || matches!(error.downcast_ref(), Some(RepublishError::NotConfirmed))
        || matches!(error.downcast_ref(), Some(ClientError::Unavailable { .. } | ClientError::Timeout { .. }))
        || matches!(error.downcast_ref(), Some(sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut))
        || error.downcast_ref().is_some_and(AdminError::is_transient);
    let busy = matches!(error.downcast_ref(), Some(ProjectionError::Busy { .. } | ProjectionError::SwapRefused { .. }))
        || matches!(error.downcast_ref(), Some(ClusterError::InUse { .. } | ClusterError::PortInUse { .. }))
        || matches!(error.downcast_ref(), Some(RepublishError::ReadByItself))
        || matches!(error.downcast_ref(), Some(AdminError::Conflict { .. }));
    match error.downcast_ref() {
        Some(AdminError::Missing { .. }) => Some(Exit::NotFound),
        Some(AdminError::Denied { .. }) => Some(Exit::NotAuthorised),
        _ if busy => Some(Exit::Busy),
        _ if unavailable => Some(Exit::Unavailable),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_ends_with_the_code_of_its_cause() {
        let refused = || "refused".to_owned();
        let unreachable = StoreError::Unavailable { reason: refused() };
        assert_eq!(Exit::of(&ProjectionError::Store(unreachable)), Exit::Unavailable);
        assert_eq!(Exit::of(&ProjectionError::Busy { projection: "user_list" }), Exit::Busy);
        assert_eq!(Exit::of(&AdminError::Missing { what: "GET x".into(), reason: refused() }), Exit::NotFound);
        let denied = AdminError::Denied { what: "GET x".into(), status: 403, reason: refused() };
        assert_eq!(Exit::of(&denied), Exit::NotAuthorised);
        assert_eq!(Exit::of(&RepublishError::NotConfirmed), Exit::Unavailable);
        assert_eq!(Exit::of(&RepublishError::ReadByItself), Exit::Busy);
        assert_eq!(Exit::of(&StoreError::Damaged { reason: refused() }), Exit::Error);
    }

    #[test]
    fn the_codes_never_change() {
        use Exit::{Busy, Damage, Done, Error, NotAuthorised, NotFound, Unavailable, Usage};
        let codes = [Done, Error, Usage, Damage, NotFound, NotAuthorised, Unavailable, Busy].map(|exit| exit as u8);
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
