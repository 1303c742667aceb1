//! Messages between services.
use crate::{BoxFuture, Checkpoint, Message, Topic};
use std::sync::Arc;

/// Carries messages from the logs of the services that publish to the subscriptions of those that listen.
///
/// What always holds, for every implementation:
/// 1. messages of one stream reach a subscription in version order;
/// 2. a message is delivered at least once: what was not acknowledged comes again, also after a crash of either side;
/// 3. one subscription that is paused or failing stops no other;
/// 4. a message that does not fit the topic's contract is refused at the producer.
pub trait EventBus: Send + Sync {
    /// Makes everything that `source` holds, from its first message on, available to the subscriptions of `topic`.
    ///
    /// # Errors
    /// [`BusError`].
    fn offer(&self, topic: Topic, source: Arc<dyn MessageSource>) -> BoxFuture<'_, Result<(), BusError>>;

    /// Opens (or goes on with) the durable subscription of `consumer` to `topic`; a new one begins at the topic's first
    /// message.
    ///
    /// # Errors
    /// [`BusError`].
    fn subscribe(&self, topic: Topic, consumer: &'static str)
    -> BoxFuture<'_, Result<Box<dyn Subscription>, BusError>>;
}

/// One consumer's place in a topic.
pub trait Subscription: Send {
    /// The next message; waits for one.
    ///
    /// # Errors
    /// [`BusError`]; the subscription is then of no further use: drop it and subscribe again.
    fn receive(&mut self) -> BoxFuture<'_, Result<Delivery, BusError>>;

    /// Says that `delivery` was dealt with, for good. Called after the handling is committed, never before.
    ///
    /// # Errors
    /// [`BusError`]; the message may come again.
    fn acknowledge(&mut self, delivery: &Delivery) -> BoxFuture<'_, Result<(), BusError>>;
}

/// A message in the hands of a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The message.
    pub message: Message,
    /// How often it was delivered to this subscription before, as far as the bus knows.
    pub redeliveries: u32,
    /// The bus's own name for this delivery.
    pub receipt: Vec<u8>,
}

/// A producer's log, seen as messages: the event table is the outbox.
pub trait MessageSource: Send + Sync {
    /// The producing service, such as `users`; with the topic it names the log.
    fn name(&self) -> &'static str;

    /// Up to `limit` entries after `after`, in the log's order. Private events are entries without a message, so that
    /// a checkpoint can pass them.
    ///
    /// # Errors
    /// [`SourceError`].
    fn read(&self, after: Checkpoint, limit: usize) -> BoxFuture<'_, Result<Vec<SourcedMessage>, SourceError>>;

    /// Resolves when there may be more; see [`crate::ports::EventStore::appended`].
    fn changed(&self) -> BoxFuture<'_, ()>;
}

/// One entry of a producer's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcedMessage {
    /// Where it stands.
    pub checkpoint: Checkpoint,
    /// What is told of it on the topic asked for; `None` when nothing is.
    pub message: Option<Message>,
}

/// Why a log could not be read as messages.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The store did not answer.
    #[error("the producer's log cannot be read")]
    Store(#[from] crate::ports::StoreError),
    /// An event that should be published cannot be: it does not fit the contract.
    #[error("event {event} does not fit the contract of its topic: {reason}")]
    Contract {
        /// Which event.
        event: crate::EventId,
        /// Why; names the field, never its value.
        reason: String,
    },
}

/// Why the bus did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// The bus cannot be reached; the same call may work later.
    #[error("the event bus cannot be reached: {reason}")]
    Unavailable {
        /// For the log; never confidential.
        reason: String,
    },
    /// The bus refuses the topic's schema.
    #[error("the schema of {topic} is not compatible: {reason}")]
    IncompatibleSchema {
        /// Which topic.
        topic: Topic,
        /// What does not fit; names the field.
        reason: String,
    },
    /// The producer's log could not be turned into messages.
    #[error("the producer's log cannot be published")]
    Source(#[from] SourceError),
}
