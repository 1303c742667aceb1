//! A consumer of this release among producers of the next one: what it knows of their messages it handles.
#![expect(clippy::large_futures, reason = "they are the client's, and a test has room for them")]
use crate::meters::Counts;
use crate::pulsar_support::{LIMIT, Place};
use crate::support::{Running, event, stream};
use ::pulsar::message::proto::{Schema, schema::Type};
use ::pulsar::producer::Message as Outgoing;
use ::pulsar::{ProducerOptions, Pulsar, TokioExecutor};
use domain_kernel::message::topics::EVENT_RESULT;
use domain_kernel::ports::EventBus;
use domain_kernel::{BoxFuture, CommandId, CorrelationId, Message, MessageHeaders, Timestamp, Version};
use infra_contracts::avro::AvroSchema;
use infra_contracts::event_result::{self, ResultEvent, ResultReleased};
use infra_contracts::{SealedBytes, headers, topic};
use infra_event_store::dead_letters::DeadLetters;
use infra_messaging::{ConsumerRunner, Handling, HandlingError, MessageHandler, PulsarBus, PulsarOptions};
use infra_runtime::pulsar::admin::Right;
use infra_runtime::pulsar::{Authentication, Token, TokenKey};
use infra_testkit::memory::{ManualClock, MemoryCheckpoints, MemoryDeadLetters};
use infra_testkit::pulsar::own_broker;
use infra_testkit::wait_for;
use serde::Serialize;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// The contract of the next release: a nullable field in one event, and another event.
fn next_contract() -> String {
    let newest = topic::find(EVENT_RESULT).unwrap().versions.last().unwrap();
    let (released, behind) = newest.split_once("\n      ]}]},\n    {\"name\": \"result_amended\"").unwrap();
    let (rest, end) = behind.rsplit_once("\n  ]").unwrap();
    let reviewed = r#"{"name": "reviewed_at", "type": ["null", "long"], "default": null}"#;
    let archived = r#"{"name": "result_archived", "default": null, "type": ["null", {"type": "record",
        "name": "ResultArchived", "fields": [{"name": "number", "type": "long"}]}]}"#;
    format!("{released},\n{reviewed}]}}]}},\n{{\"name\": \"result_amended\"{rest},\n{archived}\n  ]{end}")
}

/// A record of the next release.
#[derive(Default, Serialize)]
#[serde(rename = "ResultEvent")]
struct Newer {
    event_id: Uuid,
    stream_id: Uuid,
    version: i64,
    occurred_at: i64,
    correlation_id: Uuid,
    causation_id: Option<Uuid>,
    result_created: Option<()>,
    result_released: Option<Released>,
    result_amended: Option<()>,
    result_corrected: Option<()>,
    result_cancelled: Option<()>,
    result_entered_in_error: Option<()>,
    result_queried: Option<()>,
    result_completed: Option<()>,
    result_archived: Option<Archived>,
}

#[derive(Serialize)]
#[serde(rename = "ResultReleased")]
struct Released {
    number: i64,
    contact: Option<SealedBytes>,
    patient_id: Option<Uuid>,
    reviewed_at: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename = "ResultArchived")]
struct Archived {
    number: i64,
}

fn released(number: u32) -> Newer {
    let released = Released {
        number: number.into(),
        contact: Some(SealedBytes(vec![0, 127, 255])),
        patient_id: None,
        reviewed_at: Some(1_767_225_600_000_000),
    };
    Newer { result_released: Some(released), ..Newer::default() }
}

/// A producer of the next release, which registered its contract.
struct NextRelease {
    contract: AvroSchema,
    version: u16,
    producer: ::pulsar::Producer<TokioExecutor>,
}

impl NextRelease {
    /// The first release after this one, which the broker lets in with no token.
    async fn on(place: &Place) -> Self {
        Self::after(place, [next_contract()], None).await
    }

    /// The release that brought the last of `contracts`, and comes with `token`.
    async fn after<const N: usize>(place: &Place, contracts: [String; N], token: Option<&Token>) -> Self {
        let name = place.topic(EVENT_RESULT);
        place.admin().create_topic(&name, 3).await.unwrap();
        let known = topic::find(EVENT_RESULT).unwrap().versions;
        for schema in known.iter().copied().chain(contracts.iter().map(String::as_str)) {
            place.admin().register_schema(&name, schema).await.unwrap();
        }
        let contract = contracts.last().unwrap();
        let mut client = Pulsar::builder(place.0.service_url.clone(), TokioExecutor);
        if let Some(token) = token {
            let data = token.reveal().as_bytes().to_vec();
            client = client.with_auth(::pulsar::Authentication { name: "token".to_owned(), data });
        }
        let client = client.build().await.unwrap();
        let schema = Schema {
            name: EVENT_RESULT.to_owned(),
            schema_data: contract.as_bytes().to_vec(),
            r#type: Type::Avro.into(),
            properties: vec![],
        };
        let options = ProducerOptions { schema: Some(schema), ..ProducerOptions::default() };
        let producer = client.producer().with_topic(name.to_string()).with_options(options).build().await.unwrap();
        Self {
            contract: AvroSchema::parse(contract).unwrap(),
            version: u16::try_from(known.len() + N).unwrap(),
            producer,
        }
    }

