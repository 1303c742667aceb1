//! Databases: made, migrated, opened.
//!
//! Services run as a role without rights to change the schema; the owner role migrates ([`migrate`]) and everybody else
//! waits for it ([`wait_for_schema`]).
mod contents;
mod migration;
mod names;
mod transport;

pub use contents::{Contents, database_contents, server_contents};
pub use migration::{
    Migration, MigrationError, MigrationSet, MigrationState, MigrationStatus, migrate, status, wait_for_schema,
};
pub use names::{Identifier, create_database, create_role};
pub use transport::{as_role, check_transport};

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool};
use std::time::Duration;

/// A transaction that does nothing is ended after this: open ones hold back every reader of the cluster.
const IDLE_IN_TRANSACTION: &str = "5s";
/// No statement of a service takes this long; one that does is stuck.
const STATEMENT_LIMIT: &str = "30s";
/// How long a caller waits for a free connection before it is told that the database is busy.
const ACQUIRE_LIMIT: Duration = Duration::from_secs(5);
/// A connection that rested this long is asked whether it still lives; asking a busy one would cost a round trip each.
const RESTED: Duration = Duration::from_secs(1);

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The server does not answer, or refuses.
    #[error("the database {database} cannot be reached: {reason}")]
    Unreachable {
        /// Which database.
        database: String,
        /// What the server or the operating system said.
        reason: String,
    },
    /// A name that would have to be quoted.
    #[error("{name:?} is no name for a database or role: a-z, 0-9 and '_', beginning with a letter, at most 63")]
    Name {
        /// The name.
        name: String,
    },
    /// Production, another machine, and a TLS mode in which somebody in between could pass for the server.
    #[error(
        "in production the database {database} on {host} is reached with sslmode=verify-full alone (and sslrootcert=FILE)"
    )]
    Unprotected {
        /// Which database.
        database: String,
        /// Which server.
        host: String,
    },
    /// The server did not do it.
    #[error("the database server refused: {reason}")]
    Refused {
        /// What the server said.
        reason: String,
    },
}

impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        Self::Refused { reason: reason(&error) }
    }
}

/// What went wrong, in one line, without the statement's details (they may hold values).
pub(crate) fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(database) => database.message().replace('\n', " "),
        other => crate::supervisor::chain(other),
    }
}

/// `options` with the limits that hold for every session of a service. The application's name is kept when there is
/// one.
#[must_use]
pub fn session(options: PgConnectOptions) -> PgConnectOptions {
    let options = if options.get_application_name().is_none() { options.application_name("historia") } else { options };
    options
        .options([("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION), ("statement_timeout", STATEMENT_LIMIT)])
}

/// At most `max` connections with the limits of [`session`]; the first is opened before this returns.
///
/// # Errors
/// [`DatabaseError::Unreachable`].
pub async fn pool(options: PgConnectOptions, max: u32) -> Result<PgPool, DatabaseError> {
    let database = options.get_database().unwrap_or_else(|| options.get_username()).to_owned();
    PgPoolOptions::new()
        .max_connections(max)
        .acquire_timeout(ACQUIRE_LIMIT)
        .test_before_acquire(false)
        .before_acquire(|connection, rest| {
            Box::pin(async move {
                if rest.idle_for >= RESTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_with(session(options))
        .await
        .map_err(|error| DatabaseError::Unreachable { database, reason: reason(&error) })
}
