//! What is told about handled messages.
use crate::support::{Bench, CONSUMER, event, stream, user_message};
use domain_kernel::ids::{handling_command, handling_stream};
use domain_kernel::message::topics;
use domain_kernel::ports::{EventStore, MessageSource};
use domain_kernel::{BoxFuture, Checkpoint, Message, RecordedEvent, Topic, Version};
use infra_contracts::saga_step::{self, MessageHandled, SagaStep};
use infra_contracts::{headers, topic};
use infra_messaging::{HandlingLog, LogSource, Publisher, handling};
use std::sync::Arc;

fn log(bench: &Bench) -> &HandlingLog {
    bench.runner.log.as_ref().unwrap()
}

#[tokio::test]
async fn a_step_is_kept_in_the_stream_of_consumer_and_source_stream() {
    let bench = Bench::new().await;
    log(&bench).handled(&user_message(1, 7), 2).await.unwrap();
    let told = bench.store.read_stream(handling_stream(CONSUMER, stream(1)), Version::NONE, 10).await.unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].type_id, handling::HANDLED);
    assert_eq!(told[0].metadata.causation_id, Some(event(1, 7)));
    let done = bench.store.find_command(handling_command(CONSUMER, event(1, 7))).await.unwrap();
    assert_eq!(done.map(|done| done.stream), Some(told[0].stream));
}

#[tokio::test]
async fn a_step_is_told_once_however_often_it_is_appended() {
    let bench = Bench::new().await;
    for _ in 0..3 {
        log(&bench).failed(&user_message(1, 1), 1, "never").await.unwrap();
        log(&bench).retried(&user_message(1, 1), 2).await.unwrap();
        log(&bench).failed(&user_message(1, 1), 2, "never").await.unwrap();
    }
    assert_eq!(bench.told().len(), 3);
}

#[tokio::test]
async fn consumers_that_tell_at_the_same_time_do_not_lose_a_step() {
    let bench = Bench::new().await;
    let messages: Vec<_> = (1..=8).map(|version| user_message(1, version)).collect();
    let telling = messages.iter().map(|message| log(&bench).handled(message, 1));
    for told in futures_util::future::join_all(telling).await {
        told.unwrap();
    }
    assert_eq!(bench.told().len(), 8);
}

struct Steps;

impl Publisher for Steps {
    fn message(
        &self,
        topic: Topic,
        event: &RecordedEvent,
    ) -> Result<Option<Message>, domain_kernel::ports::SourceError> {
        if topic == topics::SAGA_STEP { handling::message(event, "notifications") } else { Ok(None) }
    }
}

fn read<'a>(bench: &Bench, topic: Topic, source: &'a mut Option<LogSource>) -> BoxFuture<'a, Vec<Option<Message>>> {
    let store: Arc<dyn EventStore> = bench.store.clone();
    let source = source.insert(LogSource::new("notifications", topic, store, Arc::new(Steps)));
    Box::pin(async move {
        let entries = source.read(Checkpoint::default(), 10).await.unwrap();
        entries.into_iter().map(|entry| entry.message).collect()
    })
}

#[tokio::test]
async fn a_step_leaves_on_saga_step_and_nowhere_else() {
    let bench = Bench::new().await;
    log(&bench).skipped(&user_message(1, 1), 3, "known_to_be_void").await.unwrap();
    let told = read(&bench, topics::SAGA_STEP, &mut None).await;
    let Some(message) = &told[0] else { panic!("nothing is told") };
    assert_eq!(message.headers.event_type, "messaging.message_skipped");
    assert_eq!(message.headers.source, "notifications");
    let step = saga_step::decode(message.headers.contract_version, &message.payload).unwrap();
    assert!(matches!(step.event, SagaStep::MessageSkipped(_)));
    assert_eq!(read(&bench, topics::EVENT_USER, &mut None).await, [None], "an entry that a checkpoint can pass");
}

#[tokio::test]
async fn a_steps_headers_stand_on_the_wire() {
    let bench = Bench::new().await;
    log(&bench).failed(&user_message(1, 1), 3, "never").await.unwrap();
    let message = bench.steps().pop().unwrap();
    let properties = headers::to_properties(message.topic, &message.headers);
    assert_eq!(properties["ce_consumer"], CONSUMER);
    assert_eq!(properties["ce_attempt"], "3");
    assert_eq!(headers::from_properties(message.topic, &properties), Ok(message.headers));
    assert_eq!(topic::check(message.topic, 1, &message.payload), Ok(()));
}

#[tokio::test]
async fn a_private_event_can_be_told_as_the_answer_that_it_is() {
    let bench = Bench::new().await;
    log(&bench).handled(&user_message(1, 1), 1).await.unwrap();
    let private = bench.store.events().pop().unwrap();
    let source = (topics::EVENT_USER, event(1, 1));
    let answer = handling::answer(&private, "results", "results", source, 4).unwrap().unwrap();
    assert_eq!(answer.headers.event_type, "messaging.message_handled");
    assert_eq!((answer.headers.consumer.as_deref(), answer.headers.attempt), (Some("results"), Some(4)));
    let expected = MessageHandled {
        source_event_id: event(1, 1).0,
        source_topic: topics::EVENT_USER.to_owned(),
        consumer: "results".to_owned(),
        attempt: 4,
        code: None,
    };
    assert_eq!(saga_step::decode(1, &answer.payload).unwrap().event, SagaStep::MessageHandled(expected));
}

#[test]
fn the_numbers_and_names_of_the_stored_events_never_change() {
    let stored: Vec<_> = handling::EVENTS.iter().map(|event| (event.type_id, event.name, event.category)).collect();
    let pinned = [
        (901, "messaging.message_handled", "handling"),
        (902, "messaging.message_failed", "handling"),
        (903, "messaging.message_retried", "handling"),
        (904, "messaging.message_skipped", "handling"),
    ];
    assert_eq!(stored, pinned);
}
