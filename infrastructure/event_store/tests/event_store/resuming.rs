//! Rebuilds that are killed, and go on.
use super::counter::{TABLES, Totals, Variant, count_up, totals};
use super::fixture::{Fixture, LIMIT, store_with, stream};
use domain_kernel::{Hash, StreamId};
use infra_event_store::Progress;
use infra_event_store::operations::Operations;
use infra_event_store::part::Part;
use infra_event_store::projection::{self, Projection, RebuildReport, Start};
use infra_testkit::wait_for;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::oneshot;

const STREAMS: usize = 20;
const EACH: usize = 300;
const EVENTS: u64 = 6_000;

const THIS_CODE: Hash = [1; 32];
const GO_ON: Start = Start { definition: THIS_CODE, anew: false };

async fn fixture_with_events() -> (Fixture, Vec<StreamId>) {
    let fixture = store_with(TABLES).await;
    let streams: Vec<StreamId> = (0..STREAMS).map(|_| stream()).collect();
    count_up(&fixture, &streams, EACH).await;
    (fixture, streams)
}

/// Counts the events that are folded.
fn counting(folded: &Arc<AtomicU64>) -> Variant {
    let folded = Arc::clone(folded);
    Variant::of(move |events| {
        folded.fetch_add(events.len() as u64, Ordering::SeqCst);
        Some(events.to_vec())
    })
}

/// Stands still once so many events are folded.
fn standing_after(most: u64) -> Variant {
    let folded = AtomicU64::new(0);
    Variant::of(move |events| {
        let before = folded.fetch_add(events.len() as u64, Ordering::SeqCst);
        (before < most).then(|| events.to_vec())
    })
}

/// Begins a rebuild and kills it once it has folded `percent` of the events; gives how many it had folded.
async fn killed_at(fixture: &Fixture, percent: u64) -> u64 {
    let (reached, mut has_reached) = oneshot::channel();
    let mut reached = Some(reached);
    let progress = move |progress: Progress| {
        if progress.done * 100 >= progress.total * percent
            && let Some(reached) = reached.take()
        {
            let _gone = reached.send(progress.done);
        }
    };
    let rebuilding = projection::rebuild_from(&Totals, &*fixture.store, fixture.pool(), GO_ON, progress);
    let done = tokio::select! {
        biased;
        done = &mut has_reached => done.unwrap(),
        done = rebuilding => panic!("the rebuild should be at {percent} %: {done:?}"),
    };
    wait_for("the killed rebuild's lock to be free", LIMIT, async || {
        let status = projection::rebuild_status(&Totals, fixture.pool()).await.unwrap().unwrap();
        (!status.busy).then_some(())
    })
    .await;
    done
}

async fn go_on(fixture: &Fixture, start: Start, projection: &dyn Projection) -> RebuildReport {
    projection::rebuild_from(projection, &*fixture.store, fixture.pool(), start, |_| ()).await.unwrap()
}

