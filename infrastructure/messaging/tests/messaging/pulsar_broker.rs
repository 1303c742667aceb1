//! A broker that is not there yet, and one that dies.
use crate::pulsar_support::{LIMIT, Place, Recorder, consumer, offer_users, tell};
use crate::support::Running;
use domain_kernel::ports::BusError;
use infra_testkit::{pulsar, wait_for};

const STREAMS: u32 = 20;

/// A free port for a broker that is started later. Below those that the system gives to outgoing connections, or one that
/// is tried before the broker listens may come to be connected to itself.
fn free_port() -> u16 {
    let random = u16::from_be_bytes([uuid::Uuid::new_v4().as_bytes()[0], uuid::Uuid::new_v4().as_bytes()[0]]);
    let mut ports = (0..10_000).map(|offset| 20_000 + (random % 10_000 + offset) % 10_000);
    ports.find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bus_waits_for_its_broker_and_for_the_topics_and_outlives_a_kill() {
    if pulsar::is_skipped() {
        return;
    }
    let service_port = free_port();
    let mut place = Place::to_come(service_port);
    let bus = place.bus().await;
    let users = offer_users(&bus).await;
    let recorder = Recorder::new();
    let _running = Running::start(consumer(&bus, "results", &recorder));
    tell(&users, STREAMS, 1, 10);
    wait_for("the bus to say that it waits", LIMIT, async || bus.check().err()).await;

    let own = pulsar::own_broker(|options| {
        options.service_port = Some(service_port);
        // Confirmed is confirmed: the broker is killed.
        options.durable = true;
    });
    let own = own.await.unwrap();
    place.0.admin = own.broker().admin().unwrap();
    place.ensure_namespace().await;
    let waits = bus.check();
    assert!(matches!(waits, Err(BusError::Unavailable { .. })), "there is no topic yet: {waits:?}");
    place.ensure_topics(0).await;
    recorder.until_handled(200).await;
    wait_for("everything to be well", LIMIT, async || bus.check().ok()).await;

    tell(&users, STREAMS, 11, 40);
    recorder.until_handled(300).await;
    own.broker().kill().await;
    tell(&users, STREAMS, 41, 50);
    own.broker().start_again().await.unwrap();
    recorder.until_handled(1_000).await;
    recorder.assert_complete_and_in_order(STREAMS, 50);
    place.until_nothing_is_left("results").await;
    wait_for("everything to be well", LIMIT, async || bus.check().ok()).await;
}
