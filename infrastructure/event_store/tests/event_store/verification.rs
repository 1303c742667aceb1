//! Proving the history whole, and naming where it is not.
use super::fixture::{Fixture, claim, command, event, of, store, stream};
use domain_kernel::ports::{AppendCommand, ClaimKind, EventStore};
use domain_kernel::{CommandId, Head, StreamId, Version};
use infra_event_store::Progress;
use infra_event_store::verify::{Problem, streams};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

const FIRST: StreamId = StreamId(Uuid::from_u128(1));
const SECOND: StreamId = StreamId(Uuid::from_u128(2));

/// Two streams of three events.
async fn two_streams() -> Fixture {
    let fixture = store().await;
    // The one with the higher id comes first in the global order.
    for _ in 0..3 {
        fixture.append(SECOND, b"payload").await;
    }
    for _ in 0..3 {
        fixture.append(FIRST, b"payload").await;
    }
    fixture
}

async fn first_bad(fixture: &Fixture) -> Option<(StreamId, Version, Problem)> {
    let report = streams(fixture.pool(), |_| ()).await.unwrap();
    report.first_bad.map(|bad| (bad.stream, bad.version, bad.problem))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untouched_history_is_whole() {
    let fixture = two_streams().await;
    let taking = AppendCommand { claims: vec![claim(1, 1)], ..command([event(b"x"), event(b"y")]) };
    fixture.store.append(of(stream(), Head::default(), taking)).await.unwrap();
    let mut told = vec![];
    let report = streams(fixture.pool(), |progress| told.push(progress)).await.unwrap();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!((report.streams, report.events), (3, 8));
    assert_eq!(told.last(), Some(&Progress { done: 8, total: 8 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_told_every_thousand_events_and_at_the_end() {
    let fixture = store().await;
    let events = vec![event(b"x"); 2_500];
    fixture.store.append(of(stream(), Head::default(), command(events))).await.unwrap();
    let mut told = vec![];
    streams(fixture.pool(), |progress| told.push(progress)).await.unwrap();
    assert_eq!(told, [1_000, 2_000, 2_500].map(|done| Progress { done, total: 2_500 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_was_moved_before_an_earlier_one_is_found() {
    let fixture = two_streams().await;
    // The place in the log is not hashed: a transaction is known only when it commits.
    fixture
        .tamper(
            "alter table event disable trigger event_append_only;
             update event set tx = '3' where version = 2 and stream_id = '00000000-0000-0000-0000-000000000001'",
        )
        .await;
    assert_eq!(first_bad(&fixture).await, Some((FIRST, Version(2), Problem::Order)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_is_found_where_it_is() {
    let fixture = two_streams().await;
    fixture
        .tamper(
            "alter table event disable trigger event_append_only;
             update event set payload = set_byte(payload, 3, get_byte(payload, 3) # 1)
             where version = 2 and stream_id = '00000000-0000-0000-0000-000000000002';
             update event set payload = set_byte(payload, 3, get_byte(payload, 3) # 1)
             where version = 1 and stream_id = '00000000-0000-0000-0000-000000000001'",
        )
        .await;
    assert_eq!(first_bad(&fixture).await, Some((SECOND, Version(2), Problem::Hash)), "first in the global order");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_flipped_bit_in_any_column_that_the_chain_covers_is_found_with_its_position() {
    let nobody = StreamId(Uuid::nil());
    for (change, of, stream, version, problem) in [
        ("meta = set_byte(meta, 5, get_byte(meta, 5) # 1)", 2, FIRST, 2, Problem::Hash),
        ("payload = set_byte(payload, 3, get_byte(payload, 3) # 1)", 2, FIRST, 2, Problem::Hash),
        ("hash = set_byte(hash, 0, get_byte(hash, 0) # 1)", 2, FIRST, 2, Problem::Hash),
        ("at = at + interval '1 microsecond'", 2, FIRST, 2, Problem::Hash),
        ("type_id = type_id # 1::int2", 2, FIRST, 2, Problem::Hash),
        ("schema_version = schema_version # 1::int2", 2, FIRST, 2, Problem::Hash),
        ("epoch = epoch # 1::int2", 2, FIRST, 2, Problem::Hash),
        ("stream_id = '00000000-0000-0000-0000-000000000000'", 2, nobody, 2, Problem::Gap { expected: Version(1) }),
        ("version = version # 8", 3, FIRST, 11, Problem::Gap { expected: Version(3) }),
    ] {
        let fixture = store().await;
        for _ in 0..3 {
            fixture.append(FIRST, b"payload").await;
        }
        fixture.tamper("alter table event disable trigger event_append_only").await;
        let flip = format!("update event set {change} where version = {of} returning position");
        let position: i64 = sqlx::query_scalar(AssertSqlSafe(flip)).fetch_one(fixture.pool()).await.unwrap();
        let bad = streams(fixture.pool(), |_| ()).await.unwrap().first_bad.expect(change);
        let found = (bad.stream, bad.version, bad.problem, bad.checkpoint.map(|at| at.position));
        assert_eq!(found, (stream, Version(version), problem, Some(position)), "{change}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_event_is_found() {
    let fixture = two_streams().await;
    fixture
        .tamper(
            "alter table event disable trigger event_append_only;
             delete from event where version = 2 and stream_id = '00000000-0000-0000-0000-000000000001'",
        )
        .await;
    let gap = Problem::Gap { expected: Version(2) };
    assert_eq!(first_bad(&fixture).await, Some((FIRST, Version(3), gap)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_last_event_is_found_by_the_head() {
    let fixture = two_streams().await;
    fixture
        .tamper(
            "alter table event disable trigger event_append_only;
             delete from event where version = 3 and stream_id = '00000000-0000-0000-0000-000000000001'",
        )
        .await;
    assert_eq!(first_bad(&fixture).await, Some((FIRST, Version(2), Problem::Head)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_stream_is_found_by_its_head() {
    let fixture = two_streams().await;
    fixture
        .tamper(
            "alter table event disable trigger event_append_only;
             delete from event where stream_id = '00000000-0000-0000-0000-000000000001'",
        )
        .await;
    assert_eq!(first_bad(&fixture).await, Some((FIRST, Version(3), Problem::Head)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_or_claim_without_events_is_found() {
    let fixture = two_streams().await;
    fixture.tamper("insert into claim values (4, '\\x00', '00000000-0000-0000-0000-000000000009');").await;
    let bad = Problem::ClaimWithoutStream { kind: ClaimKind(4) };
    assert_eq!(first_bad(&fixture).await, Some((StreamId(Uuid::from_u128(9)), Version(0), bad)));
    fixture
        .tamper(
            "insert into command_done values ('00000000-0000-0000-0000-000000000005',
               '00000000-0000-0000-0000-000000000001', 4, '00000000-0000-0000-0000-000000000006')",
        )
        .await;
    let bad = Problem::CommandWithoutEvents { command: CommandId(Uuid::from_u128(5)) };
    assert_eq!(first_bad(&fixture).await, Some((FIRST, Version(4), bad)));
}
