//! One consumer's place in a topic: a durable `Key_Shared` subscription.
//!
//! One of the client's consumers per partition, because one for all of them would hide the trouble of each. Whatever
//! the client reports, or does not report in time, ends the subscription: its consumers do not reliably come back by
//! themselves, and the next subscription goes on where this one stood.
use super::closing::Closing;
use super::condition::Condition;
use super::connector::{Connector, bus_error};
use super::incoming;
use super::options::PulsarOptions;
use crate::meters;
use crate::opened::was_opened_before;
use crate::runner::IN_HAND;
use ::pulsar::consumer::InitialPosition;
use ::pulsar::error::ConsumerError;
use ::pulsar::message::proto::MessageIdData;
use ::pulsar::{ConsumerOptions, Error, SubType, TokioExecutor};
use domain_kernel::ports::{BusError, Delivery, Subscription};
use domain_kernel::{BoxFuture, Topic};
use futures_util::Stream;
use futures_util::future::try_join_all;
use infra_contracts::topic::TopicContract;
use infra_event_store::checkpoints::Checkpoints;
use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::{Instant, sleep, sleep_until, timeout};

pub(super) type Consumer = ::pulsar::Consumer<Vec<u8>, TokioExecutor>;
type Incoming = ::pulsar::consumer::Message<Vec<u8>>;

/// How many messages of a partition wait here for their turn. Few, so that another instance gets its share and a crash
/// brings little back; enough to hide the way to the broker.
const WAITING: u32 = 64;
/// How many messages the broker may send before it is asked for more. Asking takes about 25 ms, because the client's
/// connection holds small packets back (it does not set `TCP_NODELAY`): with 32 a consumer gets 650 messages a second,
/// with 256 it gets 5,000.
const PERMITS: u32 = 256;
/// After so long without a message the broker is asked whether it still knows us.
const QUIET: Duration = Duration::from_secs(10);
/// How long that answer may take.
const ANSWER: Duration = Duration::from_secs(10);
/// After so many answers in a row that there are messages, none of them in our hands, and none coming: a stall.
const STALLED: u32 = 3;
/// How often the number of partitions is looked up.
const LOOK_UP: Duration = Duration::from_secs(30);
/// How far the clocks of two machines are taken to be apart at most.
const CLOCKS: Duration = Duration::from_secs(5);

/// Reads every partition of a topic.
pub(super) struct PulsarSubscription {
    contract: &'static TopicContract,
    consumer: &'static str,
    partitions: Vec<Partition>,
    /// Whose turn it is, so that a busy partition does not starve the others.
    turn: usize,
    condition: Condition,
    quiet_until: Instant,
    stalled: u32,
    /// Resolves when the topic has another number of partitions.
    repartitioned: BoxFuture<'static, ()>,
    closing: Closing,
    /// It ended with an error: there is nothing to close in order.
    lost: bool,
}

struct Partition {
    /// Its full name.
    name: String,
    consumer: Consumer,
    /// How often each message that is not acknowledged was delivered by this subscription.
    in_hand: HashMap<(u64, u64), u32>,
    /// Up to so many messages that come now may have been in the hands of an earlier subscription of this consumer.
    resumed: usize,
    /// What was published after this moment (milliseconds) was not.
    resumed_until: u64,
}

impl PulsarSubscription {
    pub(super) async fn open(
        contract: &'static TopicContract,
        consumer: &'static str,
        options: &PulsarOptions,
        connector: &Connector,
        checkpoints: &dyn Checkpoints,
        condition: Condition,
        closing: &Closing,
    ) -> Result<Self, BusError> {
        closing.until_closed(contract.topic, consumer).await;
        let (closing, waiting) = (closing.clone(), condition.clone());
        let opened = Self::try_open(contract, consumer, options, connector, checkpoints, waiting, closing).await;
        if let Err(error) = &opened {
            condition.waits(error.clone());
        }
        opened
    }

