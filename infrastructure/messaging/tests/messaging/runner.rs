//! How a consumer sees a message through.
use crate::support::{
    Bench, CONSUMER, Call, LIMIT, NOTHING, event, failed, handled, retry_message, stream, user_message,
};
use domain_kernel::message::topics;
use domain_kernel::ports::StoreError;
use domain_kernel::{BoxFuture, CommandId, Message};
use infra_contracts::saga_step::{self, SagaStep};
use infra_event_store::dead_letters::DeadLetters;
use infra_messaging::{Handling, HandlingError, MessageHandler, RunnerError};
use std::time::{Duration, Instant};

fn transient() -> Result<Handling, HandlingError> {
    Err(HandlingError::transient("not_yet"))
}

fn permanent() -> Result<Handling, HandlingError> {
    Err(HandlingError::permanent("never"))
}

#[tokio::test]
async fn each_message_takes_effect_once_and_in_order() {
    let bench = Bench::new().await;
    bench.users.tell((1..=5).map(|version| user_message(1, version)));
    let running = bench.start();
    bench.until_users_are_read().await;
    assert_eq!(bench.effects(1), [1, 2, 3, 4, 5]);
    assert_eq!(bench.told(), [], "the handler's own events are the answers");
    running.stop().await;
}

#[tokio::test]
async fn a_transient_error_is_tried_three_times_in_place_with_growing_waits() {
    let bench = Bench::new().await;
    bench.handler.answers(event(1, 1), [transient(), transient()]);
    bench.users.tell([user_message(1, 1)]);
    let begun = Instant::now();
    let _running = bench.start();
    bench.until_users_are_read().await;
    assert_eq!(bench.handler.attempts(event(1, 1)), [1, 2, 3]);
    assert!(begun.elapsed() >= Duration::from_millis(200 + 400), "{:?}", begun.elapsed());
    assert_eq!(bench.effects(1), [1]);
    assert_eq!(bench.told(), []);
}

#[tokio::test]
async fn the_third_transient_error_is_the_last() {
    let bench = Bench::new().await;
    bench.handler.answers(event(1, 1), [transient(), transient(), transient()]);
    bench.users.tell([user_message(1, 1)]);
    let _running = bench.start();
    bench.until_users_are_read().await;
    assert_eq!(bench.handler.attempts(event(1, 1)), [1, 2, 3]);
    let letter = bench.letter(event(1, 1)).await.unwrap();
    assert_eq!((letter.attempts, letter.code.as_str()), (3, "not_yet"));
    assert_eq!(bench.told(), [failed(3)]);
}

#[tokio::test]
async fn a_permanent_error_parks_the_stream_and_other_streams_go_on() {
    let bench = Bench::new().await;
    bench.handler.answers(event(1, 2), [permanent()]);
    let of = |number| (1..=4).map(move |version| user_message(number, version));
    bench.users.tell(of(1).zip(of(2)).flat_map(|(one, two)| [one, two]));
    let _running = bench.start();
    bench.until_users_are_read().await;
    assert_eq!(bench.effects(1), [1], "nothing passes the letter");
    assert_eq!(bench.effects(2), [1, 2, 3, 4]);
    assert_eq!(bench.handler.attempts(event(1, 2)), [1], "a permanent error is not tried again");
    let letter = bench.letter(event(1, 2)).await.unwrap();
    assert_eq!((letter.attempts, letter.code.as_str(), letter.parked_behind), (1, "never", 2));
    assert_eq!(bench.told(), [failed(1)]);
}

#[tokio::test]
async fn a_failure_is_told_as_an_answer_of_the_consumer() {
    let bench = Bench::new().await;
    bench.handler.answers(event(1, 1), [permanent()]);
    bench.users.tell([user_message(1, 1)]);
    let _running = bench.start();
    bench.until_users_are_read().await;
    let step = bench.steps().pop().unwrap();
    assert_eq!(step.topic, topics::SAGA_STEP);
    assert_eq!(step.headers.causation_id, Some(event(1, 1)));
    assert_eq!(step.headers.correlation_id, user_message(1, 1).headers.correlation_id);
    assert_eq!((step.headers.consumer.as_deref(), step.headers.attempt), (Some(CONSUMER), Some(1)));
    assert!(step.headers.expects.is_empty());
    let SagaStep::MessageFailed(failure) = saga_step::decode(1, &step.payload).unwrap().event else { panic!() };
    assert_eq!(failure.source_event_id, event(1, 1).0);
    assert_eq!(failure.source_topic, topics::EVENT_USER);
    assert_eq!(failure.code.as_deref(), Some("never"));
}

