//! The rules, one function per command.
use crate::user::{
    Account, AccountChange, Edit, NewUser, RevocationCause, RevokedSessions, SessionId, UserError, UserEvent, UserState,
};
use crate::{Address, Contact, DeactivationReason, FullName, PasswordHash};
use domain_kernel::{Role, Sensitive};

pub(super) fn create(state: &UserState, new: NewUser) -> Result<Vec<UserEvent>, UserError> {
    match state {
        UserState::Unknown => {
            let contact = new.address.map(|address| Contact::new(address, new.full_name.as_ref(), Some(&new.username)));
            Ok(vec![
                UserEvent::Created {
                    username: Sensitive::Known(new.username),
                    full_name: Sensitive::Known(new.full_name),
                    role: new.role,
                    contact,
                    created_at: new.created_at,
                },
                UserEvent::PasswordSet { hash: Sensitive::Known(new.password), initial: new.password_is_initial },
            ])
        }
        UserState::Active(_) | UserState::Deactivated(_) => Err(UserError::AlreadyExists),
    }
}

pub(super) fn change(state: &UserState, change: AccountChange) -> Result<Vec<UserEvent>, UserError> {
    let account = changeable(state)?;
    let role = role_changed(account, change.role);
    let profile = profile_changed(account, change.full_name);
    let full_name = match &profile {
        Some(UserEvent::ProfileChanged { full_name }) => full_name,
        _ => &account.full_name,
    };
    let contact = contact_changed(account, full_name, change.address);
    Ok([role, profile, contact].into_iter().flatten().collect())
}

fn role_changed(account: &Account, role: Option<Role>) -> Option<UserEvent> {
    role.filter(|role| *role != account.role).map(|role| UserEvent::RoleChanged { role })
}

fn profile_changed(account: &Account, full_name: Edit<FullName>) -> Option<UserEvent> {
    let full_name = match full_name {
        Edit::Keep => return None,
        Edit::Clear => Sensitive::Known(None),
        Edit::Set(name) => Sensitive::Known(Some(name)),
    };
    (full_name != account.full_name).then_some(UserEvent::ProfileChanged { full_name })
}

/// Another address, or the same one under another name: who mails the user greets by what it knows.
fn contact_changed(
    account: &Account,
    full_name: &Sensitive<Option<FullName>>,
    address: Edit<Address>,
) -> Option<UserEvent> {
    let address = match (address, &account.contact) {
        (Edit::Set(address), _) => Some(address),
        (Edit::Clear, _) | (Edit::Keep, None) => None,
        (Edit::Keep, Some(contact)) => {
            // An erased address cannot be written again; it stays erased.
            Some(Address { email: contact.email()?.clone(), origin: contact.origin })
        }
    };
    let full_name = full_name.known().and_then(Option::as_ref);
    let contact = address.map(|address| Contact::new(address, full_name, account.username.known()));
    (contact != account.contact).then_some(UserEvent::ContactChanged { contact })
}

pub(super) fn change_password(
    state: &UserState,
    hash: PasswordHash,
    kept: Option<SessionId>,
) -> Result<Vec<UserEvent>, UserError> {
    changeable(state)?;
    Ok(vec![
        UserEvent::PasswordSet { hash: Sensitive::Known(hash), initial: false },
        UserEvent::PasswordChanged,
        UserEvent::SessionsRevoked {
            cause: RevocationCause::PasswordChanged,
            sessions: kept.map_or(RevokedSessions::All, RevokedSessions::AllBut),
        },
    ])
}

pub(super) fn revoke_sessions(
    state: &UserState,
    cause: RevocationCause,
    sessions: RevokedSessions,
) -> Result<Vec<UserEvent>, UserError> {
    match state {
        UserState::Unknown => Err(UserError::Unknown),
        UserState::Active(_) => Ok(vec![UserEvent::SessionsRevoked { cause, sessions }]),
        // They went with the right to log in.
        UserState::Deactivated(_) => Ok(vec![]),
    }
}

pub(super) fn deactivate(state: &UserState, reason: Option<DeactivationReason>) -> Result<Vec<UserEvent>, UserError> {
    match state {
        UserState::Unknown => Err(UserError::Unknown),
        UserState::Active(_) => Ok(vec![
            UserEvent::Deactivated { reason: reason.map(Sensitive::Known) },
            UserEvent::SessionsRevoked { cause: RevocationCause::Deactivated, sessions: RevokedSessions::All },
        ]),
        UserState::Deactivated(_) => Ok(vec![]),
    }
}

pub(super) fn reactivate(state: &UserState) -> Result<Vec<UserEvent>, UserError> {
    match state {
        UserState::Unknown => Err(UserError::Unknown),
        UserState::Active(_) => Ok(vec![]),
        UserState::Deactivated(account) => match account.username {
            Sensitive::Known(_) => Ok(vec![UserEvent::Reactivated { role: account.role }]),
            Sensitive::Erased => Err(UserError::Erased),
        },
    }
}

fn changeable(state: &UserState) -> Result<&Account, UserError> {
    match state {
        UserState::Unknown => Err(UserError::Unknown),
        UserState::Active(account) => Ok(account),
        UserState::Deactivated(_) => Err(UserError::Deactivated),
    }
}
