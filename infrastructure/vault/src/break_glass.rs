//! What the owner of the database does to keys past the gateway: recorded, and never while somebody holds keys unawares.
use crate::statements;
use domain_kernel::Timestamp;
use domain_kernel::ports::Purpose;
use sqlx::PgPool;
use uuid::Uuid;

/// Something that is done past the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A rotation of master keys begins, or goes on.
    RotationBegun,
    /// It is over.
    RotationDone,
}

impl Deed {
    /// The pinned name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RotationBegun => "rotation_begun",
            Self::RotationDone => "rotation_done",
        }
    }
}

/// Who does it, where, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intruder {
    /// The operating system's user.
    pub os_user: String,
    /// The machine.
    pub host: String,
    /// Why, in clear: no names.
    pub reason: String,
}

/// What was recorded of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakGlassRecord {
    /// The record.
    pub id: Uuid,
    /// When, by the database's clock.
    pub at: Timestamp,
    /// [`Deed::name`].
    pub what: String,
    /// The keys of which purpose.
    pub purpose: String,
    /// Why.
    pub reason: String,
    /// The operating system's user.
    pub os_user: String,
    /// The machine.
    pub host: String,
}

/// Records a deed, durably before this returns.
///
/// # Errors
/// The database does not take it; then it must not be done.
pub async fn record(pool: &PgPool, deed: Deed, purpose: Purpose, by: &Intruder) -> Result<(), sqlx::Error> {
    sqlx::query(statements::RECORD_BREAK_GLASS)
        .bind(Uuid::now_v7())
        .bind(deed.name())
        .bind(purpose.name())
        .bind(&by.reason)
        .bind(&by.os_user)
        .bind(&by.host)
        .execute(pool)
        .await?;
    Ok(())
}

/// Up to `limit` records, the newest first.
///
/// # Errors
/// The database does not answer.
pub async fn records(pool: &PgPool, limit: usize) -> Result<Vec<BreakGlassRecord>, sqlx::Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows: Vec<Row> = sqlx::query_as(statements::LIST_BREAK_GLASS).bind(limit).fetch_all(pool).await?;
    let record = |(id, at, what, purpose, reason, os_user, host)| BreakGlassRecord {
        id,
        at: Timestamp(at),
        what,
        purpose,
        reason,
        os_user,
        host,
    };
    Ok(rows.into_iter().map(record).collect())
}

/// The columns of a record, in the statement's order; the moment in microseconds since 1970.
type Row = (Uuid, i64, String, String, String, String, String);

/// How many sessions others than the owner have: the vaults of running services.
///
/// # Errors
/// The database does not answer.
pub async fn sessions(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(statements::VAULT_SESSIONS).fetch_one(pool).await
}