    async fn try_open(
        contract: &'static TopicContract,
        consumer: &'static str,
        options: &PulsarOptions,
        connector: &Connector,
        checkpoints: &dyn Checkpoints,
        condition: Condition,
        closing: Closing,
    ) -> Result<Self, BusError> {
        let topic = contract.topic;
        let full_name = options.full_name(topic);
        let known = partitions(connector, topic, full_name.clone()).await?;
        let names = match known {
            0 => vec![full_name.clone()],
            count => (0..count).map(|partition| format!("{full_name}-partition-{partition}")).collect(),
        };
        let place = format!("bus/pulsar/{}/{}/{consumer}/{topic}", options.tenant, options.namespace);
        let resumed = was_opened_before(&place, checkpoints).await?;
        let resumed = if resumed { RESUMED } else { 0 };
        let resumed_until = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + CLOCKS;
        let resumed_until = u64::try_from(resumed_until.as_millis()).unwrap_or(u64::MAX);
        let consumers = names.into_iter().map(async |name| {
            let consumer = open(connector, topic, name.clone(), consumer).await?;
            Ok::<_, BusError>(Partition { name, consumer, in_hand: HashMap::new(), resumed, resumed_until })
        });
        let partitions = try_join_all(consumers).await?;
        condition.works();
        let repartitioned = Box::pin(repartitioned(connector.clone(), topic, full_name, known));
        Ok(Self {
            contract,
            consumer,
            partitions,
            turn: 0,
            condition,
            quiet_until: Instant::now() + QUIET,
            stalled: 0,
            repartitioned,
            closing,
            lost: false,
        })
    }

    async fn next(&mut self) -> Result<Delivery, BusError> {
        loop {
            tokio::select! {
                biased;
                () = &mut self.repartitioned => {
                    return Err(unavailable("the topic has another number of partitions".to_owned()));
                }
                (index, incoming) = poll_fn(|context| poll(&mut self.partitions, self.turn, context)) => {
                    self.turn = index + 1;
                    self.stalled = 0;
                    self.quiet_until = Instant::now() + QUIET;
                    if let Some(delivery) = self.take(index, incoming).await? {
                        return Ok(delivery);
                    }
                }
                () = sleep_until(self.quiet_until) => {
                    self.ask_the_broker().await?;
                    self.quiet_until = Instant::now() + QUIET;
                }
            }
        }
    }

    /// The delivery of what came; `None` when it is no service's message.
    async fn take(
        &mut self,
        index: usize,
        incoming: Option<Result<Incoming, Error>>,
    ) -> Result<Option<Delivery>, BusError> {
        let topic = self.contract.topic;
        let incoming = match incoming {
            Some(Ok(incoming)) => incoming,
            // Not readable as an entry at all (compressed, or a broken batch); the client goes on behind it.
            Some(Err(Error::Consumer(ConsumerError::Io(_)))) => {
                self.pass_over("unreadable");
                return Ok(None);
            }
            Some(Err(error)) => return Err(bus_error(topic, &error)),
            None => return Err(unavailable("the broker's messages ended".to_owned())),
        };
        match incoming::message(self.contract, &incoming.payload) {
            Ok(message) => {
                let partition = &mut self.partitions[index];
                let (ledger, entry) = (incoming.message_id().ledger_id, incoming.message_id().entry_id);
                let published = incoming.payload.metadata.publish_time;
                let redeliveries = partition.redeliveries((ledger, entry), published);
                Ok(Some(Delivery { message, redeliveries, receipt: receipt(index, ledger, entry) }))
            }
            Err(reason) => {
                self.pass_over(reason);
                let consumer = &mut self.partitions[index].consumer;
                consumer.ack(&incoming).await.map_err(|error| bus_error(topic, &error.into()))?;
                Ok(None)
            }
        }
    }

    fn pass_over(&self, reason: incoming::Foreign) {
        meters::foreign(self.consumer, self.contract.topic, reason);
        tracing::error!(
            consumer.name = self.consumer,
            topic = self.contract.topic,
            reason,
            "what no service wrote is passed over"
        );
    }

    /// Fails when the broker does not answer, does not know one of our consumers, or has messages that do not come.
    async fn ask_the_broker(&mut self) -> Result<(), BusError> {
        let topic = self.contract.topic;
        let asked = self.partitions.iter_mut().map(|partition| partition.consumer.get_stats());
        let answers = timeout(ANSWER, try_join_all(asked)).await;
        let answers = answers.map_err(|_| unavailable(format!("{topic}: the broker does not answer")))?;
        let mut stalled = false;
        for answer in answers.map_err(|error| bus_error(topic, &error))?.into_iter().flatten() {
            if answer.error_code.is_some() {
                return Err(unavailable(format!("{topic}: the broker does not know the consumer any more")));
            }
            stalled |= answer.msg_backlog.unwrap_or(0) > 0 && answer.unacked_messages == Some(0);
        }
        self.stalled = if stalled { self.stalled + 1 } else { 0 };
        if self.stalled >= STALLED {
            return Err(unavailable(format!("{topic}: there are messages and they do not come")));
        }
        Ok(())
    }
}

