//! The checkpoints of a service, as one process reaches them.
use super::{named, reach};
use crate::defect::Defect;
use crate::life::Life;
use crate::plan::Service;
use domain_kernel::ports::StoreError;
use domain_kernel::{BoxFuture, Checkpoint};
use infra_event_store::checkpoints::Checkpoints;
use infra_testkit::memory::MemoryCheckpoints;
use std::sync::Arc;

pub(crate) struct LivingCheckpoints {
    pub(crate) life: Arc<Life>,
    pub(crate) service: Service,
    pub(crate) inner: Arc<MemoryCheckpoints>,
}

impl Checkpoints for LivingCheckpoints {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Checkpoint, StoreError>> {
        Box::pin(async move {
            reach(&self.life, self.service, "loads the checkpoint", named(name)).await?;
            self.inner.load(name).await
        })
    }

    fn save<'a>(&'a self, name: &'a str, at: Checkpoint) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            reach(&self.life, self.service, "saves the checkpoint", named(name)).await?;
            if self.life.world.checkpoint_is_lost() {
                // Checkpoints are saved without waiting for the disk.
                return Ok(());
            }
            let relays_or_reads = name.starts_with("relay/") || name.starts_with("bus/") && !name.ends_with("/opened");
            if self.life.world.has(Defect::CheckpointAheadOfReceipt) && relays_or_reads {
                let end = self.life.world.end_of_log(name);
                return self.inner.save(name, end.unwrap_or(at).max(at)).await;
            }
            self.inner.save(name, at).await
        })
    }
}
