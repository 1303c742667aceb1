//! The senders' desk: what is due, and who has it in hand.
//!
//! A lease is a row with an end, by the database's clock. A sender that crashes leaves its leases behind; whoever looks
//! after their end takes over. Leases only save work: the outcome of an attempt is recorded once without them, and a
//! mail that is sent twice has the same Message-ID. What is due is what the read model says.
use crate::{notification_list, statements};
use domain_kernel::ports::StoreError;
use domain_kernel::{BoxFuture, StreamId, Timestamp};
use infra_event_store::store_error;
use infra_gathered::Gathered;
use sqlx::PgPool;
use std::collections::{BTreeSet, HashSet};
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
    Database(#[from] StoreError),
    /// There is no way to it now.
    #[error("the senders' desk is out of reach")]
    OutOfReach,
}

/// The desk in the service's database. Leases that are wanted at the same time are taken together.
#[derive(Debug)]
pub(crate) struct PgDesk {
    pool: PgPool,
    taking: Gathered<StreamId, bool>,
    releasing: Gathered<StreamId, ()>,
}

impl PgDesk {
    /// As `holder`, an id that no other process has; each lease lasts `length`.
    pub(crate) fn new(pool: PgPool, holder: Uuid, length: Duration) -> Self {
        let (taken_from, given_to) = (pool.clone(), pool.clone());
        Self {
            pool,
            taking: Gathered::new(move |wanted| Box::pin(take(taken_from.clone(), holder, length, wanted))),
            releasing: Gathered::new(move |held| Box::pin(release(given_to.clone(), holder, held))),
        }
    }
}

impl Desk for PgDesk {
    fn take(&self, notification: StreamId) -> BoxFuture<'_, Result<bool, DeskError>> {
        Box::pin(async move { Ok(self.taking.ask(notification).await?) })
    }

    fn release(&self, notification: StreamId) -> BoxFuture<'_, Result<(), DeskError>> {
        Box::pin(async move { Ok(self.releasing.ask(notification).await?) })
    }

    fn due(&self, now: Timestamp, limit: i64) -> BoxFuture<'_, Result<Vec<(Timestamp, StreamId)>, DeskError>> {
        Box::pin(async move {
            let due = notification_list::list_due(&self.pool, now, limit).await;
            Ok(due.map_err(|error| store_error(&error))?)
        })
    }
}

async fn take(pool: PgPool, holder: Uuid, length: Duration, wanted: Vec<StreamId>) -> Result<Vec<bool>, StoreError> {
    let taken: Vec<Uuid> = sqlx::query_scalar(statements::LEASE_TAKE)
        .bind(each_once(&wanted))
        .bind(holder)
        .bind(length.as_secs_f64())
        .fetch_all(&pool)
        .await
        .map_err(|error| store_error(&error))?;
    let taken: HashSet<Uuid> = taken.into_iter().collect();
    Ok(wanted.iter().map(|notification| taken.contains(&notification.0)).collect())
}

async fn release(pool: PgPool, holder: Uuid, held: Vec<StreamId>) -> Result<Vec<()>, StoreError> {
    sqlx::query(statements::LEASE_RELEASE)
        .bind(each_once(&held))
        .bind(holder)
        .execute(&pool)
        .await
        .map_err(|error| store_error(&error))?;
    Ok(vec![(); held.len()])
}

/// In one order, so that two senders that lock the same rows do not wait for each other.
fn each_once(notifications: &[StreamId]) -> Vec<Uuid> {
    let sorted: BTreeSet<Uuid> = notifications.iter().map(|notification| notification.0).collect();
    sorted.into_iter().collect()
}
