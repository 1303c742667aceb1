//! States of aggregates that changed lately.
//!
//! They may be out of date: whoever uses one lets the store's check of the version decide.
use super::Loaded;
use domain_kernel::{Aggregate, StreamId};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The states of one repository, the oldest forgotten first.
pub(super) struct Remembered<A: Aggregate> {
    /// Half of what is kept at most.
    half: usize,
    kept: Mutex<Kept<A>>,
}

/// Two halves: when the new one is full it becomes the old one, and the old one is dropped whole.
struct Kept<A: Aggregate> {
    new: HashMap<StreamId, Loaded<A>>,
    old: HashMap<StreamId, Loaded<A>>,
}

impl<A: Aggregate> Remembered<A> {
    /// For at most about `states`.
    pub(super) fn new(states: usize) -> Self {
        let kept = Mutex::new(Kept { new: HashMap::new(), old: HashMap::new() });
        Self { half: (states / 2).max(1), kept }
    }

    pub(super) fn recall(&self, stream: StreamId) -> Option<Loaded<A>> {
        let kept = self.lock();
        kept.new.get(&stream).or_else(|| kept.old.get(&stream)).cloned()
    }

    /// Keeps `loaded`, unless something newer is there already.
    pub(super) fn remember(&self, stream: StreamId, loaded: Loaded<A>) {
        let mut kept = self.lock();
        let known = kept.new.get(&stream).or_else(|| kept.old.get(&stream));
        if known.is_some_and(|known| known.head.version > loaded.head.version) {
            return;
        }
        if kept.new.len() >= self.half {
            kept.old = std::mem::take(&mut kept.new);
        }
        kept.new.insert(stream, loaded);
    }

    pub(super) fn forget(&self, stream: StreamId) {
        let mut kept = self.lock();
        kept.new.remove(&stream);
        kept.old.remove(&stream);
    }

    fn lock(&self) -> MutexGuard<'_, Kept<A>> {
        // Whatever panicked in between left whole entries.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
