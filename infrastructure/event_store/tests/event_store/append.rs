//! Appending, beyond the conformance suite: groups, limits, broken connections.
use super::fixture::{LIMIT, appended, claim, command, event, of, store, stream};
use domain_kernel::ports::{Append, AppendCommand, AppendOutcome, EventStore, StoreError};
use domain_kernel::{BoxFuture, Checkpoint, Head, Version};
use futures_util::future::join_all;
use futures_util::{FutureExt, join};
use infra_event_store::PgEventStore;
use infra_event_store::limits::{MAX_APPEND_EVENTS, MAX_PAYLOAD_BYTES};
use infra_testkit::interception::{Intercepted, Intercepts};
use infra_testkit::wait_for;
use std::collections::HashSet;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn the_port_s_rules_hold() {
    infra_testkit::conformance::event_store(async || {
        let fixture = store().await;
        (Arc::clone(&fixture.store) as Arc<dyn EventStore>, fixture)
    })
    .await;
}

/// Appends that never go out alone: each comes between two that are refused.
struct Crowd(Arc<PgEventStore>);

impl Intercepts for Crowd {
    fn store(&self) -> &dyn EventStore {
        &*self.0
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<AppendOutcome, StoreError>> {
        let outdated = || of(stream(), Head { version: Version(9), hash: [9; 32] }, command([event(b"x")]));
        Box::pin(async move {
            // The writer is busy with the first while the others gather.
            let (before, outcome, after) =
                join!(self.0.append(outdated()), self.0.append(append), self.0.append(outdated()));
            for refused in [before, after] {
                assert!(matches!(refused, Ok(AppendOutcome::Stale)), "{refused:?}");
            }
            outcome
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_port_s_rules_hold_for_what_is_written_with_others() {
    infra_testkit::conformance::event_store(async || {
        let fixture = store().await;
        (Arc::new(Intercepted(Crowd(Arc::clone(&fixture.store)))) as Arc<dyn EventStore>, fixture)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_one_begins_a_stream_and_one_does_a_command() {
    let fixture = store().await;
    let other = fixture.second_store().await;
    for _ in 0..50 {
        // Two processes, so that they meet in the database and not in a group.
        let (stream, anew) = (stream(), command([event(b"x")]));
        let beginnings =
            [&fixture.store, &other].map(|store| store.append(of(stream, Head::default(), command([event(b"x")]))));
        let commands = [&fixture.store, &other]
            .map(|store| store.append(of(super::fixture::stream(), Head::default(), anew.clone())));
        let (beginnings, commands) = (join_all(beginnings).await, join_all(commands).await);
        let count = |outcomes: &[Result<AppendOutcome, StoreError>], is: fn(&AppendOutcome) -> bool| {
            outcomes.iter().flatten().filter(|outcome| is(outcome)).count()
        };
        let appended = |outcome: &AppendOutcome| matches!(outcome, AppendOutcome::Appended(_));
        assert_eq!(count(&beginnings, appended), 1, "{beginnings:?}");
        assert_eq!(count(&beginnings, |outcome| *outcome == AppendOutcome::Stale), 1, "{beginnings:?}");
        assert_eq!(count(&commands, appended), 1, "{commands:?}");
        assert_eq!(count(&commands, |outcome| matches!(outcome, AppendOutcome::Duplicate(_))), 1, "{commands:?}");
    }
    for what in ["select count(*) from stream", "select count(*) from event", "select count(*) from command_done"] {
        assert_eq!(fixture.count(what).await, 100, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_claim_leaves_no_head_event_or_command() {
    let fixture = store().await;
    let other = fixture.second_store().await;
    for round in 0..50 {
        // Two processes, so that they meet in the database and not in a group.
        let taking = || AppendCommand { claims: vec![claim(1, round)], ..command([event(b"x")]) };
        let outcomes = join_all(
            [&fixture.store, &other]
                .into_iter()
                .flat_map(|store| (0..4).map(move |_| store.append(of(stream(), Head::default(), taking())))),
        )
        .await;
        let won = outcomes.iter().filter(|outcome| matches!(outcome, Ok(AppendOutcome::Appended(_)))).count();
        let taken = outcomes.iter().filter(|outcome| matches!(outcome, Ok(AppendOutcome::ClaimTaken { .. }))).count();
        assert_eq!((won, taken), (1, 7), "{outcomes:?}");
    }
    assert_eq!(fixture.count("select count(*) from stream").await, 50);
    assert_eq!(fixture.count("select count(*) from event").await, 50);
    assert_eq!(fixture.count("select count(*) from command_done").await, 50);
    assert_eq!(fixture.count("select count(*) from claim").await, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_may_be_passed_on_within_one_append() {
    let fixture = store().await;
    let stream = stream();
    let (kept, passing, given) = (claim(1, 1), claim(1, 2), claim(1, 3));
    let head = appended(
        fixture
            .store
            .append(of(stream, Head::default(), AppendCommand { claims: vec![given], ..command([event(b"a")]) }))
            .await,
    );
    let take = AppendCommand { claims: vec![kept, passing], releases: vec![given], ..command([event(b"b")]) };
    let give = AppendCommand { releases: vec![passing], ..command([event(b"c")]) };
    let back = AppendCommand { claims: vec![given], ..command([event(b"d")]) };
    let outcome = fixture.store.append(Append { stream, expected: head, commands: vec![take, give, back] }).await;
    assert_eq!(appended(outcome).version.0, 4);
    let holder = async |key: domain_kernel::ports::Claim| fixture.store.find_claim(key.kind, key.key).await.unwrap();
    assert_eq!(holder(kept).await, Some(stream));
    assert_eq!(holder(given).await, Some(stream));
    assert_eq!(holder(passing).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_with_the_wrong_hash_of_the_head_is_refused() {
    let fixture = store().await;
    let stream = stream();
    let head = fixture.append(stream, b"x").await;
    let wrong = Head { hash: [9; 32], ..head };
    let outcome = fixture.store.append(of(stream, wrong, command([event(b"y")]))).await;
    assert!(matches!(outcome, Err(StoreError::Malformed { .. })), "{outcome:?}");
    assert_eq!(fixture.store.head(stream).await, Ok(head));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_over_a_limit_is_malformed_and_one_at_the_limit_goes_in() {
    let fixture = store().await;
    let large = event(&vec![7; MAX_PAYLOAD_BYTES]);
    appended(fixture.store.append(of(stream(), Head::default(), command([large]))).await);
    let many = vec![event(b"x"); MAX_APPEND_EVENTS];
    let head = appended(fixture.store.append(of(stream(), Head::default(), command(many.clone()))).await);
    assert_eq!(head.version.0 as usize, MAX_APPEND_EVENTS);
    for events in [vec![event(&vec![7; MAX_PAYLOAD_BYTES + 1])], [many, vec![event(b"x")]].concat()] {
        let outcome = fixture.store.append(of(stream(), Head::default(), command(events))).await;
        assert!(matches!(outcome, Err(StoreError::Malformed { .. })), "{outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_waits_for_another_process_holds_no_other_stream_up() {
    let fixture = store().await;
    let (held, free) = (stream(), stream());
    let head = fixture.append(held, b"x").await;
    // As another process does in the middle of an append.
    let mut other = fixture.pool().begin().await.unwrap();
    sqlx::query("select from stream where stream_id = $1 for update").bind(held.0).execute(&mut *other).await.unwrap();
    let mut waiting = std::pin::pin!(fixture.store.append(of(held, head, command([event(b"y")]))));
    assert!(waiting.as_mut().now_or_never().is_none());
    for _ in 0..3 {
        fixture.append(free, b"x").await;
    }
    assert!(waiting.as_mut().now_or_never().is_none());
    other.rollback().await.unwrap();
    assert_eq!(appended(waiting.await).version, Version(2));
    assert_eq!(fixture.store.head(free).await.unwrap().version, Version(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_writer_s_connection_broke_the_next_append_goes_in() {
    let fixture = store().await;
    fixture.append(stream(), b"before").await;
    fixture
        .tamper(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and application_name = 'historia-writer'",
        )
        .await;
    let (stream, command) = (stream(), command([event(b"after")]));
    // What was under way when the connection broke is unknown, never lost silently and never doubled.
    let head = wait_for("an append to go in", LIMIT, async || {
        match fixture.store.append(of(stream, Head::default(), command.clone())).await {
            Ok(AppendOutcome::Appended(head)) => Some(head),
            Ok(AppendOutcome::Duplicate(_)) => Some(fixture.store.head(stream).await.unwrap()),
            Err(StoreError::OutcomeUnknown | StoreError::Unavailable { .. }) => None,
            other => panic!("{other:?}"),
        }
    })
    .await;
    assert_eq!(head.version.0, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_closed_when_what_is_under_way_has_its_answer() {
    let fixture = store().await;
    let held = stream();
    let head = fixture.append(held, b"x").await;
    let mut other = fixture.pool().begin().await.unwrap();
    sqlx::query("select from stream where stream_id = $1 for update").bind(held.0).execute(&mut *other).await.unwrap();
    let mut waiting = std::pin::pin!(fixture.store.append(of(held, head, command([event(b"y")]))));
    assert!(waiting.as_mut().now_or_never().is_none());
    wait_for("the append to wait for the lock", LIMIT, async || {
        let waits = "select from pg_stat_activity where datname = current_database()
                     and application_name = 'historia-writer' and wait_event_type = 'Lock'";
        sqlx::query(waits).fetch_optional(fixture.pool()).await.unwrap()
    })
    .await;
    let mut closing = std::pin::pin!(fixture.store.close());
    assert!(closing.as_mut().now_or_never().is_none());
    other.rollback().await.unwrap();
    closing.await;
    assert_eq!(appended(waiting.await).version, Version(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_store_writes_what_waits_and_takes_nothing_more() {
    let fixture = store().await;
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let store = Arc::clone(&fixture.store);
            tokio::spawn(async move { store.append(of(stream(), Head::default(), command([event(b"x")]))).await })
        })
        .collect();
    fixture.store.close().await;
    let mut written = 0;
    for outcome in join_all(waiting).await {
        match outcome.unwrap() {
            Ok(AppendOutcome::Appended(_)) => written += 1,
            Err(StoreError::Unavailable { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(fixture.count("select count(*) from event").await, written);
    let late = fixture.store.append(of(stream(), Head::default(), command([event(b"x")]))).await;
    assert!(matches!(late, Err(StoreError::Unavailable { .. })), "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_the_whole_log_sees_each_event_once_and_what_came_meanwhile() {
    let fixture = store().await;
    let streams: Vec<_> = (0..3).map(|_| super::fixture::stream()).collect();
    let (mut at, mut seen) = (Checkpoint::default(), Vec::new());
    for round in 0..3 {
        super::counter::count_up(&fixture, &streams, 35).await;
        while seen.len() < (round + 1) * 3 * 35 {
            // Transactions of other tests may hold the rest back for a while.
            let page = wait_for("the rest to be readable", LIMIT, async || {
                Some(fixture.store.read_all(at, 10).await.unwrap()).filter(|page| !page.is_empty())
            })
            .await;
            at = page[page.len() - 1].checkpoint;
            seen.extend(page.iter().map(|event| (event.stream, event.version)));
        }
        assert_eq!(seen.len(), (round + 1) * 3 * 35);
    }
    assert_eq!(seen.iter().collect::<HashSet<_>>().len(), seen.len());
}
