//! Commands on accounts that must look something up first: who holds a name, who else is an administrator.
use crate::administrators::{Administrators, Turn};
use crate::database::DatabaseError;
use crate::passwords::{HashingError, Passwords};
use crate::sessions::{SessionError, Sessions};
use crate::streams;
use crate::user_list::UserList;
use domain_kernel::ports::{Claim, ClaimKind, Clock, EventStore, Purpose, StoreError};
use domain_kernel::{Role, StreamId, UserId, Version};
use domain_users::erasure::SubjectKey;
use domain_users::{
    AccountChange, Address, AddressOrigin, Contact, DeactivationReason, Edit, EmailAddress, Erasure, FullName, NewUser,
    Password, RevokedSessions, User, UserCommand, UserError, UserEvent, UserState, Username,
};
use infra_event_store::BlindIndex;
use infra_event_store::repository::{
    ClaimChanges, CommandContext, CommandError, Executed, LoadError, Loaded, Repository,
};
use infra_runtime::Profile;
use std::sync::Arc;

/// Usernames are unique; pinned.
pub(crate) const USERNAME: ClaimKind = ClaimKind(1);
/// Given e-mail addresses are unique; pinned.
pub(crate) const EMAIL: ClaimKind = ClaimKind(2);

/// Executes commands on accounts.
pub(crate) struct Accounts {
    pub(crate) profile: Profile,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) repository: Repository<User>,
    pub(crate) index: BlindIndex,
    pub(crate) passwords: Passwords,
    pub(crate) sessions: Sessions,
    pub(crate) user_list: UserList,
    pub(crate) administrators: Administrators,
    /// What was decided about the users' keys.
    pub(crate) erasures: Repository<Erasure>,
}

/// A user to be, checked but not yet hashed.
pub(crate) struct Registration {
    pub(crate) username: Username,
    pub(crate) password: Password,
    /// Somebody else chose it; the user has to choose another at the first log-in.
    pub(crate) password_is_initial: bool,
    pub(crate) full_name: Option<FullName>,
    pub(crate) email: Option<EmailAddress>,
    pub(crate) role: Role,
}

/// Changes to an account, as they were asked for.
#[derive(Default)]
pub(crate) struct RequestedChange {
    pub(crate) role: Option<Role>,
    pub(crate) full_name: Edit<FullName>,
    pub(crate) email: Edit<EmailAddress>,
}

/// Why an account was not made or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountError {
    /// The command had no effect.
    #[error(transparent)]
    Command(#[from] CommandError<UserError>),
    /// The account could not be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The password could not be hashed.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// The tables of sessions did not answer.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The read model did not answer.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Without this user nobody could manage users any more.
    #[error("this is the last active administrator")]
    LastAdministrator,
}

impl Accounts {
    /// Makes an account; repeated, gives the one that was made.
    pub(crate) async fn register(
        &self,
        context: &CommandContext,
        registration: Registration,
    ) -> Result<Executed<User>, AccountError> {
        let Registration { username, password, password_is_initial, full_name, email, role } = registration;
        let address = match email {
            Some(email) => Some(Address { email, origin: AddressOrigin::Given }),
            None => self.assigned_address(&username),
        };
        let password = self.passwords.hash(password).await?;
        let created_at = self.clock.now();
        let mut claims = ClaimChanges { take: vec![self.username_claim(&username)], release: Vec::new() };
        claims.take.extend(address.as_ref().and_then(|address| self.address_claim(address.origin, &address.email)));
        let new = NewUser { username, full_name, role, address, password, password_is_initial, created_at };
        let stream = StreamId(self.clock.unique_id());
        let executed = self
            .repository
            .execute_claiming(stream, None, context, UserCommand::Create(new), |_, _| claims.clone())
            .await?;
        Ok(executed)
    }

    /// Changes role, full name and address, together or not at all.
    pub(crate) async fn change(
        &self,
        context: &CommandContext,
        user: UserId,
        expected: Option<Version>,
        requested: RequestedChange,
    ) -> Result<Executed<User>, AccountError> {
        let loaded = self.existing(user).await?;
        let demoted = requested.role.is_some_and(|role| role != Role::Administrator);
        let _turn = if demoted { self.spare_last_administrator(user, &loaded.state).await? } else { None };
        let address = match requested.email {
            Edit::Keep => Edit::Keep,
            Edit::Set(email) => Edit::Set(Address { email, origin: AddressOrigin::Given }),
            // In the demo everybody has an address.
            Edit::Clear => loaded
                .state
                .account()
                .and_then(|account| self.assigned_address(account.username.known()?))
                .map_or(Edit::Clear, Edit::Set),
        };
        let change = AccountChange { role: requested.role, full_name: requested.full_name, address };
        let command = UserCommand::Change(change);
        let executed = self
            .repository
            .execute_claiming(user.into(), expected, context, command, |state, events| self.moved_claims(state, events))
            .await?;
        Ok(executed)
    }

