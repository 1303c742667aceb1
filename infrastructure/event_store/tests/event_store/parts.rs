//! A part of the log: found by positions and moments, verified, folded.
use super::counter::{TABLES, Totals, Variant, count_up, totals};
use super::fixture::{Fixture, LIMIT, appended, command, event, of, store, store_with, stream};
use super::projections::run;
use domain_kernel::ports::EventStore;
use domain_kernel::{Checkpoint, RecordedEvent, StreamId, Timestamp, Version};
use infra_event_store::part::{Bound, Part, between, count};
use infra_event_store::projection::{
    self, DifferenceKind, Equality, Projection, ProjectionError, Trial, latest, try_out, wait_until,
};
use infra_event_store::verify::{self, Problem};
use sqlx::AssertSqlSafe;
use std::sync::Arc;

const MOMENT: Timestamp = Timestamp(1_767_225_600_000_000);
const SECOND: i64 = 1_000_000;

/// Six events of two streams, in turn, one a second; gives the streams, and the events in the log's order.
async fn six_events() -> (Fixture, [StreamId; 2], Vec<RecordedEvent>) {
    let fixture = store().await;
    let streams = [stream(), stream()];
    for number in 0..6 {
        let mut event = event(format!("{number}").as_bytes());
        event.metadata.occurred_at = Timestamp(MOMENT.0 + number * SECOND);
        let stream = streams[usize::try_from(number % 2).unwrap()];
        let head = fixture.store.head(stream).await.unwrap();
        appended(fixture.store.append(of(stream, head, command([event]))).await);
    }
    let events = fixture.read_everything(6).await;
    (fixture, streams, events)
}

