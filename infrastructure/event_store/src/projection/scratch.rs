//! A second set of a projection's tables, folded from the first event on while the live ones are served.
//!
//! All of it happens on one connection, which also holds the lock that keeps a second rebuild or verification out: when
//! the connection goes, the work cannot go on and the lock is free. What a broken-off verification left is dropped by
//! the next; what a broken-off rebuild left is gone on with where that is possible.
use super::remembered::{self, Remembered};
use super::{MAX_BATCH, Projection, ProjectionError, Start, status};
use crate::part::{self, Part};
use crate::{Progress, statements};
use domain_kernel::ports::EventStore;
use domain_kernel::{Checkpoint, RecordedEvent};
use sqlx::{Connection, PgConnection, PgPool};
use std::time::Duration;
use tokio::time::Instant;

/// The server frees a lock when it notices that its holder is gone: that takes a moment.
const LOCK_ATTEMPTS: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(25);

/// How often the end of the log is looked at while a rebuild is under way.
const LOOK: Duration = Duration::from_secs(1);

pub(super) struct Scratch<'p> {
    pub(super) projection: &'p dyn Projection,
    pub(super) connection: PgConnection,
    /// The fold stands here.
    pub(super) at: Checkpoint,
    /// Events folded.
    pub(super) events: u64,
    /// Events there are, as far as is known.
    pub(super) total: u64,
    /// Where the log ended when that was known.
    end: Checkpoint,
    looked: Instant,
    pub(super) schema: &'static str,
    size: super::batch::BatchSize,
    /// Since when this run works, and how long the ones before it did; `None`: nothing is remembered of this work.
    memory: Option<(Instant, Duration)>,
}

impl<'p> Scratch<'p> {
    /// Makes empty tables that nobody goes on with.
    pub(super) async fn for_once(projection: &'p dyn Projection, pool: &PgPool) -> Result<Self, ProjectionError> {
        let mut scratch = Self::open(projection, pool, "verify").await?;
        sqlx::query(statements::SCRATCH_PREPARE)
            .bind(scratch.schema)
            .bind(projection.tables())
            .execute(&mut scratch.connection)
            .await?;
        Ok(scratch)
    }

