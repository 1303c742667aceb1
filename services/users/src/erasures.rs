//! Commands on keys, with the facts that they rest on: what the register of the keys knows, and whether the subject's
//! account is active.
//!
//! An approval and the reactivation of an account take turns ([`crate::administrators`]): whichever comes second sees
//! the first. The newest clinical entry of a subject is in the results service, which no other service reads: the gateway
//! asks for it and tells it with the request. When nobody says, it is not known, and a clinical key is kept even when it is
//! older than the period ([`ErasureError::NotProvable`]).
use crate::accounts::Accounts;
use crate::database::DatabaseError;
use crate::streams;
use domain_kernel::ports::{KeyQuery, KeyRegister, VaultError};
use domain_kernel::{StreamId, Timestamp, UserId, Version};
use domain_users::Erasure;
use domain_users::erasure::{Act, Country, ErasureCommand, ErasureError, Facts, KeyStanding, Reason, SubjectKey};
use infra_event_store::repository::{CommandContext, CommandError, Executed, LoadError, Loaded};
use std::sync::Arc;

/// Executes commands on keys.
pub(crate) struct Erasures {
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) keys: Arc<dyn KeyRegister>,
}

/// Why nothing was decided.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ErasureFailure {
    /// The command had no effect.
    #[error(transparent)]
    Command(#[from] CommandError<ErasureError>),
    /// The stream could not be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The register of the keys did not answer.
    #[error(transparent)]
    Register(#[from] VaultError),
    /// The turn could not be taken.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// There is no such erasure or hold.
    #[error("there is no such erasure")]
    Unknown,
}

impl Erasures {
    /// Asks that a key be destroyed.
    pub(crate) async fn request(
        &self,
        context: &CommandContext,
        key: SubjectKey,
        (country, reason): (Country, Reason),
        (by, newest_entry_at): (UserId, Option<Timestamp>),
    ) -> Result<Executed<Erasure>, ErasureFailure> {
        let facts = self.facts(key, newest_entry_at).await?;
        let command = ErasureCommand::Request { key, country, reason, facts, act: self.act(by) };
        self.execute(context, key.stream(), None, command).await
    }

    /// Agrees. From here on the key is about to go.
    pub(crate) async fn approve(
        &self,
        context: &CommandContext,
        id: StreamId,
        expected: Option<Version>,
        (by, newest_entry_at): (UserId, Option<Timestamp>),
    ) -> Result<Executed<Erasure>, ErasureFailure> {
        let _turn = self.accounts.administrators.turn().await?;
        let key = self.requested(id).await?;
        let facts = self.facts(key, newest_entry_at).await?;
        self.execute(context, id, expected, ErasureCommand::Approve { facts, act: self.act(by) }).await
    }

    /// Does not agree.
    pub(crate) async fn decline(
        &self,
        context: &CommandContext,
        id: StreamId,
        expected: Option<Version>,
        (reason, by): (Reason, UserId),
    ) -> Result<Executed<Erasure>, ErasureFailure> {
        self.requested(id).await?;
        self.execute(context, id, expected, ErasureCommand::Decline { reason, act: self.act(by) }).await
    }

    /// Forbids that a key is destroyed.
    pub(crate) async fn place_hold(
        &self,
        context: &CommandContext,
        key: SubjectKey,
        (reason, by): (Reason, UserId),
    ) -> Result<Executed<Erasure>, ErasureFailure> {
        let standing = self.standing(key).await?;
        let command = ErasureCommand::PlaceHold { key, reason, standing, act: self.act(by) };
        self.execute(context, key.stream(), None, command).await
    }

    /// Lifts a hold.
    pub(crate) async fn lift_hold(
        &self,
        context: &CommandContext,
        id: StreamId,
        (reason, by): (Reason, UserId),
    ) -> Result<(), ErasureFailure> {
        if self.load(id).await?.head.version == Version::NONE {
            return Err(ErasureFailure::Unknown);
        }
        self.execute(context, id, None, ErasureCommand::LiftHold { reason, act: self.act(by) }).await?;
        Ok(())
    }

    /// What has become of a key, as it is now.
    pub(crate) async fn load(&self, id: StreamId) -> Result<Loaded<Erasure>, LoadError> {
        streams::own(self.accounts.erasures.load(id).await)
    }

    /// The key that was asked for.
    async fn requested(&self, id: StreamId) -> Result<SubjectKey, ErasureFailure> {
        let loaded = self.load(id).await?;
        loaded.state.progress.request().map(|request| request.key).ok_or(ErasureFailure::Unknown)
    }

    async fn facts(&self, key: SubjectKey, newest_entry_at: Option<Timestamp>) -> Result<Facts, ErasureFailure> {
        let standing = self.standing(key).await?;
        let account = self.accounts.load(UserId(key.subject.0)).await?.state;
        Ok(Facts { standing, account_is_active: account.active().is_some(), newest_entry_at })
    }

    async fn standing(&self, key: SubjectKey) -> Result<KeyStanding, VaultError> {
        let query = KeyQuery { subject: Some(key.subject), purpose: Some(key.purpose), after: None, limit: 1 };
        Ok(match self.keys.keys(query).await?.first() {
            None => KeyStanding::Unknown,
            Some(found) if found.destroyed_at.is_some() => KeyStanding::Destroyed,
            Some(found) => KeyStanding::Usable { since: found.created_at },
        })
    }

    fn act(&self, by: UserId) -> Act {
        Act { by, at: self.accounts.clock.now() }
    }

    async fn execute(
        &self,
        context: &CommandContext,
        id: StreamId,
        expected: Option<Version>,
        command: ErasureCommand,
    ) -> Result<Executed<Erasure>, ErasureFailure> {
        Ok(self.accounts.erasures.execute(id, expected, context, command).await?)
    }
}
