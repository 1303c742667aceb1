//! Read models: running, rebuilding, proving.
use super::counter::{TABLES, Totals, Variant, count_up, totals};
use super::fixture::{Fixture, LIMIT, store_with, stream};
use domain_kernel::{BoxFuture, RecordedEvent, StreamId, Version};
use futures_util::FutureExt;
use infra_event_store::projection::{
    self, Difference, DifferenceKind, Projection, ProjectionError, RebuildReport, latest, wait_until,
};
use infra_testkit::wait_for;
use sqlx::PgConnection;
use sqlx::postgres::PgPoolOptions;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::oneshot;

/// A runner in the background; dropped, it ends.
pub(crate) struct Running {
    _stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<Result<(), ProjectionError>>,
}

pub(crate) fn run(fixture: &Fixture) -> Running {
    let (stop, stopped) = oneshot::channel::<()>();
    let (store, pool) = (fixture.port(), fixture.pool().clone());
    let task = tokio::spawn(projection::run(Arc::new(Totals), store, pool, stopped.map(|_| ())));
    Running { _stop: stop, task }
}

async fn caught_up(fixture: &Fixture) {
    let end = latest(fixture.pool()).await.unwrap();
    wait_until(&Totals, fixture.pool(), end, LIMIT).await.unwrap();
}

async fn fixture_with_events() -> (Fixture, Vec<StreamId>) {
    let fixture = store_with(TABLES).await;
    let streams: Vec<StreamId> = (0..20).map(|_| stream()).collect();
    count_up(&fixture, &streams, 60).await;
    (fixture, streams)
}

