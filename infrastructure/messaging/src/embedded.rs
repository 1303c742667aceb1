//! The event bus of one process, without a broker: every subscription reads the producers' logs itself.
//!
//! A subscription has a checkpoint per source, saved in the consumer's own database after the handling committed. So
//! nothing is copied, a paused subscription stops nobody else, and what was not acknowledged comes again after a crash.
//! A log is read from its first event on, also by a consumer that is new.
mod subscription;

use domain_kernel::ports::{BusError, EventBus, MessageSource, Subscription};
use domain_kernel::{BoxFuture, Topic};
use infra_contracts::topic;
use infra_event_store::checkpoints::Checkpoints;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use subscription::EmbeddedSubscription;
use tokio::sync::watch;

type Sources = BTreeMap<Topic, Vec<Arc<dyn MessageSource>>>;

/// The logs that the services of this process offer: one registry, shared by all their buses.
#[derive(Clone)]
pub struct EmbeddedLogs {
    sources: Arc<Mutex<Sources>>,
    /// Moves whenever a log is offered, so that open subscriptions take it up.
    offered: watch::Sender<u64>,
}

impl Default for EmbeddedLogs {
    fn default() -> Self {
        Self { sources: Arc::default(), offered: watch::Sender::new(0) }
    }
}

impl EmbeddedLogs {
    /// No logs yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Offers a log; one of the same name takes the place of the former, as when a service starts again.
    fn offer(&self, topic: Topic, source: Arc<dyn MessageSource>) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let of_topic = sources.entry(topic).or_default();
        of_topic.retain(|other| other.name() != source.name());
        of_topic.push(source);
        self.offered.send_modify(|times| *times += 1);
    }

    fn of(&self, topic: Topic) -> Vec<Arc<dyn MessageSource>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).get(topic).cloned().unwrap_or_default()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.offered.subscribe()
    }
}

/// One service's access to the logs of the process: what it offers, and its subscriptions with their checkpoints.
#[derive(Clone)]
pub struct EmbeddedBus {
    logs: EmbeddedLogs,
    checkpoints: Arc<dyn Checkpoints>,
}

impl EmbeddedBus {
    /// A bus over the logs of the process; `checkpoints` are the service's own.
    #[must_use]
    pub fn new(logs: EmbeddedLogs, checkpoints: Arc<dyn Checkpoints>) -> Self {
        Self { logs, checkpoints }
    }
}

impl EventBus for EmbeddedBus {
    fn offer(&self, topic: Topic, source: Arc<dyn MessageSource>) -> BoxFuture<'_, Result<(), BusError>> {
        Box::pin(async move {
            let reason = || "the topic has no contract".to_owned();
            topic::find(topic).ok_or_else(|| BusError::IncompatibleSchema { topic, reason: reason() })?;
            self.logs.offer(topic, source);
            Ok(())
        })
    }

    fn subscribe(
        &self,
        topic: Topic,
        consumer: &'static str,
    ) -> BoxFuture<'_, Result<Box<dyn Subscription>, BusError>> {
        Box::pin(async move {
            let subscription =
                EmbeddedSubscription::open(topic, consumer, self.logs.clone(), Arc::clone(&self.checkpoints)).await?;
            Ok(Box::new(subscription) as Box<dyn Subscription>)
        })
    }
}
