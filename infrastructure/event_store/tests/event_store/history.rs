//! What an operator asks of the log.
use super::fixture::{Fixture, appended, command, event, of, store, stream};
use domain_kernel::ports::EventStore;
use domain_kernel::{Actor, EventTypeId, NewEvent, Role, StreamId, Timestamp, UserId};
use infra_event_store::history::{DayCount, Period, Wanted, count_by_day, newest_streams, search};
use uuid::Uuid;

/// A day after the fixture's events.
const NEXT_DAY: Timestamp = Timestamp(1_767_225_600_000_000 + 86_400_000_000);

async fn append(fixture: &Fixture, stream: StreamId, event: NewEvent) {
    let head = fixture.store.head(stream).await.unwrap();
    appended(fixture.store.append(of(stream, head, command([event]))).await);
}

/// The payloads of the events that are found.
async fn found(fixture: &Fixture, wanted: Wanted, limit: usize) -> Vec<Vec<u8>> {
    let events = search(fixture.pool(), &wanted, limit).await.unwrap();
    events.into_iter().map(|event| event.payload).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_events_are_found_and_come_the_oldest_first() {
    let fixture = store().await;
    let stream = stream();
    for payload in [b"1", b"2", b"3"] {
        append(&fixture, stream, event(payload)).await;
    }
    assert_eq!(found(&fixture, Wanted::default(), 2).await, [b"2", b"3"]);
    assert_eq!(found(&fixture, Wanted::default(), 0).await, Vec::<Vec<u8>>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_found_by_saga_and_by_actor_whether_caused_or_not() {
    let fixture = store().await;
    let ana = UserId(Uuid::from_u128(7));
    let mut asked = event(b"asked");
    asked.metadata.actor = Some(Actor { user: ana, role: Role::Laboratory });
    let mut caused = event(b"caused");
    caused.metadata.actor = Some(Actor { user: ana, role: Role::Laboratory });
    caused.metadata.causation_id = Some(asked.metadata.event_id);
    caused.metadata.correlation_id = asked.metadata.correlation_id;
    let saga = asked.metadata.correlation_id;
    for event in [asked, caused, event(b"other")] {
        append(&fixture, stream(), event).await;
    }
    let by_saga = Wanted { correlation: Some(saga), ..Wanted::default() };
    assert_eq!(found(&fixture, by_saga, 9).await, [b"asked".to_vec(), b"caused".to_vec()]);
    let by_actor = Wanted { actor: Some(ana), ..Wanted::default() };
    assert_eq!(found(&fixture, by_actor, 9).await, [b"asked".to_vec(), b"caused".to_vec()]);
    // An actor's id that stands where the cause's is belongs to nobody.
    let by_cause = Wanted { actor: Some(UserId(saga.0)), ..Wanted::default() };
    assert_eq!(found(&fixture, by_cause, 9).await, Vec::<Vec<u8>>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_found_by_type_and_time() {
    let fixture = store().await;
    let mut later = event(b"later");
    (later.type_id, later.metadata.occurred_at) = (EventTypeId(2), NEXT_DAY);
    for event in [event(b"early"), later] {
        append(&fixture, stream(), event).await;
    }
    let of_type = Wanted { types: Some(vec![EventTypeId(2)]), ..Wanted::default() };
    assert_eq!(found(&fixture, of_type, 9).await, [b"later"]);
    let from = Wanted { period: Period { from: Some(NEXT_DAY), until: None }, ..Wanted::default() };
    assert_eq!(found(&fixture, from, 9).await, [b"later"]);
    let until = Wanted { period: Period { from: None, until: Some(NEXT_DAY) }, ..Wanted::default() };
    assert_eq!(found(&fixture, until, 9).await, [b"early"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_come_in_the_order_of_their_last_event() {
    let fixture = store().await;
    let (first, second) = (stream(), stream());
    let mut last = event(b"3");
    last.type_id = EventTypeId(2);
    for (stream, event) in [(first, event(b"1")), (second, event(b"2")), (first, last)] {
        append(&fixture, stream, event).await;
    }
    let ends = newest_streams(fixture.pool(), None, 9).await.unwrap();
    assert_eq!(ends.iter().map(|end| (end.stream, end.version.0)).collect::<Vec<_>>(), [(first, 2), (second, 1)]);
    let of_type = newest_streams(fixture.pool(), Some(&[EventTypeId(2)]), 9).await.unwrap();
    assert_eq!(of_type.iter().map(|end| end.stream).collect::<Vec<_>>(), [first]);
    assert_eq!(newest_streams(fixture.pool(), None, 1).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_counted_by_type_and_day() {
    let fixture = store().await;
    let mut later = event(b"3");
    later.metadata.occurred_at = NEXT_DAY;
    for event in [event(b"1"), event(b"2"), later] {
        append(&fixture, stream(), event).await;
    }
    let counted = |day: &str, events| DayCount { type_id: EventTypeId(1), day: day.parse().unwrap(), events };
    let all = count_by_day(fixture.pool(), Period::default()).await.unwrap();
    assert_eq!(all, [counted("2026-01-01", 2), counted("2026-01-02", 1)]);
    let from = Period { from: Some(NEXT_DAY), until: None };
    assert_eq!(count_by_day(fixture.pool(), from).await.unwrap(), [counted("2026-01-02", 1)]);
}
