//! A tailing reader beside writers and consumers, on a database of its own.
//!
//! Sixteen writers on two stores (as two processes have them) extend 64 shared streams by commands of 20 events and lose
//! against each other; two consumers read the same log and both answer the first event of every command, under the same
//! command id; and somebody keeps transactions open that already have an id. The reader must see every event once,
//! every stream in the order of its versions, the whole log in one order.
use super::historia::Historia;
use crate::protocol::{Reply, Tail};
use domain_kernel::ports::{Append, AppendCommand, AppendOutcome, Clock, EventStore};
use domain_kernel::{
    Checkpoint, CommandId, CorrelationId, EventId, EventMetadata, EventTypeId, Head, NewEvent, RecordedEvent,
    SchemaVersion, StreamId,
};
use infra_event_store::PgEventStore;
use infra_runtime::SystemClock;
use infra_runtime::database::pool;
use platform::Failure;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::{JoinHandle, JoinSet};
use uuid::Uuid;

const WRITERS: u64 = 16;
const STREAMS: u64 = 64;
const PER_COMMAND: u64 = 20;
const SOURCE: EventTypeId = EventTypeId(1);
const ANSWER: EventTypeId = EventTypeId(2);
const PAGE: usize = 500;
/// No event for this long, and the reader has seen what it will see.
const QUIET: Duration = Duration::from_secs(5);

/// Writes and reads about `events` events.
pub(super) async fn run(historia: &Historia, events: u64) -> Result<Reply, Failure> {
    let others = pool(historia.options.clone(), super::POOL).await?;
    let second = PgEventStore::open(historia.options.clone(), others.clone()).await?;
    let stores = [Arc::clone(&historia.store), second];
    let commands = events / (PER_COMMAND + 1);
    let left = Arc::new(AtomicU64::new(commands));
    let begun = Instant::now();

    let mut writing = JoinSet::new();
    for writer in 0..WRITERS {
        let store = Arc::clone(&stores[usize::from(writer % 2 == 1)]);
        writing.spawn(write(store, writer, Arc::clone(&left)));
    }
    let consuming = stores.each_ref().map(|store| tokio::spawn(consume(Arc::clone(store), commands)));
    let disturbing = tokio::spawn(disturb(others));
    let wanted = commands * (PER_COMMAND + 1);
    let reading: JoinHandle<Result<(u64, Tail), Failure>> = tokio::spawn(read(Arc::clone(&stores[1]), wanted));

    while let Some(written) = writing.join_next().await {
        written??;
    }
    for consumer in consuming {
        consumer.await??;
    }
    let (seen, mut tail) = reading.await??;
    disturbing.abort();
    let count = |type_id: EventTypeId| {
        sqlx::query_scalar::<_, i64>("select count(*) from event where type_id = $1").bind(type_id.0)
    };
    let sources = u64::try_from(count(SOURCE).fetch_one(historia.store.pool()).await?)?;
    let answers = u64::try_from(count(ANSWER).fetch_one(historia.store.pool()).await?)?;
    if sources != commands * PER_COMMAND {
        return Err(format!("{sources} events of {commands} acknowledged commands").into());
    }
    tail.doubled = answers.abs_diff(commands);
    tail.skipped = tail.skipped.max((sources + answers).saturating_sub(seen));
    Ok(Reply { done: seen, seconds: begun.elapsed().as_secs_f64(), tail, ..Reply::default() })
}

/// Commands on shared streams until none is left, each until it is accepted.
async fn write(store: Arc<PgEventStore>, writer: u64, left: Arc<AtomicU64>) -> Result<(), Failure> {
    let mut number = writer;
    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
        number += 7;
        let stream = StreamId(Uuid::from_u128(u128::from(number % STREAMS) + 1));
        loop {
            let expected = store.head(stream).await?;
            let commands = vec![command(Uuid::now_v7(), SOURCE, PER_COMMAND)];
            match store.append(Append { stream, expected, commands }).await? {
                AppendOutcome::Appended(_) => break,
                AppendOutcome::Stale => {}
                other => return Err(format!("a command was not accepted: {other:?}").into()),
            }
        }
    }
    Ok(())
}

