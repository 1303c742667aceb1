//! Attempts, letters, and what waits behind them.
use super::fixture::{Fixture, store, stream};
use domain_kernel::message::topics;
use domain_kernel::{
    Checkpoint, CorrelationId, EventId, Message, MessageHeaders, StreamId, Timestamp, UserId, Version,
};
use infra_event_store::checkpoints::{Checkpoints, PgCheckpoints};
use infra_event_store::dead_letters::{DeadLetters, PgDeadLetters};
use uuid::Uuid;

pub(crate) const CONSUMER: &str = "notifications";

pub(crate) fn message(stream: StreamId, version: u32) -> Message {
    Message {
        topic: topics::EVENT_RESULT,
        headers: MessageHeaders {
            event_id: EventId(Uuid::now_v7()),
            event_type: "results.result_created".into(),
            source: "results".into(),
            stream,
            version: Version(version),
            occurred_at: Timestamp(1_767_225_600_123_456),
            correlation_id: CorrelationId(Uuid::now_v7()),
            causation_id: Some(EventId(Uuid::now_v7())),
            actor: Some(UserId(Uuid::now_v7())),
            contract_version: 3,
            expects: vec!["notifications".into(), "results".into()],
            consumer: Some("results".into()),
            attempt: Some(2),
            traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
        },
        payload: vec![0, 1, 255],
    }
}

/// A message with nothing that may be left out.
fn bare(stream: StreamId, version: u32) -> Message {
    let full = message(stream, version);
    let headers = MessageHeaders {
        causation_id: None,
        actor: None,
        expects: vec![],
        consumer: None,
        attempt: None,
        traceparent: None,
        ..full.headers
    };
    Message { headers, ..full }
}

