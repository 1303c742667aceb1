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

#[cfg(test)]
mod tests {
    use super::super::nothing::Nothing;
    use super::*;
    use domain_kernel::{Head, Version};
    use uuid::Uuid;

    fn stream(number: u128) -> StreamId {
        StreamId(Uuid::from_u128(number))
    }

    fn at(version: u32) -> Loaded<Nothing> {
        Loaded { state: (), head: Head { version: Version(version), hash: [0; 32] } }
    }

    fn version(remembered: &Remembered<Nothing>, number: u128) -> Option<u32> {
        remembered.recall(stream(number)).map(|loaded| loaded.head.version.0)
    }

    #[test]
    fn what_is_newer_stays() {
        let remembered = Remembered::new(4);
        remembered.remember(stream(1), at(2));
        remembered.remember(stream(1), at(1));
        assert_eq!(version(&remembered, 1), Some(2));
        remembered.remember(stream(1), at(3));
        assert_eq!(version(&remembered, 1), Some(3));
    }

    #[test]
    fn the_oldest_half_is_forgotten_first() {
        let remembered = Remembered::new(4);
        for number in 1..=4 {
            remembered.remember(stream(number), at(1));
        }
        assert_eq!([1, 2, 3, 4].map(|number| version(&remembered, number)), [Some(1); 4]);
        remembered.remember(stream(5), at(1));
        let kept = [1, 2, 3, 4, 5].map(|number| version(&remembered, number).is_some());
        assert_eq!(kept, [false, false, true, true, true]);
    }

    #[test]
    fn what_is_remembered_again_is_as_good_as_new() {
        let remembered = Remembered::new(4);
        for number in [1, 2, 3, 1, 5, 6] {
            remembered.remember(stream(number), at(1));
        }
        assert_eq!([1, 2].map(|number| version(&remembered, number).is_some()), [true, false]);
    }

    #[test]
    fn of_no_more_than_one_the_last_two_are_kept() {
        let remembered = Remembered::new(1);
        for number in 1..=3 {
            remembered.remember(stream(number), at(1));
        }
        assert_eq!([1, 2, 3].map(|number| version(&remembered, number).is_some()), [false, true, true]);
    }

    #[test]
    fn what_is_forgotten_is_in_neither_half() {
        let remembered = Remembered::new(4);
        for number in 1..=3 {
            remembered.remember(stream(number), at(1));
        }
        remembered.forget(stream(1));
        remembered.forget(stream(3));
        assert_eq!([1, 2, 3].map(|number| version(&remembered, number).is_some()), [false, true, false]);
    }
}
