//! Who mails what just now.
//!
//! A lease is a row with an end, by the database's clock. A sender that crashes leaves its leases behind; whoever looks
//! after their end takes over. Leases only save work: the outcome of an attempt is recorded once without them, and a
//! mail that is sent twice has the same Message-ID.
use crate::statements;
use domain_kernel::StreamId;
use sqlx::PgPool;
use std::time::Duration;
use uuid::Uuid;

/// Takes and gives back leases, as one holder.
#[derive(Clone, Debug)]
pub(crate) struct Leases {
    pool: PgPool,
    holder: Uuid,
    length: Duration,
}

impl Leases {
    /// As `holder`, an id that no other process has; each lease lasts `length`.
    pub(crate) fn new(pool: PgPool, holder: Uuid, length: Duration) -> Self {
        Self { pool, holder, length }
    }

    /// Whether the lease of `notification` is ours now.
    pub(crate) async fn take(&self, notification: StreamId) -> Result<bool, sqlx::Error> {
        let taken = sqlx::query(statements::LEASE_TAKE)
            .bind(notification.0)
            .bind(self.holder)
            .bind(self.length.as_secs_f64())
            .execute(&self.pool)
            .await?;
        Ok(taken.rows_affected() == 1)
    }

    /// Gives a lease back.
    pub(crate) async fn release(&self, notification: StreamId) -> Result<(), sqlx::Error> {
        sqlx::query(statements::LEASE_RELEASE).bind(notification.0).bind(self.holder).execute(&self.pool).await?;
        Ok(())
    }
}
