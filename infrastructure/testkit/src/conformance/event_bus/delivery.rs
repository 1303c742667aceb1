//! What reaches a subscription, and in which order.
use super::producer::{Kind, Producer, stream};
use super::{BusUnderTest, nothing_comes, offer, receive, subscribe, take};
use domain_kernel::message::topics::{EVENT_RESULT, EVENT_USER};
use domain_kernel::{EventId, Message, StreamId, Version};
use futures_util::future::join_all;
use std::collections::HashMap;
use std::sync::Arc;

pub(super) async fn a_new_subscription_begins_at_the_first_message(under_test: &BusUnderTest) {
    let producer = Producer::new("users");
    let published = producer.publish_many(EVENT_USER, stream(), 3).await;
    offer(&under_test.bus, &producer).await;
    let mut subscription = subscribe(&under_test.bus, EVENT_USER, "notifications").await;
    for message in published {
        assert_eq!(take(&mut *subscription).await.message, message, "a new subscription begins at the first message");
    }
}

pub(super) async fn a_waiting_subscription_gets_what_is_published(under_test: &BusUnderTest) {
    let producer = Arc::new(Producer::new("users"));
    offer(&under_test.bus, &producer).await;
    let mut subscription = subscribe(&under_test.bus, EVENT_USER, "notifications").await;
    let publishing = {
        let producer = Arc::clone(&producer);
        tokio::spawn(async move { producer.publish_many(EVENT_USER, stream(), 1).await })
    };
    let received = receive(&mut *subscription).await.message;
    assert_eq!(vec![received], publishing.await.expect("the producer does not panic"), "a message ends the waiting");
}

pub(super) async fn a_source_that_is_offered_later_is_heard(under_test: &BusUnderTest) {
    let (early, late) = (Producer::new("users"), Producer::new("results"));
    offer(&under_test.bus, &early).await;
    let mut subscription = subscribe(&under_test.bus, EVENT_USER, "notifications").await;
    let first = early.publish_many(EVENT_USER, stream(), 1).await;
    assert_eq!(vec![take(&mut *subscription).await.message], first, "the early source is heard");
    let second = late.publish_many(EVENT_USER, stream(), 1).await;
    offer(&under_test.bus, &late).await;
    assert_eq!(vec![take(&mut *subscription).await.message], second, "a source that is offered later is heard");
}

pub(super) async fn a_message_arrives_unchanged(under_test: &BusUnderTest) {
    let producer = Producer::new("users");
    offer(&under_test.bus, &producer).await;
    let mut subscription = subscribe(&under_test.bus, EVENT_USER, "notifications").await;
    // The second has the headers that only answers have.
    let published = producer.publish_many(EVENT_USER, stream(), 2).await;
    for message in published {
        assert_eq!(take(&mut *subscription).await.message, message, "headers and payload arrive unchanged");
    }
}

pub(super) async fn messages_of_one_stream_arrive_in_version_order(under_test: &BusUnderTest) {
    let rule = "messages of one stream arrive in version order";
    let producers = [Producer::new("users"), Producer::new("results")];
    for producer in &producers {
        offer(&under_test.bus, producer).await;
    }
    let mut subscription = subscribe(&under_test.bus, EVENT_USER, "notifications").await;
    let published: HashMap<StreamId, Vec<Message>> = join_all((0..10_usize).map(|number| {
        let producer = &producers[number % 2];
        async move {
            let (stream, mut messages) = (stream(), vec![]);
            for event in 0..30_usize {
                let kind = if (event + number).is_multiple_of(4) { Kind::Private } else { Kind::Told };
                messages.extend(producer.publish(EVENT_USER, stream, kind).await);
                tokio::task::yield_now().await;
            }
            (stream, messages)
        }
    }))
    .await
    .into_iter()
    .collect();
    let count: usize = published.values().map(Vec::len).sum();
    let mut received: HashMap<StreamId, Vec<Message>> = HashMap::new();
    for _ in 0..count {
        let message = take(&mut *subscription).await.message;
        received.entry(message.headers.stream).or_default().push(message);
    }
    assert_eq!(received, published, "{rule}; private events leave gaps and nothing else");
    nothing_comes("a message that was acknowledged does not come again", &mut *subscription).await;
}

pub(super) async fn topics_are_apart(under_test: &BusUnderTest) {
    let producer = Producer::new("users");
    offer(&under_test.bus, &producer).await;
    let mut subscription = subscribe(&under_test.bus, EVENT_RESULT, "notifications").await;
    producer.publish_many(EVENT_USER, stream(), 1).await;
    nothing_comes("a subscription gets messages of its topic only", &mut *subscription).await;
}

pub(super) async fn every_consumer_gets_every_message(under_test: &BusUnderTest) {
    let producer = Producer::new("users");
    offer(&under_test.bus, &producer).await;
    let published = producer.publish_many(EVENT_USER, stream(), 5).await;
    for consumer in ["notifications", "results", "saga_log"] {
        let mut subscription = subscribe(&under_test.bus, EVENT_USER, consumer).await;
        for message in &published {
            assert_eq!(&take(&mut *subscription).await.message, message, "{consumer} gets every message");
        }
    }
}

pub(super) async fn an_unknown_event_type_is_delivered(under_test: &BusUnderTest) {
    let (producer, stream) = (Producer::new("users"), stream());
    offer(&under_test.bus, &producer).await;
    let mut subscription = subscribe(&under_test.bus, EVENT_USER, "notifications").await;
    let mut published: Vec<(EventId, Version)> = vec![];
    for kind in [Kind::Told, Kind::Unknown, Kind::Told] {
        let message = producer.publish(EVENT_USER, stream, kind).await.expect("it is told");
        published.push((message.headers.event_id, message.headers.version));
    }
    let mut received = vec![];
    for _ in 0..3 {
        let headers = take(&mut *subscription).await.message.headers;
        received.push((headers.event_id, headers.version));
    }
    assert_eq!(received, published, "whether a type is known is for the consumer to say, not for the bus");
}
