//! Ports that stop for ever at a chosen step, so that a kill can be placed exactly there.
use domain_kernel::ports::{
    Append, AppendOutcome, BusError, Delivery, EventBus, EventStore, MessageSource, StoreError, Subscription,
};
use domain_kernel::{BoxFuture, EventId, EventTypeId, Message, StreamId, Topic};
use infra_event_store::dead_letters::{DeadLetter, DeadLetters};
use infra_testkit::interception::Intercepts;
use infra_testkit::wait_for;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::LIMIT;

/// Open until it is told to stop the next who comes.
#[derive(Clone, Default)]
pub(crate) struct Gate {
    closed: Arc<AtomicBool>,
    reached: Arc<AtomicBool>,
}

impl Gate {
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    pub(crate) fn open(&self) {
        self.closed.store(false, Ordering::SeqCst);
        self.reached.store(false, Ordering::SeqCst);
    }

    async fn pass(&self) {
        if self.closed.load(Ordering::SeqCst) {
            self.reached.store(true, Ordering::SeqCst);
            std::future::pending::<()>().await;
        }
    }

    /// Waits until somebody stands here.
    pub(crate) async fn until_reached(&self) {
        wait_for("the step", LIMIT, async || self.reached.load(Ordering::SeqCst).then_some(())).await;
    }
}

/// A store that stops before it appends one type of event.
pub(crate) struct GatedStore {
    pub(crate) inner: Arc<dyn EventStore>,
    pub(crate) before: EventTypeId,
    pub(crate) gate: Gate,
}

impl Intercepts for GatedStore {
    fn store(&self) -> &dyn EventStore {
        &*self.inner
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<AppendOutcome, StoreError>> {
        Box::pin(async move {
            if append.commands.iter().flat_map(|command| &command.events).any(|event| event.type_id == self.before) {
                self.gate.pass().await;
            }
            self.inner.append(append).await
        })
    }
}

/// A bus whose acknowledgements stop.
pub(crate) struct GatedBus {
    pub(crate) inner: Arc<dyn EventBus>,
    pub(crate) gate: Gate,
}

impl EventBus for GatedBus {
    fn offer(&self, topic: Topic, source: Arc<dyn MessageSource>) -> BoxFuture<'_, Result<(), BusError>> {
        self.inner.offer(topic, source)
    }

    fn subscribe(
        &self,
        topic: Topic,
        consumer: &'static str,
    ) -> BoxFuture<'_, Result<Box<dyn Subscription>, BusError>> {
        Box::pin(async move {
            let inner = self.inner.subscribe(topic, consumer).await?;
            Ok(Box::new(GatedSubscription { inner, gate: self.gate.clone() }) as Box<dyn Subscription>)
        })
    }
}

struct GatedSubscription {
    inner: Box<dyn Subscription>,
    gate: Gate,
}

impl Subscription for GatedSubscription {
    fn receive(&mut self) -> BoxFuture<'_, Result<Delivery, BusError>> {
        self.inner.receive()
    }

    fn acknowledge(&mut self, delivery: &Delivery) -> BoxFuture<'_, Result<(), BusError>> {
        let delivery = delivery.clone();
        Box::pin(async move {
            self.gate.pass().await;
            self.inner.acknowledge(&delivery).await
        })
    }
}

/// Dead letters that stop at each of their writing steps.
pub(crate) struct GatedDeadLetters {
    pub(crate) inner: Arc<dyn DeadLetters>,
    pub(crate) before_park: Gate,
    pub(crate) before_remove_letter: Gate,
    pub(crate) before_remove_behind: Gate,
    pub(crate) before_unpark: Gate,
}

impl GatedDeadLetters {
    pub(crate) fn new(inner: Arc<dyn DeadLetters>) -> Self {
        let gate = Gate::default;
        Self {
            inner,
            before_park: gate(),
            before_remove_letter: gate(),
            before_remove_behind: gate(),
            before_unpark: gate(),
        }
    }
}

impl DeadLetters for GatedDeadLetters {
    fn attempts<'a>(&'a self, consumer: &'a str, event: EventId) -> BoxFuture<'a, Result<u32, StoreError>> {
        self.inner.attempts(consumer, event)
    }

    fn record_attempt<'a>(&'a self, consumer: &'a str, event: EventId) -> BoxFuture<'a, Result<u32, StoreError>> {
        self.inner.record_attempt(consumer, event)
    }

    fn is_parked<'a>(&'a self, consumer: &'a str, stream: StreamId) -> BoxFuture<'a, Result<bool, StoreError>> {
        self.inner.is_parked(consumer, stream)
    }

    fn park<'a>(
        &'a self,
        consumer: &'a str,
        message: &'a Message,
        attempts: u32,
        code: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.before_park.pass().await;
            self.inner.park(consumer, message, attempts, code).await
        })
    }

    fn store_behind<'a>(&'a self, consumer: &'a str, message: &'a Message) -> BoxFuture<'a, Result<bool, StoreError>> {
        self.inner.store_behind(consumer, message)
    }

    fn list(&self, limit: usize) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>> {
        self.inner.list(limit)
    }

    fn find<'a>(&'a self, consumer: &'a str, event: EventId) -> BoxFuture<'a, Result<Option<DeadLetter>, StoreError>> {
        self.inner.find(consumer, event)
    }

    fn next_behind<'a>(
        &'a self,
        consumer: &'a str,
        stream: StreamId,
        after: EventId,
    ) -> BoxFuture<'a, Result<Option<Message>, StoreError>> {
        self.inner.next_behind(consumer, stream, after)
    }

    fn remove_behind<'a>(&'a self, consumer: &'a str, event: EventId) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.before_remove_behind.pass().await;
            self.inner.remove_behind(consumer, event).await
        })
    }

    fn remove_letter<'a>(&'a self, consumer: &'a str, event: EventId) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.before_remove_letter.pass().await;
            self.inner.remove_letter(consumer, event).await
        })
    }

    fn unpark_if_empty<'a>(&'a self, consumer: &'a str, stream: StreamId) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            self.before_unpark.pass().await;
            self.inner.unpark_if_empty(consumer, stream).await
        })
    }
}
