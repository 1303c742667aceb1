//! A part of a log, published again: exactly that part, in order, and nobody does anything twice.
use crate::pulsar_support::{LIMIT, Place, Recorder, consumer, offer_users, tell};
use crate::support::{Running, stream, user_message};
use domain_kernel::message::topics;
use domain_kernel::ports::{BusError, MessageSource};
use domain_kernel::{BoxFuture, Checkpoint, Message};
use infra_contracts::topic;
use infra_event_store::part::Part;
use infra_messaging::MessageSink;
use infra_messaging::pulsar::sink;
use infra_messaging::republish::{RepublishError, publish, read};
use infra_testkit::memory::MessageLog;
use infra_testkit::wait_for;
use std::sync::{Arc, Mutex};

/// Keeps what is sent, or answers nothing.
#[derive(Default)]
struct Broker {
    kept: Mutex<Vec<Message>>,
    silent: bool,
}

impl MessageSink for Broker {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), BusError>> {
        Box::pin(async move {
            if self.silent {
                std::future::pending::<()>().await;
            }
            self.kept.lock().unwrap().push(message.clone());
            Ok(())
        })
    }
}

/// Versions 1 to 100 of three streams, side by side.
fn log() -> Arc<MessageLog> {
    let log = MessageLog::new("users");
    tell(&log, 3, 1, 100);
    log
}

/// The part after so many entries, up to and with another.
fn part(after: usize, until: usize) -> (Checkpoint, Checkpoint) {
    (MessageLog::at(after), MessageLog::at(until))
}

#[tokio::test]
async fn a_part_is_read_from_its_first_to_its_last_entry() {
    let log = log();
    log.enter([None]);
    for (after, until) in [(0, 301), (0, 300), (10, 20), (0, 256), (256, 257), (5, 5)] {
        let (from, to) = part(after, until);
        let mut seen = Vec::new();
        read(&*log, &Part { after: from, until: Some(to) }, |entry| seen.push(entry.checkpoint)).await.unwrap();
        let expected: Vec<Checkpoint> = (after + 1..=until).map(MessageLog::at).collect();
        assert_eq!(seen, expected, "{after} to {until}");
    }
    let mut all = 0;
    read(&*log, &Part::default(), |_| all += 1).await.unwrap();
    assert_eq!(all, 301, "the whole log");
}

#[tokio::test]
async fn a_part_is_sent_as_it_was_told_and_nothing_besides() {
    let (log, broker) = (log(), Arc::new(Broker::default()));
    let (after, until) = part(30, 270);
    let confirmed = Arc::new(Mutex::new(after));
    let told = Arc::clone(&confirmed);
    let moved = move |at: Checkpoint| *told.lock().unwrap() = at;
    publish(log.clone(), broker.clone(), after, until, moved).await.unwrap();
    assert_eq!(*confirmed.lock().unwrap(), until);
    let originals: Vec<Message> =
        log.read(after, 240).await.unwrap().into_iter().filter_map(|entry| entry.message).collect();
    let kept = broker.kept.lock().unwrap().clone();
    assert_eq!(kept.len(), originals.len());
    for number in 1..=3 {
        let of = |messages: &[Message]| -> Vec<Message> {
            messages.iter().filter(|message| message.headers.stream == stream(number)).cloned().collect()
        };
        assert_eq!(of(&kept), of(&originals), "stream {number}: ids, headers and payloads, in order");
    }
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_confirms_nothing_is_given_up() {
    let (after, until) = part(0, 1);
    let silent = Arc::new(Broker { silent: true, ..Broker::default() });
    let ended = publish(log(), silent, after, until, |_| ()).await;
    assert!(matches!(ended, Err(RepublishError::NotConfirmed)), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_pulsar_everybody_gets_the_part_once_more_and_does_nothing_twice() {
    let Some(place) = Place::new().await else { return };
    let bus = place.bus().await;
    let users = offer_users(&bus).await;
    let recorder = Recorder::new();
    let _running = Running::start(consumer(&bus, "results", &recorder));
    tell(&users, 10, 1, 5);
    recorder.until_handled(50).await;

    let contract = topic::find(topics::EVENT_USER).unwrap();
    let again = sink(place.options(), contract).await.unwrap();
    let (after, until) = part(10, 40);
    publish(users.clone(), again, after, until, |_| ()).await.unwrap();
    wait_for("the part to come again", LIMIT, async || (recorder.deliveries() >= 80).then_some(())).await;
    // What is told afterwards comes afterwards, so nothing of the part is still to come.
    users.tell([user_message(11, 1)]);
    recorder.until_handled(51).await;
    place.until_nothing_is_left("results").await;
    assert_eq!((recorder.events(), recorder.deliveries()), (51, 81), "30 came again, with the ids that they had");
    recorder.assert_complete_and_in_order(10, 5);
    assert_eq!(bus.check(), Ok(()));
}