async fn is_a_fresh_fold(fixture: &Fixture, streams: &[StreamId], total: i64) {
    let mut expected: Vec<_> = streams.iter().map(|stream| (stream.0, total)).collect();
    expected.sort_unstable();
    assert_eq!(totals(fixture).await, expected);
    assert!(projection::verify(&Totals, &*fixture.store, fixture.pool(), |_| ()).await.unwrap().is_equal());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_killed_at_10_50_and_90_percent_goes_on_and_gives_the_rows_of_a_fresh_fold() {
    for percent in [10, 50, 90] {
        let (fixture, streams) = fixture_with_events().await;
        let done = killed_at(&fixture, percent).await;
        let status = projection::rebuild_status(&Totals, fixture.pool()).await.unwrap().unwrap();
        assert_eq!((status.done, status.total, status.finished_at), (done, EVENTS, None), "{percent} %");
        assert_eq!(totals(&fixture).await, [], "{percent} %: the live rows are as they were");

        let folded = Arc::new(AtomicU64::new(0));
        let counted = counting(&folded);
        let report = go_on(&fixture, GO_ON, &counted).await;
        assert_eq!((report.events, report.resumed), (EVENTS, done), "{percent} %");
        assert_eq!(folded.load(Ordering::SeqCst), EVENTS - done, "{percent} %: what was folded is not folded again");
        is_a_fresh_fold(&fixture, &streams, 300).await;
        let status = projection::rebuild_status(&Totals, fixture.pool()).await.unwrap().unwrap();
        assert!(status.finished_at.is_some());
        assert_eq!((status.done, status.total), (EVENTS, EVENTS));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_rebuild_may_be_killed_again_and_again_while_writes_go_on() {
    let (fixture, streams) = fixture_with_events().await;
    let mut before = 0;
    for percent in [10, 50, 90] {
        let done = killed_at(&fixture, percent).await;
        assert!(done > before, "{done} after {before}");
        before = done;
        count_up(&fixture, &streams, 1).await;
    }
    let report = go_on(&fixture, GO_ON, &Totals).await;
    assert_eq!((report.events, report.resumed), (EVENTS + 60, before));
    is_a_fresh_fold(&fixture, &streams, 303).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_other_code_has_folded_is_not_gone_on_with() {
    let (fixture, streams) = fixture_with_events().await;
    killed_at(&fixture, 50).await;
    let other_code = Start { definition: [2; 32], anew: false };
    assert_eq!(go_on(&fixture, other_code, &Totals).await.resumed, 0);
    is_a_fresh_fold(&fixture, &streams, 300).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_folded_in_another_epoch_of_the_log_is_not_gone_on_with() {
    let (fixture, streams) = fixture_with_events().await;
    killed_at(&fixture, 50).await;
    fixture.tamper("insert into epoch (number) values (2)").await;
    assert_eq!(go_on(&fixture, GO_ON, &Totals).await.resumed, 0);
    is_a_fresh_fold(&fixture, &streams, 300).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_whose_tables_are_gone_begins_anew() {
    let (fixture, streams) = fixture_with_events().await;
    killed_at(&fixture, 50).await;
    fixture.tamper("drop table rebuild.totals_v1").await;
    assert_eq!(go_on(&fixture, GO_ON, &Totals).await.resumed, 0);
    is_a_fresh_fold(&fixture, &streams, 300).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_begins_anew_when_it_is_told_to_or_the_last_one_is_done() {
    let (fixture, streams) = fixture_with_events().await;
    killed_at(&fixture, 50).await;
    assert_eq!(go_on(&fixture, Start { anew: true, ..GO_ON }, &Totals).await.resumed, 0);
    assert_eq!(go_on(&fixture, GO_ON, &Totals).await.resumed, 0);
    is_a_fresh_fold(&fixture, &streams, 300).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_see_a_rebuild_that_stands_half_way_until_it_is_done() {
    let (fixture, _) = fixture_with_events().await;
    let operations = Operations::new(fixture.pool().clone(), vec![Arc::new(Totals)]);
    let rebuild = async || operations.projections().await.unwrap().pop().unwrap().rebuild;
    assert_eq!(rebuild().await, None);
    let standing = standing_after(EVENTS / 2);
    let rebuilding = projection::rebuild_from(&standing, &*fixture.store, fixture.pool(), GO_ON, |_| ());
    let half_way = wait_for("the rebuild to stand half way", LIMIT, async || {
        rebuild().await.filter(|seen| seen.done >= EVENTS / 2)
    });
    let seen = tokio::select! {
        seen = half_way => seen,
        done = rebuilding => panic!("the rebuild should stand still: {done:?}"),
    };
    assert_eq!((seen.total, seen.busy), (EVENTS, true));
    assert!(seen.done < EVENTS);
    let broken_off = wait_for("the lock of what was broken off to be free", LIMIT, async || {
        rebuild().await.filter(|seen| !seen.busy)
    })
    .await;
    assert_eq!(broken_off.done, seen.done);

    go_on(&fixture, GO_ON, &Totals).await;
    assert_eq!(rebuild().await, None, "what is done is not under way");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_leaves_a_broken_off_rebuild_as_it_is() {
    let (fixture, streams) = fixture_with_events().await;
    let done = killed_at(&fixture, 50).await;
    let equality = projection::verify(&Totals, &*fixture.store, fixture.pool(), |_| ()).await.unwrap();
    assert!(equality.is_equal(), "the live projection never ran, and has no rows: {equality:?}");
    assert_eq!(go_on(&fixture, GO_ON, &Totals).await.resumed, done);
    is_a_fresh_fold(&fixture, &streams, 300).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_tells_what_a_rebuild_would_do_and_writes_nothing() {
    let (fixture, _) = fixture_with_events().await;
    let plan = async || projection::plan(&Totals, fixture.pool(), &THIS_CODE, &Part::default()).await.unwrap();
    let first = plan().await;
    assert_eq!((first.events, first.folded, first.estimate, first.busy), (EVENTS, 0, None, false));
    assert_eq!(first.tables.iter().map(|table| table.name.as_str()).collect::<Vec<_>>(), ["totals_v1"]);
    assert!(first.tables[0].bytes > 0);
    assert_eq!(projection::rebuild_status(&Totals, fixture.pool()).await.unwrap(), None, "nothing is begun");
    let scratch: i64 = sqlx::query_scalar("select count(*) from pg_tables where schemaname in ('rebuild', 'verify')")
        .fetch_one(fixture.pool())
        .await
        .unwrap();
    assert_eq!(scratch, 0, "nothing is made");

    let done = killed_at(&fixture, 50).await;
    assert_eq!(plan().await.folded, done);
    let other = projection::plan(&Totals, fixture.pool(), &[2; 32], &Part::default()).await.unwrap();
    assert_eq!(other.folded, 0, "other code would begin anew");
    go_on(&fixture, GO_ON, &Totals).await;
    let known = plan().await;
    assert_eq!(known.folded, 0);
    assert!(known.estimate.is_some(), "the last rebuild is the measure of the next");
}
