//! Ends the sessions that an event says are over, and forgets what is old.
//!
//! Whoever appends `SessionsRevoked` ends the sessions itself, at once. Should it die in between, this reader of the log
//! does it again after the restart; twice does no harm.
use crate::backoff::Backoff;
use crate::codec::revocation_of;
use crate::sessions::Sessions;
use crate::stored::StoredUserEvent;
use domain_kernel::ports::{Clock, EventStore};
use domain_kernel::{RecordedEvent, UserId};
use infra_event_store::checkpoints::Checkpoints;
use infra_runtime::CancellationToken;
use infra_runtime::supervisor::TaskError;
use std::sync::Arc;
use std::time::Duration;

/// The pinned name of the reader's checkpoint.
pub(crate) const NAME: &str = "users.sessions_revoked";
/// How many events one read takes.
const BATCH: usize = 500;
/// How often old rows are deleted.
const PRUNING: Duration = Duration::from_secs(300);

/// Reads the log for revoked sessions.
#[derive(Clone)]
pub(crate) struct Sweeper {
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) checkpoints: Arc<dyn Checkpoints>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sessions: Sessions,
    pub(crate) backoff: Backoff,
}

impl Sweeper {
    /// Follows the log until everything stops.
    pub(crate) async fn follow(self, stop: CancellationToken) -> Result<(), TaskError> {
        let mut at = self.checkpoints.load(NAME).await?;
        while !stop.is_cancelled() {
            let events = self.store.read_all(at, BATCH).await?;
            for event in &events {
                self.sweep(event).await?;
            }
            match events.last() {
                Some(last) => {
                    at = last.checkpoint;
                    self.checkpoints.save(NAME, at).await?;
                }
                None => {
                    stop.run_until_cancelled(self.store.appended()).await;
                }
            }
        }
        Ok(())
    }

    /// Deletes what is old, every five minutes, until everything stops.
    pub(crate) async fn prune(self, stop: CancellationToken) -> Result<(), TaskError> {
        while stop.run_until_cancelled(tokio::time::sleep(PRUNING)).await.is_some() {
            let now = self.clock.now();
            self.sessions.prune(now).await?;
            self.backoff.prune(now).await?;
        }
        Ok(())
    }

    async fn sweep(&self, event: &RecordedEvent) -> Result<(), TaskError> {
        let Some(stored) = StoredUserEvent::of_log(event)? else { return Ok(()) };
        match stored {
            StoredUserEvent::SessionsRevoked(record) => {
                let (_, sessions) = revocation_of(event.metadata.event_id, &record)?;
                let user = UserId::from(event.stream);
                // Only what was open then: the user may have logged in again since.
                self.sessions.revoke(user, sessions, event.metadata.occurred_at, self.clock.now()).await?;
            }
            StoredUserEvent::Created(_)
            | StoredUserEvent::PasswordSet(_)
            | StoredUserEvent::RoleChanged(_)
            | StoredUserEvent::ProfileChanged(_)
            | StoredUserEvent::ContactChanged(_)
            | StoredUserEvent::Deactivated(_)
            | StoredUserEvent::Reactivated(_)
            | StoredUserEvent::PasswordChanged(_)
            | StoredUserEvent::Erasure(_) => {}
        }
        Ok(())
    }
}
