//! Logging in, staying logged in, logging out.
//!
//! What always holds:
//! 1. a wrong name, a wrong password and a deactivated account get the same answer after the same work;
//! 2. a session that is opened while its user is deactivated, or while the password changes, does not survive: the
//!    account is looked at again after the session is there;
//! 3. a refresh token that comes a second time ends its session, for both who have it, and that is an event.
use crate::accounts::Accounts;
use crate::backoff::Backoff;
use crate::database::DatabaseError;
use crate::passwords::HashingError;
use crate::sessions::{FoundToken, RefreshToken, SessionError, Sessions, TokenLives};
use domain_kernel::ports::StoreError;
use domain_kernel::{StreamId, UserId};
use domain_users::{Account, Password, RevocationCause, RevokedSessions, SessionId, UserCommand, UserError, Username};
use infra_event_store::repository::{CommandContext, CommandError, LoadError};
use infra_http::tokens::TokenError;
use infra_http::{Caller, Claims, TokenSigner};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Issues tokens.
pub(crate) struct SignIn {
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) sessions: Sessions,
    pub(crate) backoff: Backoff,
    pub(crate) signer: TokenSigner,
    pub(crate) lives: TokenLives,
}

/// What a log-in or a refresh gives.
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: RefreshToken,
    /// Until the access token expires.
    pub(crate) expires_in: Duration,
    pub(crate) user: UserId,
    pub(crate) account: Account,
}

