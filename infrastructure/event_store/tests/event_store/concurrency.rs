//! Several processes at once: nothing half done, nothing skipped, nothing out of order.
use super::fixture::{Fixture, LIMIT, appended, claim, command, event, of, store, stream};
use domain_kernel::ids::{handling_command, handling_stream};
use domain_kernel::ports::{AppendCommand, AppendOutcome, EventStore, StoreError};
use domain_kernel::{Checkpoint, CommandId, EventTypeId, Head, NewEvent, RecordedEvent, StreamId, Version};
use infra_event_store::{PgEventStore, verify};
use infra_testkit::wait_for;
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use uuid::Uuid;

/// Events that the writers of each process append before they stop.
const EVENTS: u64 = 50_000;
const STREAMS: u64 = 400;
const WRITERS: u64 = 24;
const HANDLED: EventTypeId = EventTypeId(2);
/// The database that the other process writes to, and the file that it leaves its tally in.
const OTHER_PROCESS: (&str, &str) = ("HISTORIA_TEST_WRITES_TO", "HISTORIA_TEST_TALLY");

/// What became of all appends of a process.
#[derive(Default)]
struct Tally {
    events: AtomicU64,
    commands: AtomicU64,
    claims: AtomicU64,
    lost: AtomicU64,
}

impl Tally {
    fn appended(&self, command: &AppendCommand) {
        self.events.fetch_add(command.events.len() as u64, Ordering::Relaxed);
        self.commands.fetch_add(1, Ordering::Relaxed);
        self.claims.fetch_add(command.claims.len() as u64, Ordering::Relaxed);
    }