    async fn tell(&mut self, number: u32, event_type: &str, contract_version: u16, record: Newer) {
        let headers = MessageHeaders {
            event_id: event(number, 1),
            event_type: event_type.to_owned(),
            source: "results".to_owned(),
            stream: stream(number),
            version: Version(1),
            occurred_at: Timestamp(1_767_225_600_000_000),
            correlation_id: CorrelationId(stream(number).0),
            causation_id: None,
            actor: None,
            contract_version,
            expects: vec![],
            consumer: None,
            attempt: None,
            traceparent: None,
        };
        let record = Newer {
            event_id: headers.event_id.0,
            stream_id: headers.stream.0,
            version: 1,
            occurred_at: headers.occurred_at.0,
            correlation_id: headers.correlation_id.0,
            ..record
        };
        let message = Outgoing {
            payload: self.contract.encode(&record).unwrap(),
            properties: headers::to_properties(EVENT_RESULT, &headers).into_iter().collect(),
            partition_key: Some(headers.stream.to_string()),
            ..Outgoing::default()
        };
        self.producer.send_non_blocking(message).await.unwrap().await.unwrap();
    }
}

/// Reads as every service does.
#[derive(Default)]
struct Reader(Mutex<Vec<ResultEvent>>);

impl MessageHandler for Reader {
    fn handle<'a>(
        &'a self,
        message: &'a Message,
        _: CommandId,
        _: u32,
    ) -> BoxFuture<'a, Result<Handling, HandlingError>> {
        Box::pin(async move {
            let record = event_result::decode(message.headers.contract_version, &message.payload)?;
            self.0.lock().unwrap().push(record.event);
            Ok(Handling::Done)
        })
    }
}

// One thread, so that what is counted there is counted here alone.
#[tokio::test]
async fn a_consumer_reads_a_newer_contract_that_the_registry_has_and_passes_over_what_is_new_in_it() {
    let counts = Counts::default();
    let _counting = metrics::set_default_local_recorder(&counts);
    let Some(place) = Place::without_topics().await else { return };
    let mut newer = NextRelease::on(&place).await;
    let (reader, clock) = (Arc::new(Reader::default()), Arc::new(ManualClock::new()));
    let letters = Arc::new(MemoryDeadLetters::new(clock.clone()));
    let consumer = ConsumerRunner {
        consumer: "notifications",
        topics: vec![EVENT_RESULT],
        bus: Arc::new(place.bus().await),
        handler: reader.clone(),
        dead_letters: letters.clone(),
        log: None,
        clock,
        in_hand: infra_event_store::operations::InHand::default(),
    };
    let _running = Running::start(consumer);

    let version = newer.version;
    newer.tell(1, "results.result_released", version, released(1)).await;
    let archived = Newer { result_archived: Some(Archived { number: 2 }), ..Newer::default() };
    newer.tell(2, "results.result_archived", version, archived).await;
    // Nobody registered that one.
    newer.tell(3, "results.result_released", version + 100, released(3)).await;
    newer.tell(4, "results.result_released", version, released(4)).await;

    wait_for("both to be read", LIMIT, async || (reader.0.lock().unwrap().len() >= 2).then_some(())).await;
    let letter = wait_for("the letter", LIMIT, async || letters.list(10).await.unwrap().pop()).await;
    assert_eq!((letter.message.headers.stream, letter.code.as_str()), (stream(3), "contract_version_unknown"));
    let mut read = reader.0.lock().unwrap().clone();
    read.sort_by_key(|event| if let ResultEvent::ResultReleased(released) = event { released.number } else { 0 });
    let expected = |number| ResultReleased { number, contact: Some(SealedBytes(vec![0, 127, 255])), patient_id: None };
    assert_eq!(read, [expected(1).into(), expected(4).into()]);
    let skipped =
        async || (counts.value_of("historia_messages_skipped_unknown_total", EVENT_RESULT) == 1).then_some(());
    wait_for("the new event to be passed over", LIMIT, skipped).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_right_to_consume_is_enough_to_learn() {
    const KEY: &[u8] = b"a key for tests alone: 32 bytes or more";
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("broker.key");
    std::fs::write(&key, KEY).unwrap();
    let (operator, reader) = (Token::sign(KEY, "operator").unwrap(), Token::sign(KEY, "reader").unwrap());
    let authentication =
        Authentication { key: TokenKey::Secret(key), superusers: vec!["operator".to_owned()], token: operator.clone() };
    let Some(broker) = own_broker(|options| options.authentication = Some(authentication)).await else { return };
    let place = Place(broker.namespace().await);
    // The other test's release may be learned by this process already. Words alone would make no version: the registry
    // would take the schema for the one before.
    let later = next_contract().replacen(r#""entered_in_error"], "#, r#""entered_in_error", "shredded"], "#, 1);
    let mut newer = NextRelease::after(&place, [next_contract(), later], Some(&operator)).await;
    place.admin().grant(&place.topic(EVENT_RESULT), "reader", &[Right::Consume]).await.unwrap();
    let version = newer.version;
    assert!(!topic::is_known(EVENT_RESULT, version));

    let token = Some(infra_messaging::pulsar::Token::Text(reader.reveal().to_owned()));
    let options = PulsarOptions { token, ..place.options() };
    let bus = PulsarBus::connect(options, Arc::new(MemoryCheckpoints::new())).await.unwrap();
    let mut subscription = bus.subscribe(EVENT_RESULT, "notifications").await.unwrap();
    newer.tell(1, "results.result_released", version, released(1)).await;
    let delivery = tokio::time::timeout(LIMIT, subscription.receive()).await.unwrap().unwrap();
    assert_eq!(delivery.message.headers.contract_version, version);
    assert!(event_result::decode(version, &delivery.message.payload).is_ok());
}
