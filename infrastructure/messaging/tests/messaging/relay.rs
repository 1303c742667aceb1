//! The relay keeps every stream's order however its sink fails.
use crate::support::{LIMIT, event, user_message};
use domain_kernel::ports::{BusError, MessageSource, SourceError, SourcedMessage};
use domain_kernel::{BoxFuture, Checkpoint, Message, StreamId, Version};
use infra_event_store::checkpoints::Checkpoints;
use infra_messaging::relay::RelayError;
use infra_messaging::{MessageSink, Relay};
use infra_testkit::memory::{MemoryCheckpoints, MessageLog};
use infra_testkit::wait_for;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const NAME: &str = "relay/users/event-user";

/// A broker that keeps what it gets, and fails as it is told.
#[derive(Default)]
struct Broker {
    state: Mutex<Kept>,
    /// Every n-th send is neither kept nor confirmed.
    lose_every: usize,
    /// Every n-th send is kept and not confirmed.
    unconfirmed_every: usize,
    /// This stream's messages are kept and never confirmed.
    silent_for: Mutex<Option<StreamId>>,
    /// Every message is refused.
    refuses: bool,
}

#[derive(Default)]
struct Kept {
    messages: Vec<Message>,
    sends: usize,
    under_way: HashMap<StreamId, usize>,
    most_under_way_of_one_stream: usize,
    most_under_way: usize,
}

impl Broker {
    fn messages(&self) -> Vec<Message> {
        self.state.lock().unwrap().messages.clone()
    }

    /// Versions of a stream as they were kept, each as often as it was.
    fn versions(&self, stream: u32) -> Vec<u32> {
        let of = crate::support::stream(stream);
        let messages = self.messages();
        messages.iter().filter(|kept| kept.headers.stream == of).map(|kept| kept.headers.version.0).collect()
    }

    fn distinct(&self) -> usize {
        self.messages().iter().map(|kept| kept.headers.event_id).collect::<HashSet<_>>().len()
    }

    /// The first copy of a version always follows the first copy of the one before.
    fn assert_first_copies_in_order(&self) {
        let mut last: HashMap<StreamId, Version> = HashMap::new();
        for kept in self.messages() {
            let last = last.entry(kept.headers.stream).or_default();
            assert!(kept.headers.version <= last.next(), "{} came before {}", kept.headers.version, last.next());
            *last = kept.headers.version.max(*last);
        }
    }

    fn begin(&self, message: &Message) -> (usize, bool, bool) {
        let mut state = self.state.lock().unwrap();
        state.sends += 1;
        let of_stream = state.under_way.entry(message.headers.stream).or_default();
        *of_stream += 1;
        let of_stream = *of_stream;
        state.most_under_way_of_one_stream = state.most_under_way_of_one_stream.max(of_stream);
        state.most_under_way = state.most_under_way.max(state.under_way.values().sum());
        let due = |every: usize| every > 0 && state.sends.is_multiple_of(every);
        (state.sends, due(self.lose_every), due(self.unconfirmed_every))
    }

    fn end(&self, message: &Message, keep: bool) {
        let mut state = self.state.lock().unwrap();
        if keep {
            state.messages.push(message.clone());
        }
        *state.under_way.get_mut(&message.headers.stream).unwrap() -= 1;
    }
}

impl MessageSink for Broker {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), BusError>> {
        Box::pin(async move {
            if self.refuses {
                return Err(BusError::IncompatibleSchema { topic: message.topic, reason: "field role".to_owned() });
            }
            let (number, lost, unconfirmed) = self.begin(message);
            for _ in 0..number % 5 {
                tokio::task::yield_now().await;
            }
            self.end(message, !lost);
            if *self.silent_for.lock().unwrap() == Some(message.headers.stream) {
                std::future::pending::<()>().await;
            }
            if lost || unconfirmed {
                return Err(BusError::Unavailable { reason: "injected".to_owned() });
            }
            Ok(())
        })
    }
}

struct Work {
    stop: CancellationToken,
    task: JoinHandle<Result<(), RelayError>>,
}

