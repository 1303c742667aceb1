//! What is remembered of a rebuild, so that it goes on where it was killed: the row moves in the very transactions that
//! fill the tables.
use super::{Projection, ProjectionError};
use crate::{row, statements};
use chrono::{DateTime, Utc};
use domain_kernel::{Checkpoint, Hash};
use sqlx::PgConnection;
use std::time::Duration;

/// A rebuild that was begun.
#[derive(Debug)]
pub(super) struct Remembered {
    definition: Vec<u8>,
    log_epoch: i16,
    /// Up to here the log is in the tables.
    pub(super) at: Checkpoint,
    /// Events folded.
    pub(super) events: u64,
    /// Time spent, over all runs.
    pub(super) worked: Duration,
    pub(super) begun_at: DateTime<Utc>,
    pub(super) moved_at: DateTime<Utc>,
    pub(super) finished_at: Option<DateTime<Utc>>,
}

#[derive(sqlx::FromRow)]
struct Row {
    definition: Vec<u8>,
    log_epoch: i16,
    epoch: i16,
    tx: i64,
    position: i64,
    events: i64,
    worked_ms: i64,
    begun_at: DateTime<Utc>,
    moved_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

impl Remembered {
    pub(super) async fn load(
        projection: &dyn Projection,
        connection: &mut PgConnection,
    ) -> Result<Option<Self>, ProjectionError> {
        let found: Option<Row> = sqlx::query_as(statements::REBUILD_LOAD)
            .bind(projection.name())
            .bind(projection.version())
            .fetch_optional(connection)
            .await?;
        let Some(found) = found else { return Ok(None) };
        Ok(Some(Self {
            at: row::checkpoint((found.epoch, found.tx, found.position))?,
            definition: found.definition,
            log_epoch: found.log_epoch,
            events: u64::try_from(found.events).unwrap_or_default(),
            worked: Duration::from_millis(u64::try_from(found.worked_ms).unwrap_or_default()),
            begun_at: found.begun_at,
            moved_at: found.moved_at,
            finished_at: found.finished_at,
        }))
    }

    /// Whether the rebuild was broken off and can be gone on with: folded by the same code, in the same epoch of the
    /// log, and its tables are there.
    pub(super) async fn can_go_on(
        &self,
        projection: &dyn Projection,
        definition: &Hash,
        connection: &mut PgConnection,
    ) -> Result<bool, ProjectionError> {
        if self.finished_at.is_some() || self.definition != definition {
            return Ok(false);
        }
        let stands: Option<bool> = sqlx::query_scalar(statements::REBUILD_CAN_GO_ON)
            .bind(projection.tables())
            .bind(self.log_epoch)
            .fetch_one(connection)
            .await?;
        Ok(stands.unwrap_or_default())
    }

    /// How long an event took; `None` when that is not known.
    pub(super) fn seconds_per_event(&self) -> Option<f64> {
        (self.events > 0).then(|| self.worked.as_secs_f64() / self.events as f64)
    }
}

/// Remembers that the rebuild of `projection` stands at `at`, in the caller's transaction.
pub(super) async fn advance(
    projection: &dyn Projection,
    connection: &mut PgConnection,
    at: Checkpoint,
    events: u64,
    worked: Duration,
    finished: bool,
) -> Result<(), ProjectionError> {
    sqlx::query(statements::REBUILD_ADVANCE)
        .bind(projection.name())
        .bind(projection.version())
        .bind(at.epoch)
        .bind(row::tx_parameter(at.tx)?)
        .bind(at.position)
        .bind(i64::try_from(events).unwrap_or(i64::MAX))
        .bind(i64::try_from(worked.as_millis()).unwrap_or(i64::MAX))
        .bind(finished)
        .execute(connection)
        .await?;
    Ok(())
}
