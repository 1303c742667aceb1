//! Following the log: the live tables.
use super::batch::BatchSize;
use super::read_model::{PgReadModels, ReadModel, ReadModels};
use super::{Projection, ProjectionError};
use domain_kernel::ports::EventStore;
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How often a paused projection looks whether it may go on.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

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
    keep_up(PgReadModels::new(pool).of(projection), store, stop).await
}

/// As [`run`], wherever the rows are kept.
///
/// # Errors
/// [`ProjectionError`].
pub async fn keep_up(
    read_model: Arc<dyn ReadModel>,
    store: Arc<dyn EventStore>,
    stop: impl Future<Output = ()> + Send,
) -> Result<(), ProjectionError> {
    tokio::select! {
        biased;
        () = stop => Ok(()),
        result = follow(&*read_model, &*store) => result,
    }
}

async fn follow(read_model: &dyn ReadModel, store: &dyn EventStore) -> Result<(), ProjectionError> {
    let mut size = BatchSize::new();
    loop {
        let mut status = read_model.open().await?;
        if status.paused {
            tokio::time::sleep(LOOK_AGAIN).await;
            continue;
        }
        loop {
            let events = store.read_all(status.checkpoint, size.get()).await?;
            let Some(last) = events.last() else {
                if !status.live {
                    read_model.caught_up().await?;
                    status.live = true;
                }
                store.appended().await;
                continue;
            };
            let begun = Instant::now();
            if !read_model.apply(&status, &events).await? {
                // Another runner took the batch, a rebuild put other tables in place, or an operator paused it: look again
                // where they stand.
                break;
            }
            status.checkpoint = last.checkpoint;
            if events.len() == size.get() {
                size.took(begun.elapsed());
            }
        }
    }
}
