//! The in-memory ports keep the ports' rules, and a test database is a test's own.
use domain_kernel::ports::{Clock, EventBus, EventStore, Mail, MailError, Mailer, Purpose};
use domain_kernel::{BoxFuture, EventId, Message, MessageHeaders, StreamId, Timestamp, Version};
use infra_event_store::dead_letters::DeadLetters;
use infra_messaging::{EmbeddedBus, EmbeddedLogs};
use infra_testkit::conformance::{self, BusUnderTest, MailerUnderTest, VaultsUnderTest};
use infra_testkit::memory::{
    ManualClock, MemoryCheckpoints, MemoryDeadLetters, MemoryEventStore, MemoryMailer, MemoryVault,
};
use infra_testkit::postgres::TestDatabase;
use infra_testkit::{postgres, tokens, wait_for};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

#[path = "testkit/defects.rs"]
mod defects;
#[path = "testkit/started.rs"]
mod started;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_memory_event_store_keeps_the_rules_of_the_port() {
    conformance::event_store(async || {
        let store: Arc<dyn EventStore> = Arc::new(MemoryEventStore::new());
        (store, ())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_memory_vault_keeps_the_rules_of_the_port() {
    conformance::key_vault(async || {
        let vault = MemoryVault::new();
        let contact_only = Arc::new(vault.restricted_to(&[Purpose::Contact]));
        (VaultsUnderTest { all: Arc::new(vault), contact_only }, ())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_memory_vault_keeps_the_rules_of_the_register() {
    conformance::key_register(async || {
        let vault = Arc::new(MemoryVault::new());
        (Arc::clone(&vault), vault, ())
    })
    .await;
}

#[tokio::test]
async fn the_manual_clock_keeps_the_rules_of_the_port() {
    conformance::clock(async || {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
        clock
    })
    .await;
}

#[tokio::test]
async fn the_memory_mailer_keeps_the_rules_of_the_port() {
    conformance::mailer(async || {
        let mailer = Arc::new(MemoryMailer::new());
        let box_of = Arc::clone(&mailer);
        MailerUnderTest {
            mailer,
            arrived: Box::new(move || {
                let sent = box_of.sent();
                Box::pin(async move { sent })
            }),
            recognises_repeated_mail: false,
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_bus_over_memory_keeps_the_rules_of_the_port() {
    conformance::event_bus(async || {
        let checkpoints = Arc::new(MemoryCheckpoints::new());
        let bus: Arc<dyn EventBus> = Arc::new(EmbeddedBus::new(EmbeddedLogs::new(), checkpoints.clone()));
        let restart = move || -> BoxFuture<'static, Arc<dyn EventBus>> {
            let bus: Arc<dyn EventBus> = Arc::new(EmbeddedBus::new(EmbeddedLogs::new(), checkpoints.clone()));
            Box::pin(async move { bus })
        };
        (BusUnderTest { bus, restart: Box::new(restart) }, ())
    })
    .await;
}

#[test]
fn a_manual_clock_gives_the_same_time_and_ids_in_every_run() {
    let (one, other) = (ManualClock::new(), ManualClock::new());
    assert_eq!(one.now(), Timestamp(1_767_225_600_000_000));
    assert_eq!(one.unique_id(), other.unique_id());
    assert_ne!(one.unique_id(), ManualClock::in_series(1).unique_id());
}

#[test]
fn a_manual_clock_stands_still_until_it_is_moved() {
    let clock = ManualClock::new();
    let start = clock.now();
    clock.advance_millis(1_500);
    assert_eq!(clock.now().millis_since(start), 1_500);
    let before = clock.unique_id();
    clock.set(start);
    assert_eq!(clock.now(), start);
    assert!(before < clock.unique_id(), "ids rise also when the clock is put back");
}

#[tokio::test]
async fn a_memory_mailer_fails_when_it_is_told_to() {
    let mailer = MemoryMailer::new();
    let (to, subject, text) = ("ana@lab.test".to_owned(), String::new(), String::new());
    let mail = Mail { message_id: "1@lab.test".to_owned(), to, subject, text };
    let busy = MailError::Transient { code: "451".to_owned() };
    mailer.fail_next(busy.clone());
    assert_eq!(mailer.send(&mail).await, Err(busy.clone()));
    assert_eq!(mailer.send(&mail).await, Ok(()));
    mailer.fail_always(Some(busy.clone()));
    assert_eq!(mailer.send(&mail).await, Err(busy));
    assert_eq!((mailer.sent().len(), mailer.attempts()), (1, 3));
}

fn message(stream: StreamId, version: u32) -> Message {
    let headers = MessageHeaders {
        event_id: EventId(Uuid::now_v7()),
        event_type: "users.user_created".to_owned(),
        source: "users".to_owned(),
        stream,
        version: Version(version),
        occurred_at: Timestamp(0),
        correlation_id: Uuid::now_v7().into(),
        causation_id: None,
        actor: None,
        contract_version: 1,
        expects: vec![],
        consumer: None,
        attempt: None,
        traceparent: None,
    };
    Message { topic: "event-user", headers, payload: vec![] }
}

#[tokio::test]
async fn memory_dead_letters_drain_in_version_order() {
    let letters = MemoryDeadLetters::new(Arc::new(ManualClock::new()));
    let stream = StreamId(Uuid::now_v7());
    let [first, second, third] = [1, 2, 3].map(|version| message(stream, version));
    assert_eq!(letters.store_behind("c", &second).await, Ok(false), "nothing waits behind a stream that is not parked");
    letters.park("c", &first, 3, "refused").await.unwrap();
    for waiting in [&third, &second, &third] {
        assert_eq!(letters.store_behind("c", waiting).await, Ok(true));
    }
    let letter = letters.find("c", first.headers.event_id).await.unwrap().unwrap();
    assert_eq!((letter.attempts, letter.parked_behind), (3, 2));
    let other = second.headers.event_id;
    assert_eq!(letters.next_behind("c", stream, other).await, Ok(None), "the letter of another event keeps them");
    letters.remove_letter("c", first.headers.event_id).await.unwrap();
    for expected in [second, third] {
        assert_eq!(letters.unpark_if_empty("c", stream).await, Ok(false));
        assert_eq!(letters.next_behind("c", stream, first.headers.event_id).await, Ok(Some(expected.clone())));
        letters.remove_behind("c", expected.headers.event_id).await.unwrap();
    }
    assert_eq!(letters.unpark_if_empty("c", stream).await, Ok(true));
    assert_eq!(letters.is_parked("c", stream).await, Ok(false));
}

static TABLES: &[(i64, &str, &str)] = &[
    (1, "first", "create table note (id int primary key); insert into note values (1);"),
    (2, "second", "alter table note add column text text not null default 'from the migration'"),
];

#[tokio::test]
async fn every_test_has_a_migrated_database_of_its_own() {
    let (one, other) = (postgres::database(&[TABLES]).await, postgres::database(&[TABLES]).await);
    assert_ne!(one.name(), other.name());
    sqlx::query("insert into note values (2, 'mine')").execute(&one.pool).await.unwrap();
    for (database, expected) in [(&one, 2_i64), (&other, 1)] {
        let notes: i64 =
            sqlx::query_scalar("select count(*) from note where text <> ''").fetch_one(&database.pool).await.unwrap();
        assert_eq!(notes, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tests_that_run_at_once_never_get_the_same_database() {
    let databases =
        futures_util::future::join_all((0..10).map(|_| async { postgres::database(&[TABLES]).await })).await;
    let mut names: Vec<&str> = databases.iter().map(TestDatabase::name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 10);
}

#[tokio::test]
async fn waiting_ends_as_soon_as_there_is_something() {
    let mut looks = 0;
    let found = wait_for("the third look", Duration::from_secs(5), async || {
        looks += 1;
        (looks == 3).then_some("found")
    })
    .await;
    assert_eq!((found, looks), ("found", 3));
}

#[tokio::test]
#[should_panic(expected = "in vain")]
async fn waiting_in_vain_is_a_failure() {
    wait_for("nothing", Duration::from_millis(20), async || None::<()>).await;
}

#[test]
fn a_minted_token_is_for_one_service() {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
    let token = tokens::of_user("results", Uuid::nil().into(), domain_kernel::Role::Physician, &*clock);
    assert!(tokens::verifier("results", Arc::clone(&clock)).verify(&token).is_ok());
    assert!(tokens::verifier("users", clock).verify(&token).is_err());
}