async fn letters() -> (Fixture, PgDeadLetters) {
    let fixture = store().await;
    let letters = PgDeadLetters::new(fixture.pool().clone());
    (fixture, letters)
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_are_counted_per_consumer_and_message() {
    let (_fixture, letters) = letters().await;
    let (one, other) = (EventId(Uuid::now_v7()), EventId(Uuid::now_v7()));
    assert_eq!(letters.attempts(CONSUMER, one).await, Ok(0));
    assert_eq!(letters.record_attempt(CONSUMER, one).await, Ok(1));
    assert_eq!(letters.record_attempt(CONSUMER, one).await, Ok(2));
    assert_eq!(letters.record_attempt("results", one).await, Ok(1));
    assert_eq!(letters.attempts(CONSUMER, one).await, Ok(2));
    assert_eq!(letters.attempts(CONSUMER, other).await, Ok(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_message_is_a_letter_that_is_found_whole() {
    let (_fixture, letters) = letters().await;
    for message in [message(stream(), 4), bare(stream(), 1)] {
        letters.park(CONSUMER, &message, 3, "smtp_550").await.unwrap();
        let found = letters.find(CONSUMER, message.headers.event_id).await.unwrap().unwrap();
        assert_eq!(found.message, message);
        assert_eq!((found.consumer.as_str(), found.attempts, found.code.as_str()), (CONSUMER, 3, "smtp_550"));
        assert!(letters.is_parked(CONSUMER, message.headers.stream).await.unwrap());
        assert!(!letters.is_parked("results", message.headers.stream).await.unwrap(), "for that consumer only");
        assert_eq!(letters.find("results", message.headers.event_id).await, Ok(None));
    }
    assert_eq!(letters.list(10).await.unwrap().len(), 2);
    assert_eq!(letters.list(1).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn parking_again_is_the_same_letter_with_the_later_outcome() {
    let (_fixture, letters) = letters().await;
    let message = message(stream(), 1);
    letters.park(CONSUMER, &message, 3, "first").await.unwrap();
    letters.park(CONSUMER, &message, 4, "second").await.unwrap();
    let all = letters.list(10).await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].attempts, all[0].code.as_str()), (4, "second"));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_wait_behind_a_letter_in_version_order() {
    let (_fixture, letters) = letters().await;
    let stream = stream();
    let [dead, second, third] = [message(stream, 1), message(stream, 2), bare(stream, 7)];
    letters.park(CONSUMER, &dead, 3, "code").await.unwrap();
    for waiting in [&third, &second, &second] {
        assert_eq!(letters.store_behind(CONSUMER, waiting).await, Ok(true));
    }
    let letter = letters.find(CONSUMER, dead.headers.event_id).await.unwrap().unwrap();
    assert_eq!(letter.parked_behind, 2, "a repeated one waits once");
    for waiting in [second, third] {
        assert_eq!(letters.next_behind(CONSUMER, stream, dead.headers.event_id).await, Ok(Some(waiting.clone())));
        letters.remove_behind(CONSUMER, waiting.headers.event_id).await.unwrap();
    }
    assert_eq!(letters.next_behind(CONSUMER, stream, dead.headers.event_id).await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_letter_keeps_what_waits_behind_it() {
    let (_fixture, letters) = letters().await;
    let stream = stream();
    let [gone, dead, waiting] = [1, 2, 3].map(|version| message(stream, version));
    letters.park(CONSUMER, &dead, 3, "code").await.unwrap();
    letters.store_behind(CONSUMER, &waiting).await.unwrap();
    assert_eq!(letters.next_behind(CONSUMER, stream, gone.headers.event_id).await, Ok(None));
    // What an earlier drain gave up is a letter and keeps its place in the row.
    letters.store_behind(CONSUMER, &dead).await.unwrap();
    assert_eq!(letters.next_behind(CONSUMER, stream, gone.headers.event_id).await, Ok(Some(dead)));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_stored_behind_a_stream_that_is_not_parked() {
    let (fixture, letters) = letters().await;
    assert_eq!(letters.store_behind(CONSUMER, &message(stream(), 1)).await, Ok(false));
    assert_eq!(fixture.count("select count(*) from parked_message").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_stays_parked_until_letter_and_waiting_messages_are_gone() {
    let (_fixture, letters) = letters().await;
    let stream = stream();
    let (dead, waiting) = (message(stream, 1), message(stream, 2));
    letters.park(CONSUMER, &dead, 3, "code").await.unwrap();
    letters.store_behind(CONSUMER, &waiting).await.unwrap();
    assert_eq!(letters.unpark_if_empty(CONSUMER, stream).await, Ok(false));
    letters.remove_letter(CONSUMER, dead.headers.event_id).await.unwrap();
    assert_eq!(letters.unpark_if_empty(CONSUMER, stream).await, Ok(false));
    assert!(letters.is_parked(CONSUMER, stream).await.unwrap());
    letters.remove_behind(CONSUMER, waiting.headers.event_id).await.unwrap();
    assert_eq!(letters.unpark_if_empty(CONSUMER, stream).await, Ok(true));
    assert!(!letters.is_parked(CONSUMER, stream).await.unwrap());
    assert_eq!(letters.unpark_if_empty(CONSUMER, stream).await, Ok(true), "repeating it does nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_arrives_while_a_stream_is_unparked_is_stored_or_refused_never_stranded() {
    let (fixture, letters) = letters().await;
    for _ in 0..30 {
        let stream = stream();
        let (dead, late) = (message(stream, 1), message(stream, 2));
        letters.park(CONSUMER, &dead, 3, "code").await.unwrap();
        letters.remove_letter(CONSUMER, dead.headers.event_id).await.unwrap();
        let (stored, unparked) =
            tokio::join!(letters.store_behind(CONSUMER, &late), letters.unpark_if_empty(CONSUMER, stream));
        assert_ne!(stored.unwrap(), unparked.unwrap(), "exactly one of the two comes first");
    }
    let stranded = "select count(*) from parked_message m where not exists
        (select from parked_stream s where s.consumer = m.consumer and s.stream_id = m.stream_id)";
    assert_eq!(fixture.count(stranded).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_is_where_it_was_last_saved() {
    let fixture = store().await;
    let checkpoints = PgCheckpoints::new(fixture.pool().clone());
    assert_eq!(checkpoints.load("relay").await, Ok(Checkpoint::default()), "a new reader begins at the beginning");
    for at in [Checkpoint { epoch: 1, tx: 7_000_000_000, position: 5 }, Checkpoint { epoch: 1, tx: 9, position: 4 }] {
        checkpoints.save("relay", at).await.unwrap();
        assert_eq!(checkpoints.load("relay").await, Ok(at));
    }
    assert_eq!(checkpoints.load("other").await, Ok(Checkpoint::default()));
}
