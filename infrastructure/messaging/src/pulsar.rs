//! The event bus over Apache Pulsar 4.0, so that every service can be a process of its own.
//!
//! ```text
//! event table ──▶ LogSource ──▶ Relay ──▶ PulsarSink ──▶ topic ──▶ PulsarSubscription ──▶ ConsumerRunner
//! ```
//! What it keeps, whatever the broker and its client do:
//! - order per stream: the message's key is its stream, producers are unbatched, a relay has at most one unconfirmed
//!   message per stream, and a subscription is `Key_Shared`, so a stream is in one consumer's hands at a time;
//! - at least once: the relay's checkpoint moves over confirmed messages only, a message is acknowledged only after its
//!   handling is committed, and nothing is ever acknowledged negatively (that would break the order);
//! - waiting instead of failing: a broker or a topic that is not there (yet) is waited for, and [`PulsarBus::check`]
//!   says so; any trouble of a subscription ends it, and the consumer opens the next one.
//!
//! A message of a contract version that is newer than this release waits until its schema is learned from the registry;
//! what the release does not know of it is passed over.
//!
//! Tenant, namespace, policies, topics and schemas are not made here: a producer with a schema that the registry does
//! not have is refused. What a producer sends that is no service's message (no headers of ours, not under its stream's
//! key, not the topic's record) has no effect: it is counted, logged and passed over.
mod again;
mod closing;
mod condition;
mod connector;
mod incoming;
mod learning;
mod options;
mod sink;
mod subscription;

pub use again::sink;
pub use options::{PulsarOptions, PulsarOptionsError, Token};

use crate::relay::{Relay, RelayError};
use closing::Closing;
use condition::Conditions;
use connector::Connector;
use domain_kernel::ports::{BusError, EventBus, MessageSource, Subscription};
use domain_kernel::{BoxFuture, Topic};
use infra_contracts::topic::{self, TopicContract};
use infra_event_store::checkpoints::Checkpoints;
use learning::{Learning, Registry};
use sink::PulsarSink;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use subscription::PulsarSubscription;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// The pause after a relay ended by itself; doubled each time, up to the second figure.
const RELAY_AGAIN: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));
/// A relay that ran so long is taken to be well again.
const RELAY_IS_WELL: Duration = Duration::from_secs(15);

/// One service's access to the broker: its relays, and its subscriptions. Cheap to clone; the relays end with the last
/// clone, or by [`Self::close`].
#[derive(Clone)]
pub struct PulsarBus {
    inner: Arc<Inner>,
}

struct Inner {
    options: Arc<PulsarOptions>,
    /// Apart from the consuming client: one receipt that does not come breaks a client's connection for all its users.
    producing: Connector,
    consuming: Connector,
    registry: Registry,
    checkpoints: Arc<dyn Checkpoints>,
    conditions: Conditions,
    closing: Closing,
    relays: Mutex<BTreeMap<(Topic, &'static str), RunningRelay>>,
}

struct RunningRelay {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        for relay in self.relays.get_mut().unwrap_or_else(PoisonError::into_inner).values() {
            relay.stop.cancel();
        }
    }
}

