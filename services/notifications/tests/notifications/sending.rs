//! Who is told what, how often, and what the others hear of it.
use crate::stage::{LIMIT, QUICK, Setting, created, headers, set, stage};
use domain_kernel::message::topics;
use domain_kernel::ports::{Clock, Mail, MailError, Mailer, Purpose};
use domain_kernel::{BoxFuture, StreamId, SubjectId, Timestamp, UserId};
use domain_notifications::{Template, notification_stream};
use infra_contracts::event_notification::NotificationEvent;
use infra_contracts::event_result::{ResultAmended, ResultCorrected, ResultReleased, ResultStatus};
use infra_contracts::event_user::UserCreated;
use infra_contracts::saga_step::SagaStep;
use infra_runtime::{Supervisor, SystemClock};
use infra_testkit::memory::{Faults, MemoryMailer};
use infra_testkit::wait_for;
use service_notifications::Delivery;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use uuid::Uuid;

fn transient() -> MailError {
    MailError::Transient { code: "smtp_451".into() }
}

fn permanent() -> MailError {
    MailError::Permanent { code: "smtp_550".into() }
}

fn new_stream() -> StreamId {
    StreamId(Uuid::now_v7())
}

#[tokio::test]
async fn a_new_user_is_welcomed() {
    let (stage, mailer) = stage().await;
    let headers = headers("users.user_created", new_stream(), "users");
    let contact = stage.sealed(&headers, Some("ana@example.org")).await;
    stage.publish_user(headers.clone(), UserCreated { role: 2, contact: Some(contact) });

    let (message, outcome) = stage.outcome(headers.event_id).await;
    let NotificationEvent::NotificationSent(sent) = outcome else { panic!("{outcome:?}") };
    assert_eq!((sent.about_stream, sent.about_kind.as_str()), (headers.stream.0, "user"));
    assert_eq!((sent.template.as_str(), sent.attempt), ("welcome", 1));
    assert_eq!(message.headers.correlation_id, headers.correlation_id);
    assert_eq!((message.headers.consumer.as_deref(), message.headers.attempt), (Some("notifications"), Some(1)));

    let [mail] = mailer.sent().try_into().unwrap();
    assert_eq!(mail.message_id, notification_stream(headers.event_id, Template::Welcome).to_string());
    assert_eq!(mail.to, "ana@example.org");
    assert!(!mail.text.contains("Ana"), "a mail names nobody");
}

#[tokio::test]
async fn a_final_and_a_released_result_are_told_with_a_link() {
    let (stage, mailer) = stage().await;
    let filed = stage.final_result(7).await;
    let released = headers("results.result_released", new_stream(), "results");
    let contact = Some(stage.sealed(&released, Some("ana@example.org")).await);
    stage.publish_result(released.clone(), ResultReleased { number: 8, contact, patient_id: None });

    for event in [filed.event_id, released.event_id] {
        let (_, outcome) = stage.outcome(event).await;
        assert!(matches!(&outcome, NotificationEvent::NotificationSent(sent)
            if sent.template == "result_available" && sent.about_kind == "result"));
    }
    let texts: String = mailer.sent().into_iter().map(|mail| mail.text).collect();
    for number in [7, 8] {
        assert!(texts.contains(&format!("http://localhost:8080/results/{number}\n")), "{texts}");
    }
}

#[tokio::test]
async fn an_amended_and_a_corrected_result_are_told_as_updated() {
    let (stage, _) = stage().await;
    let amended = headers("results.result_amended", new_stream(), "results");
    let contact = Some(stage.sealed(&amended, Some("ana@example.org")).await);
    stage.publish_result(amended.clone(), ResultAmended { number: 1, contact, patient_id: None });
    let corrected = headers("results.result_corrected", new_stream(), "results");
    let contact = Some(stage.sealed(&corrected, Some("ana@example.org")).await);
    stage.publish_result(corrected.clone(), ResultCorrected { number: 2, contact, patient_id: None });

    for event in [amended.event_id, corrected.event_id] {
        let (_, outcome) = stage.outcome(event).await;
        assert!(matches!(outcome, NotificationEvent::NotificationSent(sent) if sent.template == "result_updated"));
    }
}

#[tokio::test]
async fn a_preliminary_result_is_answered_and_not_told() {
    let (stage, mailer) = stage().await;
    let headers = headers("results.result_created", new_stream(), "results");
    let contact = Some(stage.sealed(&headers, Some("ana@example.org")).await);
    stage.publish_result(headers.clone(), created(1, ResultStatus::Preliminary, contact));

    let event = headers.event_id;
    stage.step(|_, step| matches!(step, SagaStep::MessageHandled(handled) if handled.source_event_id == event.0)).await;
    // A later final result is told, so the preliminary one was passed by then.
    let told = stage.final_result(2).await;
    stage.outcome(told.event_id).await;
    assert_eq!(mailer.sent().len(), 1);
    assert_eq!(stage.outcomes(event).await.len(), 0);
}

