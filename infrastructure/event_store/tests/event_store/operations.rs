//! What operators see and do.
use super::counter::{TABLES, Totals, count_up, totals};
use super::dead_letters::{CONSUMER, message};
use super::fixture::{Fixture, LIMIT, store, store_with, stream};
use super::projections::run;
use domain_kernel::{Reason, UserId};
use infra_event_store::dead_letters::{DeadLetters, PgDeadLetters};
use infra_event_store::operations::{Found, Operations, ProjectionStanding};
use infra_event_store::projection::{self, ReadModels, latest, wait_until};
use infra_testkit::wait_for;
use std::sync::Arc;
use uuid::Uuid;

const OPERATOR: UserId = UserId(Uuid::from_u128(4));

fn reason(words: &str) -> Reason {
    Reason::parse(words).unwrap()
}

fn operations(fixture: &Fixture) -> Operations {
    Operations::new(fixture.pool().clone(), vec![Arc::new(Totals)])
}

async fn standing(fixture: &Fixture) -> ProjectionStanding {
    operations(fixture).projections().await.unwrap().pop().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_projection_stands_still_on_every_instance_and_after_a_start_until_it_is_resumed() {
    let fixture = store_with(TABLES).await;
    let streams = [stream()];
    count_up(&fixture, &streams, 2).await;
    let running = run(&fixture);
    wait_until(&Totals, fixture.pool(), latest(fixture.pool()).await.unwrap(), LIMIT).await.unwrap();

    let operations = operations(&fixture);
    assert_eq!(operations.pause("totals", OPERATOR, &reason("a release with a slow fold")).await.unwrap(), Found::Yes);
    count_up(&fixture, &streams, 3).await;
    drop(running);
    let _another = run(&fixture);
    // Whoever holds the events already is refused too.
    let read_model = projection::PgReadModels::new(fixture.pool().clone()).of(Arc::new(Totals));
    let status = read_model.open().await.unwrap();
    assert!(status.paused);
    let events = wait_for("the events to be readable", LIMIT, async || {
        let events = fixture.port().read_all(status.checkpoint, 10).await.unwrap();
        (events.len() == 3).then_some(events)
    })
    .await;
    assert!(!read_model.apply(&status, &events).await.unwrap());
    assert_eq!(totals(&fixture).await, [(streams[0].0, 2)]);
    let paused = standing(&fixture).await;
    assert_eq!(paused.lag.events, 3);
    let pause = paused.pause.unwrap();
    assert_eq!((pause.by, pause.reason.as_str()), (OPERATOR, "a release with a slow fold"));

    assert_eq!(operations.resume("totals", OPERATOR, &reason("mended")).await.unwrap(), Found::Yes);
    wait_until(&Totals, fixture.pool(), latest(fixture.pool()).await.unwrap(), LIMIT).await.unwrap();
    assert_eq!(totals(&fixture).await, [(streams[0].0, 5)]);
    assert_eq!(standing(&fixture).await.pause, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_that_never_ran_can_be_paused_before_it_begins() {
    let fixture = store_with(TABLES).await;
    assert_eq!(standing(&fixture).await.generation, 0);
    operations(&fixture).pause("totals", OPERATOR, &reason("not yet")).await.unwrap();
    assert!(projection::status(&Totals, fixture.pool()).await.unwrap().unwrap().paused);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_paused_first_is_kept_and_an_unknown_projection_is_not_found() {
    let fixture = store_with(TABLES).await;
    let operations = operations(&fixture);
    operations.pause("totals", OPERATOR, &reason("first")).await.unwrap();
    operations.pause("totals", UserId(Uuid::from_u128(5)), &reason("second")).await.unwrap();
    assert_eq!(standing(&fixture).await.pause.unwrap().reason, "first");
    assert_eq!(operations.pause("others", OPERATOR, &reason("?")).await.unwrap(), Found::No);
    assert_eq!(operations.resume("others", OPERATOR, &reason("?")).await.unwrap(), Found::No);
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_are_paged_oldest_first_and_seen_from_outside_only() {
    let fixture = store().await;
    let letters = PgDeadLetters::new(fixture.pool().clone());
    let messages: Vec<_> = (0..3).map(|_| message(stream(), 1)).collect();
    for message in &messages {
        letters.park(CONSUMER, message, 3, "code").await.unwrap();
    }
    letters.store_behind(CONSUMER, &message(messages[0].headers.stream, 2)).await.unwrap();

    let operations = operations(&fixture);
    let first = operations.letters(None, 2).await.unwrap();
    let after = first.last().map(|letter| (letter.failed_at, letter.id));
    let second = operations.letters(after, 2).await.unwrap();
    let seen: Vec<_> = first.iter().chain(&second).map(|letter| letter.event_id).collect();
    assert_eq!(seen, messages.iter().map(|message| message.headers.event_id.0).collect::<Vec<_>>());
    assert_eq!((first[0].attempts, first[0].code.as_str(), first[0].parked_behind), (3, "code", 1));
    assert_eq!(operations.letter(first[1].id).await.unwrap().as_ref(), Some(&first[1]));
    assert_eq!(operations.letter(Uuid::nil()).await.unwrap(), None);
    assert_eq!(operations.letter_count().await.unwrap(), 3);
    assert_eq!(operations.parked_streams().await.unwrap(), [(CONSUMER.to_owned(), 3)]);
}