impl Work {
    fn start(source: &Arc<MessageLog>, broker: &Arc<Broker>, checkpoints: &Arc<MemoryCheckpoints>) -> Self {
        let stop = CancellationToken::new();
        let relay = Relay::new(NAME, source.clone(), broker.clone(), checkpoints.clone());
        Self { stop: stop.clone(), task: tokio::spawn(relay.run(stop)) }
    }

    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }
}

async fn until_kept(broker: &Broker, distinct: usize) {
    wait_for("the messages", LIMIT, async || (broker.distinct() >= distinct).then_some(())).await;
}

async fn until_saved(checkpoints: &MemoryCheckpoints, at: Checkpoint) {
    wait_for("the checkpoint", LIMIT, async || (checkpoints.load(NAME).await.unwrap() == at).then_some(())).await;
}

/// `streams` streams of `versions` messages each, interleaved, with private events between.
fn log(streams: u32, versions: u32) -> Arc<MessageLog> {
    let source = MessageLog::new("users");
    for version in 1..=versions {
        source.enter((1..=streams).flat_map(|stream| [Some(user_message(stream, version)), None]));
    }
    source
}

#[tokio::test]
async fn every_message_is_relayed_once_where_nothing_fails() {
    let (source, broker, checkpoints) = (log(10, 40), Arc::new(Broker::default()), Arc::default());
    let work = Work::start(&source, &broker, &checkpoints);
    until_saved(&checkpoints, source.end()).await;
    assert_eq!(broker.messages().len(), 400);
    for stream in 1..=10 {
        assert_eq!(broker.versions(stream), (1..=40).collect::<Vec<_>>());
    }
    work.stop().await;
}

#[tokio::test]
async fn what_is_appended_later_is_relayed_too() {
    let (source, broker, checkpoints) = (log(1, 1), Arc::new(Broker::default()), Arc::default());
    let _work = Work::start(&source, &broker, &checkpoints);
    until_saved(&checkpoints, source.end()).await;
    source.tell([user_message(1, 2)]);
    until_saved(&checkpoints, source.end()).await;
    assert_eq!(broker.versions(1), [1, 2]);
}

#[tokio::test]
async fn at_most_one_message_of_a_stream_is_unconfirmed_and_streams_go_side_by_side() {
    let (source, checkpoints) = (log(20, 20), Arc::default());
    let broker = Arc::new(Broker { lose_every: 97, unconfirmed_every: 89, ..Broker::default() });
    let _work = Work::start(&source, &broker, &checkpoints);
    until_saved(&checkpoints, source.end()).await;
    let state = broker.state.lock().unwrap();
    assert_eq!(state.most_under_way_of_one_stream, 1);
    assert!(state.most_under_way > 10, "{} under way at most", state.most_under_way);
}

#[tokio::test]
async fn the_first_copy_of_a_version_follows_the_one_before_however_the_sink_fails() {
    let (source, checkpoints) = (log(12, 25), Arc::default());
    let broker = Arc::new(Broker { lose_every: 41, unconfirmed_every: 37, ..Broker::default() });
    let _work = Work::start(&source, &broker, &checkpoints);
    until_saved(&checkpoints, source.end()).await;
    assert_eq!(broker.distinct(), 300, "nothing is lost");
    assert!(broker.messages().len() > 300, "what was not confirmed is sent again");
    broker.assert_first_copies_in_order();
}

#[tokio::test]
async fn the_checkpoint_is_the_end_of_the_confirmed_prefix() {
    let (source, checkpoints) = (log(4, 3), Arc::default());
    let broker = Arc::new(Broker::default());
    // The third entry of the log is the first message of stream 2; each is followed by a private event.
    *broker.silent_for.lock().unwrap() = Some(crate::support::stream(2));
    let work = Work::start(&source, &broker, &checkpoints);
    until_kept(&broker, 10).await;
    work.stop().await;
    assert_eq!(broker.versions(2), [1], "its second message is not sent before the first is confirmed");
    assert_eq!(checkpoints.load(NAME).await, Ok(MessageLog::at(2)), "what lies behind a gap is not passed");

    *broker.silent_for.lock().unwrap() = None;
    let _work = Work::start(&source, &broker, &checkpoints);
    until_saved(&checkpoints, source.end()).await;
    assert_eq!(broker.distinct(), 12);
    broker.assert_first_copies_in_order();
}

