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

#[cfg(test)]
mod tests {
    use super::*;
    use domain_kernel::message::topics;
    use domain_kernel::{MessageHeaders, Timestamp, Version};
    use uuid::Uuid;

    fn at(position: i64) -> Checkpoint {
        Checkpoint { epoch: 0, tx: 1, position }
    }

    /// An entry of the log; of a private event when there is no stream.
    fn entry(position: i64, stream: Option<u128>) -> SourcedMessage {
        let message = stream.map(|stream| Message {
            topic: topics::EVENT_USER,
            headers: MessageHeaders {
                event_id: Uuid::from_u128(1).into(),
                event_type: "users.user_created".to_owned(),
                source: "users".to_owned(),
                stream: Uuid::from_u128(stream).into(),
                version: Version(1),
                occurred_at: Timestamp(0),
                correlation_id: Uuid::from_u128(2).into(),
                causation_id: None,
                actor: None,
                contract_version: 1,
                expects: vec![],
                consumer: None,
                attempt: None,
                traceparent: None,
            },
            payload: vec![],
        });
        SourcedMessage { checkpoint: at(position), message }
    }

    fn window(streams: &[Option<u128>]) -> Window {
        let mut window = Window::after(at(0));
        for (position, stream) in (1..).zip(streams) {
            window.push(entry(position, *stream));
        }
        window
    }

    /// The places of what may be sent now.
    fn started(window: &mut Window) -> Vec<u64> {
        std::iter::from_fn(|| window.start()).map(|(place, _)| place).collect()
    }

    #[test]
    fn of_each_stream_one_message_is_under_way_and_the_next_follows_its_confirmation() {
        let mut window = window(&[Some(1), Some(1), Some(2)]);
        assert_eq!(started(&mut window), [0, 2]);
        window.confirm(0);
        assert_eq!(started(&mut window), [1]);
        window.confirm(2);
        assert_eq!(started(&mut window), [0; 0]);
    }

    #[test]
    fn the_confirmed_prefix_ends_before_the_first_message_under_way() {
        let mut window = window(&[None, Some(1), None, Some(2)]);
        assert_eq!((window.confirmed(), window.read(), window.len()), (at(1), at(4), 3));
        window.confirm(3);
        assert_eq!((window.confirmed(), window.len()), (at(1), 3));
        window.confirm(1);
        assert_eq!((window.confirmed(), window.len()), (at(4), 0));
    }

    #[test]
    fn places_count_on_behind_the_confirmed_prefix() {
        let mut window = window(&[Some(1), None, Some(2)]);
        assert_eq!(started(&mut window), [0, 2]);
        window.confirm(0);
        window.push(entry(4, Some(3)));
        assert_eq!(started(&mut window), [3]);
        window.confirm(3);
        assert_eq!(window.confirmed(), at(2));
        window.confirm(2);
        assert_eq!(window.confirmed(), at(4));
    }

    #[test]
    fn what_is_confirmed_twice_counts_once() {
        let mut window = window(&[Some(1), Some(2), Some(2)]);
        assert_eq!(started(&mut window), [0, 1]);
        window.confirm(1);
        window.confirm(1);
        assert_eq!(started(&mut window), [2]);
        assert_eq!(window.confirmed(), at(0));
        window.confirm(0);
        window.confirm(0);
        window.confirm(99);
        assert_eq!((window.confirmed(), window.len()), (at(2), 1));
    }
}