    fn figures(&self) -> [u64; 4] {
        [&self.events, &self.commands, &self.claims, &self.lost].map(|figure| figure.load(Ordering::Relaxed))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_a_reader_and_a_consumer_leave_no_gap_and_nothing_half_done() {
    let fixture = store().await;
    let second = fixture.second_store().await;
    let (written, handled) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let consumer = tokio::spawn(consume(Follower::new(&second, &written)));
    let reader = tokio::spawn(read(Follower::new(&fixture.store, &handled)));
    let (here, there) = tokio::join!(write_all(&fixture.store, 1, EVENTS), other_process(&fixture));
    written.store(true, Ordering::Release);
    let handlings = consumer.await.unwrap();
    handled.store(true, Ordering::Release);
    let read = reader.await.unwrap();
    let [events, commands, claims, _] = std::array::from_fn(|figure| here[figure] + there[figure]);
    assert!(here[0] >= EVENTS && there[0] >= EVENTS, "{here:?} {there:?}");
    assert!(here[3] > 0 && there[3] > 0, "the writers got in each other's way");
    assert_eq!(read, events + handlings, "every event is read once");
    assert_whole(&fixture, [events + handlings, commands + handlings, claims]).await;
    fixture.store.close().await;
    second.close().await;
    let deadlocks =
        "select coalesce(sum(deadlocks), 0)::bigint from pg_stat_database where datname = current_database()";
    assert_eq!(fixture.count(deadlocks).await, 0, "nobody deadlocked");
}

/// Starts this executable once more, to write to the same database; returns its tally.
async fn other_process(fixture: &Fixture) -> [u64; 4] {
    let tally = tempfile::NamedTempFile::new().unwrap();
    let mut process = tokio::process::Command::new(std::env::current_exe().unwrap());
    process.args(["--exact", "concurrency::the_writers_of_a_process_append_their_share", "--nocapture"]);
    process.env(OTHER_PROCESS.0, fixture.database.options.to_url_lossy().as_str());
    process.env(OTHER_PROCESS.1, tally.path()).kill_on_drop(true);
    let ended = process.output().await.unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let figures = std::fs::read_to_string(tally.path()).unwrap();
    let figures: Vec<u64> = figures.split(' ').map(|figure| figure.parse().unwrap()).collect();
    figures.try_into().unwrap()
}

/// Alone on a database of its own; as the other process of the test above on that test's.
#[tokio::test(flavor = "multi_thread")]
async fn the_writers_of_a_process_append_their_share() {
    let Ok(url) = std::env::var(OTHER_PROCESS.0) else {
        let fixture = store().await;
        let [events, commands, claims, _] = write_all(&fixture.store, 1, 2_000).await;
        assert!(events >= 2_000, "{events}");
        return assert_whole(&fixture, [events, commands, claims]).await;
    };
    let options: PgConnectOptions = url.parse().unwrap();
    let pool = PgPoolOptions::new().max_connections(4).connect_with(options.clone()).await.unwrap();
    let store = PgEventStore::open(options, pool).await.unwrap();
    let figures = write_all(&store, 2, EVENTS).await;
    assert!(figures[0] >= EVENTS, "{figures:?}");
    let figures = figures.map(|figure| figure.to_string()).join(" ");
    std::fs::write(std::env::var(OTHER_PROCESS.1).unwrap(), figures).unwrap();
    store.close().await;
}

/// Writers side by side until they appended `share` events.
async fn write_all(store: &Arc<PgEventStore>, process: u64, share: u64) -> [u64; 4] {
    let tally = Arc::new(Tally::default());
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..WRITERS {
        writers.spawn(write(Arc::clone(store), Arc::clone(&tally), share, number * 2 + process));
    }
    while let Some(writer) = writers.join_next().await {
        writer.unwrap();
    }
    tally.figures()
}

async fn assert_whole(fixture: &Fixture, [events, commands, claims]: [u64; 3]) {
    let report = verify::streams(fixture.pool(), |_| ()).await.unwrap();
    assert_eq!(report.first_bad, None);
    assert_eq!(report.events, events);
    assert_eq!(u64::try_from(fixture.count("select count(*) from command_done").await), Ok(commands));
    assert_eq!(u64::try_from(fixture.count("select count(*) from claim").await), Ok(claims));
}

/// Appends to shared streams, with command ids that others use too and claims that others want too.
async fn write(store: Arc<PgEventStore>, tally: Arc<Tally>, share: u64, seed: u64) {
    let mut random = Random(seed);
    while tally.events.load(Ordering::Relaxed) < share {
        let stream = StreamId(Uuid::from_u128(1 + u128::from(random.below(STREAMS))));
        let mut expected = store.head(stream).await.unwrap();
        if random.below(10) == 0 {
            // What somebody saw who was slow.
            expected = Head { version: Version(expected.version.0.saturating_sub(1)), hash: expected.hash };
            if expected.version == Version::NONE {
                expected = Head::default();
            }
        }
        let events: Vec<NewEvent> =
            (0..=random.below(20)).map(|_| event(b"a payload of a usual size, or so")).collect();
        let command_id = CommandId(Uuid::from_u128(u128::from(random.below(2 * EVENTS))));
        let claims = if random.below(3) == 0 { vec![claim(1, random.below(401))] } else { vec![] };
        let command = AppendCommand { command_id, claims, ..command(events) };
        match store.append(of(stream, expected, command.clone())).await.unwrap() {
            AppendOutcome::Appended(_) => tally.appended(&command),
            AppendOutcome::Stale | AppendOutcome::Duplicate(_) | AppendOutcome::ClaimTaken { .. } => {
                tally.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Follows the log to its end; every stream must come without gap and in order.
async fn read(mut follower: Follower) -> u64 {
    let mut versions: HashMap<StreamId, Version> = HashMap::new();
    let mut count = 0;
    while let Some(events) = follower.next().await {
        for event in events {
            let last = versions.entry(event.stream).or_default();
            assert_eq!(event.version, last.next(), "stream {} has a gap or is out of order", event.stream);
            *last = event.version;
            count += 1;
        }
    }
    count
}

/// Handles every fiftieth event twice, as after a redelivery; each takes effect once.
async fn consume(mut follower: Follower) -> u64 {
    let store = Arc::clone(&follower.store);
    let (mut seen, mut handled) = (0_u64, 0);
    while let Some(events) = follower.next().await {
        for source in events.iter().filter(|event| event.type_id != HANDLED) {
            seen += 1;
            if seen % 50 == 0 {
                let command_id = handling_command("consumer", source.metadata.event_id);
                let target = handling_stream("consumer", source.stream);
                appended(handle(&store, target, command_id).await);
                let redelivered = handle(&store, target, command_id).await;
                assert!(matches!(redelivered, Ok(AppendOutcome::Duplicate(_))), "{redelivered:?}");
                handled += 1;
            }
        }
    }
    handled
}

async fn handle(store: &PgEventStore, target: StreamId, command_id: CommandId) -> Result<AppendOutcome, StoreError> {
    let done = NewEvent { type_id: HANDLED, ..event(b"handled") };
    let expected = store.head(target).await?;
    store.append(of(target, expected, AppendCommand { command_id, ..command([done]) })).await
}

/// Reads the log until those before it are done and nothing is left.
struct Follower {
    store: Arc<PgEventStore>,
    done: Arc<AtomicBool>,
    at: Checkpoint,
}

impl Follower {
    fn new(store: &Arc<PgEventStore>, done: &Arc<AtomicBool>) -> Self {
        Self { store: Arc::clone(store), done: Arc::clone(done), at: Checkpoint::default() }
    }

    async fn next(&mut self) -> Option<Vec<RecordedEvent>> {
        loop {
            let done = self.done.load(Ordering::Acquire);
            let events = self.store.read_all(self.at, 500).await.unwrap();
            for event in &events {
                assert!(event.checkpoint > self.at, "the global order only rises");
                self.at = event.checkpoint;
            }
            if !events.is_empty() {
                return Some(events);
            }
            if done && settled(&self.store, self.at).await {
                return None;
            }
            self.store.appended().await;
        }
    }
}

/// Whether `at` is the end of what is committed: a transaction elsewhere in the cluster may still hide the rest.
async fn settled(store: &PgEventStore, at: Checkpoint) -> bool {
    infra_event_store::projection::latest(store.pool()).await.unwrap() == at
}

/// A small generator (xorshift64), so that a run can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        let mut state = self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        self.0 = state;
        (state >> 16) % limit
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_is_held_open_does_not_make_a_reader_skip() {
    let fixture = store().await;
    let early = stream();
    // It has its transaction id and position before the other append, and commits after it.
    let mut slow = fixture.pool().begin().await.unwrap();
    sqlx::raw_sql(
        "insert into event (stream_id, version, epoch, type_id, schema_version, at, meta, payload, hash)
         values ('00000000-0000-0000-0000-000000000007', 1, 1, 1, 1, now(),
           '\\x0100' || decode(repeat('07', 32), 'hex'), '', decode(repeat('00', 32), 'hex'))",
    )
    .execute(&mut *slow)
    .await
    .unwrap();
    fixture.append(early, b"later id, earlier commit").await;
    let seen = fixture.store.read_all(Checkpoint::default(), 10).await.unwrap();
    assert_eq!(seen, [], "an event that something may still come before is not shown");
    slow.commit().await.unwrap();
    let seen = fixture.read_everything(2).await;
    let streams: Vec<StreamId> = seen.iter().map(|event| event.stream).collect();
    assert_eq!(streams, [StreamId(Uuid::from_u128(7)), early], "in the order of the transactions");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_one_append_are_read_in_version_order() {
    let fixture = store().await;
    let events: Vec<NewEvent> = (0..200_u8).map(|number| event(&[number])).collect();
    appended(fixture.store.append(of(stream(), Head::default(), command(events))).await);
    let versions: Vec<u32> = fixture.read_everything(200).await.iter().map(|event| event.version.0).collect();
    assert_eq!(versions, (1..=200).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_another_process_is_woken_by_polling() {
    let fixture = store().await;
    let second = fixture.second_store().await;
    let stream = stream();
    let (found, _head) = tokio::join!(
        wait_for("an event of another process", LIMIT, async || {
            second.appended().await;
            second.read_all(Checkpoint::default(), 1).await.unwrap().pop()
        }),
        fixture.append(stream, b"x")
    );
    assert_eq!(found.stream, stream);
}
