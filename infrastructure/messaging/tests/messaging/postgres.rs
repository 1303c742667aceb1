//! The same with everything in PostgreSQL.
use crate::support::{Bench, CONSUMER, EFFECT, LIMIT, ScriptedHandler, event, retry_message, stream, user_message};
use domain_kernel::ports::{Clock, EventStore};
use domain_kernel::{StreamId, Version};
use infra_event_store::checkpoints::PgCheckpoints;
use infra_event_store::dead_letters::{DeadLetters, PgDeadLetters};
use infra_event_store::{MIGRATIONS, PgEventStore};
use infra_messaging::{EmbeddedBus, EmbeddedLogs, HandlingError, HandlingLog, handling};
use infra_testkit::{memory::ManualClock, postgres, wait_for};
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parked_stream_is_retried_and_drained_in_order_in_postgresql() {
    let database = postgres::database(&[MIGRATIONS]).await;
    let store = PgEventStore::open(database.options.clone(), database.pool.clone()).await.unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
    let dead_letters = Arc::new(PgDeadLetters::new(database.pool.clone()));

    let mut bench = Bench::new().await;
    let handler = Arc::new(ScriptedHandler::new(store.clone(), clock.clone()));
    let bus = EmbeddedBus::new(EmbeddedLogs::new(), Arc::new(PgCheckpoints::new(database.pool.clone())));
    bench.offer_on(&bus).await;
    bench.runner.bus = Arc::new(bus);
    bench.runner.handler = handler.clone();
    bench.runner.dead_letters = dead_letters.clone();
    bench.runner.log = Some(HandlingLog::new(store.clone(), clock, CONSUMER));

    handler.answers(event(1, 2), [Err(HandlingError::permanent("never"))]);
    bench.users.tell((1..=5).map(|version| user_message(1, version)));
    bench.users.tell([user_message(2, 1)]);
    let running = bench.start();
    wait_for("the other stream", LIMIT, async || (handler.attempts(event(2, 1)) == [1]).then_some(())).await;
    wait_for("the followers to be stored behind the letter", LIMIT, async || {
        let letter = dead_letters.find(CONSUMER, event(1, 2)).await.unwrap()?;
        (letter.attempts == 1 && letter.parked_behind == 3).then_some(())
    })
    .await;

    bench.operators.tell([retry_message(1, CONSUMER, event(1, 2), 2)]);
    wait_for("the stream to go on", LIMIT, async || {
        (!dead_letters.is_parked(CONSUMER, stream(1)).await.unwrap()).then_some(())
    })
    .await;
    running.stop().await;
    assert_eq!(dead_letters.list(10).await.unwrap(), []);
    let effects = store.read_stream(StreamId(stream(1).derive("effects")), Version::NONE, 10).await.unwrap();
    assert!(effects.iter().all(|effect| effect.type_id == EFFECT));
    let versions: Vec<_> = effects.iter().map(|effect| effect.payload[3]).collect();
    assert_eq!(versions, [1, 2, 3, 4, 5]);
    let told = store.read_stream(domain_kernel::ids::handling_stream(CONSUMER, stream(1)), Version::NONE, 10).await;
    let told: Vec<_> = told.unwrap().iter().map(|step| step.type_id).collect();
    assert_eq!(told, [handling::FAILED, handling::RETRIED]);
    store.close().await;
}
