//! A kill between any two steps repeats them harmlessly.
use crate::gates::{Gate, GatedBus, GatedDeadLetters, GatedStore};
use crate::support::{Bench, CONSUMER, event, failed, retried, retry_message, skip_message, skipped, user_message};
use domain_kernel::Message;
use domain_kernel::ports::Clock;
use infra_event_store::dead_letters::DeadLetters;
use infra_messaging::{Handling, HandlingError, HandlingLog, handling};
use infra_testkit::interception::Intercepted;
use infra_testkit::memory::ManualClock;
use std::sync::Arc;

fn permanent() -> Result<Handling, HandlingError> {
    Err(HandlingError::permanent("never"))
}

/// A bench whose consumer can be stopped at every step that writes.
struct Gated {
    bench: Bench,
    dead_letters: Arc<GatedDeadLetters>,
    before_failed: Gate,
    before_acknowledge: Gate,
}

impl Gated {
    async fn new() -> Self {
        let mut bench = Bench::new().await;
        let (before_failed, before_acknowledge) = (Gate::default(), Gate::default());
        let dead_letters = Arc::new(GatedDeadLetters::new(bench.dead_letters.clone()));
        let inner = bench.store.clone();
        let store = Intercepted(GatedStore { inner, before: handling::FAILED, gate: before_failed.clone() });
        // Another series, or its ids would be those of the bench's own clock.
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::in_series(1));
        bench.runner.log = Some(HandlingLog::new(Arc::new(store), clock, CONSUMER));
        bench.runner.dead_letters = dead_letters.clone();
        bench.runner.bus = Arc::new(GatedBus { inner: bench.runner.bus.clone(), gate: before_acknowledge.clone() });
        Self { bench, dead_letters, before_failed, before_acknowledge }
    }

    /// Runs the consumer until somebody stands at `gate`, kills it there and opens the gate.
    async fn kill_at(&self, gate: &Gate) {
        gate.close();
        let running = self.bench.start();
        gate.until_reached().await;
        running.kill().await;
        gate.open();
    }
}

async fn a_kill_while_parking_repeats_harmlessly(gate: impl Fn(&Gated) -> &Gate, attempt: u32) {
    let gated = Gated::new().await;
    let bench = &gated.bench;
    bench.handler.answers(event(1, 1), [permanent(), permanent()]);
    bench.users.tell([user_message(1, 1), user_message(1, 2), user_message(2, 1)]);
    gated.kill_at(gate(&gated)).await;
    let _running = bench.start();
    bench.until_users_are_read().await;
    assert_eq!(bench.told(), [failed(attempt)], "FAILED is told once");
    let letters = bench.dead_letters.list(10).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].attempts, letters[0].parked_behind), (attempt, 1));
    assert_eq!((bench.effects(1), bench.effects(2)), (vec![], vec![1]));
}

#[tokio::test]
async fn a_kill_before_the_letter_is_written_tries_again() {
    // Delivered again, the message is at its second attempt.
    a_kill_while_parking_repeats_harmlessly(|gated| &gated.dead_letters.before_park, 2).await;
}

#[tokio::test]
async fn a_kill_between_the_letter_and_failed_tells_it_afterwards() {
    a_kill_while_parking_repeats_harmlessly(|gated| &gated.before_failed, 1).await;
}

#[tokio::test]
async fn a_kill_between_failed_and_the_acknowledgement_tells_it_once() {
    a_kill_while_parking_repeats_harmlessly(|gated| &gated.before_acknowledge, 1).await;
}

#[tokio::test]
async fn a_kill_between_the_effect_and_the_acknowledgement_does_not_repeat_the_effect() {
    let gated = Gated::new().await;
    let bench = &gated.bench;
    bench.users.tell([user_message(1, 1), user_message(1, 2)]);
    gated.kill_at(&gated.before_acknowledge).await;
    let _running = bench.start();
    bench.until_users_are_read().await;
    assert_eq!(bench.effects(1), [1, 2]);
    assert_eq!(bench.handler.attempts(event(1, 1)).len(), 2);
}

#[tokio::test]
async fn a_message_that_was_handled_is_not_given_up_however_often_its_acknowledgement_is_killed() {
    let gated = Gated::new().await;
    let bench = &gated.bench;
    bench.users.tell([user_message(1, 1)]);
    for _ in 0..4 {
        gated.kill_at(&gated.before_acknowledge).await;
        // Its attempts are forgotten when it is handled again, so that only those which were killed count.
        for _ in 0..2 {
            bench.dead_letters.record_attempt(CONSUMER, event(1, 1)).await.unwrap();
        }
    }
    let _running = bench.start();
    bench.until_users_are_read().await;
    assert_eq!(bench.dead_letters.list(10).await.unwrap(), []);
    assert_eq!((bench.effects(1), bench.told()), (vec![1], vec![]));
}

