//! Migrations: embedded, applied in order, never changed afterwards.
//!
//! What always holds:
//! 1. a migration and the note that it was applied commit together;
//! 2. of several processes that migrate at once one does it and the others find it done;
//! 3. a database that holds a migration which this binary does not know, or knows with another text, is left alone.
use super::{DatabaseError, reason};
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgPool, Row};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Version, name, SQL. Versions 1 to 999 are the event store's, from 1001 a service's own.
pub type Migration = (i64, &'static str, &'static str);

/// What a database has to be: the migrations of everything that lives in it.
#[derive(Clone, Debug)]
pub struct MigrationSet {
    /// The database's name, for messages.
    pub name: &'static str,
    /// The parts' migrations; their versions are different.
    pub sets: Vec<&'static [Migration]>,
}

/// One migration's place in a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Its version.
    pub version: i64,
    /// Its name.
    pub name: String,
    /// What became of it.
    pub state: MigrationState,
}

/// What became of a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigrationState {
    /// It was applied, as it is in this binary.
    Applied,
    /// It is not applied yet.
    Pending,
    /// It was applied with another text.
    Changed,
    /// It was applied, and this binary does not know it.
    Unknown,
}

/// Why a schema is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The binary's own list is wrong.
    #[error("the migrations of {database} name version {version} twice")]
    Twice {
        /// Which database.
        database: &'static str,
        /// Which version.
        version: i64,
    },
    /// A migration was edited after it had been applied.
    #[error(
        "migration {version} ({name}) of {database} was changed after it had been applied: restore it and add a new one"
    )]
    Changed {
        /// Which database.
        database: &'static str,
        /// Which version.
        version: i64,
        /// Its name.
        name: String,
    },
    /// The database was migrated by a newer binary.
    #[error(
        "{database} has migration {version} ({name}), which this version of historia does not know: use a newer one"
    )]
    Newer {
        /// Which database.
        database: &'static str,
        /// Which version.
        version: i64,
        /// Its name.
        name: String,
    },
    /// A migration's SQL failed; nothing of it took effect.
    #[error("migration {version} ({name}) of {database} failed: {reason}")]
    Failed {
        /// Which database.
        database: &'static str,
        /// Which version.
        version: i64,
        /// Its name.
        name: &'static str,
        /// What the server said.
        reason: String,
    },
    /// Nobody migrated within the time that was given.
    #[error("{database} is not migrated, {missing} of its migrations are missing: run `historia db migrate`")]
    NotMigrated {
        /// Which database.
        database: &'static str,
        /// How many.
        missing: usize,
    },
    /// The database did not answer.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl From<sqlx::Error> for MigrationError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

/// The pause between two looks of [`wait_for_schema`].
const PAUSE: Duration = Duration::from_millis(100);

/// Two processes that migrate take turns on this lock; it is the database's own.
const LOCK: i64 = 0x6869_7374_6f72_6961;

/// Brings the database of `owner` up to date; gives the versions that were applied now, in order.
///
/// While a migration runs, the setting `historia.service_role` names the role that services log in with: a migration
/// grants to it where `coalesce(current_setting('historia.service_role', true), '') <> ''`. The role must exist.
///
/// # Errors
/// [`MigrationError`]; what was applied before the one that failed stays.
pub async fn migrate(
    owner: &PgPool,
    set: &MigrationSet,
    service_role: Option<&str>,
) -> Result<Vec<i64>, MigrationError> {
    let known = set.by_version()?;
    let mut applied_now = Vec::new();
    loop {
        let mut transaction = owner.begin().await?;
        prepare(&mut transaction, service_role).await?;
        let applied = applied(&mut transaction).await?;
        set.refuse(&compare(&known, &applied))?;
        let Some((&version, &(name, sql))) = known.iter().find(|(version, _)| !applied.contains_key(version)) else {
            transaction.commit().await?;
            return Ok(applied_now);
        };
        sqlx::raw_sql(sql).execute(&mut *transaction).await.map_err(|error| MigrationError::Failed {
            database: set.name,
            version,
            name,
            reason: reason(&error),
        })?;
        sqlx::query("insert into public.schema_migration (version, name, checksum) values ($1, $2, $3)")
            .bind(version)
            .bind(name)
            .bind(checksum(sql))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        tracing::info!(database = set.name, version, name, "migrated");
        applied_now.push(version);
    }
}

