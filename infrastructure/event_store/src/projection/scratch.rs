//! A second set of a projection's tables, folded from the first event on while the live ones are served.
//!
//! All of it happens on one connection, which also holds the lock that keeps a second rebuild or verification out: when
//! the connection goes, the work cannot go on and the lock is free. What a broken-off work left is dropped by the next.
use super::{MAX_BATCH, Projection, ProjectionError};
use crate::statements;
use domain_kernel::ports::EventStore;
use domain_kernel::{Checkpoint, RecordedEvent};
use sqlx::{Connection, PgConnection, PgPool};
use std::time::Duration;
use tokio::time::Instant;

/// The server frees a lock when it notices that its holder is gone: that takes a moment.
const LOCK_ATTEMPTS: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(25);

pub(super) struct Scratch<'p> {
    pub(super) projection: &'p dyn Projection,
    pub(super) connection: PgConnection,
    /// The fold stands here.
    pub(super) at: Checkpoint,
    /// Events folded.
    pub(super) events: u64,
    schema: &'static str,
    size: super::batch::BatchSize,
}

impl<'p> Scratch<'p> {
    /// Makes empty tables in `schema`.
    pub(super) async fn open(
        projection: &'p dyn Projection,
        pool: &PgPool,
        schema: &'static str,
    ) -> Result<Self, ProjectionError> {
        let mut connection = pool.acquire().await?.detach();
        let mut attempt = 1;
        while !sqlx::query_scalar::<_, bool>(statements::SCRATCH_LOCK)
            .bind(projection.name())
            .fetch_one(&mut connection)
            .await?
        {
            if attempt == LOCK_ATTEMPTS {
                return Err(ProjectionError::Busy { projection: projection.name() });
            }
            attempt += 1;
            tokio::time::sleep(LOCK_PAUSE).await;
        }
        let size = super::batch::BatchSize::new();
        let mut scratch = Self { projection, connection, at: Checkpoint::default(), events: 0, schema, size };
        scratch.tables(statements::SCRATCH_PREPARE).await?;
        Ok(scratch)
    }

    async fn tables(&mut self, statement: &'static str) -> Result<(), ProjectionError> {
        sqlx::query(statement).bind(self.schema).bind(self.projection.tables()).execute(&mut self.connection).await?;
        Ok(())
    }

    /// Folds one page of the log after another, up to `until` where given; each page is read while the one before it
    /// is folded. Returns when the log has nothing more to give.
    pub(super) async fn fold(
        &mut self,
        store: &dyn EventStore,
        until: Option<Checkpoint>,
        mut folded: impl FnMut(u64) + Send,
    ) -> Result<(), ProjectionError> {
        let mut page = read(store, self.at, self.size.get(), until).await?;
        while let Some(last) = page.last() {
            let (end, full, limit) = (last.checkpoint, page.len() == self.size.get(), self.size.get());
            let begun = Instant::now();
            let (applied, next) = tokio::join!(
                async {
                    self.apply(&page).await?;
                    Ok::<_, ProjectionError>(begun.elapsed())
                },
                read(store, end, limit, until)
            );
            let time = applied?;
            if full {
                self.size.took(time);
            }
            self.at = end;
            self.events += page.len() as u64;
            folded(self.events);
            page = next?;
        }
        Ok(())
    }

    /// One short transaction on the scratch tables.
    async fn apply(&mut self, events: &[RecordedEvent]) -> Result<(), ProjectionError> {
        let mut transaction = self.connection.begin().await?;
        sqlx::query(statements::COMMIT_WITHOUT_WAITING).execute(&mut *transaction).await?;
        sqlx::query(statements::SCRATCH_PATH).bind(self.schema).execute(&mut *transaction).await?;
        self.projection.apply(&mut transaction, events).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Drops the tables, and with the connection the lock.
    pub(super) async fn close(mut self) -> Result<(), ProjectionError> {
        self.tables(statements::SCRATCH_DROP).await?;
        self.connection.close().await?;
        Ok(())
    }
}

/// Up to `limit` events after `at` and not after `until`.
pub(super) async fn read(
    store: &dyn EventStore,
    at: Checkpoint,
    limit: usize,
    until: Option<Checkpoint>,
) -> Result<Vec<RecordedEvent>, ProjectionError> {
    if until.is_some_and(|until| at >= until) {
        return Ok(Vec::new());
    }
    let mut events = store.read_all(at, limit.min(MAX_BATCH)).await?;
    if let Some(until) = until {
        events.truncate(events.partition_point(|event| event.checkpoint <= until));
    }
    Ok(events)
}
