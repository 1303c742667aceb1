//! What no service wrote has no effect, and stops nobody.
#![expect(clippy::large_futures, reason = "they are the client's, and a test has room for them")]
use crate::pulsar_support::{Place, Recorder, consumer, offer_users, schema};
use crate::support::{Running, user_message};
use ::pulsar::message::proto::{Schema, schema::Type};
use ::pulsar::producer::Message;
use ::pulsar::{ProducerOptions, Pulsar, TokioExecutor};
use domain_kernel::message::topics;
use infra_contracts::{headers, topic};

/// Somebody who may produce and has the schema.
async fn forger(place: &Place, options: ProducerOptions) -> ::pulsar::Producer<TokioExecutor> {
    let client = Pulsar::builder(place.0.service_url.clone(), TokioExecutor).build().await.unwrap();
    let schema_data = schema(topic::find(topics::EVENT_USER).unwrap()).as_bytes().to_vec();
    let schema = Schema { name: "event-user".to_owned(), schema_data, r#type: Type::Avro.into(), properties: vec![] };
    let options = ProducerOptions { schema: Some(schema), ..options };
    client
        .producer()
        .with_topic(place.topic(topics::EVENT_USER).to_string())
        .with_options(options)
        .build()
        .await
        .unwrap()
}

/// What a service would send.
fn genuine(number: u32) -> Message {
    let message = user_message(number, 1);
    Message {
        properties: headers::to_properties(message.topic, &message.headers).into_iter().collect(),
        partition_key: Some(message.headers.stream.to_string()),
        payload: message.payload,
        ..Message::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_service_wrote_has_no_effect_and_stops_nobody() {
    let Some(place) = Place::new().await else { return };
    let bus = place.bus().await;
    let users = offer_users(&bus).await;
    let recorder = Recorder::new();
    let _running = Running::start(consumer(&bus, "results", &recorder));

    let mut forging = forger(&place, ProducerOptions::default()).await;
    let without_headers = Message { properties: [].into(), ..genuine(101) };
    let without_key = Message { partition_key: None, ..genuine(102) };
    let under_a_foreign_key = Message { partition_key: genuine(1).partition_key, ..genuine(103) };
    let without_a_record = Message { payload: b"no record".to_vec(), ..genuine(104) };
    let with_a_name_in_a_header = {
        let mut message = genuine(105);
        message.properties.insert("ce_source".to_owned(), "Robert'); DROP TABLE".to_owned());
        message
    };
    for message in [
        without_headers,
        without_key,
        under_a_foreign_key,
        without_a_record,
        with_a_name_in_a_header,
        Message::default(),
    ] {
        forging.send_non_blocking(message).await.unwrap().await.unwrap();
    }
    let batching = ProducerOptions { batch_size: Some(2), ..ProducerOptions::default() };
    let mut batching = forger(&place, batching).await;
    let (one, two) = (batching.send_non_blocking(genuine(106)).await, batching.send_non_blocking(genuine(107)).await);
    one.unwrap().await.unwrap();
    two.unwrap().await.unwrap();

    users.tell([user_message(1, 1), user_message(2, 1)]);
    recorder.until_handled(2).await;
    place.until_nothing_is_left("results").await;
    assert_eq!(recorder.deliveries(), 2, "nothing but what the service told was handled");
    recorder.assert_complete_and_in_order(2, 1);
}
