//! What a relay has read and not yet confirmed, in the log's order.
use domain_kernel::ports::SourcedMessage;
use domain_kernel::{Checkpoint, Message, StreamId};
use std::collections::{HashMap, VecDeque};

/// The read part of the log behind the confirmed prefix. Places count from the first entry ever pushed.
pub(super) struct Window {
    entries: VecDeque<Entry>,
    /// The place of the front entry.
    front: u64,
    confirmed: Checkpoint,
    read: Checkpoint,
    /// Per stream what waits for the message before it; a stream is here while one of its messages is under way.
    streams: HashMap<StreamId, VecDeque<(u64, Message)>>,
    ready: VecDeque<(u64, Message)>,
}

struct Entry {
    checkpoint: Checkpoint,
    /// `None` once there is nothing (left) to send.
    unconfirmed: Option<StreamId>,
}

impl Window {
    /// A window behind a saved checkpoint.
    pub(super) fn after(confirmed: Checkpoint) -> Self {
        Self {
            entries: VecDeque::new(),
            front: 0,
            confirmed,
            read: confirmed,
            streams: HashMap::new(),
            ready: VecDeque::new(),
        }
    }

    /// How many entries are read and not in the confirmed prefix.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Where to read on.
    pub(super) fn read(&self) -> Checkpoint {
        self.read
    }

    /// The end of the prefix in which everything is confirmed.
    pub(super) fn confirmed(&self) -> Checkpoint {
        self.confirmed
    }

    /// Takes the next entry of the log in.
    pub(super) fn push(&mut self, entry: SourcedMessage) {
        self.read = entry.checkpoint;
        let place = self.front + self.entries.len() as u64;
        let stream = entry.message.as_ref().map(|message| message.headers.stream);
        self.entries.push_back(Entry { checkpoint: entry.checkpoint, unconfirmed: stream });
        if let Some(message) = entry.message {
            match self.streams.get_mut(&message.headers.stream) {
                Some(waiting) => waiting.push_back((place, message)),
                None => {
                    self.streams.insert(message.headers.stream, VecDeque::new());
                    self.ready.push_back((place, message));
                }
            }
        }
        self.shrink();
    }

    /// A message that may be sent now: none of its stream is under way.
    pub(super) fn start(&mut self) -> Option<(u64, Message)> {
        self.ready.pop_front()
    }

    /// The message at `place` is confirmed: the next one of its stream may be sent.
    pub(super) fn confirm(&mut self, place: u64) {
        let index = place.checked_sub(self.front).and_then(|index| usize::try_from(index).ok());
        let Some(entry) = index.and_then(|index| self.entries.get_mut(index)) else { return };
        let Some(stream) = entry.unconfirmed.take() else { return };
        match self.streams.get_mut(&stream).and_then(VecDeque::pop_front) {
            Some(next) => self.ready.push_back(next),
            None => drop(self.streams.remove(&stream)),
        }
        self.shrink();
    }

    fn shrink(&mut self) {
        while let Some(entry) = self.entries.pop_front_if(|entry| entry.unconfirmed.is_none()) {
            self.confirmed = entry.checkpoint;
            self.front += 1;
        }
    }
}
