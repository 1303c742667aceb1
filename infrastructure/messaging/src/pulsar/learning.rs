//! What a newer release wrote is read: its contract version is learned from the broker's registry first.
//!
//! Registered version `n` of a topic's schema is contract version `n + 1`, because `topics ensure` registers a contract's
//! versions in order and nobody else may register; that is looked at before anything is believed. As long as the registry
//! cannot be asked, the messages wait. What it does not have, or what does not fit with our own versions, goes on to the
//! consumer as it is and becomes a dead letter there: nothing is lost, and nobody can stop a topic with a made-up number.
use super::condition::{Condition, Conditions};
use super::connector::{Connector, chain};
use super::options::PulsarOptions;
use super::subscription::Consumer;
use ::pulsar::consumer::InitialPosition;
use ::pulsar::{ConsumerOptions, Error, SubType};
use domain_kernel::ports::{BusError, Delivery, Subscription};
use domain_kernel::{BoxFuture, Topic};
use infra_contracts::{catalogue, topic};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

/// The pause before the registry is asked again; doubled each time, up to the second figure.
const AGAIN: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));
/// For so long it is believed that there is no such version: anybody can make up a number.
const NOT_THERE: Duration = Duration::from_secs(30);

/// The registry as one bus asks it: one question at a time, each version of a topic once.
#[derive(Clone)]
pub(super) struct Registry {
    connector: Connector,
    options: Arc<PulsarOptions>,
    /// The versions that it did not have, with when it said so. At most as many as a topic may have versions.
    missing: Arc<Mutex<HashMap<(Topic, u16), Instant>>>,
}

/// What the registry says of a version.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// Its schema, after one of our own that it has where we expect it.
    Schema(String),
    /// It has ours, and not this one; or ours is not where we expect it.
    None(&'static str),
}

impl Registry {
    pub(super) fn new(connector: Connector, options: Arc<PulsarOptions>) -> Self {
        Self { connector, options, missing: Arc::default() }
    }

    /// Learns a version that this release does not have, if there is one that fits.
    ///
    /// # Errors
    /// [`BusError`], when it could not be asked.
    async fn learn(&self, topic: Topic, version: u16) -> Result<(), BusError> {
        let mut missing = self.missing.lock().await;
        // Somebody else may have asked meanwhile.
        let recently = missing.get(&(topic, version)).is_some_and(|said| said.elapsed() < NOT_THERE);
        if recently || !topic::may_be_learned(topic, version) {
            return Ok(());
        }
        let learned = match self.ask(topic, version).await? {
            Answer::Schema(schema) => topic::learn(topic, version, &schema).map_err(|error| error.to_string()),
            Answer::None(reason) => Err(reason.to_owned()),
        };
        match learned {
            Ok(()) => tracing::info!(topic, version, "a newer contract version is read from now on"),
            Err(reason) => {
                missing.insert((topic, version), Instant::now());
                tracing::error!(topic, version, reason, "a message's contract version is none that can be read");
            }
        }
        Ok(())
    }

    async fn ask(&self, topic: Topic, version: u16) -> Result<Answer, BusError> {
        let full_name = self.options.full_name(topic);
        let Some((own, text)) =
            topic::find(topic).and_then(|contract| contract.versions.iter().enumerate().next_back())
        else {
            return Ok(Answer::None("the topic has no contract"));
        };
        let (own, asked) = (number(own), number(usize::from(version.saturating_sub(1))));
        let found = self.connector.run(topic, move |client| async move {
            let partitions = Box::pin(client.lookup_partitioned_topic_number(full_name.clone())).await?;
            let name = if partitions == 0 { full_name } else { format!("{full_name}-partition-0") };
            // Only a consumer may ask. This one keeps nothing, and takes no more than fits: the client would not come to
            // the question behind messages that nobody takes.
            let options = ConsumerOptions::default().durable(false).with_initial_position(InitialPosition::Latest);
            let building = client
                .consumer()
                .with_topic(name.clone())
                .with_subscription("historia-registry")
                .with_subscription_type(SubType::Shared)
                .with_batch_size(1)
                .with_options(options.with_receiver_queue_size(16))
                .build::<Vec<u8>>();
            let mut consumer = Box::pin(building).await?;
            let answers = async {
                let any = schema(&mut consumer, &name, None).await?.is_some();
                let own = schema(&mut consumer, &name, Some(own)).await?;
                Ok::<_, Error>((any, own, schema(&mut consumer, &name, Some(asked)).await?))
            };
            let answers = answers.await;
            // It is of no further use, however it ends.
            let _ = Box::pin(consumer.close()).await;
            answers
        });
        let (any, own, asked) = found.await?;
        if !any {
            // The client does not tell a registry that could not look from one that has nothing.
            return Err(BusError::Unavailable { reason: format!("{topic}: the registry knows no schema") });
        }
        let agrees = own.is_some_and(|own| topic::is_same_schema(&own, text));
        Ok(match asked {
            _ if !agrees => Answer::None("the registry counts other versions than ours"),
            Some(schema) => Answer::Schema(schema),
            None => Answer::None("the registry does not have it"),
        })
    }
}

/// The text of a topic's schema; of its newest, or of that version.
async fn schema(consumer: &mut Consumer, topic: &str, version: Option<Vec<u8>>) -> Result<Option<String>, Error> {
    let found = Box::pin(consumer.get_schema(topic, version)).await?;
    Ok(found.map(|schema| String::from_utf8(schema.schema_data).unwrap_or_default()))
}