impl PulsarBus {
    /// A bus over the broker at `options`; `checkpoints` are the service's own. The broker itself is connected to when
    /// something is sent or received, and waited for as long as it takes.
    ///
    /// # Errors
    /// [`PulsarOptionsError`]: what no waiting would mend.
    pub async fn connect(
        options: PulsarOptions,
        checkpoints: Arc<dyn Checkpoints>,
    ) -> Result<Self, PulsarOptionsError> {
        let certificates = options.verify().await?;
        let options = Arc::new(options);
        let connector = || Connector::new(Arc::clone(&options), certificates.clone());
        let consuming = connector();
        let inner = Inner {
            producing: connector(),
            registry: Registry::new(consuming.clone(), Arc::clone(&options)),
            consuming,
            options: Arc::clone(&options),
            checkpoints,
            conditions: Conditions::default(),
            closing: Closing::default(),
            relays: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Whether everything that was offered is relayed and everything that was subscribed to is received, as far as is
    /// known now; for a readiness check.
    ///
    /// # Errors
    /// [`BusError`]: what the bus waits for, the first of it.
    pub fn check(&self) -> Result<(), BusError> {
        self.inner.conditions.check()
    }

    /// Ends the relays and waits until their checkpoints are saved, and until the broker knows of every subscription that
    /// was dropped. What is offered afterwards is relayed again.
    pub async fn close(&self) {
        let relays = std::mem::take(&mut *self.relays());
        for relay in relays.values() {
            relay.stop.cancel();
        }
        for relay in relays.into_values() {
            // A relay that died has nothing to save.
            let _ = relay.task.await;
        }
        self.inner.closing.until_all_closed().await;
    }

    fn relays(&self) -> std::sync::MutexGuard<'_, BTreeMap<(Topic, &'static str), RunningRelay>> {
        self.inner.relays.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn relay(&self, contract: &'static TopicContract, source: Arc<dyn MessageSource>) {
        let (topic, source_name) = (contract.topic, source.name());
        let inner = &self.inner;
        let name = format!("relay/pulsar/{}/{}/{source_name}/{topic}", inner.options.tenant, inner.options.namespace);
        let condition = inner.conditions.of(format!("relay {source_name}/{topic}"));
        let sink = PulsarSink::new(contract, &inner.options, inner.producing.clone(), condition.clone());
        let relay = Relay::new(name, source, Arc::new(sink), Arc::clone(&inner.checkpoints));
        let stop = CancellationToken::new();
        let mut relays = self.relays();
        // One of the same name takes the place of the former, as when a service starts again. The former saves its
        // checkpoint first, or what it had confirmed would be sent once more.
        let former = relays.remove(&(topic, source_name));
        let task = tokio::spawn({
            let stop = stop.clone();
            async move {
                if let Some(former) = former {
                    former.stop.cancel();
                    let _ = former.task.await;
                }
                keep_relaying(relay, topic, stop, condition).await;
            }
        });
        relays.insert((topic, source_name), RunningRelay { stop, task });
    }
}

/// Runs `relay` until `stop`: one that ended by itself goes on from its checkpoint.
async fn keep_relaying(relay: Relay, topic: Topic, stop: CancellationToken, condition: condition::Condition) {
    let mut pause = RELAY_AGAIN.0;
    loop {
        // A task of its own, so that a panic of the source is an end like any other.
        let mut running = tokio::spawn(relay.clone().run(stop.clone()));
        let well_at = Instant::now() + RELAY_IS_WELL;
        let ended = tokio::select! {
            ended = &mut running => ended,
            () = sleep_until(well_at) => {
                condition.works();
                pause = RELAY_AGAIN.0;
                running.await
            }
        };
        let reason = match ended {
            Ok(Ok(())) => return,
            Ok(Err(error)) => reason(error),
            Err(died) => BusError::Unavailable { reason: died.to_string() },
        };
        tracing::error!(topic, error = %connector::chain(&reason), "the relay is started again");
        condition.waits(reason);
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(pause) => pause = (pause * 2).min(RELAY_AGAIN.1),
        }
    }
}

fn reason(error: RelayError) -> BusError {
    match error {
        RelayError::Source(error) => BusError::Source(error),
        RelayError::Checkpoint(error) => BusError::Source(error.into()),
        RelayError::Refused(error) => error,
    }
}

impl EventBus for PulsarBus {
    fn offer(&self, topic: Topic, source: Arc<dyn MessageSource>) -> BoxFuture<'_, Result<(), BusError>> {
        Box::pin(async move {
            self.relay(contract(topic)?, source);
            Ok(())
        })
    }

    fn subscribe(
        &self,
        topic: Topic,
        consumer: &'static str,
    ) -> BoxFuture<'_, Result<Box<dyn Subscription>, BusError>> {
        Box::pin(async move {
            let inner = &self.inner;
            let condition = inner.conditions.of(format!("subscription {consumer}/{topic}"));
            let contract = contract(topic)?;
            let (options, checkpoints, closing) = (&inner.options, &*inner.checkpoints, &inner.closing);
            let connector = &inner.consuming;
            let opened =
                PulsarSubscription::open(contract, consumer, options, connector, checkpoints, condition, closing);
            let subscription = opened.await?;
            let (inner_subscription, part) = (Box::new(subscription), format!("contract {consumer}/{topic}"));
            let subscription = Learning::new(inner_subscription, inner.registry.clone(), &inner.conditions, part);
            Ok(Box::new(subscription) as Box<dyn Subscription>)
        })
    }
}

fn contract(topic: Topic) -> Result<&'static TopicContract, BusError> {
    let reason = || "the topic has no contract".to_owned();
    topic::find(topic).ok_or_else(|| BusError::IncompatibleSchema { topic, reason: reason() })
}
