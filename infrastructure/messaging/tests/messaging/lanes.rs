//! What a consumer has in hand at a time.
use crate::gates::{Gate, GatedBus};
use crate::support::{Bench, CONSUMER, LIMIT, event, failed, retry_message, user_message};
use infra_event_store::dead_letters::DeadLetters;
use infra_messaging::{Handling, HandlingError};
use infra_testkit::wait_for;
use std::sync::Arc;

const HAND: u32 = 64;
const LANES: usize = 16;

#[tokio::test]
async fn streams_are_handled_side_by_side_and_each_in_its_order() {
    let bench = Bench::new().await;
    bench.handler.never_ends(event(1, 1));
    bench.users.tell([user_message(1, 1), user_message(1, 2), user_message(2, 1), user_message(2, 2)]);
    let _running = bench.start();
    bench.handler.until_tried(event(2, 2), 1).await;
    assert_eq!(bench.handler.attempts(event(1, 2)), [0_u32; 0], "the one before it is not done");
    assert_eq!(bench.handler.attempts(event(2, 1)), [1]);
}

#[tokio::test]
async fn no_more_streams_are_handled_at_a_time_than_there_are_lanes() {
    let bench = Bench::new().await;
    for number in 1..=20 {
        bench.handler.never_ends(event(number, 1));
    }
    bench.users.tell((1..=20).map(|number| user_message(number, 1)));
    let _running = bench.start();
    bench.handler.until_called(LANES).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.handler.calls().len(), LANES);
}

#[tokio::test]
async fn operators_see_what_is_in_hand_and_how_old_it_is() {
    let bench = Bench::new().await;
    bench.handler.never_ends(event(1, 1));
    let messages = [user_message(1, 1), user_message(1, 2)];
    bench.users.tell(messages.clone());
    let running = bench.start();
    bench.handler.until_tried(event(1, 1), 1).await;
    let in_hand = &bench.runner.in_hand;
    wait_for("both to be in hand", LIMIT, async || (in_hand.messages() == 2).then_some(())).await;
    assert_eq!(in_hand.oldest(), Some(messages[0].headers.occurred_at));
    running.kill().await;
    assert_eq!((in_hand.messages(), in_hand.oldest()), (0, None));
}

#[tokio::test]
async fn operators_see_a_consumer_that_waits_out_an_outage() {
    let bench = Bench::new().await;
    bench.handler.answers(event(1, 1), [Err(HandlingError::outage("the vault does not answer"))]);
    bench.users.tell([user_message(1, 1)]);
    let _running = bench.start();
    let in_hand = &bench.runner.in_hand;
    wait_for("the consumer to wait", LIMIT, async || in_hand.is_waiting().then_some(())).await;
    bench.until_users_are_read().await;
    assert!(!in_hand.is_waiting());
}

#[tokio::test]
async fn what_was_in_hand_beside_a_message_that_kills_the_consumer_is_not_given_up_with_it() {
    let bench = Bench::new().await;
    bench.users.tell((1..=10).map(|number| user_message(number, 1)));
    for delivery in 1..=3 {
        bench.handler.never_ends(event(5, 1));
        if delivery == 1 {
            for number in (1..=10).filter(|number| *number != 5) {
                bench.handler.never_ends(event(number, 1));
            }
        }
        let running = bench.start();
        bench.handler.until_tried(event(5, 1), delivery).await;
        bench.handler.until_called(10).await;
        running.kill().await;
    }
    let _running = bench.start();
    bench.until_users_are_read().await;
    assert_eq!(bench.handler.attempts(event(5, 1)), [1, 2, 3]);
    for number in (1..=10).filter(|number| *number != 5) {
        assert_eq!(bench.effects(number), [1], "stream {number}");
    }
    assert_eq!(bench.told(), [failed(3)]);
    assert_eq!(bench.dead_letters.list(10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_busy_stream_leaves_room_for_others_up_to_what_a_hand_holds() {
    let bench = Bench::new().await;
    bench.handler.never_ends(event(1, 1));
    bench.users.tell((1..HAND).map(|version| user_message(1, version)));
    bench.users.tell([user_message(2, 1)]);
    let _running = bench.start();
    bench.handler.until_tried(event(2, 1), 1).await;
    assert_eq!(bench.handler.calls().len(), 2);
}

#[tokio::test]
async fn commands_are_taken_one_by_one() {
    let bench = Bench::new().await;
    let permanent = || Err(HandlingError::permanent("never"));
    bench.handler.answers(event(1, 1), [permanent()]);
    bench.handler.answers(event(2, 1), [permanent()]);
    bench.users.tell([user_message(1, 1), user_message(2, 1)]);
    let running = bench.start();
    bench.until_users_are_read().await;
    running.stop().await;

    bench.handler.never_ends(event(1, 1));
    bench.operators.tell([retry_message(1, CONSUMER, event(1, 1), 2), retry_message(2, CONSUMER, event(2, 1), 2)]);
    let _running = bench.start();
    bench.handler.until_tried(event(1, 1), 2).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.handler.attempts(event(2, 1)), [1], "the second retry waits for the first");
}

#[tokio::test]
async fn what_is_in_hand_ends_before_a_lost_subscription_is_opened_again() {
    let bench = Bench::new().await;
    let transient = || Err::<Handling, _>(HandlingError::transient("not_yet"));
    bench.handler.answers(event(1, 1), [transient()]);
    bench.users.tell([user_message(1, 1)]);
    // The second receive fails while the first message waits for its second attempt.
    let faults = infra_testkit::memory::Faults { crash_receive_every: 2, ..Default::default() };
    let mut bench = bench;
    let inner = bench.runner.bus.clone();
    bench.runner.bus = Arc::new(infra_testkit::memory::FaultyBus::new(inner, faults));
    let _running = bench.start();
    bench.until_users_are_read().await;
    assert_eq!(bench.effects(1), [1]);
    assert!(bench.handler.attempts(event(1, 1)).starts_with(&[1, 2]), "it was not interrupted");
}

#[tokio::test]
async fn what_is_in_hand_goes_on_while_something_else_is_acknowledged() {
    let mut bench = Bench::new().await;
    let gate = Gate::default();
    gate.close();
    bench.runner.bus = Arc::new(GatedBus { inner: bench.runner.bus.clone(), gate: gate.clone() });
    let transient = || Err::<Handling, _>(HandlingError::transient("not_yet"));
    // Time for both to be in hand before the first is done.
    bench.handler.answers(event(1, 1), [transient()]);
    bench.handler.answers(event(2, 1), [transient(), transient()]);
    bench.users.tell([user_message(1, 1), user_message(2, 1)]);
    let _running = bench.start();
    gate.until_reached().await;
    bench.handler.until_tried(event(2, 1), 3).await;
}
