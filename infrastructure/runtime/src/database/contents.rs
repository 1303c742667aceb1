//! Whose data a database or server holds: nothing is ever made among somebody else's.
use super::DatabaseError;
use sqlx::PgPool;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contents {
    /// Nothing of anybody's.
    Nothing,
    /// What this platform made.
    Ours,
    /// Something that this platform did not make.
    Foreign {
        /// Some of it, by name.
        found: Vec<String>,
    },
}

/// How many names are told.
const TOLD: usize = 5;

/// What the database of `pool` holds. Ours is one that was migrated by [`super::migrate`].
///
/// # Errors
/// [`DatabaseError`].
pub async fn database_contents(pool: &PgPool) -> Result<Contents, DatabaseError> {
    if sqlx::query_scalar::<_, bool>(include_str!("sql/is_ours.sql")).fetch_one(pool).await? {
        return Ok(Contents::Ours);
    }
    let found: Vec<String> = sqlx::query_scalar(include_str!("sql/relations.sql")).fetch_all(pool).await?;
    Ok(judge(found))
}

/// What the server of `admin` holds beside the databases named in `ours` (and PostgreSQL's own): `Ours` when some of
/// those are there and no other.
///
/// # Errors
/// [`DatabaseError`].
pub async fn server_contents(admin: &PgPool, ours: &[&str]) -> Result<Contents, DatabaseError> {
    let statement =
        "select datname::text from pg_database where not datistemplate and datname <> 'postgres' order by 1";
    let names: Vec<String> = sqlx::query_scalar(statement).fetch_all(admin).await?;
    let known = names.iter().any(|name| ours.contains(&name.as_str()));
    match judge(names.into_iter().filter(|name| !ours.contains(&name.as_str())).collect()) {
        Contents::Nothing if known => Ok(Contents::Ours),
        other => Ok(other),
    }
}

fn judge(mut found: Vec<String>) -> Contents {
    found.truncate(TOLD);
    if found.is_empty() { Contents::Nothing } else { Contents::Foreign { found } }
}
