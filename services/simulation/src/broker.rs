//! A broker in memory: topics that keep what they were sent, subscriptions that share the keys among their consumers.
//!
//! As Pulsar's `Key_Shared`: messages of one key go to one consumer at a time, in order; what a lost connection had not
//! acknowledged comes again, to whoever is there. Between keys there is no order: which of them comes next is chance.
use crate::defect::Defect;
use crate::life::Life;
use crate::ports::lock;
use crate::world::World;
use domain_kernel::ports::Delivery;
use domain_kernel::{Message, StreamId, Topic};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;
use uuid::Uuid;

pub(crate) struct Broker {
    world: Arc<World>,
    state: Mutex<State>,
    told: Notify,
}

#[derive(Default)]
struct State {
    topics: BTreeMap<Topic, Vec<Message>>,
    subscriptions: BTreeMap<(Topic, &'static str), Subscription>,
    connections: u64,
}

/// Where every message of a topic stands for one consumer, by its place in the topic.
#[derive(Default)]
struct Subscription {
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Default)]
struct Entry {
    standing: Standing,
    deliveries: u32,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Standing {
    #[default]
    Waiting,
    With(u64),
    Acknowledged,
}

impl Broker {
    pub(crate) fn new(world: Arc<World>) -> Arc<Self> {
        Arc::new(Self { world, state: Mutex::default(), told: Notify::new() })
    }

    /// Keeps `message`, for good.
    pub(crate) fn store(&self, message: &Message) {
        lock(&self.state).topics.entry(message.topic).or_default().push(message.clone());
        self.told.notify_waiters();
    }

    /// How many messages of all topics some subscription still waits for.
    pub(crate) fn unacknowledged(&self) -> usize {
        let state = lock(&self.state);
        let open = |((topic, _), subscription): (&(Topic, &str), &Subscription)| {
            let messages = state.topics.get(topic).map_or(0, Vec::len);
            let done = subscription.entries.iter().filter(|entry| entry.standing == Standing::Acknowledged).count();
            messages - done
        };
        state.subscriptions.iter().map(open).sum()
    }

    /// A new connection of `consumer`, whose subscription to `topic` begins at its first message.
    pub(crate) fn connect(self: &Arc<Self>, topic: Topic, consumer: &'static str, life: &Life) -> Connection {
        life.world.note(Some(life.place), "connects", Uuid::nil());
        let mut state = lock(&self.state);
        state.connections += 1;
        state.subscriptions.entry((topic, consumer)).or_default();
        Connection { broker: Arc::clone(self), topic, consumer, number: state.connections }
    }

    fn next(&self, connection: &Connection) -> Option<Delivery> {
        let mut state = lock(&self.state);
        let State { topics, subscriptions, .. } = &mut *state;
        let messages = topics.get(connection.topic)?;
        let subscription = subscriptions.get_mut(&(connection.topic, connection.consumer))?;
        subscription.entries.resize(messages.len(), Entry::default());
        // The first open message of a key decides whose the key is.
        let mut owners: HashMap<StreamId, Standing> = HashMap::new();
        let mut free = Vec::new();
        for (place, message) in messages.iter().enumerate() {
            let standing = subscription.entries[place].standing;
            if standing == Standing::Acknowledged {
                continue;
            }
            let owner = *owners.entry(message.headers.stream).or_insert(standing);
            let ours = owner == Standing::With(connection.number);
            let first = owner == Standing::Waiting
                && !free.iter().any(|other: &usize| messages[*other].headers.stream == message.headers.stream);
            let next_of_ours =
                ours && !free.iter().any(|other: &usize| messages[*other].headers.stream == message.headers.stream);
            if standing == Standing::Waiting && (first || next_of_ours) {
                free.push(place);
            }
        }
        if free.is_empty() {
            return None;
        }
        let chosen = self.world.chance(u32::try_from(free.len()).unwrap_or(u32::MAX));
        let place = free[usize::try_from(chosen).unwrap_or_default()];
        let entry = &mut subscription.entries[place];
        let redeliveries = entry.deliveries;
        *entry = Entry { standing: Standing::With(connection.number), deliveries: redeliveries + 1 };
        let receipt = u64::try_from(place).unwrap_or_default().to_be_bytes().to_vec();
        Some(Delivery { message: messages[place].clone(), redeliveries, receipt })
    }
}

/// One consumer's connection; what it did not acknowledge goes back when it is dropped.
pub(crate) struct Connection {
    broker: Arc<Broker>,
    topic: Topic,
    consumer: &'static str,
    number: u64,
}

impl Connection {
    pub(crate) async fn receive(&self) -> Delivery {
        loop {
            let told = self.broker.told.notified();
            if let Some(delivery) = self.broker.next(self) {
                return delivery;
            }
            told.await;
        }
    }

    pub(crate) fn acknowledge(&self, delivery: &Delivery) {
        let place = delivery
            .receipt
            .as_slice()
            .try_into()
            .map_or(usize::MAX, |bytes| usize::try_from(u64::from_be_bytes(bytes)).unwrap_or(usize::MAX));
        let mut state = lock(&self.broker.state);
        let subscription = state.subscriptions.get_mut(&(self.topic, self.consumer));
        if let Some(entry) = subscription.and_then(|subscription| subscription.entries.get_mut(place)) {
            entry.standing = Standing::Acknowledged;
        }
        drop(state);
        // The next one of the key may go to another connection now.
        self.broker.told.notify_waiters();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(subscription) = lock(&self.broker.state).subscriptions.get_mut(&(self.topic, self.consumer)) {
            for entry in &mut subscription.entries {
                if entry.standing == Standing::With(self.number) {
                    let forgotten = self.broker.world.has(Defect::ResumedBehindTheUnacknowledged);
                    entry.standing = if forgotten { Standing::Acknowledged } else { Standing::Waiting };
                }
            }
        }
        self.broker.told.notify_waiters();
    }
}