/// Why nobody is logged in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignInError {
    /// Wrong name, wrong password, deactivated, or a refresh token that is none (any more): nobody is told which.
    #[error("not logged in")]
    Refused,
    /// The current password that was given is not the user's.
    #[error("the current password is another")]
    WrongPassword,
    /// Too many wrong passwords.
    #[error("too many failed log-ins")]
    Wait(Duration),
    /// The hashing is overloaded, or failed.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// The event store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The account could not be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The tables of sessions did not answer.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The table of failures did not answer.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The event of it was not appended.
    #[error(transparent)]
    Command(#[from] CommandError<UserError>),
    /// The access token could not be signed.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl SignIn {
    /// Checks name and password and opens a session.
    pub(crate) async fn log_in(
        &self,
        username: &str,
        password: String,
        address: Option<IpAddr>,
    ) -> Result<Tokens, SignInError> {
        let keys = self.backoff.keys(username, address);
        if let Some(wait) = self.backoff.wait(&keys, self.accounts.clock.now()).await? {
            return Err(SignInError::Wait(wait));
        }
        let known = match Username::parse(username) {
            Ok(username) => self.accounts.find(&username).await?,
            Err(_) => None,
        };
        // Nobody's stream is read as well, and a hash of nobody's verified: the same work for every answer.
        let user = known.unwrap_or_else(|| UserId(self.accounts.clock.unique_id()));
        let state = self.accounts.load(user).await?.state;
        let account = state.active();
        let hash = account.and_then(|account| account.password.as_ref());
        let right = self.accounts.passwords.verify(Password::claimed(password), hash).await?;
        let Some(account) = account.filter(|_| right) else {
            self.backoff.failed(&keys, self.accounts.clock.now()).await?;
            return Err(SignInError::Refused);
        };
        self.backoff.succeeded(&keys).await?;

        let session = SessionId(self.accounts.clock.unique_id());
        let refresh = self.sessions.open(session, user, self.accounts.clock.now()).await?;
        let again = self.accounts.load(user).await?.state;
        if again.active().is_none_or(|now| now.password != account.password) {
            self.end(user, session).await?;
            return Err(SignInError::Refused);
        }
        self.tokens(user, account.clone(), session, refresh)
    }

    /// Takes a refresh token and gives new ones.
    pub(crate) async fn refresh(&self, context: &CommandContext, token: RefreshToken) -> Result<Tokens, SignInError> {
        let found = self.sessions.find(&token).await?.ok_or(SignInError::Refused)?;
        if found.used {
            return Err(self.reused(context, found).await?);
        }
        // Before the token is used up: an outage here must not cost the session.
        let state = self.accounts.load(found.user).await?.state;
        let Some(account) = state.active() else {
            self.end(found.user, found.session).await?;
            return Err(SignInError::Refused);
        };
        let Some(next) = self.sessions.refresh(&token, self.accounts.clock.now()).await? else {
            // Too late, or somebody was faster with the very same token.
            let used = self.sessions.find(&token).await?.is_some_and(|found| found.used);
            return Err(if used { self.reused(context, found).await? } else { SignInError::Refused });
        };
        self.tokens(found.user, account.clone(), found.session, next)
    }

    /// Ends the caller's session.
    pub(crate) async fn log_out(&self, caller: &Caller) -> Result<(), SignInError> {
        if let Some(session) = caller.session {
            self.end(caller.user, SessionId(session)).await?;
        }
        Ok(())
    }

    /// Sets another password; the caller's session goes on, the others end.
    pub(crate) async fn change_password(
        &self,
        context: &CommandContext,
        caller: &Caller,
        current: String,
        new: Password,
        address: Option<IpAddr>,
    ) -> Result<(), SignInError> {
        let state = self.accounts.load(caller.user).await?.state;
        let account = state.active().ok_or(SignInError::Refused)?;
        let username = account.username.known().map(Username::as_str).unwrap_or_default();
        let keys = self.backoff.keys(username, address);
        // A repeated command has changed the password already: the current one is no longer the one to compare with.
        if self.accounts.store.find_command(context.command_id).await?.is_none() {
            if let Some(wait) = self.backoff.wait(&keys, self.accounts.clock.now()).await? {
                return Err(SignInError::Wait(wait));
            }
            if !self.accounts.passwords.verify(Password::claimed(current), account.password.as_ref()).await? {
                self.backoff.failed(&keys, self.accounts.clock.now()).await?;
                return Err(SignInError::WrongPassword);
            }
            self.backoff.succeeded(&keys).await?;
        }
        let hash = self.accounts.passwords.hash(new).await?;
        let kept = caller.session.map(SessionId);
        let command = UserCommand::ChangePassword { hash, kept };
        self.accounts.repository.execute(StreamId::from(caller.user), None, context, command).await?;
        let sessions = kept.map_or(RevokedSessions::All, RevokedSessions::AllBut);
        let now = self.accounts.clock.now();
        self.sessions.revoke(caller.user, sessions, now, now).await?;
        Ok(())
    }

    /// A token came twice: one of the two who have it stole it, so the session ends for both.
    async fn reused(&self, context: &CommandContext, found: FoundToken) -> Result<SignInError, SignInError> {
        tracing::warn!(user.id = %found.user, session.id = %found.session.0, "a refresh token was used twice");
        let now = self.accounts.clock.now();
        let sessions = RevokedSessions::Only(found.session);
        // Ended first, told then; only who ended it tells, so a token tried a hundred times is one event.
        if self.sessions.revoke(found.user, sessions, now, now).await? > 0 {
            let command = UserCommand::RevokeSessions { cause: RevocationCause::RefreshReuse, sessions };
            self.accounts.repository.execute(found.user.into(), None, context, command).await?;
        }
        Ok(SignInError::Refused)
    }

    async fn end(&self, user: UserId, session: SessionId) -> Result<(), SignInError> {
        let now = self.accounts.clock.now();
        self.sessions.revoke(user, RevokedSessions::Only(session), now, now).await?;
        Ok(())
    }

    fn tokens(
        &self,
        user: UserId,
        account: Account,
        session: SessionId,
        refresh: RefreshToken,
    ) -> Result<Tokens, SignInError> {
        let clock = &self.accounts.clock;
        let lifetime = i64::try_from(self.lives.access.as_secs()).unwrap_or(i64::MAX);
        let claims = Claims::user(user, account.role, session.0, clock.now(), lifetime, clock.unique_id())
            .with_password_change(account.must_change_password);
        let access = self.signer.sign(&claims)?;
        Ok(Tokens { access, refresh, expires_in: self.lives.access, user, account })
    }
}
