//! What the tests on a real broker share: a namespace each, and a consumer that remembers.
use crate::support::user_message;
use domain_kernel::message::topics;
use domain_kernel::ports::EventBus;
use domain_kernel::{BoxFuture, CommandId, EventId, Message, Topic};
use infra_contracts::topic::{self, TopicContract};
use infra_event_store::checkpoints::Checkpoints;
use infra_messaging::{ConsumerRunner, Handling, HandlingError, MessageHandler, PulsarBus, PulsarOptions};
use infra_runtime::pulsar::admin::{Admin, Namespace, TopicName};
use infra_testkit::memory::{ManualClock, MemoryCheckpoints, MemoryDeadLetters, MessageLog};
use infra_testkit::pulsar::{self, TestNamespace};
use infra_testkit::wait_for;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a broker may take for what takes it longest.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// A namespace of one test.
pub(crate) struct Place(pub(crate) TestNamespace);

impl Place {
    /// On the broker that the tests share, with every topic; `None` when tests that need Pulsar are left out.
    pub(crate) async fn new() -> Option<Self> {
        let place = Self::without_topics().await?;
        place.ensure_topics(0).await;
        Some(place)
    }

    /// The same with nothing in it.
    pub(crate) async fn without_topics() -> Option<Self> {
        pulsar::namespace().await.map(Self)
    }

    /// A namespace of a broker that is still to be started, and whose admin interface is not known yet.
    pub(crate) fn to_come(service_port: u16) -> Self {
        Self(TestNamespace {
            namespace: Namespace::new(pulsar::TENANT, "to-come").unwrap(),
            service_url: format!("pulsar://127.0.0.1:{service_port}"),
            admin: Admin::new("http://127.0.0.1:1", None).unwrap(),
        })
    }

    pub(crate) async fn ensure_namespace(&self) {
        let TestNamespace { namespace, admin, .. } = &self.0;
        admin.create_tenant(namespace.tenant(), &[]).await.unwrap();
        admin.create_namespace(namespace).await.unwrap();
        admin.set_policies(namespace, &pulsar::policies()).await.unwrap();
    }

    /// Makes every topic, with as many partitions each (0: not partitioned), and registers its schema.
    pub(crate) async fn ensure_topics(&self, partitions: u32) {
        for contract in topic::CONTRACTS {
            let topic = self.topic(contract.topic);
            self.admin().create_topic(&topic, partitions).await.unwrap();
            self.admin().register_schema(&topic, schema(contract)).await.unwrap();
        }
    }

    pub(crate) fn admin(&self) -> &Admin {
        &self.0.admin
    }

    pub(crate) fn topic(&self, topic: Topic) -> TopicName {
        self.0.namespace.topic(topic).unwrap()
    }

    pub(crate) fn options(&self) -> PulsarOptions {
        PulsarOptions {
            tenant: self.0.namespace.tenant().to_owned(),
            namespace: self.0.namespace.name().to_owned(),
            ..PulsarOptions::new(self.0.service_url.clone())
        }
    }

    /// A bus with checkpoints of its own.
    pub(crate) async fn bus(&self) -> PulsarBus {
        self.bus_of(Arc::new(MemoryCheckpoints::new())).await
    }

    pub(crate) async fn bus_of(&self, checkpoints: Arc<dyn Checkpoints>) -> PulsarBus {
        PulsarBus::connect(self.options(), checkpoints).await.unwrap()
    }

    /// Waits until the subscription of `consumer` to users has acknowledged everything.
    pub(crate) async fn until_nothing_is_left(&self, consumer: &str) {
        let (topic, subscription) = (self.topic(topics::EVENT_USER), format!("historia-{consumer}"));
        wait_for("everything to be acknowledged", LIMIT, async || {
            let stats = self.admin().stats(&topic).await.ok()?;
            (stats.subscriptions.get(&subscription)?.msg_backlog == 0).then_some(())
        })
        .await;
    }
}

pub(crate) fn schema(contract: &TopicContract) -> &'static str {
    contract.versions.last().unwrap()
}

/// A log of users with `versions` messages in each of `streams` streams, side by side.
pub(crate) async fn offer_users(bus: &PulsarBus) -> Arc<MessageLog> {
    let users = MessageLog::new("users");
    bus.offer(topics::EVENT_USER, users.clone()).await.unwrap();
    users
}

/// Tells versions `from..=to` of streams `1..=streams`, side by side.
pub(crate) fn tell(users: &MessageLog, streams: u32, from: u32, to: u32) {
    let of_version = |version| (1..=streams).map(move |number| user_message(number, version));
    users.tell((from..=to).flat_map(of_version));
}

/// Handles each event once, and remembers in which order.
#[derive(Default)]
pub(crate) struct Recorder {
    recorded: Mutex<Recorded>,
}

#[derive(Default)]
struct Recorded {
    versions: HashMap<domain_kernel::StreamId, Vec<u32>>,
    events: HashSet<EventId>,
    deliveries: usize,
}

impl Recorder {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// How many different events were handled.
    pub(crate) fn events(&self) -> usize {
        self.recorded.lock().unwrap().events.len()
    }

    pub(crate) fn deliveries(&self) -> usize {
        self.recorded.lock().unwrap().deliveries
    }

    pub(crate) async fn until_handled(&self, events: usize) {
        wait_for(&format!("{events} events to be handled"), LIMIT, async || (self.events() >= events).then_some(()))
            .await;
    }

    /// Asserts that versions `1..=versions` of each of `streams` streams were handled, each stream's in order.
    pub(crate) fn assert_complete_and_in_order(&self, streams: u32, versions: u32) {
        let recorded = self.recorded.lock().unwrap();
        for number in 1..=streams {
            let seen = recorded.versions.get(&crate::support::stream(number)).cloned().unwrap_or_default();
            assert_eq!(seen, (1..=versions).collect::<Vec<_>>(), "stream {number}, each first time");
        }
    }
}

impl MessageHandler for Recorder {
    fn handle<'a>(
        &'a self,
        message: &'a Message,
        _: CommandId,
        _: u32,
    ) -> BoxFuture<'a, Result<Handling, HandlingError>> {
        Box::pin(async move {
            {
                let mut recorded = self.recorded.lock().unwrap();
                recorded.deliveries += 1;
                if recorded.events.insert(message.headers.event_id) {
                    recorded.versions.entry(message.headers.stream).or_default().push(message.headers.version.0);
                }
            }
            tokio::task::yield_now().await;
            Ok(Handling::Done)
        })
    }
}

/// A consumer of users on `bus`.
pub(crate) fn consumer(bus: &PulsarBus, name: &'static str, recorder: &Arc<Recorder>) -> ConsumerRunner {
    // Ids of the clock are used for jitter alone.
    let clock = Arc::new(ManualClock::new());
    ConsumerRunner {
        consumer: name,
        topics: vec![topics::EVENT_USER],
        bus: Arc::new(bus.clone()),
        handler: recorder.clone(),
        dead_letters: Arc::new(MemoryDeadLetters::new(clock.clone())),
        in_hand: infra_event_store::operations::InHand::default(),
        log: None,
        clock,
    }
}
