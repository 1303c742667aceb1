//! Anchors: what they find that the chain does not.
use super::fixture::{Fixture, store, stream};
use domain_kernel::{Checkpoint, StreamId, Timestamp};
use infra_event_store::anchors::{self, AnchorProblem, AnchorReport, BadAnchor};
use infra_event_store::verify;
use infra_vault::anchor::{Anchor, AnchorKey, SignedAnchor};
use uuid::Uuid;

const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

fn key() -> AnchorKey {
    AnchorKey::from_seed(&[5; 32])
}

async fn take(fixture: &Fixture) -> SignedAnchor {
    anchors::take(fixture.pool(), "tests", &key(), NOW, |_| ()).await.unwrap().unwrap()
}

async fn check(fixture: &Fixture, anchors: &[&SignedAnchor]) -> AnchorReport {
    let anchors: Vec<Anchor> = anchors.iter().map(|signed| signed.anchor.clone()).collect();
    anchors::check(fixture.pool(), &anchors, |_| ()).await.unwrap()
}

fn stream_number(number: u128) -> StreamId {
    StreamId(Uuid::from_u128(number))
}

/// Ten events, an anchor, ten events more, another anchor.
async fn anchored() -> (Fixture, SignedAnchor, SignedAnchor) {
    let fixture = store().await;
    let mut taken = Vec::new();
    for half in 1..=2 {
        for number in 1..=10 {
            fixture.append(stream_number(number), b"payload").await;
        }
        fixture.read_everything(half * 10).await;
        taken.push(take(&fixture).await);
    }
    let [first, second] = <[SignedAnchor; 2]>::try_from(taken).unwrap();
    (fixture, first, second)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untouched_log_holds_however_much_is_appended_later() {
    let (fixture, first, second) = anchored().await;
    fixture.append(stream(), b"later").await;
    assert_eq!(check(&fixture, &[&first, &second]).await, AnchorReport { holding: 2, first_bad: None });
    assert_eq!((first.anchor.root.events, second.anchor.root.events), (10, 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anchor_is_kept_as_it_was_signed() {
    let (fixture, first, second) = anchored().await;
    let kept = anchors::kept(fixture.pool(), "tests").await.unwrap();
    assert_eq!(kept, [first, second]);
    assert!(kept.iter().all(|anchor| anchor.is_signed_by(&key().public())));
    assert!(!anchors::kept(fixture.pool(), "others").await.unwrap()[0].is_signed_by(&key().public()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_log_has_no_anchor() {
    let fixture = store().await;
    assert_eq!(anchors::take(fixture.pool(), "tests", &key(), NOW, |_| ()).await.unwrap(), None);
    assert_eq!(check(&fixture, &[]).await, AnchorReport { holding: 0, first_bad: None });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_off_tail_that_the_chain_cannot_find_is_found() {
    let (fixture, first, second) = anchored().await;
    // Everything that names the second half goes with it, as a restore of an old backup would do it.
    fixture
        .tamper(
            "alter table event disable trigger event_append_only;
             delete from command_done where version = 2;
             delete from event where version = 2;
             update stream set version = 1, last_hash =
               (select hash from event where event.stream_id = stream.stream_id and event.version = 1)",
        )
        .await;
    assert!(verify::streams(fixture.pool(), |_| ()).await.unwrap().is_whole(), "the chain says nothing");
    let cut_off = AnchorProblem::CutOff { end: first.anchor.at };
    let expected = BadAnchor { at: second.anchor.at, problem: cut_off };
    assert_eq!(check(&fixture, &[&first, &second]).await, AnchorReport { holding: 1, first_bad: Some(expected) });
    fixture.append(stream(), b"as if nothing had been").await;
    assert_eq!(check(&fixture, &[&first, &second]).await.first_bad, Some(expected), "also when others follow");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_changed_places_are_found_between_two_anchors() {
    let (fixture, first, second) = anchored().await;
    // Of two streams, so that each of them keeps its order.
    fixture
        .tamper(
            "alter table event disable trigger event_append_only;
             create temporary table two as
               select stream_id, tx, position, row_number() over (order by position) as n
               from (select * from event where version = 2 order by position offset 2 limit 2) event;
             update event set position = -1 from two
               where n = 1 and event.stream_id = two.stream_id and event.version = 2;
             update event set tx = one.tx, position = one.position from two one, two other
               where one.n = 1 and other.n = 2 and event.stream_id = other.stream_id and event.version = 2;
             update event set tx = other.tx, position = other.position from two one, two other
               where one.n = 1 and other.n = 2 and event.stream_id = one.stream_id and event.version = 2",
        )
        .await;
    assert!(verify::streams(fixture.pool(), |_| ()).await.unwrap().is_whole(), "the chain says nothing");
    let altered = AnchorProblem::Altered { after: first.anchor.at };
    let expected = BadAnchor { at: second.anchor.at, problem: altered };
    assert_eq!(check(&fixture, &[&first, &second]).await, AnchorReport { holding: 1, first_bad: Some(expected) });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_removed_with_everything_that_names_it_is_found() {
    let (fixture, first, second) = anchored().await;
    fixture
        .tamper(
            "alter table event disable trigger event_append_only;
             delete from command_done where stream_id = '00000000-0000-0000-0000-000000000004';
             delete from event where stream_id = '00000000-0000-0000-0000-000000000004';
             delete from stream where stream_id = '00000000-0000-0000-0000-000000000004'",
        )
        .await;
    assert!(verify::streams(fixture.pool(), |_| ()).await.unwrap().is_whole(), "the chain says nothing");
    let altered = AnchorProblem::Altered { after: Checkpoint::default() };
    let expected = BadAnchor { at: first.anchor.at, problem: altered };
    assert_eq!(check(&fixture, &[&first, &second]).await, AnchorReport { holding: 0, first_bad: Some(expected) });
}