    /// Makes empty tables that this fold's are compared with, under the lock that it has.
    pub(super) async fn beside<'q>(
        &self,
        projection: &'q dyn Projection,
        pool: &PgPool,
    ) -> Result<Scratch<'q>, ProjectionError> {
        let connection = pool.acquire().await?.detach();
        let mut scratch = Scratch::on(connection, projection, "beside");
        sqlx::query(statements::SCRATCH_PREPARE)
            .bind(scratch.schema)
            .bind(projection.tables())
            .execute(&mut scratch.connection)
            .await?;
        Ok(scratch)
    }

    /// Takes the tables that a broken-off rebuild left, or makes empty ones.
    pub(super) async fn for_rebuild(
        projection: &'p dyn Projection,
        pool: &PgPool,
        start: Start,
    ) -> Result<Self, ProjectionError> {
        let mut scratch = Self::open(projection, pool, "rebuild").await?;
        let begun = Instant::now();
        if !start.anew
            && let Some(found) = Remembered::load(projection, &mut scratch.connection).await?
            && found.can_go_on(projection, &start.definition, &mut scratch.connection).await?
        {
            scratch.at = found.at;
            scratch.events = found.events;
            scratch.memory = Some((begun, found.worked));
            return Ok(scratch);
        }
        scratch.memory = Some((begun, Duration::ZERO));
        let mut transaction = scratch.connection.begin().await?;
        sqlx::query(statements::SCRATCH_PREPARE)
            .bind(scratch.schema)
            .bind(projection.tables())
            .execute(&mut *transaction)
            .await?;
        sqlx::query(statements::REBUILD_BEGIN)
            .bind(projection.name())
            .bind(projection.version())
            .bind(start.definition.as_slice())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(scratch)
    }

    /// A connection of its own that holds the projection's lock.
    async fn open(
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
        Ok(Self::on(connection, projection, schema))
    }

    fn on(connection: PgConnection, projection: &'p dyn Projection, schema: &'static str) -> Self {
        let size = super::batch::BatchSize::new();
        let (at, end, looked) = (Checkpoint::default(), Checkpoint::default(), Instant::now());
        Self { projection, connection, at, events: 0, total: 0, end, looked, schema, size, memory: None }
    }

    /// Stands before the first event of `part`, and knows how many there are.
    pub(super) async fn begin(&mut self, part: &Part) -> Result<(), ProjectionError> {
        self.at = part.after;
        self.total = part::count_on(&mut self.connection, part).await?;
        Ok(())
    }

    /// Counts what there is to fold; gives where the log ends.
    pub(super) async fn count(&mut self) -> Result<Checkpoint, ProjectionError> {
        self.end = status::latest_of(&mut self.connection).await?;
        self.total = self.events + status::events_after(self.at, &mut self.connection).await?.events;
        Ok(self.end)
    }

    /// Looks from time to time how much came meanwhile; positions have few gaps, and this need not be exact.
    async fn look(&mut self) -> Result<(), ProjectionError> {
        if self.looked.elapsed() >= LOOK {
            let end = status::latest_of(&mut self.connection).await?;
            self.total += u64::try_from(end.position - self.end.position).unwrap_or_default();
            (self.end, self.looked) = (end, Instant::now());
        }
        Ok(())
    }

    pub(super) fn progress(&self) -> Progress {
        Progress::of(self.events, self.total)
    }

    /// Time spent on these tables, over all runs.
    pub(super) fn worked(&self) -> Duration {
        self.memory.map_or(Duration::ZERO, |(begun, before)| before + begun.elapsed())
    }

    /// Folds one page of the log after another, up to `until` where given; each page is read while the one before it
    /// is folded. Returns when the log has nothing more to give.
    pub(super) async fn fold(
        &mut self,
        store: &dyn EventStore,
        until: Option<Checkpoint>,
        mut folded: impl FnMut(Progress) + Send,
    ) -> Result<(), ProjectionError> {
        let mut page = read(store, self.at, self.size.get(), until).await?;
        while let Some(last) = page.last() {
            let (end, full, limit) = (last.checkpoint, page.len() == self.size.get(), self.size.get());
            let begun = Instant::now();
            let (applied, next) = tokio::join!(
                async {
                    self.apply(&page, end).await?;
                    Ok::<_, ProjectionError>(begun.elapsed())
                },
                read(store, end, limit, until)
            );
            let time = applied?;
            if full {
                self.size.took(time);
            }
            if until.is_none() {
                self.look().await?;
            }
            folded(self.progress());
            page = next?;
        }
        Ok(())
    }

    /// One short transaction on the scratch tables, which stand at `end` then.
    async fn apply(&mut self, events: &[RecordedEvent], end: Checkpoint) -> Result<(), ProjectionError> {
        let (folded, worked) = (self.events + events.len() as u64, self.worked());
        let mut transaction = self.connection.begin().await?;
        sqlx::query(statements::COMMIT_WITHOUT_WAITING).execute(&mut *transaction).await?;
        sqlx::query(statements::SCRATCH_PATH).bind(self.schema).execute(&mut *transaction).await?;
        self.projection.apply(&mut transaction, events).await?;
        if self.memory.is_some() {
            remembered::advance(self.projection, &mut transaction, end, folded, worked, false).await?;
        }
        transaction.commit().await?;
        self.at = end;
        self.events = folded;
        Ok(())
    }

    /// Drops the tables, and with the connection the lock.
    pub(super) async fn close(mut self) -> Result<(), ProjectionError> {
        sqlx::query(statements::SCRATCH_DROP)
            .bind(self.schema)
            .bind(self.projection.tables())
            .execute(&mut self.connection)
            .await?;
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
