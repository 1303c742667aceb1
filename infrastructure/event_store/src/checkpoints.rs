//! Where readers of the log stand: relays, and the embedded bus's subscriptions. Projections keep theirs in
//! [`crate::projection`], in one transaction with their rows.
//!
//! A checkpoint that is lost or old does no harm: what was done already is done again under the same command ids.
use crate::{failure, row, statements};
use domain_kernel::ports::StoreError;
use domain_kernel::{BoxFuture, Checkpoint};
use sqlx::PgPool;

/// Remembers one checkpoint per name.
pub trait Checkpoints: Send + Sync {
    /// Where `name` stands; the default checkpoint, before the first event, when it never saved one.
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Checkpoint, StoreError>>;

    /// Remembers that `name` stands at `at`, also when that is before where it stood.
    fn save<'a>(&'a self, name: &'a str, at: Checkpoint) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// Checkpoints in a service's database. Saved without waiting for the disk: a crash goes back a little.
#[derive(Clone, Debug)]
pub struct PgCheckpoints {
    pool: PgPool,
}

impl PgCheckpoints {
    /// In the database of `pool`.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}

impl Checkpoints for PgCheckpoints {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Checkpoint, StoreError>> {
        Box::pin(async move {
            let found: Option<(i16, i64, i64)> = sqlx::query_as(statements::CHECKPOINT_LOAD)
                .bind(name)
                .fetch_optional(&self.pool)
                .await
                .map_err(|error| failure::of_query(&error))?;
            found.map_or(Ok(Checkpoint::default()), row::checkpoint)
        })
    }

    fn save<'a>(&'a self, name: &'a str, at: Checkpoint) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            sqlx::query(statements::CHECKPOINT_SAVE)
                .bind(name)
                .bind(at.epoch)
                .bind(row::tx_parameter(at.tx)?)
                .bind(at.position)
                .execute(&self.pool)
                .await
                .map_err(|error| failure::of_query(&error))?;
            Ok(())
        })
    }
}
