//! What a rebuild would do, and how far one got. Nothing here writes.
use super::remembered::Remembered;
use super::{Projection, ProjectionError, status};
use crate::part::{self, Part};
use crate::statements;
use chrono::{DateTime, Utc};
use domain_kernel::Hash;
use sqlx::{PgConnection, PgPool};
use std::time::Duration;

/// What a rebuild would do now.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Events in the part of the log that is asked about.
    pub events: u64,
    /// How many of them a broken-off rebuild has folded already, and this one would not fold again.
    pub folded: u64,
    /// How long it would take at the speed of the last one; `None` where there was none.
    pub estimate: Option<Duration>,
    /// The tables whose place the new ones would take.
    pub tables: Vec<PlannedTable>,
    /// Whether a rebuild or a verification of this projection is under way, so that another is refused.
    pub busy: bool,
}

/// A table that a rebuild would replace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTable {
    /// Its name.
    pub name: String,
    /// Rows, as far as the server knows without counting.
    pub rows: u64,
    /// Bytes, with indexes: about as much is needed once more while the new one is filled.
    pub bytes: u64,
}

/// A rebuild that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RebuildStatus {
    /// Events folded.
    pub done: u64,
    /// Events there are; more than when it began.
    pub total: u64,
    /// When it began.
    pub begun_at: DateTime<Utc>,
    /// When it last got further.
    pub moved_at: DateTime<Utc>,
    /// When its tables took the live ones' place; `None`: it is under way, or was broken off.
    pub finished_at: Option<DateTime<Utc>>,
    /// Time spent on it, over all runs.
    pub worked: Duration,
    /// Whether somebody works on this projection's second set of tables; when nobody does, an unfinished rebuild was
    /// broken off.
    pub busy: bool,
}

/// What a rebuild of `projection` by the code that `definition` stands for would do; or a fold of `part`, which begins
/// anew where that is not the whole log.
///
/// # Errors
/// [`ProjectionError::Database`].
pub async fn plan(
    projection: &dyn Projection,
    pool: &PgPool,
    definition: &Hash,
    part: &Part,
) -> Result<Plan, ProjectionError> {
    let mut connection = pool.acquire().await?;
    let remembered = Remembered::load(projection, &mut connection).await?;
    let going_on = match &remembered {
        Some(found) if part.is_whole() && found.can_go_on(projection, definition, &mut connection).await? => {
            Some(found)
        }
        _ => None,
    };
    let events = part::count_on(&mut *connection, part).await?;
    let folded = going_on.map_or(0, |found| found.events.min(events));
    let estimate = remembered.as_ref().and_then(Remembered::seconds_per_event).map(|seconds| {
        let left = events.saturating_sub(folded);
        Duration::try_from_secs_f64(seconds * left as f64).unwrap_or(Duration::MAX)
    });
    let sizes: Vec<(String, i64, i64)> =
        sqlx::query_as(statements::TABLE_SIZES).bind(projection.tables()).fetch_all(&mut *connection).await?;
    let tables = sizes.into_iter().map(|(name, rows, bytes)| PlannedTable {
        name,
        rows: u64::try_from(rows).unwrap_or_default(),
        bytes: u64::try_from(bytes).unwrap_or_default(),
    });
    Ok(Plan { events, folded, estimate, tables: tables.collect(), busy: busy(projection, &mut connection).await? })
}

/// How far the last rebuild of `projection` got; `None` when there never was one.
///
/// # Errors
/// [`ProjectionError::Database`].
pub async fn rebuild_status(
    projection: &dyn Projection,
    pool: &PgPool,
) -> Result<Option<RebuildStatus>, ProjectionError> {
    rebuild_status_on(projection, &mut *pool.acquire().await?).await
}

/// As [`rebuild_status`].
pub(crate) async fn rebuild_status_on(
    projection: &dyn Projection,
    connection: &mut PgConnection,
) -> Result<Option<RebuildStatus>, ProjectionError> {
    let Some(found) = Remembered::load(projection, connection).await? else { return Ok(None) };
    let left = match found.finished_at {
        Some(_) => 0,
        None => status::events_after(found.at, connection).await?.events,
    };
    Ok(Some(RebuildStatus {
        done: found.events,
        total: found.events + left,
        begun_at: found.begun_at,
        moved_at: found.moved_at,
        finished_at: found.finished_at,
        worked: found.worked,
        busy: busy(projection, connection).await?,
    }))
}

async fn busy(projection: &dyn Projection, connection: &mut PgConnection) -> Result<bool, ProjectionError> {
    Ok(sqlx::query_scalar(statements::SCRATCH_LOCKED).bind(projection.name()).fetch_one(connection).await?)
}
