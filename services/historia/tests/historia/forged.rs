//! What somebody else puts on production's broker: refused where they have no right, and without effect where they have.
#![expect(clippy::large_futures, reason = "they are the client's, and a test has room for them")]
use crate::client::Client as HttpClient;
use crate::production::{Production, text};
use domain_kernel::message::topics::EVENT_RESULT;
use domain_kernel::{CorrelationId, EventId, MessageHeaders, StreamId, Timestamp, Version};
use infra_contracts::event_result::{self, ResultCreated, ResultEventRecord, ResultStatus};
use infra_contracts::{Envelope, headers, topic};
use infra_runtime::pulsar::Token;
use infra_testkit::wait_for;
use pulsar::message::proto::{Schema, ServerError, schema::Type};
use pulsar::producer::Message;
use pulsar::{Authentication, ConnectionRetryOptions, OperationRetryOptions, ProducerOptions, Pulsar, TokioExecutor};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;

type Producer = pulsar::Producer<TokioExecutor>;

/// How long it may take until everybody has passed over what was forged.
const LIMIT: Duration = Duration::from_secs(120);

const TOPIC: &str = "persistent://historia/clinic/event-result";

/// Why an entry is passed over, and how many of each are forged below.
const FORGED: [(&str, u32); 4] = [("headers", 1), ("key", 1), ("batched", 2), ("payload", 1)];

/// Asserts that nothing that is forged changes anything. `before` is the saga log as it is.
pub(crate) async fn has_no_effect(production: &Production, administrator: &HttpClient, before: &[Value]) {
    let mails = production.stage.mail.count();
    let key = b"a key of somebody else's, of 32 bytes or more";
    let elsewhere = Token::sign(key, "historia-results").unwrap().reveal().to_owned();
    for token in [None, Some(elsewhere)] {
        // The client does not say why; nothing but the token is otherwise below.
        assert!(client(production, token).await.is_err(), "a stranger is let in");
    }
    for service in ["users", "notifications", "saga_log"] {
        let refused = forger(production, service, ProducerOptions::default()).await.map(drop).unwrap_err();
        assert!(is_said(&refused, ServerError::AuthorizationError), "{service}: {refused:?}");
    }
    // The right to produce is no right to read along.
    let results = client(production, Some(token(production, "results"))).await.unwrap();
    let reading = results.consumer().with_topic(TOPIC).with_subscription("forger").build::<Vec<u8>>().await;
    let refused = reading.map(drop).unwrap_err();
    assert!(is_said(&refused, ServerError::AuthorizationError), "{refused:?}");

    who_may_produce_forges(production).await;
    for (reason, count) in FORGED {
        for consumer in ["notifications", "saga_log"] {
            is_counted(production, consumer, reason, count).await;
        }
    }
    let genuine = production.file_a_result(administrator).await;
    assert_eq!(production.stage.mail.count(), mails + 1, "nobody but the genuine result's patient has a mail");
    let ids = |events: &[Value]| events.iter().map(|event| event["id"].to_string()).collect::<BTreeSet<_>>();
    let (before, after) = (ids(before), ids(&genuine));
    assert!(before.is_subset(&after));
    // A ResultCreated and its NotificationSent.
    assert_eq!(after.len(), before.len() + 2, "{genuine:?}");
}

/// With the token of results, which may produce to its topic: entries that are no service's messages.
async fn who_may_produce_forges(production: &Production) {
    let mut plain = forger(production, "results", ProducerOptions::default()).await.unwrap();
    let without_headers = Message { properties: [].into(), ..message() };
    let under_another_key = Message { partition_key: Some(Uuid::now_v7().to_string()), ..message() };
    let not_the_record = Message { payload: b"no record of this contract".to_vec(), ..message() };
    for forged in [without_headers, under_another_key, not_the_record] {
        plain.send_non_blocking(forged).await.unwrap().await.unwrap();
    }
    let batching = ProducerOptions { batch_size: Some(2), ..ProducerOptions::default() };
    let mut batching = forger(production, "results", batching).await.unwrap();
    let (one, two) = (batching.send_non_blocking(message()).await, batching.send_non_blocking(message()).await);
    one.unwrap().await.unwrap();
    two.unwrap().await.unwrap();

    // A schema that nobody registered is not taken, and none at all neither.
    let other = r#"{"type":"record","name":"Other","fields":[]}"#;
    for unknown in [Some(schema(other)), None] {
        let refused =
            producer(production, "results", ProducerOptions { schema: unknown, ..ProducerOptions::default() });
        let refused = refused.await.map(drop).unwrap_err();
        assert!(is_said(&refused, ServerError::IncompatibleSchema), "{refused:?}");
    }
}

