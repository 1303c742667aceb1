//! Proving that the history is whole: every stream's hash chain, heads, commands and claims, in one snapshot.
//!
//! The events stream through; nothing but the stream at hand is held in memory. The snapshot has no transaction id, so
//! nobody waits for it.
use crate::packed::{self, RawEvent};
use crate::part::{self, Part};
use crate::{Progress, failure, metadata, row, statements};
use domain_kernel::ports::{ClaimKind, StoreError};
use domain_kernel::{Checkpoint, CommandId, Hash, Head, StreamId, Version};
use futures_util::TryStreamExt;
use infra_vault::chain::{ChainedEvent, link};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;

/// A transaction that sees one moment, writes nothing, and so has no transaction id.
pub(crate) const ONE_SNAPSHOT: &str = "begin isolation level repeatable read, read only";

/// How many events pass between two calls of `progress`.
const STEP: u64 = 1_000;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainReport {
    /// Streams checked.
    pub streams: u64,
    /// Events checked.
    pub events: u64,
    /// The first bad position in the global order; what has no position comes after what has one. `None`: all is whole.
    pub first_bad: Option<BadPosition>,
}

impl ChainReport {
    /// Whether everything is as it was written.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.first_bad.is_none()
    }
}

/// Where something is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stream {stream}, version {version}: {problem}")]
pub struct BadPosition {
    /// The place in the global order, where there is an event.
    pub checkpoint: Option<Checkpoint>,
    /// The stream.
    pub stream: StreamId,
    /// The version; 0 where none applies.
    pub version: Version,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The event is not the one that was appended, or not after the one it was appended to.
    #[error("the event or one before it was changed: its hash does not fit")]
    Hash,
    /// Versions before this one are not there.
    #[error("the event should be version {expected}: something before it is missing")]
    Gap {
        /// The version that should be here.
        expected: Version,
    },
    /// The event stands before an earlier version of its stream in the global order.
    #[error("the event is out of order")]
    Order,
    /// The metadata cannot be read.
    #[error("the metadata cannot be read")]
    Metadata,
    /// The stream's head does not name its last event.
    #[error("the stream's head does not name its last event")]
    Head,
    /// A command is marked done, and its events are not there.
    #[error("command {command} is marked done without its events")]
    CommandWithoutEvents {
        /// Which.
        command: CommandId,
    },
    /// A unique key is held by a stream that does not exist.
    #[error("a unique key of kind {} is held by a stream that does not exist", kind.0)]
    ClaimWithoutStream {
        /// Of which kind.
        kind: ClaimKind,
    },
}

/// Checks every stream of the database: hashes, versions, heads, commands and claims.
///
/// # Errors
/// [`StoreError`] when it could not be checked; what is found bad is no error but in the report.
pub async fn streams(pool: &PgPool, progress: impl FnMut(Progress) + Send) -> Result<ChainReport, StoreError> {
    part(pool, &Part::default(), progress).await
}