/// Every migration that the binary or the database knows, by version.
///
/// # Errors
/// [`MigrationError`].
pub async fn status(pool: &PgPool, set: &MigrationSet) -> Result<Vec<MigrationStatus>, MigrationError> {
    let known = set.by_version()?;
    let mut connection = pool.acquire().await?;
    let applied = applied(&mut connection).await?;
    Ok(compare(&known, &applied))
}

/// Returns when the database has every migration of `set`; a service waits here until the owner has migrated.
///
/// # Errors
/// [`MigrationError::NotMigrated`] when it has not within `limit`; at once when waiting cannot help.
pub async fn wait_for_schema(pool: &PgPool, set: &MigrationSet, limit: Duration) -> Result<(), MigrationError> {
    let begun = Instant::now();
    loop {
        let list = status(pool, set).await?;
        set.refuse(&list)?;
        let missing = list.iter().filter(|migration| migration.state == MigrationState::Pending).count();
        if missing == 0 {
            return Ok(());
        }
        if begun.elapsed() >= limit {
            return Err(MigrationError::NotMigrated { database: set.name, missing });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

type Known = BTreeMap<i64, (&'static str, &'static str)>;
type Applied = BTreeMap<i64, (String, Vec<u8>)>;

impl MigrationSet {
    fn by_version(&self) -> Result<Known, MigrationError> {
        let mut known = Known::new();
        for &(version, name, sql) in self.sets.iter().copied().flatten() {
            if known.insert(version, (name, sql)).is_some() {
                return Err(MigrationError::Twice { database: self.name, version });
            }
        }
        Ok(known)
    }

    fn refuse(&self, list: &[MigrationStatus]) -> Result<(), MigrationError> {
        for MigrationStatus { version, name, state } in list {
            let (database, version, name) = (self.name, *version, name.clone());
            match state {
                MigrationState::Unknown => return Err(MigrationError::Newer { database, version, name }),
                MigrationState::Changed => return Err(MigrationError::Changed { database, version, name }),
                MigrationState::Applied | MigrationState::Pending => {}
            }
        }
        Ok(())
    }
}

/// What both sides know, by version.
fn compare(known: &Known, applied: &Applied) -> Vec<MigrationStatus> {
    let versions: BTreeSet<i64> = known.keys().chain(applied.keys()).copied().collect();
    let place = |version: i64| match (known.get(&version), applied.get(&version)) {
        (Some((name, _)), None) => (MigrationState::Pending, (*name).to_owned()),
        (Some((_, sql)), Some((name, sum))) if checksum(sql) == *sum => (MigrationState::Applied, name.clone()),
        (Some(_), Some((name, _))) => (MigrationState::Changed, name.clone()),
        (None, applied) => (MigrationState::Unknown, applied.map(|(name, _)| name.clone()).unwrap_or_default()),
    };
    let status = |version| {
        let (state, name) = place(version);
        MigrationStatus { version, name, state }
    };
    versions.into_iter().map(status).collect()
}

/// Takes the lock and makes the table, within the migration's transaction.
async fn prepare(transaction: &mut PgConnection, service_role: Option<&str>) -> Result<(), sqlx::Error> {
    // A migration may take its time (an index on a large table), and so may another process that holds the lock.
    sqlx::raw_sql("set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0")
        .execute(&mut *transaction)
        .await?;
    sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction).await?;
    sqlx::query("select set_config('historia.service_role', $1, true)")
        .bind(service_role.unwrap_or_default())
        .execute(&mut *transaction)
        .await?;
    // "create table if not exists" tells of it at each run.
    sqlx::raw_sql("set local client_min_messages = warning").execute(&mut *transaction).await?;
    sqlx::raw_sql(include_str!("sql/schema_migration.sql")).execute(&mut *transaction).await?;
    Ok(())
}

/// What the database says was applied; nothing when it was never migrated.
async fn applied(connection: &mut PgConnection) -> Result<Applied, sqlx::Error> {
    let exists = "select to_regclass('public.schema_migration') is not null";
    if !sqlx::query_scalar::<_, bool>(exists).fetch_one(&mut *connection).await? {
        return Ok(Applied::new());
    }
    let rows =
        sqlx::query("select version, name, checksum from public.schema_migration").fetch_all(&mut *connection).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?)))).collect()
}

fn checksum(sql: &str) -> Vec<u8> {
    Sha256::digest(sql.as_bytes()).to_vec()
}