#[tokio::test]
async fn a_relay_that_is_killed_again_and_again_loses_nothing_and_keeps_the_order() {
    let (source, checkpoints) = (log(8, 30), Arc::default());
    let broker = Arc::new(Broker { lose_every: 53, ..Broker::default() });
    for kept in (20..240).step_by(20) {
        let work = Work::start(&source, &broker, &checkpoints);
        until_kept(&broker, kept).await;
        work.task.abort();
        let _ = work.task.await;
    }
    let _work = Work::start(&source, &broker, &checkpoints);
    until_saved(&checkpoints, source.end()).await;
    assert_eq!(broker.distinct(), 240);
    broker.assert_first_copies_in_order();
}

#[tokio::test]
async fn two_relays_at_once_only_duplicate() {
    let source = log(8, 30);
    let broker = Arc::new(Broker { lose_every: 31, unconfirmed_every: 29, ..Broker::default() });
    let checkpoints: [Arc<MemoryCheckpoints>; 2] = [Arc::default(), Arc::default()];
    let works = checkpoints.each_ref().map(|checkpoints| Work::start(&source, &broker, checkpoints));
    for checkpoints in &checkpoints {
        until_saved(checkpoints, source.end()).await;
    }
    assert_eq!(broker.distinct(), 240);
    broker.assert_first_copies_in_order();
    for work in works {
        work.stop().await;
    }
}

#[tokio::test]
async fn a_log_longer_than_the_window_is_relayed_whole() {
    let (source, broker, checkpoints) = (log(3, 1_000), Arc::new(Broker::default()), Arc::default());
    let _work = Work::start(&source, &broker, &checkpoints);
    until_saved(&checkpoints, source.end()).await;
    assert_eq!(broker.messages().len(), 3_000);
    broker.assert_first_copies_in_order();
}

#[tokio::test]
async fn no_more_is_read_ahead_of_what_is_confirmed_than_the_window_holds() {
    let (source, broker, checkpoints) = (log(2_000, 1), Arc::new(Broker::default()), Arc::default());
    *broker.silent_for.lock().unwrap() = Some(crate::support::stream(1));
    let work = Work::start(&source, &broker, &checkpoints);
    // Every second entry is a message; the first one is never confirmed, all others are.
    until_kept(&broker, 512).await;
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(broker.distinct(), 512);
    work.stop().await;
}

#[tokio::test]
async fn a_refused_schema_ends_the_relay() {
    let (source, checkpoints) = (log(1, 1), Arc::default());
    let broker = Arc::new(Broker { refuses: true, ..Broker::default() });
    let work = Work::start(&source, &broker, &checkpoints);
    let ended = tokio::time::timeout(LIMIT, work.task).await.unwrap().unwrap();
    assert!(matches!(ended, Err(RelayError::Refused(BusError::IncompatibleSchema { .. }))));
    assert_eq!(checkpoints.load(NAME).await, Ok(Checkpoint::default()));
}

/// A log with an entry that cannot be told behind those of another one.
struct Unreadable(Arc<MessageLog>);

impl MessageSource for Unreadable {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn read(&self, after: Checkpoint, limit: usize) -> BoxFuture<'_, Result<Vec<SourcedMessage>, SourceError>> {
        Box::pin(async move {
            let entries = self.0.read(after, limit).await?;
            let contract = || SourceError::Contract { event: event(9, 9), reason: "field role".to_owned() };
            if entries.is_empty() { Err(contract()) } else { Ok(entries) }
        })
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

#[tokio::test]
async fn what_comes_before_an_entry_that_cannot_be_told_is_relayed_once() {
    let (listed, broker, checkpoints) = (log(3, 5), Arc::new(Broker::default()), Arc::<MemoryCheckpoints>::default());
    let source = Arc::new(Unreadable(listed.clone()));
    for _ in 0..2 {
        let relay = Relay::new(NAME, source.clone(), broker.clone(), checkpoints.clone());
        let ended = tokio::time::timeout(LIMIT, relay.run(CancellationToken::new())).await.unwrap();
        assert!(matches!(ended, Err(RelayError::Source(SourceError::Contract { .. }))), "{ended:?}");
        assert_eq!(checkpoints.load(NAME).await, Ok(listed.end()));
    }
    assert_eq!(broker.messages().len(), 15);
}
