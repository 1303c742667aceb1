//! What operators do with dead letters.
use crate::support::{
    Bench, CONSUMER, NOTHING, event, failed, handled, retried, retry_message, skip_message, skipped, stream,
    user_message,
};
use infra_event_store::dead_letters::DeadLetters;
use infra_messaging::{Handling, HandlingError, Retried, Skipped};

fn permanent() -> Result<Handling, HandlingError> {
    Err(HandlingError::permanent("never"))
}

/// Stream 1 is parked at version 1, with versions 2 to 4 behind; everything is read.
async fn parked() -> Bench {
    let bench = Bench::new().await;
    bench.handler.answers(event(1, 1), [permanent()]);
    bench.users.tell((1..=4).map(|version| user_message(1, version)));
    let running = bench.start();
    bench.until_users_are_read().await;
    running.stop().await;
    assert!(bench.is_parked(1).await);
    assert_eq!(bench.effects(1), NOTHING);
    bench
}

#[tokio::test]
async fn a_retry_that_is_asked_for_handles_the_letter_and_what_waits_behind_it_in_order() {
    let bench = parked().await;
    let _running = bench.start();
    bench.operators.tell([retry_message(1, CONSUMER, event(1, 1), 2)]);
    bench.until_wishes_are_read().await;
    assert_eq!(bench.effects(1), [1, 2, 3, 4]);
    assert_eq!(bench.letter(event(1, 1)).await, None);
    assert!(!bench.is_parked(1).await);
    assert_eq!(bench.handler.attempts(event(1, 1)), [1, 2], "the retry is an attempt above every one before");
    assert_eq!(bench.told(), [failed(1), retried(2)]);
}

