//! What the log makes of what it hears.
use crate::stage::{
    Stage, Told, failed, handled, new_saga, result_created, retried, set, skipped, stage, told, user_created,
};
use domain_kernel::{Message, StreamId, UserId, Version};
use infra_testkit::memory::Faults;
use serde_json::{Value, json};
use uuid::Uuid;

fn consumer(name: &str, state: &str, attempts: u32, error: Option<&str>) -> Value {
    json!({"name": name, "state": state, "attempts": attempts, "error": error})
}

async fn state(stage: &Stage, message: &Message) -> String {
    stage.shown(message).await["state"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_event_is_received_until_its_notification_is_sent() {
    let stage = stage().await;
    let created = result_created(new_saga(), None);
    stage.hear([&created]).await;
    let shown = stage.shown(&created).await;
    assert_eq!(shown["state"], "RECEIVED");
    assert_eq!(shown["consumers"], json!([consumer("notifications", "RECEIVED", 0, None)]));

    let sent = told(&created, &Told::Sent, 1);
    stage.hear([&sent]).await;
    let shown = stage.shown(&created).await;
    assert_eq!(shown["event_type"], "ResultCreated");
    assert_eq!(shown["state"], "PROCESSED");
    assert_eq!(shown["consumers"], json!([consumer("notifications", "PROCESSED", 1, None)]));
    assert_eq!(shown["topic"], "event-result");
    assert_eq!(shown["aggregate"], created.headers.stream.to_string());
    assert_eq!(shown["version"], 1);

    let sent_shown = stage.shown(&sent).await;
    assert_eq!(
        (sent_shown["event_type"].as_str(), sent_shown["state"].as_str()),
        (Some("NotificationSent"), Some("RECEIVED"))
    );
    assert_eq!(sent_shown["causation_id"], created.headers.event_id.to_string());
    stage.hear([&handled(&sent, "results", 1, None)]).await;
    assert_eq!(state(&stage, &sent).await, "PROCESSED");
}

#[tokio::test]
async fn a_suppressed_notification_settles_its_event() {
    let stage = stage().await;
    let created = result_created(new_saga(), None);
    stage.hear([&created, &told(&created, &Told::Suppressed, 1)]).await;
    assert_eq!(state(&stage, &created).await, "PROCESSED");
}

#[tokio::test]
async fn a_failed_notification_fails_its_event_with_its_code() {
    let stage = stage().await;
    let created = result_created(new_saga(), None);
    stage.hear([&created, &told(&created, &Told::Failed, 6)]).await;
    let shown = stage.shown(&created).await;
    assert_eq!(shown["state"], "FAILED");
    assert_eq!(shown["consumers"], json!([consumer("notifications", "FAILED", 6, Some("smtp_550"))]));
}

#[tokio::test]
async fn an_event_whose_consumer_gave_up_is_retried_and_processed() {
    let stage = stage().await;
    let created = result_created(new_saga(), None);
    stage.hear([&created, &failed(&created, "notifications", 3, Some("contract_broken"))]).await;
    assert_eq!(state(&stage, &created).await, "FAILED");
    stage.hear([&retried(&created, "notifications", 4, None)]).await;
    let shown = stage.shown(&created).await;
    assert_eq!(shown["state"], "RECEIVED");
    assert_eq!(shown["consumers"], json!([consumer("notifications", "RETRIED", 4, None)]));
    stage.hear([&told(&created, &Told::Sent, 4)]).await;
    assert_eq!(state(&stage, &created).await, "PROCESSED");
}

#[tokio::test]
async fn a_skipped_event_counts_as_settled_and_is_shown_so() {
    let stage = stage().await;
    let created = result_created(new_saga(), None);
    let [gave_up, let_pass] =
        [failed(&created, "notifications", 3, Some("refused")), skipped(&created, "notifications", 3, None)];
    stage.hear([&created, &let_pass, &gave_up]).await;
    let shown = stage.shown(&created).await;
    assert_eq!(shown["state"], "PROCESSED");
    assert_eq!(shown["consumers"], json!([consumer("notifications", "SKIPPED", 3, None)]));
}

#[tokio::test]
async fn an_answer_before_its_event_is_kept_and_shown_with_it() {
    let stage = stage().await;
    let created = result_created(new_saga(), None);
    stage.hear([&handled(&created, "notifications", 1, None)]).await;
    let token = stage.token(UserId(Uuid::now_v7()), domain_kernel::Role::Auditor);
    let (_, page) = stage.get("/saga/logs", &token).await;
    assert_eq!(page["items"], json!([]), "an answer alone is no event");

    stage.hear([&created]).await;
    assert_eq!(state(&stage, &created).await, "PROCESSED");
}

#[tokio::test]
async fn steps_are_not_events_of_their_own() {
    let stage = stage().await;
    let created = result_created(new_saga(), None);
    let step = handled(&created, "notifications", 1, None);
    stage.hear([&created, &step]).await;
    let shown = stage.shown(&created).await;
    assert_eq!(shown["saga"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_saga_is_one_stream_whatever_the_bus_does() {
    let faults = Faults { duplicate_every: 2, crash_receive_every: 17, crash_acknowledge_every: 13 };
    let stage = set(faults).await;
    let saga = new_saga();
    let messages: Vec<Message> = (0..8)
        .flat_map(|_| {
            let created = result_created(saga, None);
            let sent = told(&created, &Told::Sent, 1);
            let step = handled(&sent, "results", 1, None);
            [created, sent, step]
        })
        .collect();
    stage.hear(&messages).await;

    let head = stage.resources.store.head(StreamId::from(saga)).await.unwrap();
    assert_eq!(head.version, Version(24), "every message once");
    assert!(stage.bus.injected() >= 10, "the bus misbehaved {} times", stage.bus.injected());
    let shown = stage.shown(&messages[0]).await;
    let all = shown["saga"].as_array().unwrap();
    assert_eq!(all.len(), 16);
    assert!(all.iter().all(|event| event["state"] == "PROCESSED"), "{all:#?}");
}

#[tokio::test]
async fn the_read_model_is_a_fold_of_the_log() {
    let stage = stage().await;
    let user = UserId(Uuid::now_v7());
    let (created, filed) = (user_created(new_saga(), user, None), result_created(new_saga(), Some(user)));
    let dead = told(&filed, &Told::Failed, 6);
    stage.hear([&dead, &handled(&created, "notifications", 1, None), &filed, &created]).await;
    for projection in service_saga_log::projections() {
        let store = &*stage.resources.store;
        let equality =
            infra_event_store::projection::verify(&*projection, store, &stage.resources.pool, |_| {}).await.unwrap();
        assert!(equality.is_equal(), "{equality:?}");
        assert!(equality.tables.iter().all(|table| table.rows > 0), "{equality:?}");
    }
}

#[tokio::test]
async fn every_statement_can_be_prepared() {
    use sqlx::{Connection, Executor, SqlSafeStr};
    let stage = stage().await;
    let mut connection = sqlx::PgConnection::connect_with(&stage.database.options).await.unwrap();
    for (name, sql) in service_saga_log::statements() {
        connection.prepare(sql.into_sql_str()).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