/// Answers the first event of every command, in a stream of its own, as every other consumer does too.
async fn consume(store: Arc<PgEventStore>, commands: u64) -> Result<(), Failure> {
    let (mut at, mut answered) = (Checkpoint::default(), 0);
    while answered < commands {
        let events = store.read_all(at, PAGE).await?;
        let Some(last) = events.last() else {
            store.appended().await;
            continue;
        };
        at = last.checkpoint;
        let mut answering = JoinSet::new();
        for event in events.iter().filter(|event| begins_command(event)) {
            answered += 1;
            answering.spawn(answer(Arc::clone(&store), event.metadata.event_id));
        }
        while let Some(done) = answering.join_next().await {
            done??;
        }
    }
    Ok(())
}

fn begins_command(event: &RecordedEvent) -> bool {
    event.type_id == SOURCE && u64::from(event.version.0) % PER_COMMAND == 1
}

async fn answer(store: Arc<PgEventStore>, event: EventId) -> Result<(), Failure> {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, event.0.as_bytes());
    if store.find_command(CommandId(id)).await?.is_some() {
        return Ok(());
    }
    let append = Append { stream: StreamId(id), expected: Head::default(), commands: vec![command(id, ANSWER, 1)] };
    match store.append(append).await? {
        AppendOutcome::Appended(_) | AppendOutcome::Duplicate(_) | AppendOutcome::Stale => Ok(()),
        other @ AppendOutcome::ClaimTaken { .. } => Err(format!("an answer was not accepted: {other:?}").into()),
    }
}

fn command(id: Uuid, type_id: EventTypeId, events: u64) -> AppendCommand {
    let correlation_id = CorrelationId(Uuid::now_v7());
    let event = || NewEvent {
        type_id,
        schema_version: SchemaVersion(1),
        metadata: EventMetadata {
            event_id: EventId(Uuid::now_v7()),
            correlation_id,
            causation_id: None,
            actor: None,
            occurred_at: SystemClock.now(),
        },
        payload: vec![0; 100],
    };
    let (claims, releases) = (vec![], vec![]);
    AppendCommand {
        command_id: CommandId(id),
        digest: None,
        correlation_id,
        claims,
        releases,
        events: (0..events).map(|_| event()).collect(),
    }
}

/// Transactions that get their id early and take their time.
async fn disturb(pool: sqlx::PgPool) -> Result<(), Failure> {
    for number in 0.. {
        let mut transaction = pool.begin().await?;
        sqlx::query("select pg_current_xact_id()").execute(&mut *transaction).await?;
        tokio::time::sleep(Duration::from_millis(number % 50)).await;
        transaction.commit().await?;
    }
    Ok(())
}

/// Follows the log until `wanted` events were seen, or nothing more comes.
async fn read(store: Arc<PgEventStore>, wanted: u64) -> Result<(u64, Tail), Failure> {
    let (mut at, mut seen, mut tail) = (Checkpoint::default(), 0, Tail::default());
    let mut versions: HashMap<StreamId, u32> = HashMap::new();
    let mut last_seen = Instant::now();
    while seen < wanted && last_seen.elapsed() < QUIET {
        let events = store.read_all(at, PAGE).await?;
        if events.is_empty() {
            store.appended().await;
            continue;
        }
        last_seen = Instant::now();
        for event in events {
            let version = versions.entry(event.stream).or_default();
            if event.checkpoint <= at || event.version.0 <= *version {
                tail.reordered += 1;
            } else {
                tail.skipped += u64::from(event.version.0 - *version - 1);
            }
            *version = event.version.0.max(*version);
            at = event.checkpoint.max(at);
            seen += 1;
        }
    }
    Ok((seen, tail))
}
