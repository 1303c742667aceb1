//! Back-off of log-ins: guessing gets slow, per account and per address, and nobody is ever locked out.
//!
//! Five failures in a row are free; the fifth makes the next attempt wait a second, each further one twice as long, a
//! quarter of an hour at most. A right password ends it. The keys are HMACs, so the table tells no names and no
//! addresses; a name that no user has backs off like any other.
use crate::database::{DatabaseError, moment};
use crate::statements;
use chrono::{DateTime, Utc};
use domain_kernel::{Hash, Timestamp};
use infra_event_store::BlindIndex;
use sqlx::PgPool;
use std::net::IpAddr;
use std::time::Duration;

/// Failures after which waiting begins.
const FREE_FAILURES: i32 = 5;
/// The longest wait, in seconds.
const LONGEST_WAIT: f64 = 900.0;
/// A failure is forgotten after a day without another.
const MEMORY: Duration = Duration::from_secs(24 * 60 * 60);

/// Counts failed log-ins in the users database, so that a restart and other processes know them.
#[derive(Clone)]
pub(crate) struct Backoff {
    pool: PgPool,
    index: BlindIndex,
}

/// What a log-in is counted under.
pub(crate) struct BackoffKeys(Vec<Vec<u8>>);

impl Backoff {
    pub(crate) fn new(pool: PgPool, index: BlindIndex) -> Self {
        Self { pool, index }
    }

    /// The keys of an account's name, as it was typed, and of the client's address. Of an IPv6 address the first 64
    /// bits count: the others are the client's own to change.
    pub(crate) fn keys(&self, username: &str, address: Option<IpAddr>) -> BackoffKeys {
        let account = self.index.digest(&[b"backoff", b"account", username.trim().to_lowercase().as_bytes()]);
        let address = address.map(|address| match address.to_canonical() {
            IpAddr::V4(address) => self.index.digest(&[b"backoff", b"address", &address.octets()]),
            IpAddr::V6(address) => self.index.digest(&[b"backoff", b"address", &address.octets()[..8]]),
        });
        BackoffKeys([Some(account), address].into_iter().flatten().map(|key: Hash| key.to_vec()).collect())
    }

    /// How long the next attempt has to wait, if at all.
    pub(crate) async fn wait(&self, keys: &BackoffKeys, now: Timestamp) -> Result<Option<Duration>, DatabaseError> {
        let (blocked,): (Option<DateTime<Utc>>,) =
            sqlx::query_as(statements::BACKOFF_BLOCKED).bind(&keys.0).bind(moment(now)).fetch_one(&self.pool).await?;
        Ok(blocked.and_then(|until| (until - moment(now)).to_std().ok()))
    }

    /// Counts a failure.
    pub(crate) async fn failed(&self, keys: &BackoffKeys, now: Timestamp) -> Result<(), DatabaseError> {
        sqlx::query(statements::BACKOFF_FAILED)
            .bind(&keys.0)
            .bind(moment(now))
            .bind(FREE_FAILURES)
            .bind(LONGEST_WAIT)
            .bind(moment(now) - MEMORY)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Forgets the failures: the password was right.
    pub(crate) async fn succeeded(&self, keys: &BackoffKeys) -> Result<(), DatabaseError> {
        sqlx::query(statements::BACKOFF_RESET).bind(&keys.0).execute(&self.pool).await?;
        Ok(())
    }

    /// Forgets failures of more than a day ago.
    pub(crate) async fn prune(&self, now: Timestamp) -> Result<(), DatabaseError> {
        sqlx::query(statements::PRUNE_BACKOFF).bind(moment(now) - MEMORY).execute(&self.pool).await?;
        Ok(())
    }
}
