//! Carries out what was approved.
//!
//! 1. An approval is read from the log.
//! 2. The key is destroyed; a destroyed one stays as it is.
//! 3. That it is gone is appended, under a command id that follows from the approval.
//! 4. The checkpoint is saved.
//!
//! Killed anywhere in between, it begins again with the same approval, and each step does nothing the second time.
use crate::stored::type_id;
use domain_kernel::ports::{Clock, EventStore, KeyRegister};
use domain_kernel::{CommandId, RecordedEvent};
use domain_users::Erasure;
use domain_users::erasure::{ErasureCommand, Progress};
use infra_event_store::checkpoints::Checkpoints;
use infra_event_store::repository::{CommandContext, Repository};
use infra_runtime::CancellationToken;
use infra_runtime::supervisor::TaskError;
use std::sync::Arc;

/// The pinned name of the reader's checkpoint.
pub(crate) const NAME: &str = "users.erasures";
/// How many events one read takes.
const BATCH: usize = 500;

/// Reads the log for approvals.
#[derive(Clone)]
pub(crate) struct Eraser {
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) checkpoints: Arc<dyn Checkpoints>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) keys: Arc<dyn KeyRegister>,
    pub(crate) erasures: Repository<Erasure>,
}

impl Eraser {
    /// Follows the log until everything stops.
    pub(crate) async fn follow(self, stop: CancellationToken) -> Result<(), TaskError> {
        let mut at = self.checkpoints.load(NAME).await?;
        while !stop.is_cancelled() {
            let events = self.store.read_all(at, BATCH).await?;
            for event in events.iter().filter(|event| event.type_id.0 == type_id::ERASURE_APPROVED) {
                self.carry_out(event).await?;
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

    async fn carry_out(&self, approval: &RecordedEvent) -> Result<(), TaskError> {
        let state = self.erasures.load(approval.stream).await?.state;
        let Progress::Approved { request, .. } = state.progress else { return Ok(()) };
        let key = request.key;
        self.keys.destroy(key.subject, key.purpose).await?;
        let metadata = &approval.metadata;
        let context = CommandContext {
            command_id: CommandId(metadata.event_id.derive(NAME)),
            digest: None,
            correlation_id: metadata.correlation_id,
            causation_id: metadata.causation_id,
            actor: None,
        };
        let record = ErasureCommand::RecordDestruction { at: self.clock.now() };
        self.erasures.execute(approval.stream, None, &context, record).await?;
        tracing::warn!(erasure.id = %approval.stream, key.purpose = %key.purpose, "a key was destroyed");
        Ok(())
    }
}
