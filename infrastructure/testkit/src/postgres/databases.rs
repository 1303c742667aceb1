//! Databases by the migrations that ran in them: a template, copies of it that are ready, copies in use.
//!
//! Making or dropping a database holds back the readers of every other one for some milliseconds, so copies are made a
//! few at a time and dropped only then. Who has which is noted in files, so taking a ready one is one rename:
//! ```text
//! databases/SET/lock       held while copies are made
//!           SET/template   the template exists
//!           SET/ready/…    copies that nobody has
//! databases/used/…  done/…
//! ```
use super::Migrations;
use super::server::Server;
use crate::shared::hex;
use infra_vault::BlindIndex;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The databases of one list of migrations.
#[derive(Clone, Debug)]
pub(super) struct Databases {
    options: PgConnectOptions,
    sets: Vec<Migrations>,
    /// The name of the list: a hash of its SQL.
    set: String,
    root: PathBuf,
    batch: usize,
}

impl Databases {
    pub(super) fn of(server: &Server, sets: &[Migrations]) -> Self {
        let texts: Vec<&[u8]> = sets.iter().flat_map(|set| set.iter().map(|(_, _, sql)| sql.as_bytes())).collect();
        let set = hex(&BlindIndex::new([0; 32]).digest(&texts));
        let (options, root) = (server.options.clone(), server.databases.clone());
        Self { options, sets: sets.to_vec(), set, root, batch: server.batch }
    }

    /// The name of a database that is the caller's from now on.
    pub(super) async fn take(&self) -> String {
        for directory in [self.ready(), self.root.join("used"), self.root.join("done")] {
            fs::create_dir_all(directory).expect("the tests' directory can be written");
        }
        if let Some(name) = self.take_ready() {
            return name;
        }
        let _lock = self.lock().await;
        // Another test may have made some while this one waited.
        if let Some(name) = self.take_ready() {
            return name;
        }
        self.make().await;
        self.take_ready().expect("a database was made")
    }

    /// Gives `name` back, to be dropped when the next ones are made.
    pub(super) fn done_with(&self, name: &str) {
        // Gone when the server was stopped meanwhile.
        let _ = fs::rename(self.root.join("used").join(name), self.root.join("done").join(name));
    }

    fn ready(&self) -> PathBuf {
        self.root.join(&self.set).join("ready")
    }

    fn take_ready(&self) -> Option<String> {
        // Whoever renames the note has the database; the others find it gone and try the next.
        names(&self.ready())
            .into_iter()
            .find(|name| fs::rename(self.ready().join(name), self.root.join("used").join(name)).is_ok())
    }

    async fn lock(&self) -> File {
        let path = self.root.join(&self.set).join("lock");
        let locked = tokio::task::spawn_blocking(move || {
            let file = File::create(path)?;
            file.lock()?;
            Ok::<_, std::io::Error>(file)
        });
        locked.await.expect("the lock is taken").expect("the tests' directory can be locked")
    }

    async fn make(&self) {
        let mut connection = self.options.connect().await.expect("the tests' server takes connections");
        let template = format!("historia_template_{}", self.set);
        let mark = self.root.join(&self.set).join("template");
        if !mark.exists() {
            self.make_template(&mut connection, &template).await;
            fs::write(&mark, "").expect("the tests' directory can be written");
        }
        for name in names(&self.root.join("done")) {
            drop_database(&mut connection, &name).await;
            // Another test executable may have dropped it too.
            let _ = fs::remove_file(self.root.join("done").join(&name));
        }
        for _ in 0..self.batch {
            let name = format!("historia_test_{}", Uuid::now_v7().simple());
            execute(&mut connection, format!("create database {name} template {template}")).await;
            fs::write(self.ready().join(&name), "").expect("the tests' directory can be written");
        }
        // Closed by the drop otherwise; the answer tells nothing.
        let _ = connection.close().await;
    }

    async fn make_template(&self, connection: &mut PgConnection, template: &str) {
        // A half-made one of a killed test.
        drop_database(connection, template).await;
        execute(connection, format!("create database {template}")).await;
        let options = self.options.clone().database(template);
        let mut inside = options.connect().await.expect("the template takes connections");
        for (version, name, sql) in self.sets.iter().flat_map(|set| set.iter()) {
            let ran = sqlx::raw_sql(*sql).execute(&mut inside).await;
            ran.unwrap_or_else(|error| panic!("migration {version} ({name}) fails: {error}"));
        }
        inside.close().await.expect("the template's connection closes");
    }
}

async fn drop_database(connection: &mut PgConnection, name: &str) {
    execute(connection, format!("drop database if exists {name} with (force)")).await;
}

/// Database names cannot be parameters; ours are made of letters, digits and `_`.
async fn execute(connection: &mut PgConnection, sql: String) {
    let ran = sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(connection).await;
    ran.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("the tests' directory can be read");
    let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    names
}