fn expected(streams: &[StreamId], total: i64) -> Vec<(uuid::Uuid, i64)> {
    let mut rows: Vec<_> = streams.iter().map(|stream| (stream.0, total)).collect();
    rows.sort_unstable();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_follows_the_log() {
    let (fixture, streams) = fixture_with_events().await;
    let behind = projection::lag(&Totals, fixture.pool()).await.unwrap();
    assert_eq!(behind.events, 1_200);
    assert!(behind.oldest.is_some());
    let running = run(&fixture);
    caught_up(&fixture).await;
    assert_eq!(totals(&fixture).await, expected(&streams, 60));
    count_up(&fixture, &streams, 1).await;
    caught_up(&fixture).await;
    assert_eq!(totals(&fixture).await, expected(&streams, 61));
    wait_for("the projection to be live", LIMIT, async || {
        projection::status(&Totals, fixture.pool()).await.unwrap().filter(|status| status.live)
    })
    .await;
    assert_eq!(projection::lag(&Totals, fixture.pool()).await.unwrap(), projection::Lag { events: 0, oldest: None });
    drop(running._stop);
    running.task.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_runners_each_batch_is_applied_once() {
    let (fixture, streams) = fixture_with_events().await;
    let _running = [run(&fixture), run(&fixture), run(&fixture)];
    for _ in 0..10 {
        count_up(&fixture, &streams, 3).await;
    }
    caught_up(&fixture).await;
    assert_eq!(totals(&fixture).await, expected(&streams, 90));
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_a_projection_that_does_not_run_ends_with_the_time() {
    let (fixture, _) = fixture_with_events().await;
    let end = latest(fixture.pool()).await.unwrap();
    let late = wait_until(&Totals, fixture.pool(), end, std::time::Duration::from_millis(10)).await;
    assert!(matches!(late, Err(ProjectionError::Late { projection: "totals", .. })), "{late:?}");
}

type Rebuilding<'f> = Pin<Box<dyn Future<Output = Result<RebuildReport, ProjectionError>> + Send + 'f>>;

/// A rebuild that has folded something and then is not driven on: it stands still in the middle.
async fn half_done(fixture: &Fixture) -> Rebuilding<'_> {
    let (folded, mut has_folded) = oneshot::channel();
    let mut folded = Some(folded);
    let store: &'_ dyn domain_kernel::ports::EventStore = &*fixture.store;
    let progress = move |progress: infra_event_store::Progress| {
        if progress.done > 0
            && let Some(folded) = folded.take()
        {
            let _gone = folded.send(progress);
        }
    };
    // It stands still in a transaction, for longer on a busy machine than the server lets one be idle.
    let options = fixture.database.options.clone().options([("idle_in_transaction_session_timeout", "0")]);
    let pool = PgPoolOptions::new().connect_with(options).await.unwrap();
    let mut rebuilding: Rebuilding<'_> =
        Box::pin(async move { projection::rebuild(&Totals, store, &pool, progress).await });
    tokio::select! {
        biased;
        progress = &mut has_folded => assert_eq!(progress.unwrap().total, 1_200),
        done = &mut rebuilding => panic!("the rebuild should be in the middle: {done:?}"),
    }
    rebuilding
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_leaves_the_live_rows_served_and_equal_afterwards() {
    let (fixture, streams) = fixture_with_events().await;
    let _running = run(&fixture);
    caught_up(&fixture).await;
    let indexes =
        "select string_agg(indexdef, e'\\n' order by indexname) from pg_indexes where tablename = 'totals_v1'";
    let before: String = sqlx::query_scalar(indexes).fetch_one(fixture.pool()).await.unwrap();
    let rebuilding = half_done(&fixture).await;
    assert_eq!(totals(&fixture).await, expected(&streams, 60), "the live rows are served");
    count_up(&fixture, &streams, 5).await;
    caught_up(&fixture).await;
    assert_eq!(totals(&fixture).await, expected(&streams, 65), "and kept up");
    let report = rebuilding.await.unwrap();
    assert_eq!((report.events, report.generation), (1_300, 2));
    assert_eq!(totals(&fixture).await, expected(&streams, 65), "the new rows are the same");
    count_up(&fixture, &streams, 1).await;
    caught_up(&fixture).await;
    assert_eq!(totals(&fixture).await, expected(&streams, 66), "the runner goes on with the new tables");
    let after: String = sqlx::query_scalar(indexes).fetch_one(fixture.pool()).await.unwrap();
    assert_eq!(after, before, "the new tables have the same indexes and constraints");
    assert!(projection::verify(&Totals, &*fixture.store, fixture.pool(), |_| ()).await.unwrap().is_equal());
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_notice_nothing_of_rebuilds() {
    let (fixture, streams) = fixture_with_events().await;
    let _running = run(&fixture);
    caught_up(&fixture).await;
    let rebuilds = async {
        for _ in 0..5 {
            projection::rebuild(&Totals, &*fixture.store, fixture.pool(), |_| ()).await.unwrap();
        }
    };
    let reads = async {
        let mut reads = 0_u32;
        loop {
            assert_eq!(totals(&fixture).await, expected(&streams, 60), "read {reads}");
            reads += 1;
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = rebuilds => {}
        () = reads => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_rebuild_at_the_same_time_is_refused() {
    let (fixture, _) = fixture_with_events().await;
    let first = half_done(&fixture).await;
    let second = projection::rebuild(&Totals, &*fixture.store, fixture.pool(), |_| ()).await;
    assert!(matches!(second, Err(ProjectionError::Busy { projection: "totals" })), "{second:?}");
    let verification = projection::verify(&Totals, &*fixture.store, fixture.pool(), |_| ()).await;
    assert!(matches!(verification, Err(ProjectionError::Busy { .. })), "{verification:?}");
    first.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_rebuild_can_be_run_again() {
    let (fixture, streams) = fixture_with_events().await;
    drop(half_done(&fixture).await);
    let report = projection::rebuild(&Totals, &*fixture.store, fixture.pool(), |_| ()).await.unwrap();
    assert_eq!(report.events, 1_200);
    assert_eq!(totals(&fixture).await, expected(&streams, 60));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_waits_for_a_long_reader_and_holds_nobody_up() {
    let (fixture, streams) = fixture_with_events().await;
    let mut reader = fixture.pool().begin().await.unwrap();
    sqlx::query("select from totals_v1").execute(&mut *reader).await.unwrap();
    let mut rebuilding = half_done(&fixture).await;
    // The swap cannot happen; others go on reading all the same.
    for _ in 0..20 {
        tokio::select! {
            done = &mut rebuilding => panic!("the table is being read: {done:?}"),
            rows = totals(&fixture) => assert_eq!(rows, []),
        }
    }
    reader.commit().await.unwrap();
    rebuilding.await.unwrap();
    assert_eq!(totals(&fixture).await, expected(&streams, 60));
}

#[tokio::test(flavor = "multi_thread")]
async fn verification_finds_rows_that_are_not_the_fold() {
    let (fixture, streams) = fixture_with_events().await;
    {
        let running = run(&fixture);
        caught_up(&fixture).await;
        drop(running._stop);
        running.task.await.unwrap().unwrap();
    }
    // Not applied yet, so the live rows are right without it.
    count_up(&fixture, &streams, 1).await;
    let verify = async || projection::verify(&Totals, &*fixture.store, fixture.pool(), |_| ()).await.unwrap();
    let whole = verify().await;
    assert!(whole.is_equal(), "{whole:?}");
    assert_eq!((whole.events, whole.tables[0].rows), (1_200, 20));
    let key = |stream: StreamId| format!("[\"{stream}\"]");
    let found = |equality: projection::Equality| equality.tables[0].shown.first().cloned();

    fixture
        .tamper(
            "update totals_v1 set total = 59 where stream_id = (select stream_id from totals_v1 order by 1 limit 1)",
        )
        .await;
    let first = *streams.iter().min().unwrap();
    let changed = Some(Difference { key: key(first), kind: DifferenceKind::Different });
    assert_eq!(found(verify().await), changed);

    fixture.tamper("delete from totals_v1 where total = 59").await;
    let missing = Some(Difference { key: key(first), kind: DifferenceKind::Missing });
    assert_eq!(found(verify().await), missing);

    fixture.tamper("insert into totals_v1 values ('00000000-0000-0000-0000-000000000001', 60, 60)").await;
    let unexpected = verify().await;
    assert_eq!(unexpected.tables[0].differences, 2);
    let uninvited = Difference { key: key(StreamId(uuid::Uuid::from_u128(1))), kind: DifferenceKind::Unexpected };
    assert_eq!(found(unexpected), Some(uninvited));

    projection::rebuild(&Totals, &*fixture.store, fixture.pool(), |_| ()).await.unwrap();
    assert!(verify().await.is_equal(), "a rebuild mends it");
}

/// A release with another rule: what comes after an aggregate's 30th event does not count.
fn capped() -> Variant {
    Variant::of(|events| Some(events.iter().filter(|event| event.version <= Version(30)).cloned().collect()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_shows_which_rows_another_rule_would_make_and_leaves_everything_as_it_is() {
    let (fixture, mut streams) = fixture_with_events().await;
    {
        let running = run(&fixture);
        caught_up(&fixture).await;
        drop(running._stop);
        running.task.await.unwrap().unwrap();
    }
    let simulate = async |projection: &dyn Projection, shown| {
        let simulated = projection::simulate(projection, &*fixture.store, fixture.pool(), shown, |_| ()).await;
        simulated.unwrap().tables.remove(0)
    };
    assert_eq!(simulate(&Totals, 5).await.differences, 0, "the same rule makes the same rows");
    let capped = simulate(&capped(), 5).await;
    streams.sort_unstable_by_key(|stream| stream.0);
    let different = |stream: &StreamId| Difference { key: format!("[\"{stream}\"]"), kind: DifferenceKind::Different };
    assert_eq!((capped.rows, capped.differences), (20, 20));
    assert_eq!(capped.shown, streams.iter().take(5).map(different).collect::<Vec<_>>());
    assert_eq!(totals(&fixture).await, expected(&streams, 60), "the live rows are as they were");
    assert_eq!(fixture.count("select count(*) from pg_tables where schemaname in ('rebuild', 'verify')").await, 0);
    assert_eq!(projection::rebuild_status(&Totals, fixture.pool()).await.unwrap(), None);
}

/// Fails at one event, as a release does that does not know its type.
struct Stumbling;

impl Projection for Stumbling {
    fn name(&self) -> &'static str {
        "stumbling"
    }

    fn version(&self) -> i32 {
        Totals.version()
    }

    fn tables(&self) -> &'static [&'static str] {
        Totals.tables()
    }

    fn apply<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        events: &'a [RecordedEvent],
    ) -> BoxFuture<'a, Result<(), ProjectionError>> {
        Box::pin(async move {
            Totals.apply(connection, events).await?;
            match events.iter().find(|event| event.version == Version(61)) {
                Some(event) => Err(ProjectionError::Event {
                    projection: "stumbling",
                    checkpoint: event.checkpoint,
                    reason: "the type is not known".into(),
                }),
                None => Ok(()),
            }
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_fails_leaves_neither_rows_nor_checkpoint() {
    let (fixture, streams) = fixture_with_events().await;
    let (store, pool) = (fixture.port(), fixture.pool().clone());
    let running = tokio::spawn(projection::run(Arc::new(Stumbling), store, pool, std::future::pending()));
    let before = latest(fixture.pool()).await.unwrap();
    wait_until(&Stumbling, fixture.pool(), before, LIMIT).await.unwrap();
    count_up(&fixture, &streams[..1], 1).await;
    let failed = running.await.unwrap();
    assert!(matches!(failed, Err(ProjectionError::Event { .. })), "{failed:?}");
    assert_eq!(totals(&fixture).await, expected(&streams, 60));
    let status = projection::status(&Stumbling, fixture.pool()).await.unwrap().unwrap();
    assert_eq!(status.checkpoint, before);
}