/// A version as the registry counts them.
fn number(index: usize) -> Vec<u8> {
    u64::try_from(index).unwrap_or(u64::MAX).to_be_bytes().to_vec()
}

/// A subscription whose messages can be read, as far as there is a way.
pub(super) struct Learning {
    inner: Box<dyn Subscription>,
    registry: Registry,
    condition: Condition,
    /// What came and waits for its schema; kept when nobody waits for it any more.
    waiting: Option<Delivery>,
}

impl Learning {
    pub(super) fn new(inner: Box<dyn Subscription>, registry: Registry, conditions: &Conditions, part: String) -> Self {
        Self { inner, registry, condition: conditions.of(part), waiting: None }
    }

    async fn until_readable(registry: &Registry, condition: &Condition, topic: Topic, version: u16) {
        let mut pause = AGAIN.0;
        while let Err(error) = registry.learn(topic, version).await {
            if condition.waits(error.clone()) {
                tracing::error!(topic, version, error = %chain(&error), "the consumer waits for a contract's schema");
            }
            sleep(pause).await;
            pause = (pause * 2).min(AGAIN.1);
        }
        condition.works();
    }
}

impl Subscription for Learning {
    fn receive(&mut self) -> BoxFuture<'_, Result<Delivery, BusError>> {
        Box::pin(async move {
            let delivery = match self.waiting.take() {
                Some(delivery) => delivery,
                None => self.inner.receive().await?,
            };
            let headers = &delivery.message.headers;
            let (topic, version) = (delivery.message.topic, headers.contract_version);
            // What nobody here knows is passed over unread.
            let unreadable = catalogue::find(&headers.event_type).is_some() && !topic::is_known(topic, version);
            self.waiting = Some(delivery);
            if unreadable {
                Self::until_readable(&self.registry, &self.condition, topic, version).await;
            }
            let nothing = || BusError::Unavailable { reason: "there is no message".to_owned() };
            self.waiting.take().ok_or_else(nothing)
        })
    }

    fn acknowledge(&mut self, delivery: &Delivery) -> BoxFuture<'_, Result<(), BusError>> {
        self.inner.acknowledge(delivery)
    }
}

impl Drop for Learning {
    fn drop(&mut self) {
        // Whoever opens it next finds out anew.
        self.condition.works();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain_kernel::ids::StreamId;
    use domain_kernel::message::topics::EVENT_USER;
    use domain_kernel::{CorrelationId, EventId, Message, MessageHeaders, Timestamp, Version};
    use uuid::Uuid;

    /// Brings one message, and then no more.
    struct One(Option<Delivery>);

    impl Subscription for One {
        fn receive(&mut self) -> BoxFuture<'_, Result<Delivery, BusError>> {
            let delivery = self.0.take();
            Box::pin(async move {
                match delivery {
                    Some(delivery) => Ok(delivery),
                    None => std::future::pending().await,
                }
            })
        }

        fn acknowledge(&mut self, _: &Delivery) -> BoxFuture<'_, Result<(), BusError>> {
            Box::pin(async { Ok(()) })
        }
    }

    fn delivery(contract_version: u16) -> Delivery {
        let headers = MessageHeaders {
            event_id: EventId(Uuid::from_u128(1)),
            event_type: "users.user_created".to_owned(),
            source: "users".to_owned(),
            stream: StreamId(Uuid::from_u128(2)),
            version: Version(1),
            occurred_at: Timestamp(0),
            correlation_id: CorrelationId(Uuid::from_u128(3)),
            causation_id: None,
            actor: None,
            contract_version,
            expects: vec![],
            consumer: None,
            attempt: None,
            traceparent: None,
        };
        let message = Message { topic: EVENT_USER, headers, payload: vec![] };
        Delivery { message, redeliveries: 0, receipt: vec![] }
    }

    fn learning(contract_version: u16) -> (Learning, Conditions) {
        // Nobody listens there.
        let options = Arc::new(PulsarOptions::new("pulsar://127.0.0.1:1"));
        let registry = Registry::new(Connector::new(Arc::clone(&options), None), options);
        let conditions = Conditions::default();
        let inner = Box::new(One(Some(delivery(contract_version))));
        (Learning::new(inner, registry, &conditions, "contract".to_owned()), conditions)
    }

    #[tokio::test]
    async fn a_message_waits_as_long_as_the_registry_cannot_be_asked_and_is_not_lost() {
        let (mut learning, conditions) = learning(200);
        let told = async {
            while conditions.check().is_ok() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            received = learning.receive() => panic!("{received:?} cannot be read"),
            told = tokio::time::timeout(Duration::from_secs(120), told) => told.expect("it says that it waits"),
        }
        assert_eq!(learning.waiting, Some(delivery(200)), "who asks again finds it");
        drop(learning);
        assert_eq!(conditions.check(), Ok(()));
    }

    #[tokio::test]
    async fn what_this_release_wrote_does_not_wait_for_the_registry() {
        let (mut learning, _) = learning(1);
        assert_eq!(learning.receive().await, Ok(delivery(1)));
    }

    #[tokio::test]
    async fn a_number_that_no_version_can_have_is_not_asked_for() {
        let (mut learning, _) = learning(9_999);
        assert_eq!(learning.receive().await, Ok(delivery(9_999)));
    }
}
