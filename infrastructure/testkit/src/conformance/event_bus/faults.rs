//! At least once, whatever breaks; and what is refused.
use super::producer::{Kind, Producer, stream};
use super::{ARRIVAL, BusUnderTest, nothing_comes, offer, receive, subscribe, take};
use crate::memory::{Faults, FaultyBus};
use domain_kernel::message::topics::EVENT_USER;
use domain_kernel::ports::{BusError, EventBus};
use domain_kernel::{EventId, Message, StreamId, Version};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

pub(super) async fn what_was_not_acknowledged_comes_again(under_test: &BusUnderTest) {
    let producer = Producer::new("users");
    offer(&under_test.bus, &producer).await;
    let published = producer.publish_many(EVENT_USER, stream(), 3).await;
    {
        let mut subscription = subscribe(&under_test.bus, EVENT_USER, "notifications").await;
        take(&mut *subscription).await;
        assert_eq!(receive(&mut *subscription).await.message, published[1], "messages come in order");
    }
    let mut subscription = subscribe(&under_test.bus, EVENT_USER, "notifications").await;
    for message in &published[1..] {
        assert_eq!(&take(&mut *subscription).await.message, message, "what was not acknowledged comes again, in order");
    }
}

pub(super) async fn an_acknowledgement_covers_its_own_message_only(under_test: &BusUnderTest) {
    let producer = Producer::new("users");
    offer(&under_test.bus, &producer).await;
    // Of two streams: a bus may hold a stream's second message back until the first is acknowledged. Which of the two
    // comes first is the bus's affair.
    for _ in 0..2 {
        producer.publish_many(EVENT_USER, stream(), 1).await;
    }
    let open = {
        let mut subscription = subscribe(&under_test.bus, EVENT_USER, "notifications").await;
        let open = receive(&mut *subscription).await.message;
        take(&mut *subscription).await;
        open
    };
    let mut subscription = subscribe(&under_test.bus, EVENT_USER, "notifications").await;
    let again = receive(&mut *subscription).await.message;
    assert_eq!(again, open, "an acknowledgement covers its own message, not those before it");
}

pub(super) async fn it_comes_again_after_a_crash(under_test: &BusUnderTest) {
    let producer = Producer::new("users");
    offer(&under_test.bus, &producer).await;
    let published = producer.publish_many(EVENT_USER, stream(), 4).await;
    let mut subscription = subscribe(&under_test.bus, EVENT_USER, "notifications").await;
    take(&mut *subscription).await;
    receive(&mut *subscription).await;
    drop(subscription);
    let bus = (under_test.restart)().await;
    offer(&bus, &producer).await;
    let later = producer.publish_many(EVENT_USER, published[0].headers.stream, 1).await;
    let mut subscription = subscribe(&bus, EVENT_USER, "notifications").await;
    let mut missing: HashSet<EventId> =
        published[1..].iter().chain(&later).map(|message| message.headers.event_id).collect();
    while !missing.is_empty() {
        missing.remove(&take(&mut *subscription).await.message.headers.event_id);
    }
}

pub(super) async fn a_subscriptions_place_is_durable(under_test: &BusUnderTest) {
    const MESSAGES: usize = 60;
    let (producer, stream) = (Producer::new("users"), stream());
    offer(&under_test.bus, &producer).await;
    producer.publish_many(EVENT_USER, stream, MESSAGES).await;
    let mut subscription = subscribe(&under_test.bus, EVENT_USER, "notifications").await;
    for _ in 0..MESSAGES {
        take(&mut *subscription).await;
    }
    drop(subscription);
    let bus = (under_test.restart)().await;
    offer(&bus, &producer).await;
    let new = producer.publish(EVENT_USER, stream, Kind::Told).await.expect("it is told");
    let mut subscription = subscribe(&bus, EVENT_USER, "notifications").await;
    let mut repeated = 0;
    while take(&mut *subscription).await.message != new {
        repeated += 1;
        assert!(repeated < MESSAGES / 2, "a subscription goes on near where it was, not at the beginning");
    }
}

