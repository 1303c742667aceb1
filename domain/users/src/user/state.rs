//! What a user's past amounts to.
use crate::user::UserEvent;
use crate::{Contact, FullName, PasswordHash, Username};
use domain_kernel::{Role, Sensitive, Timestamp};

/// Where a user stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum UserState {
    /// No event yet.
    #[default]
    Unknown,
    /// May log in.
    Active(Account),
    /// May not log in; keeps everything for a later reactivation.
    Deactivated(Account),
}

/// What is known of a user.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// The name to log in with.
    pub username: Sensitive<Username>,
    /// Their own name, if they gave it.
    pub full_name: Sensitive<Option<FullName>>,
    /// What they may do.
    pub role: Role,
    /// How they are reached.
    pub contact: Option<Contact>,
    /// What is kept of the password; nobody logs in without.
    pub password: Option<Sensitive<PasswordHash>>,
    /// The user has to choose another password before anything else.
    pub must_change_password: bool,
    /// When the account was made.
    pub created_at: Timestamp,
}

impl UserState {
    /// The account, whether or not it may log in.
    #[must_use]
    pub fn account(&self) -> Option<&Account> {
        match self {
            Self::Unknown => None,
            Self::Active(account) | Self::Deactivated(account) => Some(account),
        }
    }

    /// The account, if it may log in.
    #[must_use]
    pub fn active(&self) -> Option<&Account> {
        match self {
            Self::Active(account) => Some(account),
            Self::Unknown | Self::Deactivated(_) => None,
        }
    }

    /// The state after `event`; whatever comes before a user exists changes nothing.
    pub(super) fn after(self, event: &UserEvent) -> Self {
        match (self, event) {
            (_, UserEvent::Created { username, full_name, role, contact, created_at }) => Self::Active(Account {
                username: username.clone(),
                full_name: full_name.clone(),
                role: *role,
                contact: contact.clone(),
                password: None,
                must_change_password: false,
                created_at: *created_at,
            }),
            (Self::Active(account), UserEvent::Deactivated { .. }) => Self::Deactivated(account),
            (Self::Deactivated(account), UserEvent::Reactivated { role }) => {
                Self::Active(Account { role: *role, ..account })
            }
            (Self::Active(account), event) => Self::Active(account.after(event)),
            (Self::Deactivated(account), event) => Self::Deactivated(account.after(event)),
            (Self::Unknown, _) => Self::Unknown,
        }
    }
}

impl Account {
    fn after(self, event: &UserEvent) -> Self {
        match event {
            UserEvent::PasswordSet { hash, initial } => {
                Self { password: Some(hash.clone()), must_change_password: *initial, ..self }
            }
            UserEvent::RoleChanged { role } => Self { role: *role, ..self },
            UserEvent::ProfileChanged { full_name } => Self { full_name: full_name.clone(), ..self },
            UserEvent::ContactChanged { contact } => Self { contact: contact.clone(), ..self },
            UserEvent::Created { .. }
            | UserEvent::Deactivated { .. }
            | UserEvent::Reactivated { .. }
            | UserEvent::PasswordChanged
            | UserEvent::SessionsRevoked { .. } => self,
        }
    }
}
