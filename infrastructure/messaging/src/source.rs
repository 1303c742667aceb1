//! A service's event table, read as the messages of one topic.
use domain_kernel::ports::{EventStore, MessageSource, SourceError, SourcedMessage};
use domain_kernel::{BoxFuture, Checkpoint, Message, RecordedEvent, Topic};
use infra_contracts::topic;
use std::sync::Arc;

/// A service's mapping from what it stores to what it tells.
pub trait Publisher: Send + Sync {
    /// The message that tells of `event` on `topic`; `None` when nothing is told there. Sealed bytes are copied
    /// unopened.
    ///
    /// # Errors
    /// [`SourceError::Contract`] when the event should be published and does not fit.
    fn message(&self, topic: Topic, event: &RecordedEvent) -> Result<Option<Message>, SourceError>;
}

/// The log of one service, seen from one topic.
pub struct LogSource {
    name: &'static str,
    topic: Topic,
    store: Arc<dyn EventStore>,
    publisher: Arc<dyn Publisher>,
}

impl LogSource {
    /// What the service `name` publishes on `topic`.
    #[must_use]
    pub fn new(name: &'static str, topic: Topic, store: Arc<dyn EventStore>, publisher: Arc<dyn Publisher>) -> Self {
        Self { name, topic, store, publisher }
    }

    fn sourced(&self, event: &RecordedEvent) -> Result<SourcedMessage, SourceError> {
        let message = self.publisher.message(self.topic, event)?;
        if let Some(message) = &message {
            topic::check(message.topic, message.headers.contract_version, &message.payload)
                .map_err(|error| SourceError::Contract { event: event.metadata.event_id, reason: error.to_string() })?;
        }
        Ok(SourcedMessage { checkpoint: event.checkpoint, message })
    }
}

impl MessageSource for LogSource {
    fn name(&self) -> &'static str {
        self.name
    }

    fn read(&self, after: Checkpoint, limit: usize) -> BoxFuture<'_, Result<Vec<SourcedMessage>, SourceError>> {
        Box::pin(async move {
            let events = self.store.read_all(after, limit).await?;
            let mut entries = Vec::with_capacity(events.len());
            for event in &events {
                match self.sourced(event) {
                    Ok(entry) => entries.push(entry),
                    // What comes before the event that cannot be told is told first; the next read ends here again.
                    Err(_) if !entries.is_empty() => break,
                    Err(error) => return Err(error),
                }
            }
            Ok(entries)
        })
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        self.store.appended()
    }
}