#[tokio::test]
async fn every_event_makes_exactly_one_mail_whatever_the_bus_does() {
    let mailer = Arc::new(MemoryMailer::new());
    let faults = Faults { duplicate_every: 2, crash_receive_every: 11, crash_acknowledge_every: 7 };
    let stage = set(Setting { faults, ..Setting::mailing(&mailer) }).await;
    let mut events = BTreeSet::new();
    for number in 1..=20 {
        events.insert(stage.final_result(number).await.event_id);
    }
    for event in &events {
        stage.outcome(*event).await;
    }
    for event in &events {
        assert_eq!(stage.outcomes(*event).await.len(), 1);
    }
    assert!(stage.bus.injected() >= 10, "the bus misbehaved {} times", stage.bus.injected());
    let ids: BTreeSet<String> = mailer.sent().into_iter().map(|mail| mail.message_id).collect();
    assert_eq!((ids.len(), mailer.attempts()), (20, 20));
}

#[tokio::test]
async fn a_transient_failure_is_tried_again_until_the_mail_is_sent() {
    let (stage, mailer) = stage().await;
    mailer.fail_next(transient());
    mailer.fail_next(transient());
    let event = stage.final_result(1).await.event_id;

    let (message, outcome) = stage.outcome(event).await;
    assert!(matches!(outcome, NotificationEvent::NotificationSent(sent) if sent.attempt == 3));
    assert_eq!(message.headers.attempt, Some(3));
    assert_eq!(stage.outcomes(event).await.len(), 1, "attempts between are nobody else's business");
}

#[tokio::test]
async fn a_permanent_failure_is_final_at_once() {
    let (stage, mailer) = stage().await;
    mailer.fail_next(permanent());
    let event = stage.final_result(1).await.event_id;

    let (_, outcome) = stage.outcome(event).await;
    let NotificationEvent::NotificationFailed(failed) = outcome else { panic!("{outcome:?}") };
    assert_eq!((failed.attempt, failed.code.as_str()), (1, "smtp_550"));
    assert_eq!(mailer.attempts(), 1);
}

#[tokio::test]
async fn a_mail_that_never_goes_through_is_given_up_after_its_schedule() {
    let (stage, mailer) = stage().await;
    mailer.fail_always(Some(transient()));
    let event = stage.final_result(1).await.event_id;

    let (_, outcome) = stage.outcome(event).await;
    assert!(matches!(outcome, NotificationEvent::NotificationFailed(failed) if failed.attempt == 3));
    assert_eq!(mailer.attempts(), 3);
}

#[tokio::test]
async fn a_dead_notification_is_retried_by_an_operator_and_answers_the_first_event() {
    let (stage, mailer) = stage().await;
    mailer.fail_next(permanent());
    let event = stage.final_result(1).await.event_id;
    stage.outcome(event).await;

    stage.publish_retry(event, "results", 2);
    stage.publish_retry(event, "notifications", 2);
    let (message, _) = stage
        .step(|_, step| {
            matches!(step, SagaStep::MessageRetried(retried)
                if retried.source_event_id == event.0 && retried.attempt == 2 && retried.source_topic == "event-result")
        })
        .await;
    assert_eq!((message.headers.consumer.as_deref(), message.headers.attempt), (Some("notifications"), Some(2)));

    let sent = wait_for("the second attempt", LIMIT, async || {
        let outcomes = stage.outcomes(event).await.into_iter();
        outcomes.map(|(_, outcome)| outcome).find(|outcome| matches!(outcome, NotificationEvent::NotificationSent(_)))
    });
    assert!(matches!(sent.await, NotificationEvent::NotificationSent(sent) if sent.attempt == 2));
    assert_eq!(mailer.attempts(), 2, "a retry for another consumer is not ours");
}

