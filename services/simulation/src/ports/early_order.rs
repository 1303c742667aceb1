//! The global order as it would be if an append took its place in it before it is committed: planted, and nothing else.
use super::lock;
use domain_kernel::{Checkpoint, RecordedEvent};
use std::collections::HashMap;
use std::sync::Mutex;

#[derive(Default)]
pub(crate) struct EarlyOrder(Mutex<State>);

#[derive(Default)]
struct State {
    next: u64,
    /// The place of an event, by where it stands in the log.
    places: HashMap<usize, u64>,
}

impl EarlyOrder {
    /// The next place, taken before there is anything to put there.
    pub(crate) fn take_place(&self) -> u64 {
        let mut state = lock(&self.0);
        state.next += 1;
        state.next
    }

    /// Puts the events from `from` to `to` of the log at `place`.
    pub(crate) fn put(&self, from: usize, to: usize, place: u64) {
        lock(&self.0).places.extend((from..to).map(|index| (index, place)));
    }

    /// Reads in that order, behind `after`.
    pub(crate) fn read(&self, events: &[RecordedEvent], after: Checkpoint, limit: usize) -> Vec<RecordedEvent> {
        let state = lock(&self.0);
        let placed = events.iter().enumerate().map(|(index, event)| {
            let place = state.places.get(&index).copied().unwrap_or(state.next);
            let checkpoint = Checkpoint { tx: place, ..event.checkpoint };
            RecordedEvent { checkpoint, ..event.clone() }
        });
        let mut readable: Vec<_> = placed.filter(|event| event.checkpoint > after).collect();
        readable.sort_by_key(|event| event.checkpoint);
        readable.truncate(limit);
        readable
    }
}