/// The payloads of a part, by reading the log.
async fn payloads(fixture: &Fixture, part: &Part) -> Vec<String> {
    let events = fixture.store.read_all(part.after, 100).await.unwrap();
    let held = events.into_iter().filter(|event| part.holds(event.checkpoint));
    held.map(|event| String::from_utf8(event.payload).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_found_by_positions_and_by_moments() {
    let (fixture, _, events) = six_events().await;
    let position = |index: usize| Some(Bound::Position(events[index].checkpoint.position));
    let moment = |seconds: i64| Some(Bound::Moment(Timestamp(MOMENT.0 + seconds * SECOND)));
    let far = Some(Bound::Position(i64::MAX));
    for (from, to, expected) in [
        (None, None, "012345"),
        (position(2), None, "2345"),
        (None, position(2), "012"),
        (position(1), position(3), "123"),
        (moment(2), moment(4), "234"),
        (moment(-5), moment(90), "012345"),
        (position(4), moment(1), ""),
        (moment(6), None, ""),
        (far, None, ""),
        (None, Some(Bound::Position(0)), ""),
        (None, moment(-1), ""),
    ] {
        let part = between(fixture.pool(), from, to).await.unwrap();
        assert_eq!(payloads(&fixture, &part).await.concat(), expected, "{from:?} to {to:?}");
        assert_eq!(count(fixture.pool(), &part).await.unwrap(), expected.len() as u64, "{from:?} to {to:?}");
    }
    let between_two = Some(Bound::Moment(Timestamp(MOMENT.0 + SECOND / 2)));
    let part = between(fixture.pool(), between_two, between_two).await.unwrap();
    assert_eq!(count(fixture.pool(), &part).await.unwrap(), 0, "nothing happened between two events");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_verified_against_what_comes_before_it_and_nothing_besides() {
    let (fixture, [first, second], events) = six_events().await;
    let part =
        |after: usize, until: usize| Part { after: events[after].checkpoint, until: Some(events[until].checkpoint) };
    let look = async |part: &Part| verify::part(fixture.pool(), part, |_| ()).await.unwrap();
    let whole = look(&part(1, 4)).await;
    assert_eq!((whole.first_bad, whole.streams, whole.events), (None, 2, 3));
    let to_the_end = look(&Part { after: events[3].checkpoint, until: None }).await;
    assert_eq!((to_the_end.first_bad, to_the_end.events), (None, 2), "the heads name its last events");

    // The third event is the first stream's second.
    fixture
        .tamper(
            "alter table event disable trigger event_append_only;
             update event set payload = set_byte(payload, 0, 65) where convert_from(payload, 'UTF8') = '2'",
        )
        .await;
    let bad = |report: verify::ChainReport| report.first_bad.map(|bad| (bad.stream, bad.version, bad.problem));
    assert_eq!(bad(look(&part(0, 3)).await), Some((first, Version(2), Problem::Hash)));
    assert_eq!(bad(look(&part(2, 5)).await), None, "what comes before a part is believed");
    assert_eq!(bad(look(&part(0, 1)).await), None, "what comes after it is not looked at");

    // An event before the part that is gone is noticed by the one that follows it.
    let gone = format!("delete from event where stream_id = '{second}' and version = 2");
    sqlx::query(AssertSqlSafe(gone)).execute(fixture.pool()).await.unwrap();
    let missing = Problem::Gap { expected: Version(1) };
    assert_eq!(bad(look(&part(4, 5)).await), Some((second, Version(3), missing)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_names_an_event_before_the_parts_last_is_found() {
    let (fixture, [first, _], events) = six_events().await;
    let wrong = format!("update stream set version = 1 where stream_id = '{first}'");
    sqlx::query(AssertSqlSafe(wrong)).execute(fixture.pool()).await.unwrap();
    let part = Part { after: Checkpoint::default(), until: Some(events[3].checkpoint) };
    let found = verify::part(fixture.pool(), &part, |_| ()).await.unwrap().first_bad;
    assert_eq!(found.map(|bad| (bad.stream, bad.problem)), Some((first, Problem::Head)));
}

/// The served projection, with the next version registered beside it: there, what is even counts twice.
fn served() -> Variant {
    let doubled = || {
        let even = |event: &&RecordedEvent| event.version.0.is_multiple_of(2);
        let rule =
            move |events: &[RecordedEvent]| Some(events.iter().chain(events.iter().filter(even)).cloned().collect());
        vec![Arc::new(Variant { version: Totals.version() + 1, ..Variant::of(rule) }) as Arc<dyn Projection>]
    };
    Variant { candidates: doubled, ..Variant::same() }
}

/// Three counters of ten events each, one after the other; the read model has them all, and stands still.
async fn counted() -> (Fixture, Vec<StreamId>, Vec<RecordedEvent>) {
    let fixture = store_with(TABLES).await;
    let streams: Vec<StreamId> = (0..3).map(|_| stream()).collect();
    count_up(&fixture, &streams, 10).await;
    let events = fixture.read_everything(30).await;
    let _running = run(&fixture);
    let end = latest(fixture.pool()).await.unwrap();
    wait_until(&Totals, fixture.pool(), end, LIMIT).await.unwrap();
    (fixture, streams, events)
}

async fn tried(fixture: &Fixture, candidate: bool, part: Part) -> Result<Equality, ProjectionError> {
    let served = served();
    let next = served.candidates().remove(0);
    let trial = Trial { served: &served, candidate: candidate.then_some(&*next), part, shown: 10 };
    try_out(&trial, &*fixture.store, fixture.pool(), |_| ()).await
}

fn kinds(equality: &Equality) -> Vec<DifferenceKind> {
    equality.tables[0].shown.iter().map(|difference| difference.kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fold_that_ends_early_shows_what_the_rows_were_then_and_leaves_those_that_are_served() {
    let (fixture, _, events) = counted().await;
    let before = totals(&fixture).await;
    // After fifteen events: one counter is whole, one half counted, one not there yet.
    let then = Part { after: Checkpoint::default(), until: Some(events[14].checkpoint) };
    let equality = tried(&fixture, false, then).await.unwrap();
    assert_eq!((equality.events, equality.checkpoint), (15, events[14].checkpoint));
    assert_eq!((equality.tables[0].rows, equality.tables[0].differences), (2, 2));
    let mut found = kinds(&equality);
    found.sort_by_key(|kind| *kind == DifferenceKind::Different);
    assert_eq!(found, [DifferenceKind::Unexpected, DifferenceKind::Different]);
    assert_eq!(totals(&fixture).await, before);
    assert_eq!(projection::rebuild_status(&Totals, fixture.pool()).await.unwrap(), None);
    let later = Part { until: Some(Checkpoint { epoch: i16::MAX, ..events[29].checkpoint }), ..Part::default() };
    assert!(tried(&fixture, false, later).await.unwrap().is_equal(), "an end behind what was folded is now");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_is_tried_on_the_whole_log_beside_what_is_served() {
    let (fixture, _, _) = counted().await;
    let before = totals(&fixture).await;
    let equality = tried(&fixture, true, Part::default()).await.unwrap();
    assert_eq!((equality.tables[0].rows, kinds(&equality)), (3, vec![DifferenceKind::Different; 3]));
    assert_eq!(totals(&fixture).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_part_a_candidate_is_compared_with_what_the_served_rules_make_of_the_same_part() {
    let (fixture, streams, events) = counted().await;
    // The last event of the first counter (even), and the first of the second (odd).
    let part = Part { after: events[8].checkpoint, until: Some(events[10].checkpoint) };
    let equality = tried(&fixture, true, part).await.unwrap();
    assert_eq!((equality.events, equality.tables[0].rows, equality.tables[0].differences), (2, 2, 1));
    assert_eq!(equality.tables[0].shown[0].key, format!("[\"{}\"]", streams[0]));
    let left = "select count(*) from pg_tables where schemaname in ('rebuild', 'verify', 'beside')";
    assert_eq!(fixture.count(left).await, 0, "nothing stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_compared_is_refused() {
    let (fixture, _, events) = counted().await;
    let middle = Part { after: events[8].checkpoint, until: None };
    let refused = tried(&fixture, false, middle).await;
    assert!(matches!(refused, Err(ProjectionError::FromTheMiddle { projection: "totals" })), "{refused:?}");
    let (served, same_version) = (served(), Variant::same());
    let trial = Trial { served: &served, candidate: Some(&same_version), part: Part::default(), shown: 1 };
    let refused = try_out(&trial, &*fixture.store, fixture.pool(), |_| ()).await;
    assert!(matches!(refused, Err(ProjectionError::NoCandidate { projection: "totals", version: 1 })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_tells_of_the_part_that_is_asked_about() {
    let (fixture, _, events) = counted().await;
    let plan = async |part: Part| projection::plan(&Totals, fixture.pool(), &[1; 32], &part).await.unwrap();
    assert_eq!(plan(Part::default()).await.events, 30);
    assert_eq!(plan(Part { after: events[9].checkpoint, until: Some(events[24].checkpoint) }).await.events, 15);
}