/// As [`streams`], looking at the events of one part of the log alone: each has to be the one that was appended after the
/// event before it in its stream, which is believed where that comes before the part. Commands and claims are of no part.
///
/// # Errors
/// See [`streams`].
pub async fn part(
    pool: &PgPool,
    part: &Part,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<ChainReport, StoreError> {
    let of_query = |error: sqlx::Error| failure::of_query(&error);
    let mut snapshot = pool.begin_with(ONE_SNAPSHOT).await.map_err(of_query)?;
    sqlx::query(statements::NO_TIME_LIMITS).execute(&mut *snapshot).await.map_err(of_query)?;
    let total = part::count_on(&mut *snapshot, part).await?;
    let mut walk = Walk { ends: part.until.is_some(), ..Walk::default() };
    {
        let ([after, end], [after_tx, end_tx]) = part.bounds()?;
        let query = if part.is_whole() {
            sqlx::query(statements::VERIFY_EVENTS)
        } else {
            let query = sqlx::query(statements::VERIFY_PART).bind(after.epoch).bind(after_tx).bind(after.position);
            query.bind(end.epoch).bind(end_tx).bind(end.position)
        };
        let mut rows = query.fetch(&mut *snapshot);
        while let Some(row) = rows.try_next().await.map_err(of_query)? {
            walk.event(&row)?;
            if walk.events.is_multiple_of(STEP) {
                progress(Progress::of(walk.events, total));
            }
        }
    }
    walk.end_of_stream();
    progress(Progress::of(walk.events, total));
    if walk.first_bad.is_none() && part.is_whole() {
        walk.first_bad = besides_events(&mut snapshot).await?;
    }
    Ok(ChainReport { streams: walk.streams, events: walk.events, first_bad: walk.first_bad })
}

/// The stream at hand and what was found so far.
#[derive(Default)]
struct Walk {
    /// Whether the part ends before the log may: a stream's head may name a later event.
    ends: bool,
    streams: u64,
    events: u64,
    first_bad: Option<BadPosition>,
    current: Option<Current>,
}

struct Current {
    stream: StreamId,
    last: Head,
    checkpoint: Checkpoint,
    head: Option<(i32, Vec<u8>)>,
    /// One bad event is enough: what follows it in the stream cannot be judged.
    bad: bool,
}

impl Walk {
    fn event(&mut self, row: &PgRow) -> Result<(), StoreError> {
        let of_query = |error: sqlx::Error| failure::of_query(&error);
        let event = packed::one(row.try_get(0).map_err(of_query)?)?;
        self.events += 1;
        if self.current.as_ref().is_none_or(|current| current.stream != event.stream) {
            self.end_of_stream();
            self.streams += 1;
            let version: Option<i32> = row.try_get(1).map_err(of_query)?;
            let hash: Option<Vec<u8>> = row.try_get(2).map_err(of_query)?;
            let (last, checkpoint) = before(row, event.version)?.unwrap_or_default();
            self.current =
                Some(Current { stream: event.stream, last, checkpoint, head: version.zip(hash), bad: false });
        }
        let Some(current) = self.current.as_mut().filter(|current| !current.bad) else { return Ok(()) };
        let problem = judge(current, &event);
        current.last = Head { version: event.version, hash: event.hash };
        current.checkpoint = event.checkpoint;
        if let Some(problem) = problem {
            current.bad = true;
            let (checkpoint, stream, version) = (Some(event.checkpoint), event.stream, event.version);
            self.found(BadPosition { checkpoint, stream, version, problem });
        }
        Ok(())
    }

    fn end_of_stream(&mut self) {
        let Some(current) = self.current.take().filter(|current| !current.bad) else { return };
        let fits = current.head.is_some_and(|(version, hash)| {
            let version = u32::try_from(version).unwrap_or_default();
            let later = self.ends && version > current.last.version.0;
            later || (version == current.last.version.0 && hash == current.last.hash)
        });
        if !fits {
            self.found(BadPosition {
                checkpoint: Some(current.checkpoint),
                stream: current.stream,
                version: current.last.version,
                problem: Problem::Head,
            });
        }
    }

    fn found(&mut self, bad: BadPosition) {
        if self.first_bad.is_none_or(|first| bad.checkpoint < first.checkpoint) {
            self.first_bad = Some(bad);
        }
    }
}

/// What `row` says of the event before version `of` of its stream, where that is not looked at itself.
fn before(row: &PgRow, of: Version) -> Result<Option<(Head, Checkpoint)>, StoreError> {
    let of_query = |error: sqlx::Error| failure::of_query(&error);
    if row.len() < 7 {
        return Ok(None);
    }
    let Some(hash) = row.try_get::<Option<Vec<u8>>, _>(3).map_err(of_query)? else { return Ok(None) };
    let place =
        (row.try_get(4).map_err(of_query)?, row.try_get(5).map_err(of_query)?, row.try_get(6).map_err(of_query)?);
    let head = Head { version: Version(of.0.saturating_sub(1)), hash: row::hash(hash)? };
    Ok(Some((head, row::checkpoint(place)?)))
}

/// What is wrong with `event` after what came before it in its stream.
fn judge(current: &Current, event: &RawEvent<'_>) -> Option<Problem> {
    let expected = current.last.version.next();
    if event.version != expected {
        return Some(Problem::Gap { expected });
    }
    if hash(&current.last.hash, event) != event.hash {
        return Some(Problem::Hash);
    }
    if event.checkpoint <= current.checkpoint {
        return Some(Problem::Order);
    }
    metadata::decode(event.meta, event.occurred_at).is_none().then_some(Problem::Metadata)
}

fn hash(previous: &Hash, event: &RawEvent<'_>) -> Hash {
    link(
        previous,
        &ChainedEvent {
            epoch: event.checkpoint.epoch,
            stream: event.stream,
            version: event.version,
            type_id: event.type_id,
            schema_version: event.schema_version,
            occurred_at: event.occurred_at,
            meta: event.meta,
            payload: event.payload,
        },
    )
}

/// Heads, commands and claims that stand without events.
async fn besides_events(snapshot: &mut PgConnection) -> Result<Option<BadPosition>, StoreError> {
    let of_query = |error: sqlx::Error| failure::of_query(&error);
    let bad = |stream: Uuid, version: i32, problem: Problem| {
        Ok(Some(BadPosition { checkpoint: None, stream: stream.into(), version: row::version(version)?, problem }))
    };
    let head: Option<(Uuid, i32)> =
        sqlx::query_as(statements::VERIFY_HEADS).fetch_optional(&mut *snapshot).await.map_err(of_query)?;
    if let Some((stream, version)) = head {
        return bad(stream, version, Problem::Head);
    }
    let command: Option<(Uuid, Uuid, i32)> =
        sqlx::query_as(statements::VERIFY_COMMANDS).fetch_optional(&mut *snapshot).await.map_err(of_query)?;
    if let Some((command, stream, version)) = command {
        return bad(stream, version, Problem::CommandWithoutEvents { command: command.into() });
    }
    let claim: Option<(i16, Uuid)> =
        sqlx::query_as(statements::VERIFY_CLAIMS).fetch_optional(&mut *snapshot).await.map_err(of_query)?;
    if let Some((kind, stream)) = claim {
        return bad(stream, 0, Problem::ClaimWithoutStream { kind: ClaimKind(kind) });
    }
    Ok(None)
}