#[tokio::test]
async fn messages_behind_a_letter_wait_in_version_order() {
    let bench = Bench::new().await;
    bench.handler.answers(event(1, 1), [permanent()]);
    bench.users.tell([1, 3, 2, 4].map(|version| user_message(1, version)));
    let _running = bench.start();
    bench.until_users_are_read().await;
    let mut waiting = vec![];
    while let Some(next) = bench.dead_letters.next_behind(CONSUMER, stream(1), event(1, 1)).await.unwrap() {
        waiting.push(next.headers.version.0);
        bench.dead_letters.remove_behind(CONSUMER, next.headers.event_id).await.unwrap();
    }
    assert_eq!(waiting, [2, 3, 4]);
    assert_eq!(bench.effects(1), NOTHING);
}

#[tokio::test]
async fn an_outage_is_waited_out_and_is_no_attempt() {
    let bench = Bench::new().await;
    let outage = || Err(HandlingError::outage("the vault does not answer"));
    bench.handler.answers(event(1, 1), [outage(), outage(), outage(), outage(), transient(), transient()]);
    bench.users.tell([user_message(1, 1), user_message(1, 2)]);
    let _running = bench.start();
    bench.until_users_are_read().await;
    assert_eq!(bench.handler.attempts(event(1, 1)), [1, 1, 1, 1, 1, 2, 3]);
    assert_eq!(bench.effects(1), [1, 2], "the consumer waits, nothing passes");
    assert_eq!(bench.told(), []);
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_an_outage() {
    let bench = Bench::new().await;
    bench.store.fail_always(Some(StoreError::Unavailable { reason: "down".to_owned() }));
    bench.users.tell([user_message(1, 1)]);
    let _running = bench.start();
    bench.handler.until_called(2).await;
    bench.store.fail_always(None);
    bench.until_users_are_read().await;
    assert!(bench.handler.calls().iter().all(|call| call.attempt == 1));
    assert_eq!(bench.effects(1), [1]);
}

#[tokio::test]
async fn an_unknown_event_type_is_passed_over() {
    let bench = Bench::new().await;
    let mut unknown = user_message(1, 1);
    unknown.headers.event_type = "users.user_became_a_star".to_owned();
    bench.users.tell([unknown, user_message(1, 2)]);
    let _running = bench.start();
    bench.until_users_are_read().await;
    assert_eq!(bench.handler.calls(), [Call { event: event(1, 2), attempt: 1 }]);
    assert_eq!(bench.told(), []);
    assert_eq!(bench.dead_letters.list(10).await.unwrap(), []);
}

#[tokio::test]
async fn nothing_to_do_is_told_once_even_when_delivered_twice() {
    let bench = Bench::new().await;
    bench.handler.answers(event(1, 1), [Ok(Handling::NothingToDo), Ok(Handling::NothingToDo)]);
    bench.users.tell([user_message(1, 1), user_message(1, 1)]);
    let _running = bench.start();
    bench.until_users_are_read().await;
    assert_eq!(bench.handler.calls().len(), 2);
    assert_eq!(bench.told(), [handled(1)]);
}

#[tokio::test]
async fn done_without_an_event_is_answered_all_the_same() {
    let bench = Bench::new().await;
    bench.handler.answers(event(1, 1), [Ok(Handling::Done)]);
    bench.users.tell([user_message(1, 1)]);
    let _running = bench.start();
    bench.until_users_are_read().await;
    assert_eq!(bench.told(), [handled(1)], "an owed answer always comes");
}

#[tokio::test]
async fn nothing_is_told_where_no_answer_is_owed() {
    let bench = Bench::new().await;
    let mut message = user_message(1, 1);
    message.headers.expects = vec!["billing".to_owned()];
    bench.handler.answers(event(1, 1), [Ok(Handling::NothingToDo)]);
    bench.users.tell([message]);
    let _running = bench.start();
    bench.until_users_are_read().await;
    assert_eq!(bench.told(), []);
}

#[tokio::test]
async fn a_message_delivered_twice_takes_effect_once() {
    let bench = Bench::new().await;
    bench.users.tell([user_message(1, 1), user_message(1, 1), user_message(1, 2), user_message(1, 1)]);
    let _running = bench.start();
    bench.until_users_are_read().await;
    assert_eq!(bench.effects(1), [1, 2]);
}

#[tokio::test]
async fn messages_about_messages_are_never_reported() {
    let mut bench = Bench::new().await;
    bench.runner.topics.push(topics::SAGA_COMMAND);
    let asked = retry_message(1, CONSUMER, event(1, 1), 4);
    bench.handler.answers(asked.headers.event_id, [permanent()]);
    bench.operators.tell([asked.clone()]);
    let _running = bench.start();
    bench.until_wishes_are_read().await;
    assert!(bench.letter(asked.headers.event_id).await.is_some(), "it is a dead letter all the same");
    assert_eq!(bench.told(), []);
}

#[tokio::test]
async fn a_message_that_always_kills_the_consumer_is_given_up_after_three_deliveries() {
    let bench = Bench::new().await;
    bench.users.tell([user_message(1, 1), user_message(2, 1)]);
    for delivery in 1..=3 {
        bench.handler.never_ends(event(1, 1));
        let running = bench.start();
        bench.handler.until_tried(event(1, 1), delivery).await;
        running.kill().await;
    }
    let _running = bench.start();
    bench.until_users_are_read().await;
    assert_eq!(bench.handler.attempts(event(1, 1)), [1, 2, 3], "it is not tried a fourth time");
    let letter = bench.letter(event(1, 1)).await.unwrap();
    assert_eq!((letter.attempts, letter.code.as_str()), (3, "handling_never_ended"));
    assert_eq!(bench.effects(2), [1]);
    assert_eq!(bench.told(), [failed(3)]);
}

#[tokio::test]
async fn an_outage_is_no_attempt_however_often_the_consumer_starts_again() {
    let bench = Bench::new().await;
    bench.users.tell([user_message(1, 1)]);
    for delivery in 1..=5 {
        bench.handler.answers(event(1, 1), [Err(HandlingError::outage("the vault does not answer"))]);
        bench.handler.never_ends(event(1, 1));
        let running = bench.start();
        bench.handler.until_called(2 * delivery).await;
        running.kill().await;
    }
    let _running = bench.start();
    bench.until_users_are_read().await;
    assert_eq!(bench.effects(1), [1]);
    assert_eq!(bench.told(), []);
}

#[tokio::test]
async fn an_attempt_after_the_first_delivery_is_recorded_before_it_is_made() {
    let bench = Bench::new().await;
    bench.users.tell([user_message(1, 1)]);
    for delivery in 1..=2 {
        bench.handler.never_ends(event(1, 1));
        let running = bench.start();
        bench.handler.until_called(delivery).await;
        let recorded = bench.dead_letters.attempts(CONSUMER, event(1, 1)).await.unwrap();
        assert_eq!(recorded, u32::try_from(delivery).unwrap() - 1, "nothing is written for a first delivery");
        running.kill().await;
    }
    let _running = bench.start();
    bench.until_users_are_read().await;
    assert_eq!(bench.effects(1), [1]);
    assert_eq!(bench.dead_letters.attempts(CONSUMER, event(1, 1)).await, Ok(0), "handled: nothing to remember");
}

#[tokio::test]
async fn a_handler_that_panics_ends_the_consumer_so_that_it_is_started_again() {
    let mut bench = Bench::new().await;
    bench.runner.handler = std::sync::Arc::new(Panics);
    bench.users.tell([user_message(1, 1)]);
    let ended = tokio::time::timeout(LIMIT, bench.start().ended()).await.unwrap();
    assert!(matches!(ended, Err(RunnerError::TaskDied { consumer: CONSUMER, .. })));
}

struct Panics;

impl MessageHandler for Panics {
    fn handle<'a>(&'a self, _: &'a Message, _: CommandId, _: u32) -> BoxFuture<'a, Result<Handling, HandlingError>> {
        panic!("a defect")
    }
}
