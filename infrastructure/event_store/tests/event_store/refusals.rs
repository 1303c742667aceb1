//! What becomes of appends that the database refuses, alone and with others.
use super::fixture::{Fixture, LIMIT, appended, command, event, of, store, stream};
use domain_kernel::ports::{AppendOutcome, EventStore, StoreError};
use domain_kernel::{Head, StreamId};
use futures_util::future::join_all;
use futures_util::poll;
use infra_testkit::wait_for;
use sqlx::AssertSqlSafe;
use std::pin::pin;
use std::sync::Arc;

type Outcomes = Vec<Result<AppendOutcome, StoreError>>;

/// Appends one event with each of `payloads`, which all gather while every line of the writer waits for a transaction
/// elsewhere, and so go out together.
async fn append_together(fixture: &Fixture, payloads: &[&[u8]]) -> Outcomes {
    let held = [stream(), stream()];
    let mut heads = Vec::new();
    for stream in held {
        heads.push((stream, fixture.append(stream, b"x").await));
    }
    let mut other = fixture.pool().begin().await.unwrap();
    let lock = "select from stream where stream_id = any($1) for update";
    sqlx::query(lock).bind(held.map(|stream| stream.0)).execute(&mut *other).await.unwrap();
    let mut waiting = Vec::new();
    for (stream, head) in heads {
        let store = Arc::clone(&fixture.store);
        let append = of(stream, head, command([event(b"y")]));
        waiting.push(tokio::spawn(async move { store.append(append).await }));
        wait_for("a line to wait", LIMIT, async || (lines_that_wait(fixture).await == waiting.len()).then_some(()))
            .await;
    }
    let append = |payload: &&[u8]| of(stream(), Head::default(), command([event(payload)]));
    let mut gathered = pin!(join_all(payloads.iter().map(append).map(|append| fixture.store.append(append))));
    assert!(poll!(&mut gathered).is_pending());
    other.rollback().await.unwrap();
    let outcomes = gathered.await;
    for waited in waiting {
        appended(waited.await.unwrap());
    }
    outcomes
}

async fn lines_that_wait(fixture: &Fixture) -> usize {
    let waiting = "select count(*) from pg_stat_activity where datname = current_database()
        and application_name = 'historia-writer' and wait_event_type = 'Lock'";
    usize::try_from(fixture.count(waiting).await).unwrap()
}

/// From now on every event with the payload `refused` fails with `code`.
async fn refuse(fixture: &Fixture, code: &str) {
    let sql = format!(
        "create or replace function refuse() returns trigger language plpgsql as $$ begin
           raise exception using errcode = '{code}';
         end $$;
         create or replace trigger refuse before insert on event
         for each row when (new.payload = convert_to('refused', 'UTF8')) execute function refuse()"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(fixture.pool()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_gathers_while_the_lines_are_busy_goes_out_in_one_transaction() {
    let fixture = store().await;
    for outcome in append_together(&fixture, &[b"together".as_slice(); 4]).await {
        appended(outcome);
    }
    let transactions = "select count(distinct tx) from event where payload = convert_to('together', 'UTF8')";
    assert_eq!(fixture.count(transactions).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_the_database_refuses_takes_nobody_with_it() {
    let fixture = store().await;
    // A number out of range, and a key that another process has just taken.
    for code in ["22003", "23505"] {
        refuse(&fixture, code).await;
        let mut outcomes = append_together(&fixture, &[b"a", b"b", b"refused", b"c", b"d"]).await;
        let refused = outcomes.remove(2);
        for outcome in outcomes {
            appended(outcome);
        }
        match code {
            "22003" => assert!(matches!(refused, Err(StoreError::Malformed { .. })), "{refused:?}"),
            _ => assert_eq!(refused, Ok(AppendOutcome::Stale), "to be decided again"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_will_not_write_takes_nothing_and_is_said_to_be_out_of_reach() {
    let fixture = store().await;
    // No space left.
    refuse(&fixture, "53100").await;
    for outcome in append_together(&fixture, &[b"a", b"refused", b"b"]).await {
        assert!(matches!(outcome, Err(StoreError::Unavailable { .. })), "{outcome:?}");
    }
    appended(append_one(&fixture, stream(), b"a").await);
}

async fn append_one(fixture: &Fixture, stream: StreamId, payload: &[u8]) -> Result<AppendOutcome, StoreError> {
    fixture.store.append(of(stream, Head::default(), command([event(payload)]))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_is_tried_three_times_more_and_then_no_longer() {
    let fixture = store().await;
    // A sequence counts on whatever is rolled back.
    fixture
        .tamper(
            "create sequence tries minvalue 0 start 1;
             create function lock_up() returns trigger language plpgsql as $$ begin
               if nextval('tries') <= 3 then raise exception using errcode = '40P01'; end if;
               return new;
             end $$;
             create trigger lock_up before insert on event for each row execute function lock_up()",
        )
        .await;
    appended(append_one(&fixture, stream(), b"x").await);
    assert_eq!(fixture.count("select last_value from tries").await, 4);
    fixture.tamper("alter sequence tries restart with 0").await;
    let refused = append_one(&fixture, stream(), b"x").await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    assert_eq!(fixture.count("select last_value from tries").await, 3, "the fourth try was the last");
}
