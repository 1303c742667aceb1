//! Where a projection stands, and waiting for it.
use super::{Projection, ProjectionError};
use crate::{row, statements};
use chrono::{DateTime, Utc};
use domain_kernel::{Checkpoint, StreamId, Timestamp, Version};
use sqlx::{PgConnection, PgPool};
use std::time::Duration;
use tokio::time::Instant;

/// Where a projection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its rows are the fold up to here.
    pub checkpoint: Checkpoint,
    /// Which set of tables; raised by every rebuild.
    pub generation: i64,
    /// Whether it has ever caught up; until then its rows are a part of the truth.
    pub live: bool,
    /// Whether an operator lets it stand still.
    pub paused: bool,
}

/// How far a projection is behind the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// Events that it has not applied.
    pub events: u64,
    /// When the oldest of them happened; its age is the projection's.
    pub oldest: Option<Timestamp>,
}

pub(super) type StatusRow = (i16, i64, i64, i64, String, bool);

pub(super) fn from_row((epoch, tx, position, generation, state, paused): StatusRow) -> Result<Status, ProjectionError> {
    Ok(Status { checkpoint: row::checkpoint((epoch, tx, position))?, generation, live: state == "live", paused })
}

/// Where `projection` stands; `None` when it never ran.
///
/// # Errors
/// [`ProjectionError::Database`].
pub async fn status(projection: &dyn Projection, pool: &PgPool) -> Result<Option<Status>, ProjectionError> {
    load(projection, &mut *pool.acquire().await?).await
}

pub(super) async fn load(
    projection: &dyn Projection,
    connection: &mut PgConnection,
) -> Result<Option<Status>, ProjectionError> {
    let found: Option<StatusRow> = sqlx::query_as(statements::PROJECTION_LOAD)
        .bind(projection.name())
        .bind(projection.version())
        .fetch_optional(connection)
        .await?;
    found.map(from_row).transpose()
}

/// As [`load`], making the row of a projection that never ran.
pub(super) async fn open(
    projection: &dyn Projection,
    connection: &mut PgConnection,
) -> Result<Status, ProjectionError> {
    if let Some(status) = load(projection, connection).await? {
        return Ok(status);
    }
    sqlx::query(statements::PROJECTION_OPEN)
        .bind(projection.name())
        .bind(projection.version())
        .execute(&mut *connection)
        .await?;
    load(projection, connection).await?.ok_or_else(|| ProjectionError::Database(sqlx::Error::RowNotFound))
}

/// How far `projection` is behind the log of the same database.
///
/// # Errors
/// [`ProjectionError::Database`].
pub async fn lag(projection: &dyn Projection, pool: &PgPool) -> Result<Lag, ProjectionError> {
    let at = status(projection, pool).await?.map_or_else(Checkpoint::default, |status| status.checkpoint);
    events_after(at, &mut *pool.acquire().await?).await
}

pub(crate) async fn events_after(at: Checkpoint, connection: &mut PgConnection) -> Result<Lag, ProjectionError> {
    let (events, oldest): (i64, Option<DateTime<Utc>>) = sqlx::query_as(statements::EVENTS_AFTER)
        .bind(at.epoch)
        .bind(row::tx_parameter(at.tx)?)
        .bind(at.position)
        .fetch_one(connection)
        .await?;
    let oldest = oldest.map(|moment| Timestamp(moment.timestamp_micros()));
    Ok(Lag { events: u64::try_from(events).unwrap_or_default(), oldest })
}

/// The place of the last event in the log; a projection that gets there has applied everything committed before this
/// was asked.
///
/// # Errors
/// [`ProjectionError::Database`].
pub async fn latest(pool: &PgPool) -> Result<Checkpoint, ProjectionError> {
    latest_of(&mut *pool.acquire().await?).await
}

pub(super) async fn latest_of(connection: &mut PgConnection) -> Result<Checkpoint, ProjectionError> {
    let found: Option<(i16, i64, i64)> = sqlx::query_as(statements::LATEST).fetch_optional(connection).await?;
    Ok(found.map_or_else(|| Ok(Checkpoint::default()), row::checkpoint)?)
}

/// Waits until `projection` has applied everything up to `wanted`: what was written is then read.
///
/// # Errors
/// [`ProjectionError::Late`] after `timeout`; [`ProjectionError::Database`].
pub async fn wait_until(
    projection: &dyn Projection,
    pool: &PgPool,
    wanted: Checkpoint,
    timeout: Duration,
) -> Result<(), ProjectionError> {
    let until = Instant::now() + timeout;
    let mut pause = Duration::from_millis(2);
    loop {
        if status(projection, pool).await?.is_some_and(|status| status.checkpoint >= wanted) {
            return Ok(());
        }
        if Instant::now() >= until {
            return Err(ProjectionError::Late { projection: projection.name(), wanted });
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Whether a projection's rows hold an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folded {
    /// They do.
    Yes,
    /// Not in time.
    NotYet,
    /// The log has no such event: it is another service's, or nobody's.
    NotOurs,
}

/// Waits until `projection` has applied the event of `stream` at `version`, at most `patience`: what somebody wrote is
/// then read.
///
/// # Errors
/// [`ProjectionError::Database`].
pub async fn folded(
    projection: &dyn Projection,
    pool: &PgPool,
    (stream, version): (StreamId, Version),
    patience: Duration,
) -> Result<Folded, ProjectionError> {
    let found: Option<(i16, i64, i64)> = sqlx::query_as(statements::EVENT_PLACE)
        .bind(stream.0)
        .bind(row::version_parameter(version)?)
        .fetch_optional(pool)
        .await?;
    let Some(place) = found else { return Ok(Folded::NotOurs) };
    match wait_until(projection, pool, row::checkpoint(place)?, patience).await {
        Ok(()) => Ok(Folded::Yes),
        Err(ProjectionError::Late { .. }) => Ok(Folded::NotYet),
        Err(error) => Err(error),
    }
}
