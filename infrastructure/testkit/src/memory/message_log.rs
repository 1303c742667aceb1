//! A producer's log that the test writes directly.
use super::lock;
use domain_kernel::ports::{MessageSource, SourceError, SourcedMessage};
use domain_kernel::{BoxFuture, Checkpoint, Message};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// After so long a reader looks again, also when nothing was told: it may have been told just before.
const PAUSE: Duration = Duration::from_millis(5);

/// Messages in the order in which they were told.
#[derive(Debug)]
pub struct MessageLog {
    name: &'static str,
    entries: Mutex<Vec<Option<Message>>>,
    told: Notify,
}

impl MessageLog {
    /// The empty log of the service `name`.
    #[must_use]
    pub fn new(name: &'static str) -> Arc<Self> {
        Arc::new(Self { name, entries: Mutex::default(), told: Notify::new() })
    }

    /// Adds messages.
    pub fn tell(&self, messages: impl IntoIterator<Item = Message>) {
        self.enter(messages.into_iter().map(Some));
    }

    /// Adds entries, `None` for private events.
    pub fn enter(&self, entries: impl IntoIterator<Item = Option<Message>>) {
        lock(&self.entries).extend(entries);
        self.told.notify_waiters();
    }

    /// Where a reader stands that has read everything.
    pub fn end(&self) -> Checkpoint {
        Self::at(lock(&self.entries).len())
    }

    /// Where a reader stands that has read so many entries.
    ///
    /// # Panics
    /// When there are more than 2^63 of them.
    #[must_use]
    pub fn at(entries: usize) -> Checkpoint {
        let position = i64::try_from(entries).expect("no test tells so much");
        Checkpoint { epoch: 1, tx: position.unsigned_abs(), position }
    }
}

impl MessageSource for MessageLog {
    fn name(&self) -> &'static str {
        self.name
    }

    fn read(&self, after: Checkpoint, limit: usize) -> BoxFuture<'_, Result<Vec<SourcedMessage>, SourceError>> {
        let entries = lock(&self.entries);
        let read = entries
            .iter()
            .enumerate()
            .map(|(index, message)| SourcedMessage { checkpoint: Self::at(index + 1), message: message.clone() })
            .filter(|entry| entry.checkpoint > after)
            .take(limit)
            .collect();
        Box::pin(async move { Ok(read) })
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let _ = tokio::time::timeout(PAUSE, self.told.notified()).await;
        })
    }
}