/// How many messages of a partition may have been in an earlier subscription's hands: what a runner holds, and as much
/// again whose acknowledgements were on the way.
const RESUMED: usize = 2 * IN_HAND;

impl Partition {
    /// How often the message was delivered before, as far as one can know: the broker counts, the client does not tell.
    fn redeliveries(&mut self, id: (u64, u64), published: u64) -> u32 {
        let resumed = self.resumed > 0 && published <= self.resumed_until;
        self.resumed = self.resumed.saturating_sub(1);
        let times = self.in_hand.entry(id).or_insert(0);
        let before = *times + u32::from(resumed);
        *times += 1;
        before
    }
}

/// The next thing that comes from any partition, beginning with number `turn`. Loses nothing when it is dropped.
fn poll(
    partitions: &mut [Partition],
    turn: usize,
    context: &mut Context<'_>,
) -> Poll<(usize, Option<Result<Incoming, Error>>)> {
    let count = partitions.len();
    for index in (0..count).map(|offset| (turn + offset) % count) {
        if let Poll::Ready(next) = Pin::new(&mut partitions[index].consumer).poll_next(context) {
            return Poll::Ready((index, next));
        }
    }
    Poll::Pending
}

async fn open(
    connector: &Connector,
    topic: Topic,
    full_name: String,
    consumer: &'static str,
) -> Result<Consumer, BusError> {
    let options = ConsumerOptions::default()
        .durable(true)
        .with_initial_position(InitialPosition::Earliest)
        .with_receiver_queue_size(WAITING);
    connector
        .run(topic, move |client| async move {
            client
                .consumer()
                .with_topic(full_name)
                .with_subscription(format!("historia-{consumer}"))
                .with_subscription_type(SubType::KeyShared)
                .with_batch_size(PERMITS)
                .with_options(options)
                .build()
                .await
        })
        .await
}

/// How many partitions the topic has; 0 when it is not partitioned.
async fn partitions(connector: &Connector, topic: Topic, full_name: String) -> Result<u32, BusError> {
    connector
        .run(topic, |client| async move { Box::pin(client.lookup_partitioned_topic_number(full_name)).await })
        .await
}

async fn repartitioned(connector: Connector, topic: Topic, full_name: String, known: u32) {
    loop {
        sleep(LOOK_UP).await;
        // A broker that does not answer is found out by others.
        if let Ok(count) = partitions(&connector, topic, full_name.clone()).await
            && count != known
        {
            return;
        }
    }
}

fn unavailable(reason: String) -> BusError {
    BusError::Unavailable { reason }
}

impl Subscription for PulsarSubscription {
    fn receive(&mut self) -> BoxFuture<'_, Result<Delivery, BusError>> {
        Box::pin(async move {
            let received = self.next().await;
            if let Err(error) = &received {
                self.lost = true;
                self.condition.waits(error.clone());
            }
            received
        })
    }

    fn acknowledge(&mut self, delivery: &Delivery) -> BoxFuture<'_, Result<(), BusError>> {
        let receipt = opened(&delivery.receipt);
        Box::pin(async move {
            let unknown = || unavailable("the receipt is not of this subscription".to_owned());
            let (index, ledger_id, entry_id) = receipt.ok_or_else(unknown)?;
            let partition = self.partitions.get_mut(index).ok_or_else(unknown)?;
            let id = MessageIdData { ledger_id, entry_id, ..MessageIdData::default() };
            let acknowledged = partition.consumer.ack_with_id(&partition.name, id).await;
            acknowledged.map_err(|error| bus_error(self.contract.topic, &error.into()))?;
            partition.in_hand.remove(&(ledger_id, entry_id));
            Ok(())
        })
    }
}

impl Drop for PulsarSubscription {
    fn drop(&mut self) {
        if !self.lost {
            let consumers = self.partitions.drain(..).map(|partition| partition.consumer).collect();
            self.closing.close(self.contract.topic, self.consumer, consumers);
        }
    }
}

/// A delivery's name: the partition, and where in it.
fn receipt(index: usize, ledger: u64, entry: u64) -> Vec<u8> {
    let index = u64::try_from(index).unwrap_or(u64::MAX);
    [index, ledger, entry].iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn opened(receipt: &[u8]) -> Option<(usize, u64, u64)> {
    let numbers: &[u8; 24] = receipt.try_into().ok()?;
    let mut numbers = numbers.chunks_exact(8).filter_map(|bytes| bytes.try_into().ok().map(u64::from_be_bytes));
    let index = usize::try_from(numbers.next()?).ok()?;
    Some((index, numbers.next()?, numbers.next()?))
}
