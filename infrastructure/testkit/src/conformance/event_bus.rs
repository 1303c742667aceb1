//! The suite of [`domain_kernel::ports::EventBus`].
mod delivery;
mod faults;
mod producer;

use super::holds;
use domain_kernel::BoxFuture;
use domain_kernel::Topic;
use domain_kernel::message::topics::EVENT_USER;
use domain_kernel::ports::{BusError, Delivery, EventBus, Subscription};
use producer::Producer;
use std::sync::Arc;
use std::time::Duration;

/// A bus, and how to get it back after a crash.
pub struct BusUnderTest {
    /// The bus, without sources and subscriptions of before.
    pub bus: Arc<dyn EventBus>,
    /// The bus as it is after every process of ours was killed and started again: what is durable is there, what was
    /// offered is not.
    pub restart: Box<dyn Fn() -> BoxFuture<'static, Arc<dyn EventBus>> + Send + Sync>,
}

/// How long a message may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(30);
/// How long nothing must arrive for "it does not arrive".
const SILENCE: Duration = Duration::from_millis(300);

/// Every rule of the port, each on a fresh bus.
///
/// # Panics
/// When a rule does not hold.
pub async fn event_bus<G>(make: impl AsyncFn() -> (BusUnderTest, G)) {
    macro_rules! rules {
        ($($rule:literal => $check:path),+ $(,)?) => {
            $({
                let (under_test, _keep) = make().await;
                holds($rule, $check(&under_test)).await;
            })+
        };
    }
    rules! {
        "a new subscription begins at the first message" => delivery::a_new_subscription_begins_at_the_first_message,
        "a waiting subscription gets what is published" => delivery::a_waiting_subscription_gets_what_is_published,
        "a source that is offered later is heard" => delivery::a_source_that_is_offered_later_is_heard,
        "a message arrives unchanged" => delivery::a_message_arrives_unchanged,
        "messages of one stream arrive in version order" => delivery::messages_of_one_stream_arrive_in_version_order,
        "topics are apart" => delivery::topics_are_apart,
        "every consumer gets every message" => delivery::every_consumer_gets_every_message,
        "an unknown event type is delivered like any other" => delivery::an_unknown_event_type_is_delivered,
        "what was not acknowledged comes again" => faults::what_was_not_acknowledged_comes_again,
        "an acknowledgement covers its own message only" => faults::an_acknowledgement_covers_its_own_message_only,
        "what was not acknowledged comes again after a crash" => faults::it_comes_again_after_a_crash,
        "a subscription's place is durable" => faults::a_subscriptions_place_is_durable,
        "a paused subscription stops no other" => faults::a_paused_subscription_stops_no_other,
        "a topic without a contract is refused" => faults::a_topic_without_a_contract_is_refused,
        "a message that does not fit the contract is refused" => faults::a_message_that_does_not_fit_is_refused,
        "duplicates and crashes lose nothing and keep the order" => faults::duplicates_and_crashes_lose_nothing,
    }
}

async fn subscribe(bus: &Arc<dyn EventBus>, topic: Topic, consumer: &'static str) -> Box<dyn Subscription> {
    bus.subscribe(topic, consumer).await.expect("a topic with a contract can be subscribed to")
}

async fn offer(bus: &Arc<dyn EventBus>, producer: &Producer) {
    bus.offer(EVENT_USER, producer.source(EVENT_USER)).await.expect("a log can be offered");
}

/// The next message, within [`ARRIVAL`].
async fn receive(subscription: &mut dyn Subscription) -> Delivery {
    let received = tokio::time::timeout(ARRIVAL, subscription.receive()).await;
    received.unwrap_or_else(|_| panic!("no message for {ARRIVAL:?}")).expect("a healthy subscription receives")
}

/// The next message, acknowledged.
async fn take(subscription: &mut dyn Subscription) -> Delivery {
    let delivery = receive(subscription).await;
    subscription.acknowledge(&delivery).await.expect("a healthy subscription acknowledges");
    delivery
}

/// Asserts that no message comes; an error is no message.
async fn nothing_comes(rule: &str, subscription: &mut dyn Subscription) {
    let received = tokio::time::timeout(SILENCE, subscription.receive()).await;
    let nothing = matches!(received, Err(_) | Ok(Err(BusError::Source(_) | BusError::IncompatibleSchema { .. })));
    assert!(nothing, "{rule}: {received:?}");
}
