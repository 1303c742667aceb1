//! What can have happened to a user.
use crate::{Contact, DeactivationReason, FullName, PasswordHash, Username};
use domain_kernel::{DomainEvent, Role, Sensitive, Timestamp};
use uuid::Uuid;

/// A fact about one user.
#[derive(Clone, Debug, PartialEq)]
pub enum UserEvent {
    /// The user exists and may log in.
    Created {
        /// The name to log in with.
        username: Sensitive<Username>,
        /// Their own name, if they gave it.
        full_name: Sensitive<Option<FullName>>,
        /// What they may do.
        role: Role,
        /// How they are reached.
        contact: Option<Contact>,
        /// When.
        created_at: Timestamp,
    },
    /// The password is now another (or the first). Private: it never leaves the service.
    PasswordSet {
        /// What is kept of it.
        hash: Sensitive<PasswordHash>,
        /// Somebody else chose it, in a file: the user has to choose another before anything else.
        initial: bool,
    },
    /// The user may do something else.
    RoleChanged {
        /// What they may do now.
        role: Role,
    },
    /// The full name is another. Private.
    ProfileChanged {
        /// Their own name, if they gave it.
        full_name: Sensitive<Option<FullName>>,
    },
    /// The user is reached otherwise.
    ContactChanged {
        /// How; `None`: not at all.
        contact: Option<Contact>,
    },
    /// The user may no longer log in.
    Deactivated {
        /// Why, in the words of who did it.
        reason: Option<Sensitive<DeactivationReason>>,
    },
    /// The user may log in again.
    Reactivated {
        /// With which role; the one they had.
        role: Role,
    },
    /// The user changed the password; tells others without telling what it is.
    PasswordChanged,
    /// Sessions were taken away before they ended. Private.
    SessionsRevoked {
        /// What made it necessary.
        cause: RevocationCause,
        /// Which.
        sessions: RevokedSessions,
    },
}

/// One log-in and all that was refreshed from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub Uuid);

/// Why sessions were taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationCause {
    /// Whoever knew the old password is out.
    PasswordChanged,
    /// A refresh token came twice: one of the two who have it stole it (RFC 9700 §4.14.2).
    RefreshReuse,
    /// The user logged out everywhere.
    LogoutAll,
    /// The user may no longer log in.
    Deactivated,
}

/// Which sessions were taken away, of those that were open then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokedSessions {
    /// Every one.
    All,
    /// Every one but this.
    AllBut(SessionId),
    /// This one.
    Only(SessionId),
}

impl DomainEvent for UserEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::Created { .. } => "users.user_created",
            Self::PasswordSet { .. } => "users.password_set",
            Self::RoleChanged { .. } => "users.user_role_changed",
            Self::ProfileChanged { .. } => "users.profile_changed",
            Self::ContactChanged { .. } => "users.user_contact_changed",
            Self::Deactivated { .. } => "users.user_deactivated",
            Self::Reactivated { .. } => "users.user_reactivated",
            Self::PasswordChanged => "users.user_password_changed",
            Self::SessionsRevoked { .. } => "users.sessions_revoked",
        }
    }
}
