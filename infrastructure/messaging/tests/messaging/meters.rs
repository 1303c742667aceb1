//! What is counted.
use crate::support::{Bench, LIMIT, event, user_message};
use domain_kernel::ports::BusError;
use domain_kernel::{BoxFuture, Message};
use infra_event_store::checkpoints::Checkpoints;
use infra_messaging::{HandlingError, MessageSink, Relay};
use infra_testkit::memory::{MemoryCheckpoints, MessageLog};
use infra_testkit::wait_for;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;

/// Keeps counters and gauges of this thread, by name and labels.
#[derive(Default)]
pub(crate) struct Counts(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

impl Counts {
    fn of(&self, key: &Key) -> Arc<AtomicU64> {
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let name = format!("{}{{{}}}", key.name(), labels.join(","));
        Arc::clone(self.0.lock().unwrap().entry(name).or_default())
    }

    fn value(&self, name: &str) -> u64 {
        self.value_of(name, "event-user")
    }

    pub(crate) fn value_of(&self, name: &str, topic: &str) -> u64 {
        self.count(&format!("{name}{{consumer=notifications,topic={topic}}}"))
    }

    fn count(&self, name: &str) -> u64 {
        self.0.lock().unwrap().get(name).map_or(0, |value| value.load(Ordering::SeqCst))
    }
}

impl Recorder for Counts {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.of(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.of(key))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[tokio::test]
async fn messages_are_counted_by_what_became_of_them() {
    let counts = Counts::default();
    let _counting = metrics::set_default_local_recorder(&counts);
    let bench = Bench::new().await;
    let mut unknown = user_message(3, 1);
    unknown.headers.event_type = "users.user_became_a_star".to_owned();
    // Two and a half seconds before the clock's now.
    let mut late = user_message(2, 1);
    late.headers.occurred_at = late.headers.occurred_at.plus_millis(-2_500);
    bench.handler.answers(event(1, 1), [Err(HandlingError::permanent("never"))]);
    bench.users.tell([user_message(1, 1), user_message(1, 2), user_message(1, 3), unknown, late]);
    let _running = bench.start();
    bench.until_users_are_read().await;
    assert_eq!(counts.value("historia_messages_failed_total"), 1);
    assert_eq!(counts.value("historia_messages_stored_behind_total"), 2);
    assert_eq!(counts.value("historia_messages_skipped_unknown_total"), 1);
    assert_eq!(counts.value("historia_messages_consumed_total"), 1);
    assert!((f64::from_bits(counts.value("historia_messages_lag_seconds")) - 2.5).abs() < f64::EPSILON);
}

/// Confirms everything at once.
struct Confirming;

impl MessageSink for Confirming {
    fn send<'a>(&'a self, _: &'a Message) -> BoxFuture<'a, Result<(), BusError>> {
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn what_a_relay_has_sent_is_counted() {
    let counts = Counts::default();
    let _counting = metrics::set_default_local_recorder(&counts);
    let (source, checkpoints) = (MessageLog::new("users"), Arc::new(MemoryCheckpoints::new()));
    source.tell([user_message(1, 1), user_message(1, 2)]);
    let relay = Relay::new("relay", source.clone(), Arc::new(Confirming), checkpoints.clone());
    let stop = CancellationToken::new();
    let running = tokio::spawn(relay.run(stop.clone()));
    let sent = async || (checkpoints.load("relay").await.unwrap() == source.end()).then_some(());
    wait_for("the checkpoint", LIMIT, sent).await;
    stop.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(counts.count("historia_messages_relayed_total{topic=event-user}"), 2);
}
