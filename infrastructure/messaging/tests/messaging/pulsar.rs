//! The bus over Pulsar, on a real broker, keeps every rule of the port.
use crate::pulsar_support::{LIMIT, Place, Recorder, consumer, offer_users, schema, tell};
use crate::support::{Running, user_message};
use domain_kernel::message::topics;
use domain_kernel::ports::{BusError, EventBus};
use infra_contracts::topic;
use infra_event_store::checkpoints::Checkpoints;
use infra_messaging::PulsarBus;
use infra_testkit::conformance::{BusUnderTest, event_bus};
use infra_testkit::memory::MemoryCheckpoints;
use infra_testkit::pulsar;
use infra_testkit::wait_for;
use std::sync::{Arc, Mutex};

/// A bus on a namespace of its own; a restart ends its relays and makes another one with the same checkpoints.
async fn under_test(partitions: u32) -> (BusUnderTest, Arc<Place>) {
    let place = Arc::new(Place::without_topics().await.unwrap());
    place.ensure_topics(partitions).await;
    let checkpoints: Arc<dyn Checkpoints> = Arc::new(MemoryCheckpoints::new());
    let first = place.bus_of(checkpoints.clone()).await;
    let current = Arc::new(Mutex::new(first.clone()));
    let restart = {
        let place = place.clone();
        move || {
            let (place, checkpoints, current) = (place.clone(), checkpoints.clone(), current.clone());
            Box::pin(async move {
                let former: PulsarBus = current.lock().unwrap().clone();
                former.close().await;
                let next = place.bus_of(checkpoints).await;
                *current.lock().unwrap() = next.clone();
                Arc::new(next) as Arc<dyn EventBus>
            }) as domain_kernel::BoxFuture<'static, Arc<dyn EventBus>>
        }
    };
    (BusUnderTest { bus: Arc::new(first), restart: Box::new(restart) }, place)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bus_over_pulsar_keeps_every_rule() {
    if pulsar::is_skipped() {
        return;
    }
    event_bus(async || under_test(0).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bus_over_pulsar_keeps_every_rule_on_partitioned_topics() {
    if pulsar::is_skipped() {
        return;
    }
    event_bus(async || under_test(3).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_joins_and_is_killed_neither_loses_nor_reorders() {
    const STREAMS: u32 = 40;
    let Some(place) = Place::new().await else { return };
    let producing = place.bus().await;
    let users = offer_users(&producing).await;
    let recorder = Recorder::new();
    let (one, other) = (place.bus().await, place.bus().await);
    let _one = Running::start(consumer(&one, "results", &recorder));
    tell(&users, STREAMS, 1, 10);
    recorder.until_handled(150).await;
    let joined = Running::start(consumer(&other, "results", &recorder));
    tell(&users, STREAMS, 11, 20);
    recorder.until_handled(500).await;
    tell(&users, STREAMS, 21, 30);
    recorder.until_handled(850).await;
    joined.kill().await;
    tell(&users, STREAMS, 31, 40);
    recorder.until_handled(1_600).await;
    recorder.assert_complete_and_in_order(STREAMS, 40);
    place.until_nothing_is_left("results").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unloaded_topic_neither_loses_nor_reorders() {
    const STREAMS: u32 = 20;
    let Some(place) = Place::new().await else { return };
    let bus = place.bus().await;
    let users = offer_users(&bus).await;
    let recorder = Recorder::new();
    let _running = Running::start(consumer(&bus, "results", &recorder));
    for round in 0..3 {
        tell(&users, STREAMS, round * 20 + 1, round * 20 + 20);
        recorder.until_handled(usize::try_from(round * 400 + 100).unwrap()).await;
        place.admin().unload_topic(&place.topic(topics::EVENT_USER)).await.unwrap();
    }
    recorder.until_handled(1_200).await;
    recorder.assert_complete_and_in_order(STREAMS, 60);
    place.until_nothing_is_left("results").await;
    assert_eq!(bus.check(), Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_is_killed_again_and_again_loses_nothing() {
    const STREAMS: u32 = 30;
    let Some(place) = Place::new().await else { return };
    let users = offer_users(&place.bus().await).await;
    let producing = place.bus().await;
    producing.offer(topics::EVENT_USER, users.clone()).await.unwrap();
    let recorder = Recorder::new();
    tell(&users, STREAMS, 1, 20);
    let checkpoints: Arc<dyn Checkpoints> = Arc::new(MemoryCheckpoints::new());
    for kill in 1..=3 {
        let bus = place.bus_of(checkpoints.clone()).await;
        let running = Running::start(consumer(&bus, "results", &recorder));
        recorder.until_handled(kill * 100).await;
        running.kill().await;
    }
    let bus = place.bus_of(checkpoints).await;
    let _running = Running::start(consumer(&bus, "results", &recorder));
    recorder.until_handled(600).await;
    recorder.assert_complete_and_in_order(STREAMS, 20);
    place.until_nothing_is_left("results").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_again_after_a_lost_checkpoint_changes_nothing() {
    let Some(place) = Place::new().await else { return };
    let bus = place.bus().await;
    let users = offer_users(&bus).await;
    let recorder = Recorder::new();
    let _running = Running::start(consumer(&bus, "results", &recorder));
    tell(&users, 10, 1, 5);
    recorder.until_handled(50).await;
    // Another relay of the same log, without the first one's checkpoint.
    let again = place.bus().await;
    again.offer(topics::EVENT_USER, users.clone()).await.unwrap();
    wait_for("everything to come again", LIMIT, async || (recorder.deliveries() >= 100).then_some(())).await;
    recorder.assert_complete_and_in_order(10, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_that_the_registry_does_not_have_is_refused_with_the_topics_name() {
    let Some(place) = Place::without_topics().await else { return };
    let topic = place.topic(topics::EVENT_USER);
    place.admin().create_topic(&topic, 0).await.unwrap();
    let other = r#"{"type":"record","name":"Other","fields":[{"name":"weight","type":"double"}]}"#;
    place.admin().register_schema(&topic, other).await.unwrap();
    let bus = place.bus().await;
    let users = offer_users(&bus).await;
    users.tell([user_message(1, 1)]);
    let refused = wait_for("the refusal", LIMIT, async || bus.check().err()).await;
    assert!(
        matches!(&refused, BusError::IncompatibleSchema { topic: topics::EVENT_USER, reason } if !reason.is_empty()),
        "{refused:?}"
    );
    assert!(refused.to_string().contains("event-user"), "{refused}");
    assert_eq!(place.admin().stats(&topic).await.unwrap().msg_in_counter, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_relay_goes_on_when_the_schema_is_registered() {
    let Some(place) = Place::without_topics().await else { return };
    let topic = place.topic(topics::EVENT_USER);
    place.admin().create_topic(&topic, 0).await.unwrap();
    let bus = place.bus().await;
    let users = offer_users(&bus).await;
    users.tell([user_message(1, 1)]);
    wait_for("the refusal", LIMIT, async || bus.check().err()).await;
    place.admin().register_schema(&topic, schema(topic::find(topics::EVENT_USER).unwrap())).await.unwrap();
    let mut subscription = bus.subscribe(topics::EVENT_USER, "results").await.unwrap();
    let delivery = tokio::time::timeout(LIMIT, subscription.receive()).await.unwrap().unwrap();
    assert_eq!(delivery.message, user_message(1, 1));
    wait_for("everything to be well", LIMIT, async || bus.check().ok()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_have_been_in_hand_before_says_so_and_nothing_else_does() {
    let Some(place) = Place::new().await else { return };
    let bus = place.bus().await;
    let users = offer_users(&bus).await;
    tell(&users, 3, 1, 1);
    let mut subscription = bus.subscribe(topics::EVENT_USER, "results").await.unwrap();
    let mut received = vec![];
    for _ in 0..3 {
        received.push(subscription.receive().await.unwrap());
    }
    assert!(received.iter().all(|delivery| delivery.redeliveries == 0), "a first subscription has no past");
    subscription.acknowledge(&received[1]).await.unwrap();
    drop(subscription);
    let mut subscription = bus.subscribe(topics::EVENT_USER, "results").await.unwrap();
    for number in [0, 2] {
        let again = tokio::time::timeout(LIMIT, subscription.receive()).await.unwrap().unwrap();
        assert_eq!(again.message, received[number].message);
        assert_eq!(again.redeliveries, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_bus_has_left_the_broker_even_when_more_was_sent_than_it_had_room_for() {
    let Some(place) = Place::new().await else { return };
    let producing = place.bus().await;
    let users = offer_users(&producing).await;
    tell(&users, 10, 1, 100);
    let bus = place.bus().await;
    let mut subscription = bus.subscribe(topics::EVENT_USER, "results").await.unwrap();
    let received = tokio::time::timeout(LIMIT, subscription.receive()).await.unwrap().unwrap();
    let (topic, name) = (place.topic(topics::EVENT_USER), "historia-results");
    // More than the client's queue holds, and as much as the broker may send.
    wait_for("the broker to send ahead", LIMIT, async || {
        let stats = place.admin().stats(&topic).await.ok()?;
        (stats.subscriptions.get(name)?.unacked_messages > 200).then_some(())
    })
    .await;
    subscription.acknowledge(&received).await.unwrap();
    drop(subscription);
    bus.close().await;
    let stats = place.admin().stats(&topic).await.unwrap();
    let left = stats.subscriptions.get(name).unwrap();
    assert_eq!(left.consumers, 0, "the broker knows that nobody is there");
    assert_eq!(left.msg_backlog, 999, "what was acknowledged is acknowledged");
}
