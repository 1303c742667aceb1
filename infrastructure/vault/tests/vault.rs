//! The vault on a real PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
use domain_kernel::ports::{KeyRegister, KeyVault, Opened, Origin, Purpose, VaultError};
use domain_kernel::{EventId, StreamId, SubjectId, Version};
use futures_util::future::join_all;
use infra_testkit::conformance::{self, VaultsUnderTest};
use infra_testkit::postgres::{TestDatabase, database};
use infra_testkit::wait_for;
use infra_vault::break_glass::{self, Deed, Intruder, Touched, Turn};
use infra_vault::{MIGRATIONS, MasterKey, MasterKeys, PgVault, sealed, statements};
use sqlx::Executor;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use uuid::Uuid;

fn subject() -> SubjectId {
    SubjectId(Uuid::now_v7())
}

fn origin() -> Origin {
    Origin {
        event_id: EventId(Uuid::now_v7()),
        stream: StreamId(Uuid::now_v7()),
        version: Version(1),
        event_type: "users.user_created".to_owned(),
    }
}

fn known(plain: &[u8]) -> Result<Opened, VaultError> {
    Ok(Opened::Known { schema: 1, plain: plain.to_vec() })
}

/// A vault as another process would open it: own connections, own keys in memory.
async fn open(database: &TestDatabase, keys: &MasterKeys) -> Result<PgVault, VaultError> {
    PgVault::open(database.another_pool(4).await, keys.clone()).await
}