#[tokio::test]
async fn a_stream_goes_on_after_its_letter_was_handled() {
    let bench = parked().await;
    let _running = bench.start();
    bench.operators.tell([retry_message(1, CONSUMER, event(1, 1), 2)]);
    bench.until_wishes_are_read().await;
    bench.users.tell([user_message(1, 5)]);
    bench.until_users_are_read().await;
    assert_eq!(bench.effects(1), [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_retry_of_a_message_with_nothing_to_do_is_answered_above_the_failure() {
    let bench = parked().await;
    bench.handler.answers(event(1, 1), [Ok(Handling::NothingToDo)]);
    assert_eq!(bench.runner.retry_dead_letter(event(1, 1), 2).await, Retried::Handled);
    assert_eq!(bench.told(), [failed(1), retried(2), handled(2)]);
}

#[tokio::test]
async fn a_letter_whose_append_came_in_after_all_is_answered_above_the_failure() {
    let bench = parked().await;
    bench.handler.takes_effect(&user_message(1, 1)).await;
    assert_eq!(bench.runner.retry_dead_letter(event(1, 1), 2).await, Retried::Handled);
    assert_eq!(bench.effects(1), [1, 2, 3, 4]);
    assert_eq!(bench.told(), [failed(1), handled(2)], "nothing else would answer the failure");
    assert!(!bench.is_parked(1).await);
}

#[tokio::test]
async fn a_letter_whose_append_came_in_after_all_is_answered_also_when_it_is_set_aside() {
    let bench = parked().await;
    bench.handler.takes_effect(&user_message(1, 1)).await;
    assert_eq!(bench.runner.skip_dead_letter(event(1, 1), stream(1)).await, Skipped::SetAside);
    assert_eq!(bench.told(), [failed(1), handled(1)], "of two answers at one attempt, handled holds");
}

#[tokio::test]
async fn a_retry_that_fails_leaves_the_letter_with_its_new_attempt() {
    let bench = parked().await;
    bench.handler.answers(event(1, 1), [permanent()]);
    assert_eq!(bench.runner.retry_dead_letter(event(1, 1), 2).await, Retried::FailedAgain);
    assert_eq!(bench.letter(event(1, 1)).await.unwrap().attempts, 2);
    assert_eq!(bench.effects(1), NOTHING, "nothing passes the letter");
    assert_eq!(bench.told(), [failed(1), retried(2), failed(2)]);
}

#[tokio::test]
async fn a_retry_tries_what_is_transient_three_times_too() {
    let bench = parked().await;
    let transient = || Err(HandlingError::transient("not_yet"));
    bench.handler.answers(event(1, 1), [transient(), transient(), transient()]);
    assert_eq!(bench.runner.retry_dead_letter(event(1, 1), 2).await, Retried::FailedAgain);
    assert_eq!(bench.handler.attempts(event(1, 1)), [1, 2, 3, 4]);
    assert_eq!(bench.told(), [failed(1), retried(2), failed(4)]);
}

#[tokio::test]
async fn a_repeated_retry_does_nothing() {
    let bench = parked().await;
    bench.handler.answers(event(1, 1), [permanent()]);
    assert_eq!(bench.runner.retry_dead_letter(event(1, 1), 2).await, Retried::FailedAgain);
    let (calls, told) = (bench.handler.calls(), bench.told());
    assert_eq!(bench.runner.retry_dead_letter(event(1, 1), 2).await, Retried::FailedAgain);
    assert_eq!((bench.handler.calls(), bench.told()), (calls, told), "that attempt was made");

    assert_eq!(bench.runner.retry_dead_letter(event(1, 1), 3).await, Retried::Handled);
    let (calls, told) = (bench.handler.calls(), bench.told());
    assert_eq!(bench.runner.retry_dead_letter(event(1, 1), 3).await, Retried::Handled);
    assert_eq!((bench.handler.calls(), bench.told()), (calls, told), "it was handled");
}

#[tokio::test]
async fn there_is_nothing_to_retry_without_a_letter() {
    let bench = Bench::new().await;
    assert_eq!(bench.runner.retry_dead_letter(event(1, 1), 2).await, Retried::NoLetter);
    assert_eq!(bench.told(), []);
}

#[tokio::test]
async fn a_retry_that_names_another_consumer_is_not_ours() {
    let bench = parked().await;
    let _running = bench.start();
    bench.operators.tell([retry_message(1, "results", event(1, 1), 2)]);
    bench.until_wishes_are_read().await;
    assert!(bench.letter(event(1, 1)).await.is_some());
    assert_eq!(bench.told(), [failed(1)]);
}

#[tokio::test]
async fn a_retry_without_a_letter_is_the_handlers_if_it_reads_commands() {
    let mut bench = Bench::new().await;
    bench.runner.topics.push(domain_kernel::message::topics::SAGA_COMMAND);
    let asked = retry_message(1, CONSUMER, event(1, 1), 2);
    bench.operators.tell([asked.clone()]);
    let _running = bench.start();
    bench.until_wishes_are_read().await;
    assert_eq!(bench.handler.attempts(asked.headers.event_id), [1]);
}

#[tokio::test]
async fn a_waiting_message_that_fails_becomes_the_streams_letter() {
    let bench = parked().await;
    bench.handler.answers(event(1, 3), [permanent()]);
    assert_eq!(bench.runner.retry_dead_letter(event(1, 1), 2).await, Retried::Handled);
    assert_eq!(bench.effects(1), [1, 2], "nothing passes the new letter");
    assert_eq!(bench.letter(event(1, 1)).await, None);
    assert!(bench.letter(event(1, 3)).await.is_some());
    assert!(bench.is_parked(1).await);
    assert_eq!(bench.told(), [failed(1), retried(2), failed(1)]);

    assert_eq!(bench.runner.retry_dead_letter(event(1, 3), 2).await, Retried::Handled);
    assert_eq!(bench.effects(1), [1, 2, 3, 4]);
    assert_eq!(bench.dead_letters.list(10).await.unwrap(), []);
    assert!(!bench.is_parked(1).await);
}

#[tokio::test]
async fn a_letter_that_is_set_aside_lets_its_stream_go_on() {
    let bench = parked().await;
    let _running = bench.start();
    bench.operators.tell([skip_message(1, CONSUMER, 1, 1)]);
    bench.until_wishes_are_read().await;
    assert_eq!(bench.effects(1), [2, 3, 4]);
    assert!(!bench.is_parked(1).await);
    assert_eq!(bench.told(), [failed(1), skipped(1)]);
}

#[tokio::test]
async fn a_repeated_skip_does_nothing() {
    let bench = parked().await;
    assert_eq!(bench.runner.skip_dead_letter(event(1, 1), stream(1)).await, Skipped::SetAside);
    let (calls, told) = (bench.handler.calls(), bench.told());
    assert_eq!(bench.runner.skip_dead_letter(event(1, 1), stream(1)).await, Skipped::NoLetter);
    assert_eq!((bench.handler.calls(), bench.told()), (calls, told));
}

#[tokio::test]
async fn a_skip_that_names_another_consumer_is_not_ours() {
    let bench = parked().await;
    let _running = bench.start();
    bench.operators.tell([skip_message(1, "results", 1, 1)]);
    bench.until_wishes_are_read().await;
    assert!(bench.letter(event(1, 1)).await.is_some());
    assert_eq!(bench.told(), [failed(1)]);
}

#[tokio::test]
async fn a_skip_without_a_letter_is_the_handlers_if_it_reads_commands() {
    let mut bench = Bench::new().await;
    bench.runner.topics.push(domain_kernel::message::topics::SAGA_COMMAND);
    let asked = skip_message(1, CONSUMER, 1, 1);
    bench.operators.tell([asked.clone()]);
    let _running = bench.start();
    bench.until_wishes_are_read().await;
    assert_eq!(bench.handler.attempts(asked.headers.event_id), [1]);
}

#[tokio::test]
async fn a_waiting_message_that_failed_is_set_aside_like_the_first() {
    let bench = parked().await;
    bench.handler.answers(event(1, 3), [permanent()]);
    bench.runner.skip_dead_letter(event(1, 1), stream(1)).await;
    assert_eq!(bench.effects(1), [2], "nothing passes the new letter");
    assert_eq!(bench.runner.skip_dead_letter(event(1, 3), stream(1)).await, Skipped::SetAside);
    assert_eq!(bench.effects(1), [2, 4]);
    assert!(!bench.is_parked(1).await);
}

#[tokio::test]
async fn what_was_set_aside_has_no_effect_when_it_is_delivered_again() {
    let bench = parked().await;
    bench.runner.skip_dead_letter(event(1, 1), stream(1)).await;
    bench.users.tell([user_message(1, 1)]);
    let _running = bench.start();
    bench.until_users_are_read().await;
    assert_eq!(bench.effects(1), [2, 3, 4]);
}

/// Stream 1 has a second letter at version 5, with version 6 behind, and the first one is gone.
async fn parked_once_more(bench: &Bench) {
    bench.handler.answers(event(1, 5), [permanent()]);
    bench.users.tell([5, 6].map(|version| user_message(1, version)));
    let running = bench.start();
    bench.until_users_are_read().await;
    running.stop().await;
    assert_eq!(bench.effects(1).last(), Some(&4));
}

#[tokio::test]
async fn a_retry_that_is_delivered_again_lets_nothing_pass_a_later_letter() {
    let bench = parked().await;
    assert_eq!(bench.runner.retry_dead_letter(event(1, 1), 2).await, Retried::Handled);
    parked_once_more(&bench).await;
    assert_eq!(bench.runner.retry_dead_letter(event(1, 1), 2).await, Retried::Handled);
    assert_eq!(bench.effects(1).last(), Some(&4), "version 6 waits behind version 5");
    assert!(bench.is_parked(1).await);
}

#[tokio::test]
async fn a_skip_that_is_delivered_again_lets_nothing_pass_a_later_letter() {
    let bench = parked().await;
    bench.runner.skip_dead_letter(event(1, 1), stream(1)).await;
    parked_once_more(&bench).await;
    assert_eq!(bench.runner.skip_dead_letter(event(1, 1), stream(1)).await, Skipped::NoLetter);
    assert_eq!(bench.effects(1).last(), Some(&4), "version 6 waits behind version 5");
    assert!(bench.is_parked(1).await);
}
