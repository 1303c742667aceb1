//! What the bus waits for, part by part, so that a readiness check can say it.
use domain_kernel::ports::BusError;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

type Waiting = Arc<Mutex<BTreeMap<String, BusError>>>;

/// Everything that does not work at the moment.
#[derive(Clone, Default)]
pub(super) struct Conditions {
    waiting: Waiting,
}

/// One relay's or subscription's entry. Clones share it.
#[derive(Clone)]
pub(super) struct Condition {
    part: String,
    waiting: Waiting,
}

impl Conditions {
    pub(super) fn of(&self, part: String) -> Condition {
        Condition { part, waiting: Arc::clone(&self.waiting) }
    }

    /// The first trouble there is.
    pub(super) fn check(&self) -> Result<(), BusError> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.values().next().map_or(Ok(()), |error| Err(error.clone()))
    }
}

impl Condition {
    /// It works; true when it did not before.
    pub(super) fn works(&self) -> bool {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.part).is_some()
    }

    /// It waits because of `reason`; true when that is news.
    pub(super) fn waits(&self, reason: BusError) -> bool {
        let before = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(self.part.clone(), reason);
        before.is_none()
    }
}