pub(super) async fn a_paused_subscription_stops_no_other(under_test: &BusUnderTest) {
    let (producer, stream) = (Producer::new("users"), stream());
    offer(&under_test.bus, &producer).await;
    let mut paused = subscribe(&under_test.bus, EVENT_USER, "notifications").await;
    let mut published = producer.publish_many(EVENT_USER, stream, 10).await;
    receive(&mut *paused).await;
    published.extend(producer.publish_many(EVENT_USER, stream, 290).await);
    let mut other = subscribe(&under_test.bus, EVENT_USER, "saga_log").await;
    for message in &published {
        assert_eq!(&take(&mut *other).await.message, message, "a paused subscription stops no other");
    }
}

pub(super) async fn a_topic_without_a_contract_is_refused(under_test: &BusUnderTest) {
    let producer = Producer::new("users");
    let offered = under_test.bus.offer("event-weather", producer.source("event-weather")).await;
    let refused = matches!(offered, Err(BusError::IncompatibleSchema { topic: "event-weather", .. }));
    assert!(refused, "a topic without a contract is refused, not answered with {offered:?}");
}

pub(super) async fn a_message_that_does_not_fit_is_refused(under_test: &BusUnderTest) {
    let rule = "a message that does not fit the contract, and what follows it, is not delivered";
    let (producer, stream) = (Producer::new("users"), stream());
    let fits = producer.publish_many(EVENT_USER, stream, 2).await;
    producer.publish(EVENT_USER, stream, Kind::Unfit).await;
    producer.publish(EVENT_USER, stream, Kind::Told).await;
    // Some refuse the log at once, others when they come to the message.
    if let Err(error) = under_test.bus.offer(EVENT_USER, producer.source(EVENT_USER)).await {
        assert!(matches!(error, BusError::Source(_) | BusError::IncompatibleSchema { .. }), "{rule}: {error:?}");
        return;
    }
    let mut subscription = subscribe(&under_test.bus, EVENT_USER, "notifications").await;
    for message in fits {
        assert_eq!(take(&mut *subscription).await.message, message, "what comes before it is delivered");
    }
    nothing_comes(rule, &mut *subscription).await;
}

/// What a consumer that handles each event once saw.
#[derive(Default)]
struct Handled {
    messages: HashMap<StreamId, Vec<Message>>,
    ids: HashSet<EventId>,
    repeated: usize,
}

impl Handled {
    /// Handles a message, like an inbox does: the second time counts for nothing.
    fn handle(&mut self, message: Message) {
        if !self.ids.insert(message.headers.event_id) {
            self.repeated += 1;
            return;
        }
        let stream = self.messages.entry(message.headers.stream).or_default();
        let last = stream.last().map_or(Version::NONE, |last| last.headers.version);
        assert!(last < message.headers.version, "a message seen for the first time follows all before it");
        stream.push(message);
    }
}

pub(super) async fn duplicates_and_crashes_lose_nothing(under_test: &BusUnderTest) {
    let faults = Faults { duplicate_every: 5, crash_receive_every: 17, crash_acknowledge_every: 11 };
    let producer = Producer::new("users");
    let mut published: HashMap<StreamId, Vec<Message>> = HashMap::new();
    for _ in 0..6 {
        let stream = stream();
        published.insert(stream, producer.publish_many(EVENT_USER, stream, 20).await);
    }
    let count: usize = published.values().map(Vec::len).sum();
    let mut handled = Handled::default();
    let mut inner = Arc::clone(&under_test.bus);
    let begun = Instant::now();
    let mut restarts = 0;
    while handled.ids.len() < count {
        assert!(
            begun.elapsed() < ARRIVAL,
            "every message is handled in the end; {} of {count} were",
            handled.ids.len()
        );
        offer(&inner, &producer).await;
        let bus = FaultyBus::new(Arc::clone(&inner), faults);
        let Ok(mut subscription) = bus.subscribe(EVENT_USER, "notifications").await else { continue };
        while handled.ids.len() < count {
            let Ok(delivery) = subscription.receive().await else { break };
            handled.handle(delivery.message.clone());
            if subscription.acknowledge(&delivery).await.is_err() {
                break;
            }
        }
        drop(subscription);
        restarts += 1;
        if restarts % 3 == 0 {
            inner = (under_test.restart)().await;
        }
    }
    assert_eq!(handled.messages, published, "every message is handled once, in its stream's order");
    assert!(handled.repeated > 0 && restarts > 2, "the suite met duplicates and crashes");
}
