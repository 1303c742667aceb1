//! What can be asked of a user.
use crate::user::{RevocationCause, RevokedSessions, SessionId};
use crate::{Address, DeactivationReason, FullName, PasswordHash, Username};
use domain_kernel::{Role, Timestamp};

/// An intention.
#[derive(Clone, Debug)]
pub enum UserCommand {
    /// Registers a new user.
    Create(NewUser),
    /// Changes role, full name or address, together or not at all.
    Change(AccountChange),
    /// Sets another password; whoever checked the old one did so before. The other sessions end.
    ChangePassword {
        /// What is kept of the new password.
        hash: PasswordHash,
        /// The session in which the password is changed goes on.
        kept: Option<SessionId>,
    },
    /// Takes sessions away.
    RevokeSessions {
        /// What made it necessary.
        cause: RevocationCause,
        /// Which.
        sessions: RevokedSessions,
    },
    /// Takes the right to log in away, and every session.
    Deactivate(Option<DeactivationReason>),
    /// Gives the right to log in back.
    Reactivate,
}

/// A user to be.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The name to log in with.
    pub username: Username,
    /// Their own name.
    pub full_name: Option<FullName>,
    /// What they may do.
    pub role: Role,
    /// Where mail goes.
    pub address: Option<Address>,
    /// What is kept of the password.
    pub password: PasswordHash,
    /// The password comes from somebody else, who may still know it: the user has to choose another first.
    pub password_is_initial: bool,
    /// Now.
    pub created_at: Timestamp,
}

/// Changes to an account; what is kept is not touched.
#[derive(Clone, Debug, Default)]
pub struct AccountChange {
    /// Another role.
    pub role: Option<Role>,
    /// Another full name, or none.
    pub full_name: Edit<FullName>,
    /// Another address, or none.
    pub address: Edit<Address>,
}

/// What becomes of an optional value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Edit<T> {
    /// It stays.
    #[default]
    Keep,
    /// It goes.
    Clear,
    /// It becomes this.
    Set(T),
}
