//! Where a relay sends to: one topic, with the contract's schema.
use super::condition::Condition;
use super::connector::{Connector, bus_error, chain};
use super::options::PulsarOptions;
use crate::relay::MessageSink;
use ::pulsar::message::proto::{Schema, schema};
use ::pulsar::producer;
use ::pulsar::routing_policy::RoutingPolicy;
use ::pulsar::{ProducerOptions, TokioExecutor};
use domain_kernel::ports::BusError;
use domain_kernel::{BoxFuture, Message};
use infra_contracts::headers;
use infra_contracts::topic::TopicContract;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::sleep;

type Producer = ::pulsar::Producer<TokioExecutor>;

/// The pause before the topic's producer is made again; doubled each time, up to the second figure.
const AGAIN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));

/// Sends the messages of one topic.
///
/// A broker or topic that is not there is waited for with one producer being made for all that wait. A message that is
/// not confirmed is reported to the relay, which sends it again; its producer is made anew first.
pub(super) struct PulsarSink {
    contract: &'static TopicContract,
    full_name: String,
    connector: Connector,
    condition: Condition,
    slot: Mutex<Slot>,
}

#[derive(Default)]
struct Slot {
    /// With the contract version whose schema it announced.
    producer: Option<(u16, Producer)>,
    /// Counts the producers.
    number: u64,
}

impl PulsarSink {
    pub(super) fn new(
        contract: &'static TopicContract,
        options: &PulsarOptions,
        connector: Connector,
        condition: Condition,
    ) -> Self {
        let full_name = options.full_name(contract.topic);
        Self { contract, full_name, connector, condition, slot: Mutex::default() }
    }

    /// Waits until there is a producer; fails only when the schema is refused.
    async fn ready<'a>(&self, slot: &'a mut Slot, contract_version: u16) -> Result<&'a mut Producer, BusError> {
        if slot.producer.as_ref().is_some_and(|(version, _)| *version != contract_version) {
            // At most one message per stream is under way, so the two producers cannot change a stream's order.
            slot.producer = None;
        }
        let mut pause = AGAIN.0;
        while slot.producer.is_none() {
            match self.make(contract_version).await {
                Ok(producer) => {
                    slot.producer = Some((contract_version, producer));
                    slot.number += 1;
                    if self.condition.works() {
                        tracing::info!(topic = self.contract.topic, "the topic can be written to");
                    }
                }
                Err(error @ BusError::IncompatibleSchema { .. }) => return Err(error),
                Err(error) => {
                    if self.condition.waits(error.clone()) {
                        tracing::warn!(topic = self.contract.topic, error = %chain(&error), "the relay waits");
                    }
                    sleep(pause).await;
                    pause = (pause * 2).min(AGAIN.1);
                }
            }
        }
        let missing = || BusError::Unavailable { reason: "there is no producer".to_owned() };
        slot.producer.as_mut().map(|(_, producer)| producer).ok_or_else(missing)
    }

    async fn make(&self, contract_version: u16) -> Result<Producer, BusError> {
        let topic = self.contract.topic;
        let text = usize::from(contract_version).checked_sub(1).and_then(|index| self.contract.versions.get(index));
        let unknown = || format!("there is no version {contract_version} of its contract");
        let text = text.ok_or_else(|| BusError::IncompatibleSchema { topic, reason: unknown() })?;
        let options = ProducerOptions {
            schema: Some(Schema {
                name: topic.to_owned(),
                schema_data: text.as_bytes().to_vec(),
                r#type: schema::Type::Avro.into(),
                properties: vec![],
            }),
            // The default one ignores the key, and the order per stream would be lost on a partitioned topic.
            routing_policy: Some(RoutingPolicy::RoundRobin),
            block_queue_if_full: true,
            ..ProducerOptions::default()
        };
        let full_name = self.full_name.clone();
        // Unnamed: with a name of ours, a broker that removes duplicates would drop what a restarted service sends.
        self.connector
            .run(topic, |client| async move {
                Box::pin(client.producer().with_topic(full_name).with_options(options).build()).await
            })
            .await
    }

    /// Drops the producer of that number, unless another one took its place.
    async fn discard(&self, number: u64) {
        let mut slot = self.slot.lock().await;
        if slot.number == number {
            slot.producer = None;
        }
    }
}

impl MessageSink for PulsarSink {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), BusError>> {
        Box::pin(async move {
            let topic = self.contract.topic;
            let (receipt, number) = {
                let mut slot = self.slot.lock().await;
                let producer = self.ready(&mut slot, message.headers.contract_version).await?;
                let sent = Box::pin(producer.send_non_blocking(outgoing(message))).await;
                let number = slot.number;
                match sent {
                    Ok(receipt) => (receipt, number),
                    Err(error) => {
                        slot.producer = None;
                        return Err(bus_error(topic, &error));
                    }
                }
            };
            match receipt.await {
                Ok(_) => {
                    self.condition.works();
                    Ok(())
                }
                Err(error) => {
                    self.discard(number).await;
                    Err(bus_error(topic, &error))
                }
            }
        })
    }
}

fn outgoing(message: &Message) -> producer::Message {
    producer::Message {
        payload: message.payload.clone(),
        properties: headers::to_properties(message.topic, &message.headers).into_iter().collect(),
        partition_key: Some(message.headers.stream.to_string()),
        // Milliseconds, as everywhere in Pulsar; a moment before 1970 has none.
        event_time: u64::try_from(message.headers.occurred_at.0 / 1_000).ok(),
        ..producer::Message::default()
    }
}
