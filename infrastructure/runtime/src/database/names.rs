//! Making databases and roles.
use super::DatabaseError;
use sqlx::{AssertSqlSafe, PgPool};
use std::fmt;
use std::str::FromStr;

/// A name that never needs quotes, so it can stand in a statement that takes no parameters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identifier(String);

impl Identifier {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Identifier {
    type Err = DatabaseError;

    fn from_str(name: &str) -> Result<Self, DatabaseError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        // PostgreSQL cuts names at 63 bytes (NAMEDATALEN - 1): two long ones could become one.
        let fits = name.len() <= 63 && name.starts_with(|first: char| first.is_ascii_lowercase());
        if fits && name.bytes().all(allowed) {
            Ok(Self(name.to_owned()))
        } else {
            Err(DatabaseError::Name { name: name.to_owned() })
        }
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Makes the database `name`, owned by `owner`, unless it is there; tells whether it made it. Only roles that were
/// granted it may connect then.
///
/// # Errors
/// [`DatabaseError`].
pub async fn create_database(admin: &PgPool, name: &str, owner: &str) -> Result<bool, DatabaseError> {
    let (name, owner): (Identifier, Identifier) = (name.parse()?, owner.parse()?);
    let exists = "select exists (select from pg_database where datname = $1)";
    if sqlx::query_scalar::<_, bool>(exists).bind(name.as_str()).fetch_one(admin).await? {
        return Ok(false);
    }
    // CREATE DATABASE takes no parameters and runs in no transaction; both names are identifiers by type.
    match sqlx::raw_sql(AssertSqlSafe(format!("create database {name} owner {owner}"))).execute(admin).await {
        Ok(_) => {}
        // 42P04 duplicate_database, or 23505 on the catalogue when two do it at the same moment.
        Err(sqlx::Error::Database(error)) if matches!(error.code().as_deref(), Some("42P04" | "23505")) => {
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    }
    sqlx::raw_sql(AssertSqlSafe(format!("revoke connect, temporary on database {name} from public")))
        .execute(admin)
        .await?;
    Ok(true)
}

/// Makes the role `name`, which may log in with `password` and nothing else, or gives it that password when it is there;
/// with `database` it may connect to that. Neither the statement nor an error shows the password.
///
/// # Errors
/// [`DatabaseError`].
pub async fn create_role(
    admin: &PgPool,
    name: &str,
    password: &str,
    database: Option<&str>,
) -> Result<(), DatabaseError> {
    let name: Identifier = name.parse()?;
    let database = database.map(str::parse::<Identifier>).transpose()?;
    let mut transaction = admin.begin().await?;
    sqlx::query(
        "select set_config('historia.role', $1, true), set_config('historia.role_password', $2, true), \
         set_config('historia.role_database', $3, true)",
    )
    .bind(name.as_str())
    .bind(password)
    .bind(database.as_ref().map_or("", Identifier::as_str))
    .execute(&mut *transaction)
    .await?;
    sqlx::raw_sql(include_str!("sql/create_role.sql")).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_needs_quotes_is_refused() {
        for name in ["", "Users", "1st", "a-b", "a\"; drop database users; --", "ñandú", &"a".repeat(64)] {
            assert!(name.parse::<Identifier>().is_err(), "{name}");
        }
        assert_eq!("saga_log".parse::<Identifier>().unwrap().as_str(), "saga_log");
    }
}
