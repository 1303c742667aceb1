//! The embedded bus keeps every rule of the port.
use domain_kernel::message::topics;
use domain_kernel::ports::EventBus;
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
