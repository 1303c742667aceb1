//! Building a projection's tables anew while the live ones are served, then putting them in their place.
//!
//! 1. Empty tables like the live ones are made in the schema `rebuild`; or those that a broken-off rebuild left are
//!    taken, with everything that is in them.
//! 2. The log is folded into them in short transactions, each of which also remembers how far it got, until nothing is
//!    left of what there was at the beginning.
//! 3. Under the checkpoint's lock, so that the live runner waits: what came meanwhile is folded too, the new tables
//!    take the live ones' names, the checkpoint becomes theirs and the generation rises. All of it or nothing.
//!
//! Readers of the live tables notice nothing; their prepared statements go on with the new ones. A rebuild that is
//! killed leaves its tables, and the next one goes on with them if it folds with the same code in the same epoch of the
//! log: rows that were folded by two different codes would be nobody's fold.
use super::remembered;
use super::scratch::{Scratch, read};
use super::status::{self, StatusRow, from_row};
use super::{MAX_BATCH, Projection, ProjectionError};
use crate::{Progress, row, statements};
use domain_kernel::ports::EventStore;
use domain_kernel::{Checkpoint, Hash};
use sqlx::{Connection, PgPool};
use std::time::Duration;
use tokio::time::Instant;

/// How often the swap is tried while others hold the tables or the checkpoint.
const SWAP_ATTEMPTS: u32 = 100;
const SWAP_PAUSE: Duration = Duration::from_millis(20);

/// How long a rebuild waits for events that are committed but that an open transaction elsewhere still hides. After
/// that it goes on: the runner finds them later.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a rebuild begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// What the projection's code is: a digest of the executable, which changes with every rule and schema in it.
    pub definition: Hash,
    /// Whether what a broken-off rebuild left is thrown away, however good it is.
    pub anew: bool,
}

/// A rebuild that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RebuildReport {
    /// Events folded, over all runs.
    pub events: u64,
    /// How many of them were folded by runs that were broken off.
    pub resumed: u64,
    /// Where the new tables stood when they became the live ones.
    pub checkpoint: Checkpoint,
    /// Their generation.
    pub generation: i64,
    /// How long it took, over all runs.
    pub elapsed: Duration,
}

/// Builds the tables of `projection` anew from the first event on and swaps them in; the live ones keep being served
/// and kept up meanwhile. What a broken-off rebuild left is not looked at.
///
/// # Errors
/// See [`rebuild_from`].
pub async fn rebuild(
    projection: &dyn Projection,
    store: &dyn EventStore,
    pool: &PgPool,
    progress: impl FnMut(Progress) + Send,
) -> Result<RebuildReport, ProjectionError> {
    rebuild_from(projection, store, pool, Start { definition: Hash::default(), anew: true }, progress).await
}

/// As [`rebuild`], going on where a broken-off one was, if `start` says so and that is possible.
///
/// # Errors
/// [`ProjectionError::Busy`] while another rebuild or verification of it runs; otherwise [`ProjectionError`], the live
/// tables being as they were.
pub async fn rebuild_from(
    projection: &dyn Projection,
    store: &dyn EventStore,
    pool: &PgPool,
    start: Start,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<RebuildReport, ProjectionError> {
    let begun = Instant::now();
    let mut scratch = Scratch::for_rebuild(projection, pool, start).await?;
    let resumed = scratch.events;
    status::open(projection, &mut scratch.connection).await?;
    let end = scratch.count().await?;
    progress(scratch.progress());
    loop {
        scratch.fold(store, None, &mut progress).await?;
        if scratch.at >= end || begun.elapsed() > PATIENCE {
            break;
        }
        store.appended().await;
    }
    for _ in 0..SWAP_ATTEMPTS {
        scratch.fold(store, None, &mut progress).await?;
        if let Some((checkpoint, generation)) = swap(&mut scratch, store).await? {
            let (events, elapsed) = (scratch.events, scratch.worked());
            scratch.connection.close().await?;
            return Ok(RebuildReport { events, resumed, checkpoint, generation, elapsed });
        }
        tokio::time::sleep(SWAP_PAUSE).await;
    }
    // The tables stay: the next attempt has only the swap left to do.
    Err(ProjectionError::SwapRefused { projection: projection.name() })
}

/// Step 3; `None` when somebody held a lock for too long, or the log moved on by more than a short transaction takes.
async fn swap(scratch: &mut Scratch<'_>, store: &dyn EventStore) -> Result<Option<(Checkpoint, i64)>, ProjectionError> {
    match try_swap(scratch, store).await {
        Err(ProjectionError::Database(sqlx::Error::Database(error)))
            if matches!(error.code().as_deref(), Some("55P03" | "40P01")) =>
        {
            Ok(None)
        }
        other => other,
    }
}

async fn try_swap(
    scratch: &mut Scratch<'_>,
    store: &dyn EventStore,
) -> Result<Option<(Checkpoint, i64)>, ProjectionError> {
    let (projection, worked) = (scratch.projection, scratch.worked());
    let mut transaction = scratch.connection.begin().await?;
    sqlx::query(statements::SCRATCH_PATIENCE).execute(&mut *transaction).await?;
    sqlx::query(statements::SCRATCH_PATH).bind("rebuild").execute(&mut *transaction).await?;
    let live: StatusRow = sqlx::query_as(statements::PROJECTION_LOCK)
        .bind(projection.name())
        .bind(projection.version())
        .fetch_one(&mut *transaction)
        .await?;
    let live = from_row(live)?;
    let events = read(store, scratch.at, MAX_BATCH, None).await?;
    let at = events.last().map_or(scratch.at, |event| event.checkpoint);
    if at < live.checkpoint {
        return Ok(None);
    }
    if !events.is_empty() {
        projection.apply(&mut transaction, &events).await?;
    }
    sqlx::query(statements::SCRATCH_SWAP).bind(projection.tables()).execute(&mut *transaction).await?;
    let generation = sqlx::query_scalar(statements::PROJECTION_SWAPPED)
        .bind(projection.name())
        .bind(projection.version())
        .bind(at.epoch)
        .bind(row::tx_parameter(at.tx)?)
        .bind(at.position)
        .fetch_one(&mut *transaction)
        .await?;
    let folded = scratch.events + events.len() as u64;
    remembered::advance(projection, &mut transaction, at, folded, worked, true).await?;
    transaction.commit().await?;
    scratch.at = at;
    scratch.events = folded;
    Ok(Some((at, generation)))
}
