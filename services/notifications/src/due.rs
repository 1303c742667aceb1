//! What the sender is to look at, and when.
use domain_kernel::{StreamId, Timestamp};
use std::collections::{BTreeSet, HashMap};
use tokio::sync::mpsc;

/// How many hints wait for the sender at most. One that finds no room is dropped: the sender finds the notification in
/// the read model.
const WAITING_HINTS: usize = 4_096;
/// How many notifications the sender remembers at most; the others stay in the read model.
const REMEMBERED: usize = 10_000;

/// Tells the sender that a notification is due.
#[derive(Clone, Debug)]
pub(crate) struct DueHints(mpsc::Sender<(Timestamp, StreamId)>);

/// Where the sender hears of it.
pub(crate) type DueHintReceiver = mpsc::Receiver<(Timestamp, StreamId)>;

/// A way to tell the sender, and the sender's end of it.
pub(crate) fn due_hints() -> (DueHints, DueHintReceiver) {
    let (sender, receiver) = mpsc::channel(WAITING_HINTS);
    (DueHints(sender), receiver)
}

impl DueHints {
    /// `notification` is due at `at`.
    pub(crate) fn tell(&self, at: Timestamp, notification: StreamId) {
        if self.0.try_send((at, notification)).is_err() {
            tracing::debug!("the sender is busy; it will find the notification itself");
        }
    }
}

/// Notifications by the moment they are due; each once.
#[derive(Debug, Default)]
pub(crate) struct DueList {
    by_moment: BTreeSet<(Timestamp, StreamId)>,
    moments: HashMap<StreamId, Timestamp>,
}

impl DueList {
    /// Remembers that `notification` is due at `at`; the earlier moment holds.
    pub(crate) fn put(&mut self, at: Timestamp, notification: StreamId) {
        match self.moments.get(&notification) {
            Some(known) if *known <= at => return,
            Some(known) => {
                self.by_moment.remove(&(*known, notification));
            }
            None if self.moments.len() >= REMEMBERED => return,
            None => {}
        }
        self.moments.insert(notification, at);
        self.by_moment.insert((at, notification));
    }

    /// The one that is due the longest, taken out.
    pub(crate) fn take(&mut self, now: Timestamp) -> Option<StreamId> {
        let (at, notification) = self.by_moment.first().copied().filter(|(at, _)| *at <= now)?;
        self.by_moment.remove(&(at, notification));
        self.moments.remove(&notification);
        Some(notification)
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.by_moment.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn notification(number: u128) -> StreamId {
        StreamId(Uuid::from_u128(number))
    }

    #[test]
    fn what_is_due_longest_comes_first_and_once() {
        let mut list = DueList::default();
        list.put(Timestamp(20), notification(2));
        list.put(Timestamp(10), notification(1));
        list.put(Timestamp(10), notification(1));
        assert_eq!(list.take(Timestamp(9)), None);
        assert_eq!(list.next(), Some(Timestamp(10)));
        assert_eq!(list.take(Timestamp(30)), Some(notification(1)));
        assert_eq!(list.take(Timestamp(30)), Some(notification(2)));
        assert_eq!(list.take(Timestamp(30)), None);
    }

    #[test]
    fn the_earlier_moment_holds() {
        let mut list = DueList::default();
        list.put(Timestamp(20), notification(1));
        list.put(Timestamp(10), notification(1));
        list.put(Timestamp(30), notification(1));
        assert_eq!(list.take(Timestamp(10)), Some(notification(1)));
        assert_eq!(list.next(), None);
    }
}
