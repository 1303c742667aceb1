//! The senders' desk: what is due, and who has it in hand.
//!
//! A lease is a row with an end, by the database's clock. A sender that crashes leaves its leases behind; whoever looks
//! after their end takes over. Leases only save work: the outcome of an attempt is recorded once without them, and a
//! mail that is sent twice has the same Message-ID. What is due is what the read model says.
use crate::{notification_list, statements};
use domain_kernel::{BoxFuture, StreamId, Timestamp};
use sqlx::PgPool;
use std::time::Duration;
use uuid::Uuid;

/// What the senders of all processes share. One value is one holder of leases.
pub trait Desk: Send + Sync {
    /// Whether the lease of `notification` is ours now.
    fn take(&self, notification: StreamId) -> BoxFuture<'_, Result<bool, DeskError>>;

    /// Gives a lease back.
    fn release(&self, notification: StreamId) -> BoxFuture<'_, Result<(), DeskError>>;

    /// Up to `limit` notifications whose mail is due, the longest due first.
    fn due(&self, now: Timestamp, limit: i64) -> BoxFuture<'_, Result<Vec<(Timestamp, StreamId)>, DeskError>>;
}

/// The desk did not answer; nothing was taken or given back.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The database did not.
    #[error("the leases and the list of what is due could not be read or written")]
    Database(#[from] sqlx::Error),
    /// There is no way to it now.
    #[error("the senders' desk is out of reach")]
    OutOfReach,
}

/// The desk in the service's database.
#[derive(Clone, Debug)]
pub(crate) struct PgDesk {
    pool: PgPool,
    holder: Uuid,
    length: Duration,
}

impl PgDesk {
    /// As `holder`, an id that no other process has; each lease lasts `length`.
    pub(crate) fn new(pool: PgPool, holder: Uuid, length: Duration) -> Self {
        Self { pool, holder, length }
    }
}

impl Desk for PgDesk {
    fn take(&self, notification: StreamId) -> BoxFuture<'_, Result<bool, DeskError>> {
        Box::pin(async move {
            let taken = sqlx::query(statements::LEASE_TAKE)
                .bind(notification.0)
                .bind(self.holder)
                .bind(self.length.as_secs_f64())
                .execute(&self.pool)
                .await?;
            Ok(taken.rows_affected() == 1)
        })
    }

    fn release(&self, notification: StreamId) -> BoxFuture<'_, Result<(), DeskError>> {
        Box::pin(async move {
            sqlx::query(statements::LEASE_RELEASE).bind(notification.0).bind(self.holder).execute(&self.pool).await?;
            Ok(())
        })
    }

    fn due(&self, now: Timestamp, limit: i64) -> BoxFuture<'_, Result<Vec<(Timestamp, StreamId)>, DeskError>> {
        Box::pin(async move { Ok(notification_list::list_due(&self.pool, now, limit).await?) })
    }
}