/// What the results service would send of a new result.
fn message() -> Message {
    let envelope = Envelope {
        event_id: EventId(Uuid::now_v7()),
        stream_id: StreamId(Uuid::now_v7()),
        version: Version(1),
        occurred_at: Timestamp(1_767_225_600_000_000),
        correlation_id: CorrelationId(Uuid::now_v7()),
        causation_id: None,
    };
    let event = ResultCreated { number: 4711, status: ResultStatus::Final, patient_id: None, contact: None };
    let record = ResultEventRecord { envelope: envelope.clone(), event: event.into() };
    let headers = MessageHeaders {
        event_id: envelope.event_id,
        event_type: "results.result_created".to_owned(),
        source: "results".to_owned(),
        stream: envelope.stream_id,
        version: envelope.version,
        occurred_at: envelope.occurred_at,
        correlation_id: envelope.correlation_id,
        causation_id: None,
        actor: None,
        contract_version: topic::current(EVENT_RESULT),
        expects: vec!["notifications".to_owned()],
        consumer: None,
        attempt: None,
        traceparent: None,
    };
    Message {
        properties: headers::to_properties(EVENT_RESULT, &headers).into_iter().collect(),
        partition_key: Some(envelope.stream_id.to_string()),
        payload: event_result::encode(&record).unwrap(),
        ..Message::default()
    }
}

/// The broker as somebody with `token` reaches it.
async fn client(production: &Production, token: Option<String>) -> Result<Pulsar<TokioExecutor>, pulsar::Error> {
    let url = production.stage.broker.broker().service_url();
    let mut builder = Pulsar::builder(url, TokioExecutor)
        .with_certificate_chain(production.authority.pem().as_bytes().to_vec())
        .with_connection_retry_options(ConnectionRetryOptions { max_retries: 1, ..ConnectionRetryOptions::default() })
        .with_operation_retry_options(OperationRetryOptions {
            max_retries: Some(1),
            ..OperationRetryOptions::default()
        });
    if let Some(token) = token {
        builder = builder.with_auth(Authentication { name: "token".to_owned(), data: token.into_bytes() });
    }
    builder.build().await
}

/// The token in a service's own secrets.
fn token(production: &Production, service: &str) -> String {
    text(&production.stage.secrets().join(service).join("broker-token"))
}

/// A producer to the results' topic in the role of `service`, with the schema that is registered.
async fn forger(production: &Production, service: &str, options: ProducerOptions) -> Result<Producer, pulsar::Error> {
    let registered = topic::find(EVENT_RESULT).unwrap().versions.last().unwrap();
    producer(production, service, ProducerOptions { schema: Some(schema(registered)), ..options }).await
}

async fn producer(production: &Production, service: &str, options: ProducerOptions) -> Result<Producer, pulsar::Error> {
    let client = client(production, Some(token(production, service))).await.expect("a service's token lets it in");
    client.producer().with_topic(TOPIC).with_options(options).build().await
}

fn schema(text: &str) -> Schema {
    let (name, schema_data) = (EVENT_RESULT.to_owned(), text.as_bytes().to_vec());
    Schema { name, schema_data, r#type: Type::Avro.into(), properties: vec![] }
}

/// Whether that is what the broker said.
fn is_said(error: &pulsar::Error, said: ServerError) -> bool {
    format!("{error:?}").contains(&format!("Some({said:?})"))
}

/// Waits until `consumer` has counted so many that it passed over for that reason; one whose acknowledgement got lost
/// comes again and is counted again.
async fn is_counted(production: &Production, consumer: &str, reason: &str, count: u32) {
    let service = consumer.replace('_', "-");
    let figures = HttpClient::new(&production.stage.url_of(&service));
    let labels = [("consumer", consumer), ("topic", EVENT_RESULT), ("reason", reason)];
    wait_for(&format!("{consumer} to count {reason}"), LIMIT, async || {
        let text = figures.text("/metrics").await.ok()?;
        let line = text.lines().find(|line| {
            let labelled = labels.iter().all(|(name, value)| line.contains(&format!("{name}=\"{value}\"")));
            line.starts_with("historia_messages_foreign_total{") && labelled
        })?;
        let counted: u32 = line.rsplit_once(' ')?.1.parse().unwrap();
        (counted >= count).then_some(())
    })
    .await;
}
