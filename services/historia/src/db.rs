//! `db`: the schema of every database.
use crate::cli::{DbCommand, MigrateArgs, OutputArgs, StoreArgs};
use crate::data_directory::DataDirectory;
use crate::databases::{self, Databases};
use crate::failure::Failure;
use crate::output::{self, List, Output};
use infra_event_store::Adoption;
use infra_runtime::database::{self, Contents, MigrationState, MigrationStatus};
use infra_runtime::secrets::SecretsDirectory;
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

const DATABASES: List = List { name: "databases", id: "name", columns: &["name", "state", "applied", "wanted"] };

#[derive(Serialize, ToSchema)]
pub(crate) struct Report {
    databases: Vec<DatabaseReport>,
}

#[derive(Serialize, ToSchema)]
struct DatabaseReport {
    name: &'static str,
    /// `current`, `behind`, `newer`, `changed` or `missing`.
    state: &'static str,
    /// How many migrations were applied.
    applied: usize,
    /// How many there are.
    wanted: usize,
    migrations: Vec<MigrationReport>,
}

#[derive(Serialize, ToSchema)]
struct MigrationReport {
    version: i64,
    name: String,
    state: &'static str,
}

/// Runs a `db` verb.
///
/// # Errors
/// The databases cannot be reached or are not what they should be.
pub(crate) async fn run(command: DbCommand) -> Result<(), Failure> {
    match command {
        DbCommand::Migrate(arguments) => migrate(&arguments).await,
        DbCommand::Status { store, output } => status(&store, output).await,
        DbCommand::Adopt(store) => adopt(&store).await,
    }
}

async fn migrate(arguments: &MigrateArgs) -> Result<(), Failure> {
    let store = &arguments.store;
    let profile = arguments.profile.parse()?;
    let secrets = match &arguments.secrets_dir {
        Some(directory) => SecretsDirectory::existing(directory)?,
        None => {
            let data = DataDirectory::locate(store.data_dir.as_deref())?;
            let made = std::fs::create_dir_all(data.path());
            made.map_err(|error| Failure::of(&data.path().display().to_string(), &error))?;
            SecretsDirectory::open(&data.secrets())?
        }
    };
    let databases = Databases::attach(store).await?;
    database::check_transport(profile, &databases.owner_options("postgres"))?;
    databases.wait(Duration::from_secs(arguments.wait)).await?;
    let migrated = databases.migrate(&secrets, profile).await;
    databases.stop().await?;
    let applied = migrated?;
    output::line(format!("{applied} migrations applied, {} databases are current", databases::migration_sets().len()))
}

async fn status(store: &StoreArgs, output: OutputArgs) -> Result<(), Failure> {
    let databases = Databases::attach(store).await?;
    let report = report(&databases).await;
    databases.stop().await?;
    Output::new(output).list(&DATABASES, &report?)
}

async fn report(databases: &Databases) -> Result<Report, Failure> {
    let mut reports = Vec::new();
    for set in databases::migration_sets() {
        let migrations = match databases.owner_pool(set.name).await {
            Ok(pool) => {
                let ours = database::database_contents(&pool).await? == Contents::Ours;
                let migrations = if ours { database::status(&pool, &set).await? } else { Vec::new() };
                pool.close().await;
                migrations
            }
            // A database that is not there cannot be opened; the server itself answered before.
            Err(_) => Vec::new(),
        };
        reports.push(DatabaseReport {
            name: set.name,
            state: summary(&migrations),
            applied: migrations.iter().filter(|migration| migration.state == MigrationState::Applied).count(),
            wanted: migrations.iter().filter(|migration| migration.state != MigrationState::Unknown).count(),
            migrations: migrations
                .into_iter()
                .map(|migration| MigrationReport {
                    version: migration.version,
                    name: migration.name,
                    state: state_name(migration.state),
                })
                .collect(),
        });
    }
    Ok(Report { databases: reports })
}

fn summary(migrations: &[MigrationStatus]) -> &'static str {
    let any = |state| migrations.iter().any(|migration| migration.state == state);
    if migrations.is_empty() {
        "missing"
    } else if any(MigrationState::Changed) {
        "changed"
    } else if any(MigrationState::Unknown) {
        "newer"
    } else if any(MigrationState::Pending) {
        "behind"
    } else {
        "current"
    }
}

fn state_name(state: MigrationState) -> &'static str {
    match state {
        MigrationState::Applied => "applied",
        MigrationState::Pending => "pending",
        MigrationState::Changed => "changed",
        MigrationState::Unknown => "unknown",
    }
}

async fn adopt(store: &StoreArgs) -> Result<(), Failure> {
    let databases = Databases::attach(store).await?;
    for service in crate::platform::services() {
        let pool = databases.owner_pool(service.database).await?;
        let adoption = infra_event_store::adopt(&pool).await?;
        pool.close().await;
        let told = match adoption {
            Adoption::Opened(epoch) => format!("another cluster's data: epoch {epoch} is open now"),
            Adoption::NotNeeded(epoch) => format!("this cluster's own data, in epoch {epoch}: nothing to do"),
        };
        output::line(format!("{:24} {told}", service.database))?;
    }
    databases.stop().await
}
