//! Where the rows of a read model are kept, as the runner sees it.
//!
//! A port of its own, so that the runner can be tried where there is no PostgreSQL: its rules (a batch is taken only
//! from where it was read after, by one runner, rows and checkpoint together) are the same for every implementation.
use super::status::{self, Status};
use super::{Projection, ProjectionError};
use crate::{row, statements};
use domain_kernel::{BoxFuture, RecordedEvent};
use sqlx::PgPool;
use std::sync::Arc;

/// The rows of one projection, and how far they got.
pub trait ReadModel: Send + Sync {
    /// Where the rows stand; before the first event when there are none yet.
    fn open(&self) -> BoxFuture<'_, Result<Status, ProjectionError>>;

    /// Folds `events` into the rows and moves the checkpoint to the last of them, whole or not at all; false, and
    /// nothing done, when the rows do not stand at `status` any more or are paused.
    fn apply<'a>(
        &'a self,
        status: &'a Status,
        events: &'a [RecordedEvent],
    ) -> BoxFuture<'a, Result<bool, ProjectionError>>;

    /// Remembers that the rows have been the whole truth once.
    fn caught_up(&self) -> BoxFuture<'_, Result<(), ProjectionError>>;
}

/// Where a service keeps its read models.
pub trait ReadModels: Send + Sync {
    /// The rows of `projection`.
    fn of(&self, projection: Arc<dyn Projection>) -> Arc<dyn ReadModel>;
}

/// Read models in a service's database.
#[derive(Clone, Debug)]
pub struct PgReadModels {
    pool: PgPool,
}

impl PgReadModels {
    /// In the database of `pool`.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}

impl ReadModels for PgReadModels {
    fn of(&self, projection: Arc<dyn Projection>) -> Arc<dyn ReadModel> {
        Arc::new(PgReadModel { projection, pool: self.pool.clone() })
    }
}

/// The live tables of one projection.
struct PgReadModel {
    projection: Arc<dyn Projection>,
    pool: PgPool,
}

impl ReadModel for PgReadModel {
    fn open(&self) -> BoxFuture<'_, Result<Status, ProjectionError>> {
        Box::pin(async move { status::open(&*self.projection, &mut *self.pool.acquire().await?).await })
    }

    fn apply<'a>(
        &'a self,
        status: &'a Status,
        events: &'a [RecordedEvent],
    ) -> BoxFuture<'a, Result<bool, ProjectionError>> {
        Box::pin(apply(&*self.projection, &self.pool, status, events))
    }

    fn caught_up(&self) -> BoxFuture<'_, Result<(), ProjectionError>> {
        Box::pin(async move {
            sqlx::query(statements::PROJECTION_LIVE)
                .bind(self.projection.name())
                .bind(self.projection.version())
                .execute(&self.pool)
                .await?;
            Ok(())
        })
    }
}

/// One short transaction: rows and checkpoint, if the projection still stands where `events` were read. Their loss in a
/// crash is no harm, the log has them; so the commit does not wait for the disk.
async fn apply(
    projection: &dyn Projection,
    pool: &PgPool,
    status: &Status,
    events: &[RecordedEvent],
) -> Result<bool, ProjectionError> {
    let Some(last) = events.last() else { return Ok(true) };
    let mut transaction = pool.begin().await?;
    let advanced = sqlx::query(statements::PROJECTION_ADVANCE)
        .bind(projection.name())
        .bind(projection.version())
        .bind(status.generation)
        .bind(status.checkpoint.epoch)
        .bind(row::tx_parameter(status.checkpoint.tx)?)
        .bind(status.checkpoint.position)
        .bind(last.checkpoint.epoch)
        .bind(row::tx_parameter(last.checkpoint.tx)?)
        .bind(last.checkpoint.position)
        .execute(&mut *transaction)
        .await?;
    if advanced.rows_affected() == 0 {
        transaction.rollback().await?;
        return Ok(false);
    }
    projection.apply(&mut transaction, events).await?;
    transaction.commit().await?;
    Ok(true)
}
