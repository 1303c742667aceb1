//! Whether a subscription was open before.
use domain_kernel::Checkpoint;
use domain_kernel::ports::{BusError, SourceError};
use infra_event_store::checkpoints::Checkpoints;

/// A mark beside the checkpoint, set by the first subscription: without it a message that kills the process could not
/// be told from a new one.
pub(crate) async fn was_opened_before(name: &str, checkpoints: &dyn Checkpoints) -> Result<bool, BusError> {
    const OPENED: Checkpoint = Checkpoint { epoch: 0, tx: 0, position: 1 };
    let mark = format!("{name}/opened");
    let opened = checkpoints.load(&mark).await.map_err(SourceError::from)? == OPENED;
    if !opened {
        checkpoints.save(&mark, OPENED).await.map_err(SourceError::from)?;
    }
    Ok(opened)
}
