//! What planted bugs of the store need to remember; nothing else uses it.
use super::lock;
use domain_kernel::{Checkpoint, CommandId, RecordedEvent};
use std::collections::HashMap;
use std::sync::Mutex;

/// The global order as it would be if an append took its place in it before it is committed, and command ids as they
/// would be if different commands shared them.
#[derive(Default)]
pub(crate) struct Planted(Mutex<State>);

#[derive(Default)]
struct State {
    next: u64,
    /// The place of an event, by where it stands in the log.
    places: HashMap<usize, u64>,
    /// The command that was first under a short id.
    short: HashMap<u8, CommandId>,
}

impl Planted {
    /// The command id that `command` shares with the first one that looks like it.
    pub(crate) fn shared(&self, command: CommandId) -> CommandId {
        let short = command.0.as_bytes()[15] & 15;
        *lock(&self.0).short.entry(short).or_insert(command)
    }

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
