//! What a consumer has taken up and not dealt with: its lag, as far as the consumer itself can tell.
use domain_kernel::{EventId, Message, Timestamp};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The messages that one consumer has in hand. Cheap to clone; clones are the same consumer's.
///
/// On any bus a consumer that falls behind has its hands full: the oldest message in hand is as old as the consumer is
/// late, and one that is stuck grows old there.
#[derive(Clone, Debug, Default)]
pub struct InHand(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    messages: Mutex<BTreeSet<(Timestamp, EventId)>>,
    waiting: AtomicUsize,
}

impl InHand {
    /// `message` was taken up; until the answer is dropped it is in hand.
    #[must_use]
    pub fn take_up(&self, message: &Message) -> TakenUp {
        let entry = (message.headers.occurred_at, message.headers.event_id);
        self.with(|messages| messages.insert(entry));
        TakenUp { of: self.clone(), entry }
    }

    /// Something that every message needs does not answer; until the answer is dropped the consumer waits for it.
    #[must_use]
    pub fn wait(&self) -> Waiting {
        self.0.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(self.clone())
    }

    /// How many messages are in hand.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.with(|messages| messages.len() as u64)
    }

    /// When the oldest event of these happened.
    #[must_use]
    pub fn oldest(&self) -> Option<Timestamp> {
        self.with(|messages| messages.first().map(|(occurred_at, _)| *occurred_at))
    }

    /// Whether the consumer waits for something that every message needs.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.0.waiting.load(Ordering::Relaxed) > 0
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeSet<(Timestamp, EventId)>) -> T) -> T {
        work(&mut self.0.messages.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A message in hand.
#[derive(Debug)]
pub struct TakenUp {
    of: InHand,
    entry: (Timestamp, EventId),
}

impl Drop for TakenUp {
    fn drop(&mut self) {
        self.of.with(|messages| messages.remove(&self.entry));
    }
}

/// A consumer that waits.
#[derive(Debug)]
pub struct Waiting(InHand);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
