//! What the owner of the databases does past the gateway, to keys or to messages: recorded beside the keys, each kind one
//! at a time, told by the running services once for each record, and to keys never while somebody holds them unawares.
use crate::statements;
use domain_kernel::Timestamp;
use domain_kernel::ports::Purpose;
use sqlx::{Connection, PgConnection, PgPool};
use uuid::Uuid;

/// So many records are told of at a time.
const MOST_TOLD: i64 = 100;

/// Something that is done past the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A rotation of master keys begins, or goes on.
    RotationBegun,
    /// It is over.
    RotationDone,
    /// Messages are published again.
    RepublishBegun,
    /// All of them were.
    RepublishDone,
}

impl Deed {
    /// The pinned name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RotationBegun => "rotation_begun",
            Self::RotationDone => "rotation_done",
            Self::RepublishBegun => "republish_begun",
            Self::RepublishDone => "republish_done",
        }
    }
}

/// What a deed is done to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    /// The keys of a purpose.
    Keys(Purpose),
    /// Messages; which, by ids, codes and numbers alone.
    Messages(String),
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
    /// The keys of which purpose; `messages` where it was done to those.
    pub purpose: String,
    /// Which of them, where it was not all.
    pub about: Option<String>,
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
pub async fn record(pool: &PgPool, deed: Deed, touched: &Touched, by: &Intruder) -> Result<(), sqlx::Error> {
    let (purpose, about) = match touched {
        Touched::Keys(purpose) => (purpose.name(), None),
        Touched::Messages(which) => ("messages", Some(which)),
    };
    sqlx::query(statements::RECORD_BREAK_GLASS)
        .bind(Uuid::now_v7())
        .bind(deed.name())
        .bind(purpose)
        .bind(about)
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
    Ok(rows.into_iter().map(BreakGlassRecord::from).collect())
}

/// Tells of the records that nobody has told of yet, the oldest first; how many there were.
///
/// Each is told of once, whichever process sees it: it is claimed, told, and the claim committed. A process that is killed
/// in between leaves no claim behind, so another tells of it.
///
/// # Errors
/// The database does not answer; what was told is told again.
pub async fn tell_untold(pool: &PgPool, tell: impl Fn(&BreakGlassRecord)) -> Result<usize, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let rows: Vec<Row> =
        sqlx::query_as(statements::CLAIM_BREAK_GLASS).bind(MOST_TOLD).fetch_all(&mut *transaction).await?;
    let records: Vec<BreakGlassRecord> = rows.into_iter().map(BreakGlassRecord::from).collect();
    records.iter().for_each(tell);
    transaction.commit().await?;
    Ok(records.len())
}

/// The columns of a record, in the statement's order; the moment in microseconds since 1970.
type Row = (Uuid, i64, String, String, Option<String>, String, String, String);

impl From<Row> for BreakGlassRecord {
    fn from((id, at, what, purpose, about, reason, os_user, host): Row) -> Self {
        Self { id, at: Timestamp(at), what, purpose, about, reason, os_user, host }
    }
}

/// The turn to do something of which there is one at a time. It is free when this goes, or its connection.
#[derive(Debug)]
pub struct Turn(PgConnection);

impl Turn {
    /// Takes the turn of `what`; `None` while somebody else has it.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn take(pool: &PgPool, what: &str) -> Result<Option<Self>, sqlx::Error> {
        let mut connection = pool.acquire().await?.detach();
        let taken = sqlx::query_scalar(statements::TAKE_TURN).bind(what).fetch_one(&mut connection).await?;
        Ok(if taken { Some(Self(connection)) } else { None })
    }

    /// Gives it back.
    ///
    /// # Errors
    /// The database does not answer; then it is free already.
    pub async fn give_back(self) -> Result<(), sqlx::Error> {
        self.0.close().await
    }
}

/// How many sessions others than the owner have: the vaults of running services.
///
/// # Errors
/// The database does not answer.
pub async fn sessions(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(statements::VAULT_SESSIONS).fetch_one(pool).await
}
