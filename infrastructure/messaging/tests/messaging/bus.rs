//! The embedded bus keeps every rule of the port.
use domain_kernel::message::topics;
use domain_kernel::ports::{Delivery, EventBus, Subscription};
use domain_kernel::{Checkpoint, Message};
use infra_event_store::MIGRATIONS;
use infra_event_store::checkpoints::{Checkpoints, PgCheckpoints};
use infra_messaging::{EmbeddedBus, EmbeddedLogs};
use infra_testkit::conformance::{BusUnderTest, event_bus};
use infra_testkit::memory::{MemoryCheckpoints, MessageLog};
use infra_testkit::postgres;
use std::sync::Arc;

use crate::support::user_message;

fn under_test(checkpoints: Arc<dyn Checkpoints>) -> BusUnderTest {
    let bus = move || {
        let logs = EmbeddedLogs::new();
        Arc::new(EmbeddedBus::new(logs, Arc::clone(&checkpoints))) as Arc<dyn EventBus>
    };
    BusUnderTest {
        bus: bus(),
        restart: Box::new(move || {
            let bus = bus();
            Box::pin(async move { bus })
        }),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_bus_keeps_every_rule_with_checkpoints_in_memory() {
    event_bus(async || (under_test(Arc::new(MemoryCheckpoints::new())), ())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_bus_keeps_every_rule_with_checkpoints_in_postgresql() {
    event_bus(async || {
        let database = postgres::database(&[MIGRATIONS]).await;
        (under_test(Arc::new(PgCheckpoints::new(database.pool.clone()))), database)
    })
    .await;
}

#[tokio::test]
async fn every_message_that_may_have_been_in_hand_before_says_so() {
    let checkpoints: Arc<dyn Checkpoints> = Arc::new(MemoryCheckpoints::new());
    let source = MessageLog::new("users");
    source.tell((1..=70).map(|number| user_message(number, 1)));
    let bus = EmbeddedBus::new(EmbeddedLogs::new(), checkpoints);
    bus.offer(topics::EVENT_USER, source).await.unwrap();

    let mut subscription = bus.subscribe(topics::EVENT_USER, "results").await.unwrap();
    let first = subscription.receive().await.unwrap();
    assert_eq!(first.redeliveries, 0);
    subscription.acknowledge(&first).await.unwrap();
    assert_eq!(subscription.receive().await.unwrap().redeliveries, 0);
    drop(subscription);

    let mut subscription = bus.subscribe(topics::EVENT_USER, "results").await.unwrap();
    for number in 2..=70 {
        let delivery = subscription.receive().await.unwrap();
        assert_eq!(delivery.redeliveries, u32::from(number < 2 + 64), "64 are in a consumer's hands at most");
        subscription.acknowledge(&delivery).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_not_acknowledged_holds_back_what_would_have_to_be_repeated() {
    let source = MessageLog::new("users");
    source.tell((1..=70).map(|number| user_message(number, 1)));
    let bus = EmbeddedBus::new(EmbeddedLogs::new(), Arc::new(MemoryCheckpoints::new()));
    bus.offer(topics::EVENT_USER, source).await.unwrap();
    let mut subscription = bus.subscribe(topics::EVENT_USER, "results").await.unwrap();
    let first = subscription.receive().await.unwrap();
    for _ in 2..=64 {
        let other = subscription.receive().await.unwrap();
        subscription.acknowledge(&other).await.unwrap();
    }
    assert!(futures_util::poll!(subscription.receive()).is_pending(), "the first one is still open");
    subscription.acknowledge(&first).await.unwrap();
    assert_eq!(subscription.receive().await.unwrap().message, user_message(65, 1));
}

#[tokio::test]
async fn a_receive_that_is_given_up_loses_no_message_and_no_log() {
    let bus = EmbeddedBus::new(EmbeddedLogs::new(), Arc::new(MemoryCheckpoints::new()));
    let (early, late) = (MessageLog::new("users"), MessageLog::new("results"));
    bus.offer(topics::EVENT_USER, early.clone()).await.unwrap();
    let mut subscription = bus.subscribe(topics::EVENT_USER, "results").await.unwrap();
    assert!(futures_util::poll!(subscription.receive()).is_pending());
    bus.offer(topics::EVENT_USER, late.clone()).await.unwrap();
    early.tell([user_message(1, 1)]);
    late.tell([user_message(2, 1)]);
    let mut received = vec![];
    while received.len() < 2 {
        // Given up as often as it has to wait.
        if let std::task::Poll::Ready(delivery) = futures_util::poll!(subscription.receive()) {
            received.push(delivery.unwrap().message.headers.stream);
        }
        tokio::task::yield_now().await;
    }
    received.sort_unstable();
    assert_eq!(received, [user_message(1, 1), user_message(2, 1)].map(|message| message.headers.stream));
}

#[tokio::test]
async fn a_message_that_came_after_the_restart_is_a_first_delivery() {
    let source = MessageLog::new("users");
    source.tell([user_message(1, 1)]);
    let bus = EmbeddedBus::new(EmbeddedLogs::new(), Arc::new(MemoryCheckpoints::new()));
    bus.offer(topics::EVENT_USER, source.clone()).await.unwrap();
    let mut subscription = bus.subscribe(topics::EVENT_USER, "results").await.unwrap();
    let only = subscription.receive().await.unwrap();
    subscription.acknowledge(&only).await.unwrap();
    drop(subscription);

    let mut subscription = bus.subscribe(topics::EVENT_USER, "results").await.unwrap();
    let next = {
        let mut next = subscription.receive();
        // It finds the log settled and waits.
        assert!(futures_util::poll!(&mut next).is_pending());
        source.tell([user_message(2, 1)]);
        next.await.unwrap()
    };
    assert_eq!(next.redeliveries, 0);
}

#[tokio::test]
async fn a_busy_log_does_not_keep_a_quiet_one_from_being_heard() {
    let (busy, quiet) = (MessageLog::new("users"), MessageLog::new("results"));
    busy.tell((1..=1_000).map(|version| user_message(1, version)));
    let bus = EmbeddedBus::new(EmbeddedLogs::new(), Arc::new(MemoryCheckpoints::new()));
    bus.offer(topics::EVENT_USER, busy).await.unwrap();
    bus.offer(topics::EVENT_USER, quiet.clone()).await.unwrap();
    let mut subscription = bus.subscribe(topics::EVENT_USER, "results").await.unwrap();
    for _ in 0..3 {
        subscription.receive().await.unwrap();
    }
    quiet.tell([user_message(2, 1)]);
    let mut received = vec![];
    for _ in 0..3 {
        received.push(subscription.receive().await.unwrap().message);
    }
    assert!(received.contains(&user_message(2, 1)));
}

/// A subscription to a log with these entries, and what it has saved.
async fn subscribed(
    entries: impl IntoIterator<Item = Option<Message>>,
) -> (Box<dyn Subscription>, Arc<MemoryCheckpoints>) {
    let source = MessageLog::new("users");
    source.enter(entries);
    let checkpoints = Arc::new(MemoryCheckpoints::new());
    let bus = EmbeddedBus::new(EmbeddedLogs::new(), Arc::clone(&checkpoints) as Arc<dyn Checkpoints>);
    bus.offer(topics::EVENT_USER, source).await.unwrap();
    (bus.subscribe(topics::EVENT_USER, "results").await.unwrap(), checkpoints)
}

async fn saved(checkpoints: &MemoryCheckpoints) -> Checkpoint {
    checkpoints.load("bus/results/event-user/users").await.unwrap()
}

#[tokio::test]
async fn while_others_are_in_hand_32_acknowledgements_are_saved_at_once() {
    let (mut subscription, checkpoints) = subscribed((1..=64).map(|number| Some(user_message(number, 1)))).await;
    let mut received = vec![];
    for _ in 0..64 {
        received.push(subscription.receive().await.unwrap());
    }
    for delivery in &received[..31] {
        subscription.acknowledge(delivery).await.unwrap();
    }
    assert_eq!(saved(&checkpoints).await, Checkpoint::default());
    subscription.acknowledge(&received[31]).await.unwrap();
    assert_eq!(saved(&checkpoints).await, MessageLog::at(32));
    for delivery in &received[32..] {
        subscription.acknowledge(delivery).await.unwrap();
    }
    assert_eq!(saved(&checkpoints).await, MessageLog::at(64), "nothing else is in hand");
}

#[tokio::test]
async fn the_place_among_private_events_is_saved_after_512() {
    let (mut subscription, checkpoints) = subscribed((0..600).map(|_| None)).await;
    assert!(futures_util::poll!(subscription.receive()).is_pending());
    assert_eq!(saved(&checkpoints).await, MessageLog::at(512));
}

#[tokio::test]
async fn private_events_behind_an_acknowledged_message_are_worth_a_save_too() {
    let private = || (0..511).map(|_| None);
    let entries = [Some(user_message(1, 1))].into_iter().chain(private()).chain([Some(user_message(2, 1)), None]);
    let (mut subscription, checkpoints) = subscribed(entries).await;
    let (first, _second) = (subscription.receive().await.unwrap(), subscription.receive().await.unwrap());
    assert_eq!(saved(&checkpoints).await, Checkpoint::default(), "the first message is not acknowledged");
    subscription.acknowledge(&first).await.unwrap();
    assert_eq!(saved(&checkpoints).await, MessageLog::at(512));
}

#[tokio::test]
async fn a_receipt_of_another_subscription_is_refused() {
    let (mut subscription, _) = subscribed([Some(user_message(1, 1))]).await;
    let delivery = subscription.receive().await.unwrap();
    for receipt in [vec![], delivery.receipt[1..].to_vec(), [&[0xff; 8], &delivery.receipt[8..]].concat()] {
        let foreign = Delivery { receipt, ..delivery.clone() };
        assert!(subscription.acknowledge(&foreign).await.is_err());
    }
    assert!(subscription.acknowledge(&delivery).await.is_ok());
}

#[tokio::test]
async fn logs_take_turns() {
    let bus = EmbeddedBus::new(EmbeddedLogs::new(), Arc::new(MemoryCheckpoints::new()));
    for (name, first) in [("users", 1), ("results", 11), ("notifications", 21)] {
        let log = MessageLog::new(name);
        log.tell((first..first + 3).map(|number| user_message(number, 1)));
        bus.offer(topics::EVENT_USER, log).await.unwrap();
    }
    let mut subscription = bus.subscribe(topics::EVENT_USER, "results").await.unwrap();
    let mut received = vec![];
    for _ in 0..9 {
        received.push(subscription.receive().await.unwrap().message);
    }
    let expected = [1, 11, 21, 2, 12, 22, 3, 13, 23].map(|number| user_message(number, 1));
    assert_eq!(received, expected);
}
