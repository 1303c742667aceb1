//! A PostgreSQL for the tests: one server for all test executables of a run, a database of its own for every test.
//!
//! ```text
//! TARGET/debug/testkit/     (or the system's temporary directory, where the server's user cannot reach that)
//!   lock, users, guardian   see `shared`
//!   cluster/                the server; thrown away when it stops
//!   databases/              which databases are ready, in use, done with (see `databases`)
//! ```
//! The server does not wait for the disk (`fsync` is off): a crash test starts its own. With
//! `HISTORIA_TEST_DATABASE_URL` (a superuser's) a given server is used instead; it keeps the databases of the run that
//! were not dropped yet, all named `historia_test_…`.
mod databases;
mod server;

use databases::Databases;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::time::Duration;

/// Version, name and SQL of each migration.
pub type Migrations = &'static [(i64, &'static str, &'static str)];

/// A database that nobody else uses. It is dropped some time after the value was.
#[derive(Debug)]
pub struct TestDatabase {
    /// Connections as the owner.
    pub pool: PgPool,
    /// How to connect, as the owner.
    pub options: PgConnectOptions,
    name: String,
    databases: Databases,
}

impl TestDatabase {
    /// The database's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// More connections as the owner, such as another process would have: at most `max`.
    pub async fn another_pool(&self, max: u32) -> PgPool {
        connect(&self.options, max).await
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        self.databases.done_with(&self.name);
    }
}

/// A fresh database in which the migrations of `sets` have run, set by set in the order given.
///
/// # Panics
/// When there is no PostgreSQL, or a migration fails; the message says what to do.
pub async fn database(sets: &[Migrations]) -> TestDatabase {
    let server = server::server().await;
    let databases = Databases::of(server, sets);
    let name = databases.take().await;
    let options = server.options.clone().database(&name);
    let pool = connect(&options, 10).await;
    TestDatabase { pool, options, name, databases }
}

async fn connect(options: &PgConnectOptions, max: u32) -> PgPool {
    let pool = PgPoolOptions::new().max_connections(max).acquire_timeout(Duration::from_secs(30));
    pool.connect_with(options.clone()).await.expect("the test database takes connections")
}
