//! The mark of a database: the profile whose rules hold for what is in it.
//!
//! It is the database's comment, set by whoever migrates. What always holds: a production process never works on a
//! demo's data, which were entered under weaker rules, nor the other way round.
use crate::failure::Failure;
use crate::running::NotStarted;
use infra_runtime::Profile;
use infra_runtime::database::{DatabaseError, Identifier};
use sqlx::{AssertSqlSafe, PgPool};

const READ: &str = "select coalesce(shobj_description(oid, 'pg_database'), '') from pg_database \
    where datname = current_database()";

/// Fails unless the database of `pool` is one of `profile`'s; one without a mark is nobody's yet.
///
/// # Errors
/// It is of the other profile, or does not answer.
pub(crate) async fn check(pool: &PgPool, name: &str, profile: Profile) -> Result<(), NotStarted> {
    let mark: String = sqlx::query_scalar(READ)
        .fetch_one(pool)
        .await
        .map_err(|_| DatabaseError::Unreachable { database: name.to_owned(), reason: "it does not answer".into() })?;
    judge(&mark, name, profile).map_err(NotStarted::Never)
}

/// Marks the database of `owner` as one of `profile`'s.
///
/// # Errors
/// It is of the other profile, or the server refuses.
pub(crate) async fn set(owner: &PgPool, name: &str, profile: Profile) -> Result<(), Failure> {
    check(owner, name, profile).await?;
    let name: Identifier = name.parse()?;
    // COMMENT takes no parameters; the name is an identifier by type, and the mark one of two words of ours.
    let comment = format!("comment on database {name} is '{}'", mark(profile));
    sqlx::raw_sql(AssertSqlSafe(comment)).execute(owner).await.map_err(DatabaseError::from)?;
    Ok(())
}

fn mark(profile: Profile) -> String {
    format!("historia: {profile}")
}

fn judge(found: &str, name: &str, profile: Profile) -> Result<(), Failure> {
    let other = match profile {
        Profile::Demo => Profile::Production,
        Profile::Production => Profile::Demo,
    };
    if found == mark(other) {
        return Err(Failure::new(format!(
            "{name} holds data of the {other} profile, this is {profile}: name another database"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_database_is_refused_in_production_and_the_other_way_round() {
        assert!(judge("historia: demo", "historia_users", Profile::Production).unwrap_err().message.contains("demo"));
        assert!(judge("historia: production", "historia_users", Profile::Demo).is_err());
    }

    #[test]
    fn a_database_of_the_same_profile_or_without_a_mark_is_taken() {
        for mark in ["historia: production", "", "somebody's note"] {
            assert!(judge(mark, "historia_users", Profile::Production).is_ok(), "{mark}");
        }
    }
}