async fn seal(vault: &PgVault, subject: SubjectId, origin: &Origin) -> Vec<u8> {
    vault.seal(subject, Purpose::Contact, origin, 1, b"ana@lab.test").await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_vault_keeps_the_rules_of_the_port() {
    conformance::key_vault(async || {
        let database = database(&[MIGRATIONS]).await;
        let keys = MasterKeys::generate(&Purpose::ALL);
        let all = Arc::new(open(&database, &keys).await.unwrap());
        let contact_only = Arc::new(open(&database, &keys.restricted_to(&[Purpose::Contact])).await.unwrap());
        (VaultsUnderTest { all, contact_only }, database)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_register_keeps_the_rules_of_the_port() {
    conformance::key_register(async || {
        let database = database(&[MIGRATIONS]).await;
        let vault = Arc::new(open(&database, &MasterKeys::generate(&Purpose::ALL)).await.unwrap());
        (Arc::clone(&vault), vault, database)
    })
    .await;
}

#[tokio::test]
async fn a_process_destroys_keys_that_it_may_not_open() {
    let (database, keys) = (database(&[MIGRATIONS]).await, MasterKeys::generate(&Purpose::ALL));
    let vault = open(&database, &keys).await.unwrap();
    let (subject, origin) = (subject(), origin());
    let record = seal(&vault, subject, &origin).await;
    let register = open(&database, &keys.restricted_to(&[Purpose::Account])).await.unwrap();
    assert_eq!(register.destroy(subject, Purpose::Contact).await, Ok(1));
    let later = open(&database, &keys).await.unwrap();
    assert_eq!(later.open(Purpose::Contact, &origin, &record).await, Ok(Opened::Erased));
}

#[tokio::test]
async fn what_was_done_past_the_gateway_stays_recorded() {
    let database = database(&[MIGRATIONS]).await;
    let by = Intruder { os_user: "ana".to_owned(), host: "machine".to_owned(), reason: "a key was seen".to_owned() };
    for deed in [Deed::RotationBegun, Deed::RotationDone] {
        break_glass::record(&database.pool, deed, &Touched::Keys(Purpose::Contact), &by).await.unwrap();
    }
    let records = break_glass::records(&database.pool, 10).await.unwrap();
    let told: Vec<_> = records.iter().map(|record| (record.what.as_str(), record.os_user.as_str())).collect();
    assert_eq!(told, [("rotation_done", "ana"), ("rotation_begun", "ana")]);
    for statement in ["update break_glass set os_user = 'x'", "delete from break_glass", "truncate break_glass"] {
        let refused = sqlx::raw_sql(statement).execute(&database.pool).await.unwrap_err();
        let constraint = refused.as_database_error().and_then(|error| error.constraint());
        assert_eq!(constraint, Some("break_glass_stays"), "{statement}");
    }
}

#[tokio::test]
async fn messages_that_are_published_again_are_recorded_with_which_they_were() {
    let database = database(&[MIGRATIONS]).await;
    let by = Intruder { os_user: "ana".to_owned(), host: "machine".to_owned(), reason: "a topic was lost".to_owned() };
    let which = Touched::Messages("results event-result 1-12".to_owned());
    break_glass::record(&database.pool, Deed::RepublishBegun, &which, &by).await.unwrap();
    let [record] = <[_; 1]>::try_from(break_glass::records(&database.pool, 10).await.unwrap()).unwrap();
    assert_eq!((record.what.as_str(), record.purpose.as_str()), ("republish_begun", "messages"));
    assert_eq!(record.about.as_deref(), Some("results event-result 1-12"));
}

#[tokio::test]
async fn a_turn_is_one_persons_until_it_is_given_back_or_its_holder_is_gone() {
    let database = database(&[MIGRATIONS]).await;
    let turn = Turn::take(&database.pool, "republish").await.unwrap().expect("it is free");
    assert!(Turn::take(&database.pool, "republish").await.unwrap().is_none());
    assert!(Turn::take(&database.pool, "something else").await.unwrap().is_some());
    turn.give_back().await.unwrap();
    // The server frees it when it has noticed that the connection is gone.
    let again = wait_for("the turn to be free", Duration::from_secs(10), async || {
        Turn::take(&database.pool, "republish").await.unwrap()
    });
    drop(again.await);
    wait_for("the turn of a holder that is gone to be free", Duration::from_secs(10), async || {
        Turn::take(&database.pool, "republish").await.unwrap()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_record_is_told_of_once_whoever_looks_and_whoever_is_killed() {
    let database = database(&[MIGRATIONS]).await;
    let by = Intruder { os_user: "ana".to_owned(), host: "machine".to_owned(), reason: "a key was seen".to_owned() };
    break_glass::record(&database.pool, Deed::RotationBegun, &Touched::Keys(Purpose::Contact), &by).await.unwrap();
    break_glass::record(&database.pool, Deed::RepublishDone, &Touched::Messages("results 1-2".to_owned()), &by)
        .await
        .unwrap();

    // Somebody claims them and is gone before the claim is committed.
    let mut killed = database.another_pool(1).await.begin().await.unwrap();
    let claim = statements::ALL.iter().find(|(name, _)| *name == "claim_break_glass").unwrap().1;
    let claimed = sqlx::query(sqlx::SqlStr::from_static(claim)).bind(100_i64).fetch_all(&mut *killed).await.unwrap();
    assert_eq!(claimed.len(), 2);
    killed.rollback().await.unwrap();

    let told = std::sync::Mutex::new(Vec::new());
    let pools = [database.another_pool(1).await, database.another_pool(1).await, database.another_pool(1).await];
    let looking = pools.iter().map(|pool| {
        break_glass::tell_untold(pool, |record| {
            told.lock().unwrap().push((record.what.clone(), record.purpose.clone()));
        })
    });
    let counts: usize = join_all(looking).await.into_iter().map(Result::unwrap).sum();
    let expected = [("rotation_begun", "contact"), ("republish_done", "messages")]
        .map(|(what, purpose)| (what.to_owned(), purpose.to_owned()));
    assert_eq!((counts, told.lock().unwrap().as_slice()), (2, &expected[..]), "the oldest first");
    assert_eq!(break_glass::tell_untold(&database.pool, |_| panic!("told of before")).await.unwrap(), 0);
}

#[tokio::test]
async fn every_statement_prepares() {
    let database = database(&[MIGRATIONS]).await;
    let mut connection = database.pool.acquire().await.unwrap();
    for (name, sql) in statements::ALL {
        let prepared = connection.prepare(sqlx::SqlStr::from_static(sql)).await;
        assert!(prepared.is_ok(), "{name}: {:?}", prepared.err());
    }
}

#[tokio::test]
async fn a_later_process_opens_what_an_earlier_one_sealed() {
    let (database, keys) = (database(&[MIGRATIONS]).await, MasterKeys::generate(&Purpose::ALL));
    let (subject, origin) = (subject(), origin());
    let record = seal(&open(&database, &keys).await.unwrap(), subject, &origin).await;
    let later = open(&database, &keys).await.unwrap();
    assert_eq!(later.open(Purpose::Contact, &origin, &record).await, known(b"ana@lab.test"));
}

#[tokio::test]
async fn a_key_is_in_the_database_before_anything_is_sealed_under_it() {
    let (database, keys) = (database(&[MIGRATIONS]).await, MasterKeys::generate(&Purpose::ALL));
    let vault = open(&database, &keys).await.unwrap();
    let record = seal(&vault, subject(), &origin()).await;
    let found: i64 = sqlx::query_scalar("select count(*) from data_key where key_id = $1 and wrapped is not null")
        .bind(sealed::key_id(&record).unwrap())
        .fetch_one(&database.pool)
        .await
        .unwrap();
    assert_eq!(found, 1);
}

#[tokio::test]
async fn another_master_key_is_recognised_at_the_start() {
    let (database, keys) = (database(&[MIGRATIONS]).await, MasterKeys::generate(&Purpose::ALL));
    open(&database, &keys).await.unwrap();
    // One purpose is enough, and nothing needs to have been sealed.
    let wrong = keys
        .restricted_to(&[Purpose::Account, Purpose::Contact])
        .with(Purpose::Clinical, MasterKey::generate().unwrap());
    let refused = open(&database, &wrong).await.err();
    assert_eq!(refused, Some(VaultError::WrongMasterKey { purpose: Purpose::Clinical }));
    assert!(open(&database, &keys).await.is_ok(), "the wrong key changed nothing");
}

#[tokio::test]
async fn a_forged_check_value_is_recognised() {
    let (database, keys) = (database(&[MIGRATIONS]).await, MasterKeys::generate(&[Purpose::Contact]));
    open(&database, &keys).await.unwrap();
    sqlx::query("update master_key set check_value = decode(repeat('00', 28), 'hex')")
        .execute(&database.pool)
        .await
        .unwrap();
    let refused = open(&database, &keys).await.err();
    assert_eq!(refused, Some(VaultError::WrongMasterKey { purpose: Purpose::Contact }));
}

#[tokio::test]
async fn a_vault_without_any_master_key_opens_and_may_do_nothing() {
    let (database, keys) = (database(&[MIGRATIONS]).await, MasterKeys::generate(&Purpose::ALL));
    open(&database, &keys).await.unwrap();
    let none = open(&database, &keys.restricted_to(&[])).await.unwrap();
    let refused = none.seal(subject(), Purpose::Contact, &origin(), 1, b"x").await;
    assert_eq!(refused, Err(VaultError::NotEntitled { purpose: Purpose::Contact }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_need_the_same_new_keys_share_them() {
    let (database, keys) = (database(&[MIGRATIONS]).await, MasterKeys::generate(&Purpose::ALL));
    let (one, other) = (open(&database, &keys).await.unwrap(), open(&database, &keys).await.unwrap());
    for _ in 0..10 {
        // The same subjects from both sides at once, in opposite orders.
        let subjects: Vec<SubjectId> = (0..40).map(|_| subject()).collect();
        let origin = origin();
        let (first, mut second) = tokio::join!(
            join_all(subjects.iter().map(|subject| seal(&one, *subject, &origin))),
            join_all(subjects.iter().rev().map(|subject| seal(&other, *subject, &origin))),
        );
        second.reverse();
        for (first, second) in first.iter().zip(&second) {
            assert_eq!(sealed::key_id(first), sealed::key_id(second), "one key per subject and purpose");
            assert_eq!(one.open(Purpose::Contact, &origin, second).await, known(b"ana@lab.test"));
            assert_eq!(other.open(Purpose::Contact, &origin, first).await, known(b"ana@lab.test"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_begin_on_an_empty_store_agree_on_the_master_key() {
    let database = database(&[MIGRATIONS]).await;
    let (one, other) = (MasterKeys::generate(&Purpose::ALL), MasterKeys::generate(&Purpose::ALL));
    let (first, second) = tokio::join!(open(&database, &one), open(&database, &other));
    let refused: Vec<VaultError> = [first.err(), second.err()].into_iter().flatten().collect();
    assert!(matches!(refused[..], [VaultError::WrongMasterKey { .. }]), "one of two strangers is refused: {refused:?}");
    let again = [open(&database, &one).await, open(&database, &other).await];
    assert_eq!(again.iter().filter(|opened| opened.is_ok()).count(), 1, "the other one is at home");
}

#[tokio::test]
async fn a_shredded_record_stays_erased_in_every_process() {
    let (database, keys) = (database(&[MIGRATIONS]).await, MasterKeys::generate(&Purpose::ALL));
    let vault = open(&database, &keys).await.unwrap();
    let (subject, origin) = (subject(), origin());
    let record = seal(&vault, subject, &origin).await;
    assert_eq!(vault.shred(subject, Purpose::Contact).await, Ok(1));
    let later = open(&database, &keys).await.unwrap();
    assert_eq!(later.open(Purpose::Contact, &origin, &record).await, Ok(Opened::Erased));
    let refused = later.seal(subject, Purpose::Contact, &origin, 1, b"x").await;
    assert_eq!(refused, Err(VaultError::Erased { purpose: Purpose::Contact }));
    assert_eq!(later.shred(subject, Purpose::Contact).await, Ok(0));
}

#[tokio::test]
async fn a_destroyed_key_leaves_its_row_and_no_bytes() {
    let (database, keys) = (database(&[MIGRATIONS]).await, MasterKeys::generate(&Purpose::ALL));
    let vault = open(&database, &keys).await.unwrap();
    let (subject, origin) = (subject(), origin());
    let record = seal(&vault, subject, &origin).await;
    vault.shred(subject, Purpose::Contact).await.unwrap();
    let id = sealed::key_id(&record).unwrap();
    let (gone, dated): (bool, bool) =
        sqlx::query_as("select wrapped is null, destroyed_at is not null from data_key where key_id = $1")
            .bind(id)
            .fetch_one(&database.pool)
            .await
            .unwrap();
    assert!(gone && dated);
}

#[tokio::test]
async fn a_destroyed_key_cannot_be_put_back() {
    let (database, keys) = (database(&[MIGRATIONS]).await, MasterKeys::generate(&Purpose::ALL));
    let vault = open(&database, &keys).await.unwrap();
    let subject = subject();
    seal(&vault, subject, &origin()).await;
    vault.shred(subject, Purpose::Contact).await.unwrap();
    let revived = "update data_key set wrapped = '\\x00', destroyed_at = null, master_id = key_id";
    for statement in [revived, "delete from data_key"] {
        let refused = sqlx::raw_sql(statement).execute(&database.pool).await.unwrap_err();
        let constraint = refused.as_database_error().and_then(|error| error.constraint());
        assert_eq!(constraint, Some("data_key_stays_destroyed"), "{statement}");
    }
}

#[tokio::test]
async fn a_wrapped_key_moved_to_another_row_does_not_open_its_records() {
    let (database, keys) = (database(&[MIGRATIONS]).await, MasterKeys::generate(&Purpose::ALL));
    let vault = open(&database, &keys).await.unwrap();
    let (one, other, origin) = (subject(), subject(), origin());
    let record = seal(&vault, one, &origin).await;
    seal(&vault, other, &origin).await;
    let swap = "update data_key d set wrapped = o.wrapped from data_key o where d.key_id <> o.key_id";
    assert_eq!(sqlx::query(swap).execute(&database.pool).await.unwrap().rows_affected(), 2);
    let later = open(&database, &keys).await.unwrap();
    assert_eq!(later.open(Purpose::Contact, &origin, &record).await, Err(VaultError::NotAuthentic));
    let refused = later.seal(one, Purpose::Contact, &origin, 1, b"x").await;
    assert_eq!(refused, Err(VaultError::NotAuthentic), "nothing is sealed under a key of unknown origin");
}

#[tokio::test]
async fn the_store_holds_neither_keys_nor_content_in_clear() {
    let database = database(&[MIGRATIONS]).await;
    let keys = MasterKeys::default().with(Purpose::Contact, MasterKey::from_bytes([0xab; 32]));
    let vault = open(&database, &keys).await.unwrap();
    seal(&vault, subject(), &origin()).await;
    let rows: Vec<String> = sqlx::query_scalar("select d::text || m::text from data_key d, master_key m")
        .fetch_all(&database.pool)
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    assert!(!rows[0].contains("abababab") && !rows[0].contains("ana@lab.test"));
}

/// More keys than one chunk of a rotation.
const MANY: usize = 1_200;

async fn many_records(vault: &PgVault) -> Vec<(SubjectId, Origin, Vec<u8>)> {
    join_all((0..MANY).map(|_| async {
        let (subject, origin) = (subject(), origin());
        let record = seal(vault, subject, &origin).await;
        (subject, origin, record)
    }))
    .await
}

async fn all_open(vault: &PgVault, records: &[(SubjectId, Origin, Vec<u8>)]) {
    let opened = join_all(records.iter().map(|(_, origin, record)| vault.open(Purpose::Contact, origin, record))).await;
    assert!(opened.into_iter().all(|opened| opened == known(b"ana@lab.test")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_rotation_the_next_master_key_alone_opens_everything() {
    let database = database(&[MIGRATIONS]).await;
    let (last, next) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
    let before = MasterKeys::default().with(Purpose::Contact, last);
    let vault = open(&database, &before).await.unwrap();
    let records = many_records(&vault).await;
    vault.shred(records[0].0, Purpose::Contact).await.unwrap();
    assert_eq!(vault.rotate_master(Purpose::Contact, &next).await, Ok(MANY as u64 - 1), "a destroyed key is none");
    all_open(&vault, &records[1..]).await;

    let after = MasterKeys::default().with(Purpose::Contact, next.clone());
    let later = open(&database, &after).await.unwrap();
    all_open(&later, &records[1..]).await;
    let (_, origin, erased) = &records[0];
    assert_eq!(later.open(Purpose::Contact, origin, erased).await, Ok(Opened::Erased));
    let refused = open(&database, &before).await.err();
    assert_eq!(refused, Some(VaultError::WrongMasterKey { purpose: Purpose::Contact }), "the last one is of no use");
    assert_eq!(vault.rotate_master(Purpose::Contact, &next).await, Ok(0), "nothing is left to do");
}

#[tokio::test]
async fn a_rotation_that_was_stopped_goes_on() {
    let database = database(&[MIGRATIONS]).await;
    let (last, next) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
    let both = MasterKeys::default().with(Purpose::Contact, last.clone()).with(Purpose::Contact, next.clone());
    let vault = open(&database, &both).await.unwrap();
    let records = many_records(&vault).await;
    // As it stands when it was killed after the first step and a part of the second.
    let stopped = "create function stop() returns trigger language plpgsql as $$ begin
        if (select count(*) from data_key where master_id = new.master_id) > 500 then raise 'stopped'; end if;
        return new; end $$;
        create trigger stop before update on data_key for each row execute function stop()";
    sqlx::raw_sql(stopped).execute(&database.pool).await.unwrap();
    assert!(vault.rotate_master(Purpose::Contact, &next).await.is_err());
    sqlx::raw_sql("drop trigger stop on data_key").execute(&database.pool).await.unwrap();

    let only_next = MasterKeys::default().with(Purpose::Contact, next.clone());
    let refused = open(&database, &only_next).await.err();
    assert_eq!(refused, Some(VaultError::WrongMasterKey { purpose: Purpose::Contact }), "both are needed meanwhile");
    let again = open(&database, &both).await.unwrap();
    all_open(&again, &records).await;
    let rest = again.rotate_master(Purpose::Contact, &next).await.unwrap();
    assert!(rest > 0 && rest < MANY as u64, "{rest} of {MANY}");
    all_open(&open(&database, &only_next).await.unwrap(), &records).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sealing_goes_on_during_a_rotation_and_leaves_nothing_behind() {
    let database = database(&[MIGRATIONS]).await;
    let (last, next) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
    let both = MasterKeys::default().with(Purpose::Contact, last).with(Purpose::Contact, next.clone());
    let vault = open(&database, &both).await.unwrap();
    many_records(&vault).await;
    // Another process, which is not told and finds out by itself.
    let other = Arc::new(open(&database, &both).await.unwrap());
    let (stop, sealed) = (Arc::new(AtomicBool::new(false)), Arc::new(std::sync::Mutex::new(vec![])));
    let sealing = tokio::spawn({
        let (other, stop, sealed) = (Arc::clone(&other), Arc::clone(&stop), Arc::clone(&sealed));
        async move {
            while !stop.load(Ordering::SeqCst) {
                let (subject, origin) = (subject(), origin());
                let record = seal(&other, subject, &origin).await;
                sealed.lock().unwrap().push((subject, origin, record));
            }
        }
    });
    let sealed_count = || sealed.lock().unwrap().len();
    wait_for("records before the rotation", Duration::from_secs(20), async || (sealed_count() > 5).then_some(())).await;
    vault.rotate_master(Purpose::Contact, &next).await.unwrap();
    let during = sealed_count();
    wait_for("records after it", Duration::from_secs(20), async || (sealed_count() > during + 5).then_some(())).await;
    stop.store(true, Ordering::SeqCst);
    sealing.await.unwrap();
    let after = open(&database, &MasterKeys::default().with(Purpose::Contact, next)).await.unwrap();
    let records = sealed.lock().unwrap().clone();
    all_open(&after, &records).await;
}

#[tokio::test]
async fn a_rotation_needs_the_master_key_that_is_current() {
    let database = database(&[MIGRATIONS]).await;
    let (first, next) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
    let vault = open(&database, &MasterKeys::default().with(Purpose::Contact, first.clone())).await.unwrap();
    let late = open(&database, &MasterKeys::default().with(Purpose::Contact, first)).await.unwrap();
    vault.rotate_master(Purpose::Contact, &next).await.unwrap();
    let refused = late.rotate_master(Purpose::Contact, &MasterKey::generate().unwrap()).await;
    assert_eq!(refused, Err(VaultError::WrongMasterKey { purpose: Purpose::Contact }));
}

#[tokio::test]
async fn a_process_without_the_next_master_key_seals_nothing_new_after_a_rotation() {
    let database = database(&[MIGRATIONS]).await;
    let keys = MasterKeys::generate(&[Purpose::Contact, Purpose::Account]);
    let (vault, late) = (open(&database, &keys).await.unwrap(), open(&database, &keys).await.unwrap());
    vault.rotate_master(Purpose::Contact, &MasterKey::generate().unwrap()).await.unwrap();
    let refused = late.seal(subject(), Purpose::Contact, &origin(), 1, b"x").await;
    assert_eq!(refused, Err(VaultError::WrongMasterKey { purpose: Purpose::Contact }));
    let other = late.seal(subject(), Purpose::Account, &origin(), 1, b"x").await;
    assert!(other.is_ok(), "other purposes go on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_cannot_be_reached_is_an_outage_and_recovers() {
    let (database, keys) = (database(&[MIGRATIONS]).await, MasterKeys::generate(&Purpose::ALL));
    let vault = open(&database, &keys).await.unwrap();
    sqlx::raw_sql("alter table data_key rename to elsewhere").execute(&database.pool).await.unwrap();
    let refused = vault.seal(subject(), Purpose::Contact, &origin(), 1, b"x").await;
    assert!(matches!(refused, Err(VaultError::Unavailable { .. })), "{refused:?}");
    sqlx::raw_sql("alter table elsewhere rename to data_key").execute(&database.pool).await.unwrap();
    assert!(vault.seal(subject(), Purpose::Contact, &origin(), 1, b"x").await.is_ok());
}

#[tokio::test]
async fn subjects_seen_together_share_an_insert() {
    let (database, keys) = (database(&[MIGRATIONS]).await, MasterKeys::generate(&Purpose::ALL));
    let vault = open(&database, &keys).await.unwrap();
    join_all((0..200).map(|_| async { seal(&vault, subject(), &origin()).await })).await;
    let transactions: Vec<String> =
        sqlx::query_scalar("select distinct xmin::text from data_key").fetch_all(&database.pool).await.unwrap();
    let transactions: HashSet<String> = transactions.into_iter().collect();
    assert!(transactions.len() <= 3, "200 new subjects took {} transactions", transactions.len());
}
