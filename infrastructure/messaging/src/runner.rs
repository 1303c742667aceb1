//! Runs one consumer: takes messages from the bus, those of a stream one after the other, and sees each of them through.
//! Of each topic several streams are in hand at a time ([`lanes`]); commands are taken one by one.
//!
//! 1. A message of a type that this release does not know is passed over and counted.
//! 2. A message whose stream is parked is stored behind the stream's letter ([`taking`]).
//! 3. Otherwise the handler takes it: at most three attempts in place for what is transient, as long as it takes for an
//!    outage. From the second delivery on the attempt is recorded first, so that a message that kills the process is
//!    given up like any other.
//! 4. What fails for good: the letter is written and the stream parked, FAILED is appended, and only then the message
//!    is acknowledged. A kill between these repeats them, and repeating changes nothing.
//!
//! A retry or a skip that an operator asks for on `saga-command` comes through here too ([`dead_letter`]).
mod dead_letter;
mod lanes;
mod taking;
mod wait;

pub use dead_letter::{Retried, Skipped};
pub(crate) use lanes::IN_HAND;

use crate::handler::MessageHandler;
use crate::handling::HandlingLog;
use domain_kernel::message::topics;
use domain_kernel::ports::{BusError, Clock, Delivery, EventBus, Subscription};
use domain_kernel::{EventId, Message, StreamId, Topic};
use infra_contracts::catalogue;
use infra_contracts::saga_command::{self, SagaCommand};
use infra_event_store::dead_letters::DeadLetters;
use infra_event_store::operations::InHand;
use lanes::{LANES, Lanes};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wait::Pause;

/// How long what is in hand may take to end after its subscription was lost.
const FINISHING: Duration = Duration::from_secs(2);

/// One consumer with everything it needs. Cheap to clone.
#[derive(Clone)]
pub struct ConsumerRunner {
    /// The pinned name: of its subscriptions, of its command ids, and in the catalogue.
    pub consumer: &'static str,
    /// What it reads. It reads `saga-command` in any case, for retries and skips that name it.
    pub topics: Vec<Topic>,
    /// Where the messages come from.
    pub bus: Arc<dyn EventBus>,
    /// What is done with them.
    pub handler: Arc<dyn MessageHandler>,
    /// What could not be handled; of the same service.
    pub dead_letters: Arc<dyn DeadLetters>,
    /// Where it is told what became of a message; `None` for the saga log, which everybody else tells.
    pub log: Option<HandlingLog>,
    /// For the lag, and for jitter.
    pub clock: Arc<dyn Clock>,
    /// What it has taken up and not dealt with, for operators.
    pub in_hand: InHand,
}

/// Why a consumer ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// The task of one topic died, as by a panic of the handler; started again, its message comes again.
    #[error("a task of consumer {consumer} died")]
    TaskDied {
        /// Which consumer.
        consumer: &'static str,
        /// How.
        #[source]
        source: tokio::task::JoinError,
    },
}

impl ConsumerRunner {
    /// Takes messages until `stop`. One task per topic: a topic that waits stops no other.
    ///
    /// # Errors
    /// [`RunnerError`], when a task died; the supervisor starts the consumer again.
    pub async fn run(self, stop: CancellationToken) -> Result<(), RunnerError> {
        let mut tasks = JoinSet::new();
        let mut topics = self.topics.clone();
        if !topics.contains(&topics::SAGA_COMMAND) {
            topics.push(topics::SAGA_COMMAND);
        }
        for topic in topics {
            let (runner, stop) = (self.clone(), stop.clone());
            tasks.spawn(async move {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => {}
                    () = runner.follow(topic) => {}
                }
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended.map_err(|source| RunnerError::TaskDied { consumer: self.consumer, source })?;
        }
        Ok(())
    }

    /// Subscribes, again and again: whatever goes wrong with a subscription, the next one goes on where it stood.
    async fn follow(&self, topic: Topic) {
        let mut pause = Pause::new(&self.clock);
        loop {
            let error = match self.bus.subscribe(topic, self.consumer).await {
                Ok(mut subscription) => self.drain(topic, &mut *subscription, &mut pause).await,
                Err(error) => error,
            };
            tracing::warn!(consumer.name = self.consumer, %topic, %error, "the subscription is opened again");
            pause.wait().await;
        }
    }

    /// Takes messages until the subscription fails.
    async fn drain(&self, topic: Topic, subscription: &mut dyn Subscription, pause: &mut Pause<'_>) -> BusError {
        // Two wishes about one stream at a time would get into each other's way.
        let mut lanes = Lanes::new(self, if topic == topics::SAGA_COMMAND { 1 } else { LANES });
        let mut handled = VecDeque::new();
        let error = loop {
            if let Some(delivery) = handled.pop_front() {
                // What is in hand goes on meanwhile: left alone, it would keep connections that this may need.
                let mut acknowledging = subscription.acknowledge(&delivery);
                let acknowledged = loop {
                    tokio::select! {
                        biased;
                        acknowledged = &mut acknowledging => break acknowledged,
                        Some(another) = lanes.done() => handled.push_back(another),
                    }
                };
                if let Err(error) = acknowledged {
                    break error;
                }
                pause.reset();
                continue;
            }
            tokio::select! {
                biased;
                Some(delivery) = lanes.done() => handled.push_back(delivery),
                received = subscription.receive(), if lanes.have_room() => match received {
                    Ok(delivery) => lanes.put(delivery),
                    Err(error) => break error,
                },
            }
        };
        // A lost subscription is no fault of what is in hand: interrupted, it would count as an attempt.
        let finishing = async { while lanes.done().await.is_some() {} };
        let _ = tokio::time::timeout(FINISHING, finishing).await;
        error
    }

    async fn take_delivery(&self, delivery: &Delivery) {
        let redelivered = delivery.redeliveries > 0;
        if delivery.message.topic == topics::SAGA_COMMAND {
            self.take_command(&delivery.message, redelivered).await;
        } else {
            self.take(&delivery.message, redelivered).await;
        }
    }

    /// A wish that names this consumer is fulfilled here if it is about a letter; anything else is the handler's, if it
    /// reads commands at all.
    async fn take_command(&self, message: &Message, redelivered: bool) {
        let done = match self.asked(message) {
            Some(Asked::Retry { event, attempt }) => self.retry_dead_letter(event, attempt).await != Retried::NoLetter,
            Some(Asked::Skip { event, stream }) => self.skip_dead_letter(event, stream).await == Skipped::SetAside,
            None => false,
        };
        if !done && self.topics.contains(&topics::SAGA_COMMAND) {
            self.take(message, redelivered).await;
        }
    }

    fn asked(&self, message: &Message) -> Option<Asked> {
        catalogue::find(&message.headers.event_type)?;
        let record = saga_command::decode(message.headers.contract_version, &message.payload).ok()?;
        let (consumer, asked) = match record.event {
            SagaCommand::RetryRequested(retry) => {
                let (event, attempt) = (retry.event_id.into(), u32::try_from(retry.attempt).ok()?);
                (retry.consumer, Asked::Retry { event, attempt })
            }
            SagaCommand::SkipRequested(skip) => {
                let (event, stream) = (skip.source_event_id.into(), skip.source_stream_id.into());
                (skip.consumer, Asked::Skip { event, stream })
            }
        };
        (consumer == self.consumer).then_some(asked)
    }
}

/// What an operator asks of this consumer.
enum Asked {
    Retry { event: EventId, attempt: u32 },
    Skip { event: EventId, stream: StreamId },
}
