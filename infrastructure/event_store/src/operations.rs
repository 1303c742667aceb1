//! What operators see of one service, and what they may do: where its projections stand, which letters its consumers
//! have, and letting a projection stand still.
//!
//! A letter is seen from outside only: ids and codes. What is in its message stays in its row.
mod in_hand;

pub use in_hand::{InHand, TakenUp, Waiting};

use crate::projection::{Lag, Projection, ProjectionError, RebuildStatus, plan, status};
use crate::{failure, row, statements};
use chrono::{DateTime, Utc};
use domain_kernel::ports::StoreError;
use domain_kernel::{Checkpoint, Reason, Timestamp, UserId};
use sqlx::{FromRow, PgPool};
use std::sync::Arc;
use uuid::Uuid;

/// The projections and letters of one service, in its own database.
#[derive(Clone)]
pub struct Operations {
    pool: PgPool,
    projections: Vec<Arc<dyn Projection>>,
}

/// Where a projection stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectionStanding {
    /// The pinned name.
    pub name: &'static str,
    /// Which version of it.
    pub version: i32,
    /// Which set of tables; raised by every rebuild. 0 when it never ran.
    pub generation: i64,
    /// Its rows are the fold up to here.
    pub checkpoint: Checkpoint,
    /// How far that is behind the log.
    pub lag: Lag,
    /// Who lets it stand still; `None` while it goes on.
    pub pause: Option<Pause>,
    /// A rebuild of it that was begun and is not done: somebody works on it, or it was broken off.
    pub rebuild: Option<RebuildStatus>,
}

/// That a projection stands still because somebody wants it so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Since when.
    pub since: Timestamp,
    /// Whose wish it is.
    pub by: UserId,
    /// Why, in their words.
    pub reason: String,
}

/// A letter from outside: ids and codes, nothing of what is in its message.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct LetterHead {
    /// The letter.
    pub id: Uuid,
    /// Who could not handle the message.
    pub consumer: String,
    /// The event that the message tells of.
    pub event_id: Uuid,
    /// Its stored name, such as `users.user_created`.
    pub event_type: String,
    /// Where it was published.
    pub topic: String,
    /// The aggregate that it happened to.
    #[sqlx(rename = "stream_id")]
    pub aggregate: Uuid,
    /// Which event of that aggregate it is.
    pub version: i32,
    /// The saga.
    pub correlation_id: Uuid,
    /// How often it was tried.
    pub attempts: i32,
    /// Why the last attempt failed; a code.
    pub code: String,
    /// When it was given up.
    pub failed_at: DateTime<Utc>,
    /// How many messages of the same aggregate wait behind it.
    pub parked_behind: i64,
}

/// Where a page of letters ended: when the last one was given up, and which it was.
pub type LetterPosition = (DateTime<Utc>, Uuid);

/// Whether there is a projection of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// There is, and it is as wished, now or before.
    Yes,
    /// There is none.
    No,
}

impl Operations {
    /// Of the service with that database and those projections.
    #[must_use]
    pub fn new(pool: PgPool, projections: Vec<Arc<dyn Projection>>) -> Self {
        Self { pool, projections }
    }

    /// Where every projection stands.
    ///
    /// # Errors
    /// [`ProjectionError::Database`].
    pub async fn projections(&self) -> Result<Vec<ProjectionStanding>, ProjectionError> {
        let mut standings = Vec::new();
        for projection in &self.projections {
            standings.push(self.standing(&**projection).await?);
        }
        Ok(standings)
    }

