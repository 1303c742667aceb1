//! A bus that misbehaves, as often as it is told to and always in the same places.
use domain_kernel::ports::{BusError, Delivery, EventBus, MessageSource, Subscription};
use domain_kernel::{BoxFuture, Topic};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How often what goes wrong, counted over all subscriptions; 0 is never.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Every n-th message is delivered twice.
    pub duplicate_every: usize,
    /// Every n-th call of receive fails before there is a message, and the subscription with it.
    pub crash_receive_every: usize,
    /// Every n-th acknowledgement is lost, and the subscription with it: the message comes again.
    pub crash_acknowledge_every: usize,
}

/// Another bus, with duplicates, redelivery and crashes. Order is kept: a duplicate follows its first copy at once.
pub struct FaultyBus {
    inner: Arc<dyn EventBus>,
    faults: Arc<Counted>,
}

struct Counted {
    faults: Faults,
    deliveries: AtomicUsize,
    receives: AtomicUsize,
    acknowledgements: AtomicUsize,
    injected: AtomicUsize,
}

impl Counted {
    fn due(&self, counter: &AtomicUsize, every: usize) -> bool {
        let count = counter.fetch_add(1, Ordering::Relaxed) + 1;
        let due = every > 0 && count.is_multiple_of(every);
        if due {
            self.injected.fetch_add(1, Ordering::Relaxed);
        }
        due
    }
}

impl FaultyBus {
    /// `inner` with `faults`.
    #[must_use]
    pub fn new(inner: Arc<dyn EventBus>, faults: Faults) -> Self {
        let faults = Counted {
            faults,
            deliveries: AtomicUsize::new(0),
            receives: AtomicUsize::new(0),
            acknowledgements: AtomicUsize::new(0),
            injected: AtomicUsize::new(0),
        };
        Self { inner, faults: Arc::new(faults) }
    }

    /// How many faults there were, so that a test can tell that it met some.
    #[must_use]
    pub fn injected(&self) -> usize {
        self.faults.injected.load(Ordering::Relaxed)
    }
}

impl EventBus for FaultyBus {
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
            let subscription =
                FaultySubscription { inner: Some(inner), again: VecDeque::new(), faults: Arc::clone(&self.faults) };
            Ok(Box::new(subscription) as Box<dyn Subscription>)
        })
    }
}

struct FaultySubscription {
    /// Gone after a crash.
    inner: Option<Box<dyn Subscription>>,
    /// Second copies to come.
    again: VecDeque<Delivery>,
    faults: Arc<Counted>,
}

impl FaultySubscription {
    fn crash(&mut self) -> BusError {
        self.inner = None;
        crashed()
    }
}

fn crashed() -> BusError {
    BusError::Unavailable { reason: "an injected crash".to_owned() }
}

impl Subscription for FaultySubscription {
    fn receive(&mut self) -> BoxFuture<'_, Result<Delivery, BusError>> {
        Box::pin(async move {
            let faults = Arc::clone(&self.faults);
            if faults.due(&faults.receives, faults.faults.crash_receive_every) {
                return Err(self.crash());
            }
            if let Some(again) = self.again.pop_front() {
                return Ok(again);
            }
            let delivery = self.inner.as_mut().ok_or_else(crashed)?.receive().await?;
            if faults.due(&faults.deliveries, faults.faults.duplicate_every) {
                self.again.push_back(Delivery { redeliveries: delivery.redeliveries + 1, ..delivery.clone() });
            }
            Ok(delivery)
        })
    }

    fn acknowledge(&mut self, delivery: &Delivery) -> BoxFuture<'_, Result<(), BusError>> {
        let delivery = delivery.clone();
        Box::pin(async move {
            let faults = Arc::clone(&self.faults);
            if faults.due(&faults.acknowledgements, faults.faults.crash_acknowledge_every) {
                return Err(self.crash());
            }
            if self.again.iter().any(|again| again.receipt == delivery.receipt) {
                // The second copy's acknowledgement is the one that counts.
                return Ok(());
            }
            self.inner.as_mut().ok_or_else(crashed)?.acknowledge(&delivery).await
        })
    }
}