#[tokio::test]
async fn a_dead_notification_that_an_operator_skips_stays_dead_and_answers_the_first_event() {
    let (stage, mailer) = stage().await;
    mailer.fail_next(permanent());
    let headers = headers("users.user_created", new_stream(), "users");
    let contact = Some(stage.sealed(&headers, Some("ana@example.org")).await);
    stage.publish_user(headers.clone(), UserCreated { role: 3, contact });
    stage.outcome(headers.event_id).await;

    stage.publish_skip(&headers, "results");
    stage.publish_skip(&headers, "notifications");
    let (message, skipped) = stage.step(|_, step| matches!(step, SagaStep::MessageSkipped(_))).await;
    let SagaStep::MessageSkipped(skipped) = skipped else { panic!("{skipped:?}") };
    assert_eq!((skipped.source_event_id, skipped.source_topic.as_str()), (headers.event_id.0, "event-user"));
    assert_eq!((message.headers.consumer.as_deref(), message.headers.attempt), (Some("notifications"), Some(1)));

    stage.caught_up().await;
    let state: String = sqlx::query_scalar("select state from notification_v1 where about = $1")
        .bind(headers.stream.0)
        .fetch_one(&stage.resources.pool)
        .await
        .unwrap();
    assert_eq!((state.as_str(), mailer.attempts()), ("dead", 1));
}

#[tokio::test]
async fn nobody_is_told_where_nobody_knows_an_address() {
    let (stage, mailer) = stage().await;
    let without = headers("results.result_created", new_stream(), "results");
    stage.publish_result(without.clone(), created(1, ResultStatus::Final, None));
    let empty = headers("results.result_created", new_stream(), "results");
    let contact = Some(stage.sealed(&empty, None).await);
    stage.publish_result(empty.clone(), created(2, ResultStatus::Final, contact));

    for event in [without.event_id, empty.event_id] {
        let (message, outcome) = stage.outcome(event).await;
        assert!(matches!(outcome, NotificationEvent::NotificationSuppressed(why) if why.reason == "no_contact"));
        assert_eq!(message.headers.attempt, Some(1));
    }
    assert_eq!(mailer.attempts(), 0);
}

#[tokio::test]
async fn an_erased_contact_is_never_used() {
    let (stage, mailer) = stage().await;
    let headers = headers("results.result_created", new_stream(), "results");
    let contact = Some(stage.sealed(&headers, Some("ana@example.org")).await);
    stage.resources.vault.shred(SubjectId::from(headers.stream), Purpose::Contact).await.unwrap();
    stage.publish_result(headers.clone(), created(1, ResultStatus::Final, contact));

    let (_, outcome) = stage.outcome(headers.event_id).await;
    assert!(matches!(outcome, NotificationEvent::NotificationSuppressed(why) if why.reason == "erased"));
    assert_eq!(mailer.attempts(), 0);
}

#[tokio::test]
async fn a_contact_that_was_taken_from_somewhere_else_is_not_used() {
    let (stage, mailer) = stage().await;
    let other = headers("results.result_created", new_stream(), "results");
    let contact = Some(stage.sealed(&other, Some("ana@example.org")).await);
    let headers = headers("results.result_created", new_stream(), "results");
    stage.publish_result(headers.clone(), created(1, ResultStatus::Final, contact));

    let (_, outcome) = stage.outcome(headers.event_id).await;
    assert!(matches!(outcome, NotificationEvent::NotificationFailed(why) if why.code == "contact_unreadable"));
    assert_eq!(mailer.attempts(), 0);
}

/// Never answers; counts who waits.
#[derive(Default)]
struct HangingMailer(AtomicUsize);

impl Mailer for HangingMailer {
    fn send<'a>(&'a self, _: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn what_a_crashed_sender_had_in_hand_is_taken_over_after_its_lease() {
    let hanging = Arc::new(HangingMailer::default());
    let lease = Duration::from_millis(700);
    let setting = Setting {
        mailer: Arc::<HangingMailer>::clone(&hanging),
        delivery: Delivery { lease, mail_limit: Duration::from_secs(60), ..QUICK },
        faults: Faults::default(),
        mailbox: None,
    };
    let mut stage = set(setting).await;
    let event = stage.final_result(1).await.event_id;
    wait_for("the mail to be under way", LIMIT, async || (hanging.0.load(Ordering::SeqCst) == 1).then_some(())).await;

    // The process is gone; its lease stays.
    let until: chrono::DateTime<chrono::Utc> =
        sqlx::query_scalar("select leased_until from delivery_lease").fetch_one(&stage.resources.pool).await.unwrap();
    crash(&mut stage.resources.supervisor).await;

    let mailer = Arc::new(MemoryMailer::new());
    let stage = stage.again(Setting::mailing(&mailer)).await;
    let (_, outcome) = stage.outcome(event).await;
    let now: chrono::DateTime<chrono::Utc> =
        sqlx::query_scalar("select clock_timestamp()").fetch_one(&stage.resources.pool).await.unwrap();
    assert!(matches!(outcome, NotificationEvent::NotificationSent(sent) if sent.attempt == 1));
    assert!(now > until, "not before the lease ended");
    assert_eq!(mailer.sent().len(), 1);
    let left: i64 = wait_for("the lease to be given back", LIMIT, async || {
        let left: i64 =
            sqlx::query_scalar("select count(*) from delivery_lease").fetch_one(&stage.resources.pool).await.unwrap();
        (left == 0).then_some(left)
    })
    .await;
    assert_eq!(left, 0);
}

/// A clock that is an hour ahead.
struct Ahead;

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_millis(3_600_000)
    }

    fn unique_id(&self) -> Uuid {
        SystemClock.unique_id()
    }
}