    async fn standing(&self, projection: &dyn Projection) -> Result<ProjectionStanding, ProjectionError> {
        type Row = (i16, i64, i64, i64, Option<DateTime<Utc>>, Option<Uuid>, Option<String>);
        let mut connection = self.pool.acquire().await?;
        let found: Option<Row> = sqlx::query_as(statements::PROJECTION_STANDING)
            .bind(projection.name())
            .bind(projection.version())
            .fetch_optional(&mut *connection)
            .await?;
        let (checkpoint, generation, pause) = match found {
            Some((epoch, tx, position, generation, since, by, reason)) => {
                let pause = since.zip(by).zip(reason).map(|((since, by), reason)| Pause {
                    since: Timestamp(since.timestamp_micros()),
                    by: UserId(by),
                    reason,
                });
                (row::checkpoint((epoch, tx, position))?, generation, pause)
            }
            None => (Checkpoint::default(), 0, None),
        };
        let lag = status::events_after(checkpoint, &mut connection).await?;
        let rebuild = plan::rebuild_status_on(projection, &mut connection).await?;
        Ok(ProjectionStanding {
            name: projection.name(),
            version: projection.version(),
            generation,
            checkpoint,
            lag,
            pause,
            rebuild: rebuild.filter(|rebuild| rebuild.finished_at.is_none()),
        })
    }

    /// Lets the projection of that name stand still: when this returns no row of it changes any more, in any process,
    /// until it is resumed. A rebuild still puts its tables in place. Who paused it first is kept.
    ///
    /// # Errors
    /// [`ProjectionError::Database`].
    pub async fn pause(&self, name: &str, by: UserId, reason: &Reason) -> Result<Found, ProjectionError> {
        let Some(projection) = self.find(name) else { return Ok(Found::No) };
        sqlx::query(statements::PROJECTION_PAUSE)
            .bind(projection.name())
            .bind(projection.version())
            .bind(by.0)
            .bind(reason.as_str())
            .execute(&self.pool)
            .await?;
        tracing::warn!(projection.name = name, user.id = %by, reason = reason.as_str(), "a projection is paused");
        Ok(Found::Yes)
    }

    /// Lets the projection of that name go on.
    ///
    /// # Errors
    /// [`ProjectionError::Database`].
    pub async fn resume(&self, name: &str, by: UserId, reason: &Reason) -> Result<Found, ProjectionError> {
        let Some(projection) = self.find(name) else { return Ok(Found::No) };
        sqlx::query(statements::PROJECTION_RESUME)
            .bind(projection.name())
            .bind(projection.version())
            .execute(&self.pool)
            .await?;
        tracing::warn!(projection.name = name, user.id = %by, reason = reason.as_str(), "a projection is resumed");
        Ok(Found::Yes)
    }

    fn find(&self, name: &str) -> Option<&dyn Projection> {
        self.projections.iter().map(|projection| &**projection).find(|projection| projection.name() == name)
    }

    /// Up to `limit` letters after `after`, the oldest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn letters(&self, after: Option<LetterPosition>, limit: usize) -> Result<Vec<LetterHead>, StoreError> {
        sqlx::query_as(statements::LETTER_HEADS)
            .bind(after.map(|(at, _)| at))
            .bind(after.map(|(_, id)| id))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await
            .map_err(|error| failure::of_query(&error))
    }

    /// One letter; `None` when there is none (any more).
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn letter(&self, id: Uuid) -> Result<Option<LetterHead>, StoreError> {
        let found = sqlx::query_as(statements::LETTER_HEAD).bind(id).fetch_optional(&self.pool).await;
        found.map_err(|error| failure::of_query(&error))
    }

    /// How many letters there are.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn letter_count(&self) -> Result<u64, StoreError> {
        let count: Result<i64, _> = sqlx::query_scalar(statements::LETTER_COUNT).fetch_one(&self.pool).await;
        count.map(|count| u64::try_from(count).unwrap_or_default()).map_err(|error| failure::of_query(&error))
    }

    /// How many streams are parked, for each consumer that has any.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn parked_streams(&self) -> Result<Vec<(String, i64)>, StoreError> {
        let found = sqlx::query_as(statements::PARKED_COUNTS).fetch_all(&self.pool).await;
        found.map_err(|error| failure::of_query(&error))
    }
}