    /// Takes the right to log in away, and the sessions with it. The name and the address stay reserved.
    pub(crate) async fn deactivate(
        &self,
        context: &CommandContext,
        user: UserId,
        expected: Option<Version>,
        reason: Option<DeactivationReason>,
    ) -> Result<Executed<User>, AccountError> {
        let loaded = self.existing(user).await?;
        let _turn = self.spare_last_administrator(user, &loaded.state).await?;
        let executed = self.repository.execute(user.into(), expected, context, UserCommand::Deactivate(reason)).await?;
        let now = self.clock.now();
        self.sessions.revoke(user, RevokedSessions::All, now, now).await?;
        Ok(executed)
    }

    /// Gives the right to log in back, unless it was decided that nobody shall know any more who it was. That is decided
    /// in turn with this, so that no key of an active account is destroyed.
    pub(crate) async fn reactivate(
        &self,
        context: &CommandContext,
        user: UserId,
        expected: Option<Version>,
    ) -> Result<Executed<User>, AccountError> {
        self.existing(user).await?;
        let _turn = self.administrators.turn().await?;
        for purpose in [Purpose::Account, Purpose::Contact] {
            let key = SubjectKey { subject: user.into(), purpose };
            if self.erasures.load(key.stream()).await?.state.is_decided() {
                return Err(CommandError::Rejected(UserError::Erased).into());
            }
        }
        Ok(self.repository.execute(user.into(), expected, context, UserCommand::Reactivate).await?)
    }

    /// The account as it is now.
    pub(crate) async fn load(&self, user: UserId) -> Result<Loaded<User>, LoadError> {
        streams::own(self.repository.load(user.into()).await)
    }

    /// The account as it is now, if there is one.
    async fn existing(&self, user: UserId) -> Result<Loaded<User>, AccountError> {
        let loaded = self.load(user).await?;
        match loaded.state {
            UserState::Unknown => Err(CommandError::Rejected(UserError::Unknown).into()),
            UserState::Active(_) | UserState::Deactivated(_) => Ok(loaded),
        }
    }

    /// Who holds a username, active or not.
    pub(crate) async fn find(&self, username: &Username) -> Result<Option<UserId>, StoreError> {
        let claim = self.username_claim(username);
        Ok(self.store.find_claim(claim.kind, claim.key).await?.map(UserId::from))
    }

    fn assigned_address(&self, username: &Username) -> Option<Address> {
        match self.profile {
            Profile::Demo => {
                Some(Address { email: EmailAddress::assigned_to(username), origin: AddressOrigin::Assigned })
            }
            Profile::Production => None,
        }
    }

    /// Refuses when nobody else could manage users. The read model names candidates and may lag; each is asked again
    /// at its own stream.
    async fn spare_last_administrator(
        &self,
        user: UserId,
        state: &UserState,
    ) -> Result<Option<Turn<'_>>, AccountError> {
        if state.active().is_none_or(|account| account.role != Role::Administrator) {
            return Ok(None);
        }
        let turn = self.administrators.turn().await?;
        for other in self.user_list.other_administrators(user).await? {
            let other = self.load(other).await?.state;
            if other.active().is_some_and(|account| account.role == Role::Administrator) {
                return Ok(Some(turn));
            }
        }
        Err(AccountError::LastAdministrator)
    }

    fn username_claim(&self, username: &Username) -> Claim {
        crate::username_claim(&self.index, username)
    }

    /// Only given addresses are somebody's own.
    fn address_claim(&self, origin: AddressOrigin, email: &EmailAddress) -> Option<Claim> {
        (origin == AddressOrigin::Given).then(|| self.index.claim(EMAIL, email.as_str()))
    }

    /// The reservation of an address follows the address.
    fn moved_claims(&self, state: &UserState, events: &[UserEvent]) -> ClaimChanges {
        let claim = |contact: &Contact| self.address_claim(contact.origin, contact.email()?);
        let before = state.account().and_then(|account| account.contact.as_ref()).and_then(claim);
        let after = events.iter().rev().find_map(|event| match event {
            UserEvent::ContactChanged { contact } => Some(contact.as_ref().and_then(claim)),
            _ => None,
        });
        match after {
            Some(after) if after != before => {
                ClaimChanges { take: after.into_iter().collect(), release: before.into_iter().collect() }
            }
            _ => ClaimChanges::default(),
        }
    }
}
