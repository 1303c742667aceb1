//! The buses, as one process reaches them: the real embedded one or a simulated broker, both with what goes wrong.
use super::LivingCheckpoints;
use crate::broker::{Broker, Connection};
use crate::defect::Defect;
use crate::life::Life;
use domain_kernel::ports::{BusError, Delivery, EventBus, MessageSource, Subscription};
use domain_kernel::{BoxFuture, Message, Topic};
use infra_messaging::{MessageSink, Relay};
use infra_runtime::Supervisor;
use std::collections::VecDeque;
use std::sync::Arc;

fn broken(reason: &str) -> BusError {
    BusError::Unavailable { reason: reason.to_owned() }
}

/// Another bus, whose deliveries are doubled, cut and lost as the plan says.
pub(crate) struct FaultyBus {
    pub(crate) life: Arc<Life>,
    pub(crate) inner: Arc<dyn EventBus>,
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
            self.life.step("subscribes", super::named(topic)).await;
            let inner = self.inner.subscribe(topic, consumer).await?;
            let life = Arc::clone(&self.life);
            Ok(Box::new(FaultySubscription { life, consumer, inner: Some(inner), held: VecDeque::new() })
                as Box<dyn Subscription>)
        })
    }
}

struct FaultySubscription {
    life: Arc<Life>,
    consumer: &'static str,
    /// Gone once it broke.
    inner: Option<Box<dyn Subscription>>,
    /// Received and not yet handed over: a receive that is given up loses nothing. Second copies wait here too.
    held: VecDeque<Delivery>,
}

impl Subscription for FaultySubscription {
    fn receive(&mut self) -> BoxFuture<'_, Result<Delivery, BusError>> {
        Box::pin(async move {
            if self.held.is_empty() {
                let world = &self.life.world;
                if world.receive_is_cut() {
                    self.inner = None;
                }
                let inner = self.inner.as_mut().ok_or_else(|| broken("the subscription is cut"))?;
                let delivery = inner.receive().await?;
                world.delivers(self.consumer, &delivery.message);
                self.held.push_back(delivery.clone());
                if world.delivery_is_repeated() {
                    self.held.push_back(Delivery { redeliveries: delivery.redeliveries + 1, ..delivery.clone() });
                }
                if world.has(Defect::AcknowledgedBeforeCommit) {
                    inner.acknowledge(&delivery).await?;
                }
            }
            let event = self.held.front().map_or_else(uuid::Uuid::nil, |held| held.message.headers.event_id.0);
            self.life.step("receives", event).await;
            self.held.pop_front().ok_or_else(|| broken("nothing is held"))
        })
    }

    fn acknowledge(&mut self, delivery: &Delivery) -> BoxFuture<'_, Result<(), BusError>> {
        let delivery = delivery.clone();
        Box::pin(async move {
            self.life.step("acknowledges", delivery.message.headers.event_id.0).await;
            if self.life.world.acknowledgement_is_lost() {
                self.inner = None;
                return Err(broken("the acknowledgement is lost"));
            }
            if self.held.iter().any(|held| held.receipt == delivery.receipt) {
                // The second copy's acknowledgement is the one that counts.
                return Ok(());
            }
            let inner = self.inner.as_mut().ok_or_else(|| broken("the subscription is cut"))?;
            inner.acknowledge(&delivery).await
        })
    }
}

/// The broker, with a relay of this process for every log that it offers.
pub(crate) struct BrokerBus {
    pub(crate) life: Arc<Life>,
    pub(crate) broker: Arc<Broker>,
    pub(crate) checkpoints: Arc<LivingCheckpoints>,
    pub(crate) supervisor: Supervisor,
}

impl EventBus for BrokerBus {
    fn offer(&self, topic: Topic, source: Arc<dyn MessageSource>) -> BoxFuture<'_, Result<(), BusError>> {
        let sink = BrokerSink { life: Arc::clone(&self.life), broker: Arc::clone(&self.broker) };
        let name = format!("relay/{}/{topic}", source.name());
        let checkpoints = Arc::<LivingCheckpoints>::clone(&self.checkpoints);
        let relay = Relay::new(name, source, Arc::new(sink), checkpoints);
        self.supervisor.spawn("relay", move |stop| {
            let relay = relay.clone();
            Box::pin(async move { Ok(relay.run(stop).await?) })
        });
        Box::pin(async { Ok(()) })
    }

    fn subscribe(
        &self,
        topic: Topic,
        consumer: &'static str,
    ) -> BoxFuture<'_, Result<Box<dyn Subscription>, BusError>> {
        let connection = self.broker.connect(topic, consumer, &self.life);
        Box::pin(async move { Ok(Box::new(BrokerSubscription(connection)) as Box<dyn Subscription>) })
    }
}

struct BrokerSink {
    life: Arc<Life>,
    broker: Arc<Broker>,
}

impl MessageSink for BrokerSink {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), BusError>> {
        Box::pin(async move {
            let event = message.headers.event_id.0;
            self.life.step("sends", event).await;
            let unconfirmed = self.life.world.sending();
            if unconfirmed != Some(false) {
                self.broker.store(message);
            }
            self.life.step("has sent", event).await;
            let reported = unconfirmed.is_some() && !self.life.world.has(Defect::RelaySkipsAfterError);
            if reported { Err(broken("the message is not confirmed")) } else { Ok(()) }
        })
    }
}

struct BrokerSubscription(Connection);

impl Subscription for BrokerSubscription {
    fn receive(&mut self) -> BoxFuture<'_, Result<Delivery, BusError>> {
        Box::pin(async move { Ok(self.0.receive().await) })
    }

    fn acknowledge(&mut self, delivery: &Delivery) -> BoxFuture<'_, Result<(), BusError>> {
        self.0.acknowledge(delivery);
        Box::pin(async { Ok(()) })
    }
}