#[tokio::test]
async fn a_repetition_that_fails_is_no_dead_letter() {
    let gated = Gated::new().await;
    let bench = &gated.bench;
    bench.users.tell([user_message(1, 1)]);
    gated.kill_at(&gated.before_acknowledge).await;
    bench.handler.answers(event(1, 1), [permanent()]);
    let _running = bench.start();
    bench.until_users_are_read().await;
    assert_eq!(bench.dead_letters.list(10).await.unwrap(), []);
    assert_eq!((bench.effects(1), bench.told()), (vec![1], vec![]));
}

/// Stream 1 is parked at version 1 with versions 2 and 3 behind; the fulfilment of `wish` is killed at `gate` and comes
/// again. What it does to the stream, and what it tells, is as without the kill.
async fn a_kill_repeats_harmlessly(
    gate: impl Fn(&Gated) -> &Gate,
    wish: Message,
    effects: &[u32],
    told: (String, u32),
) {
    let gated = Gated::new().await;
    let bench = &gated.bench;
    bench.handler.answers(event(1, 1), [permanent()]);
    bench.users.tell((1..=3).map(|version| user_message(1, version)));
    let running = bench.start();
    bench.until_users_are_read().await;
    running.stop().await;

    bench.operators.tell([wish]);
    gated.kill_at(gate(&gated)).await;
    let _running = bench.start();
    bench.until_wishes_are_read().await;
    assert_eq!(bench.effects(1), effects);
    assert_eq!(bench.dead_letters.list(10).await.unwrap(), []);
    assert!(!bench.is_parked(1).await);
    assert_eq!(bench.told(), [failed(1), told]);
    bench.users.tell([user_message(1, 4)]);
    bench.until_users_are_read().await;
    assert_eq!(bench.effects(1), [effects, &[4]].concat());
}

async fn a_kill_while_retrying_repeats_harmlessly(gate: impl Fn(&Gated) -> &Gate) {
    let wish = retry_message(1, CONSUMER, event(1, 1), 2);
    a_kill_repeats_harmlessly(gate, wish, &[1, 2, 3], retried(2)).await;
}

async fn a_kill_while_skipping_repeats_harmlessly(gate: impl Fn(&Gated) -> &Gate) {
    a_kill_repeats_harmlessly(gate, skip_message(1, CONSUMER, 1, 1), &[2, 3], skipped(1)).await;
}

#[tokio::test]
async fn a_kill_while_a_skip_takes_out_a_waiting_message_repeats_harmlessly() {
    a_kill_while_skipping_repeats_harmlessly(|gated| &gated.dead_letters.before_remove_behind).await;
}

#[tokio::test]
async fn a_kill_before_a_skip_deletes_the_letter_repeats_harmlessly() {
    a_kill_while_skipping_repeats_harmlessly(|gated| &gated.dead_letters.before_remove_letter).await;
}

#[tokio::test]
async fn a_kill_before_a_skip_unparks_the_stream_repeats_harmlessly() {
    a_kill_while_skipping_repeats_harmlessly(|gated| &gated.dead_letters.before_unpark).await;
}

#[tokio::test]
async fn a_kill_before_a_skip_is_acknowledged_repeats_harmlessly() {
    a_kill_while_skipping_repeats_harmlessly(|gated| &gated.before_acknowledge).await;
}

#[tokio::test]
async fn a_kill_while_a_waiting_message_is_taken_out_repeats_harmlessly() {
    a_kill_while_retrying_repeats_harmlessly(|gated| &gated.dead_letters.before_remove_behind).await;
}

#[tokio::test]
async fn a_kill_before_the_letter_is_deleted_repeats_harmlessly() {
    a_kill_while_retrying_repeats_harmlessly(|gated| &gated.dead_letters.before_remove_letter).await;
}

#[tokio::test]
async fn a_kill_before_the_stream_is_unparked_repeats_harmlessly() {
    a_kill_while_retrying_repeats_harmlessly(|gated| &gated.dead_letters.before_unpark).await;
}

#[tokio::test]
async fn a_kill_before_the_retry_is_acknowledged_repeats_harmlessly() {
    a_kill_while_retrying_repeats_harmlessly(|gated| &gated.before_acknowledge).await;
}

#[tokio::test]
async fn a_kill_while_a_waiting_message_is_parked_keeps_its_place() {
    let gated = Gated::new().await;
    let bench = &gated.bench;
    bench.handler.answers(event(1, 1), [permanent()]);
    bench.users.tell((1..=3).map(|version| user_message(1, version)));
    let running = bench.start();
    bench.until_users_are_read().await;
    running.stop().await;

    bench.handler.answers(event(1, 2), [permanent()]);
    bench.operators.tell([retry_message(1, CONSUMER, event(1, 1), 2)]);
    gated.kill_at(&gated.before_failed).await;
    let _running = bench.start();
    bench.until_wishes_are_read().await;
    assert_eq!(bench.effects(1), [1], "version 3 does not pass version 2");
    assert!(bench.letter(event(1, 2)).await.is_some());
    assert_eq!(bench.told(), [failed(1), retried(2), failed(1)]);
}