#[tokio::test]
async fn a_mail_that_was_asked_for_when_the_clock_was_ahead_does_not_wait_for_that_moment() {
    let hanging = Arc::new(HangingMailer::default());
    let setting = || Setting {
        mailer: Arc::<HangingMailer>::clone(&hanging),
        delivery: Delivery { lease: Duration::from_millis(700), mail_limit: Duration::from_secs(60), ..QUICK },
        faults: Faults::default(),
        mailbox: None,
    };
    let mut stage = set(setting()).await;
    crash(&mut stage.resources.supervisor).await;
    stage.ports.clock = Arc::new(Ahead);
    let mut stage = stage.again(setting()).await;
    let event = stage.final_result(1).await.event_id;
    wait_for("the mail to be under way", LIMIT, async || (hanging.0.load(Ordering::SeqCst) == 1).then_some(())).await;
    crash(&mut stage.resources.supervisor).await;

    let mailer = Arc::new(MemoryMailer::new());
    stage.ports.clock = Arc::new(SystemClock);
    let stage = stage.again(Setting::mailing(&mailer)).await;
    let (_, outcome) = stage.outcome(event).await;
    assert!(matches!(outcome, NotificationEvent::NotificationSent(sent) if sent.attempt == 1));
    assert_eq!(mailer.sent().len(), 1);
}

/// Ends every task where it stands.
async fn crash(supervisor: &mut Supervisor) {
    let stopped = std::mem::take(supervisor);
    tokio::time::timeout(LIMIT, stopped.stop()).await.unwrap();
}

#[tokio::test]
async fn mails_of_an_unknown_user_are_found_by_whom_they_are_about() {
    let (stage, _) = stage().await;
    let mut headers = headers("users.user_created", new_stream(), "users");
    headers.actor = Some(UserId(Uuid::now_v7()));
    let contact = Some(stage.sealed(&headers, Some("ana@example.org")).await);
    stage.publish_user(headers.clone(), UserCreated { role: 3, contact });
    stage.outcome(headers.event_id).await;
    stage.caught_up().await;
    let found: i64 =
        sqlx::query_scalar("select count(*) from notification_v1 where recipient = $1 and started_by = $2")
            .bind(headers.stream.0)
            .bind(headers.actor.unwrap().0)
            .fetch_one(&stage.resources.pool)
            .await
            .unwrap();
    assert_eq!(found, 1);
}

#[tokio::test]
async fn the_read_model_is_a_fold_of_the_log() {
    let (stage, mailer) = stage().await;
    mailer.fail_next(transient());
    mailer.fail_next(permanent());
    for number in 1..=3 {
        stage.final_result(number).await;
    }
    let without = headers("results.result_created", new_stream(), "results");
    stage.publish_result(without.clone(), created(4, ResultStatus::Final, None));
    wait_for("four outcomes", LIMIT, async || {
        let published = stage.published().await;
        (published.iter().filter(|message| message.topic == topics::EVENT_NOTIFICATION).count() == 4).then_some(())
    })
    .await;
    stage.caught_up().await;

    let mut states: Vec<String> =
        sqlx::query_scalar("select state from notification_v1").fetch_all(&stage.resources.pool).await.unwrap();
    states.sort();
    assert_eq!(states, ["dead", "sent", "sent", "suppressed"]);
    for projection in service_notifications::projections() {
        let store = &*stage.resources.store;
        let equality =
            infra_event_store::projection::verify(&*projection, store, &stage.resources.pool, |_| {}).await.unwrap();
        assert!(equality.is_equal(), "{equality:?}");
    }
}

#[tokio::test]
async fn every_statement_can_be_prepared() {
    use sqlx::{Connection, Executor};
    let (stage, _) = stage().await;
    let mut connection = sqlx::PgConnection::connect_with(&stage.database.options).await.unwrap();
    for (name, sql) in service_notifications::statements() {
        use sqlx::SqlSafeStr;
        connection.prepare(sql.into_sql_str()).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
