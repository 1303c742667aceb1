//! Checkpoints that live as long as the value does.
use super::lock;
use domain_kernel::ports::StoreError;
use domain_kernel::{BoxFuture, Checkpoint};
use infra_event_store::checkpoints::Checkpoints;
use std::collections::HashMap;
use std::sync::Mutex;

/// One checkpoint per name.
#[derive(Debug, Default)]
pub struct MemoryCheckpoints {
    saved: Mutex<HashMap<String, Checkpoint>>,
}

impl MemoryCheckpoints {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Checkpoints for MemoryCheckpoints {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Checkpoint, StoreError>> {
        let found = lock(&self.saved).get(name).copied().unwrap_or_default();
        Box::pin(async move { Ok(found) })
    }

    fn save<'a>(&'a self, name: &'a str, at: Checkpoint) -> BoxFuture<'a, Result<(), StoreError>> {
        lock(&self.saved).insert(name.to_owned(), at);
        Box::pin(async { Ok(()) })
    }
}
