//! Following the log: the live tables.
use super::batch::BatchSize;
use super::status::{self, Status};
use super::{Projection, ProjectionError};
use crate::{row, statements};
use domain_kernel::RecordedEvent;
use domain_kernel::ports::EventStore;
use sqlx::PgPool;
use std::sync::Arc;
use tokio::time::Instant;

/// Keeps the tables of `projection` up with the log until `stop` resolves. Several runners of one projection do no
/// harm: each batch is taken by one of them.
///
/// # Errors
/// [`ProjectionError`]: the tables stand where the last whole batch left them; run again later.
pub async fn run(
    projection: Arc<dyn Projection>,
    store: Arc<dyn EventStore>,
    pool: PgPool,
    stop: impl Future<Output = ()> + Send,
) -> Result<(), ProjectionError> {
    tokio::select! {
        () = stop => Ok(()),
        result = follow(&*projection, &*store, &pool) => result,
    }
}

async fn follow(projection: &dyn Projection, store: &dyn EventStore, pool: &PgPool) -> Result<(), ProjectionError> {
    let mut size = BatchSize::new();
    loop {
        let mut status = status::open(projection, &mut *pool.acquire().await?).await?;
        loop {
            let events = store.read_all(status.checkpoint, size.get()).await?;
            let Some(last) = events.last() else {
                if !status.live {
                    sqlx::query(statements::PROJECTION_LIVE)
                        .bind(projection.name())
                        .bind(projection.version())
                        .execute(pool)
                        .await?;
                    status.live = true;
                }
                store.appended().await;
                continue;
            };
            let begun = Instant::now();
            if !apply(projection, pool, &status, &events).await? {
                // Another runner took the batch, or a rebuild put other tables in place: look again where they stand.
                break;
            }
            status.checkpoint = last.checkpoint;
            if events.len() == size.get() {
                size.took(begun.elapsed());
            }
        }
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
    sqlx::query(statements::COMMIT_WITHOUT_WAITING).execute(&mut *transaction).await?;
    let fenced: Option<bool> = sqlx::query_scalar(statements::PROJECTION_FENCE)
        .bind(projection.name())
        .bind(projection.version())
        .bind(status.generation)
        .bind(status.checkpoint.epoch)
        .bind(row::tx_parameter(status.checkpoint.tx)?)
        .bind(status.checkpoint.position)
        .fetch_optional(&mut *transaction)
        .await?;
    if fenced.is_none() {
        transaction.rollback().await?;
        return Ok(false);
    }
    projection.apply(&mut transaction, events).await?;
    sqlx::query(statements::PROJECTION_ADVANCE)
        .bind(projection.name())
        .bind(projection.version())
        .bind(last.checkpoint.epoch)
        .bind(row::tx_parameter(last.checkpoint.tx)?)
        .bind(last.checkpoint.position)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(true)
}
