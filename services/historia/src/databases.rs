//! The databases behind a data directory or a server's address: found, made, migrated, opened.
//!
//! `up` owns them ([`Databases::start`]); every other verb takes them as they are ([`Databases::attach`]), whether `up`
//! runs at the moment or not.
use crate::cli::StoreArgs;
use crate::data_directory::DataDirectory;
use crate::failure::Failure;
use crate::mark;
use crate::platform::{self, ServiceDefinition};
use crate::secrets::names;
use infra_runtime::Profile;
use infra_runtime::database::{self, Contents, MigrationSet};
use infra_runtime::postgres::{self, Cluster};
use infra_runtime::secrets::{SecretsDirectory, read_file};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use std::io::IsTerminal;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two looks at a server that is waited for.
const PAUSE: Duration = Duration::from_millis(500);

/// A server that holds (or will hold) the platform's databases.
pub(crate) struct Databases {
    owner: PgConnectOptions,
    /// Ours to stop; `None` for a given server, or for one that `up` runs.
    cluster: Option<Arc<Cluster>>,
}

impl Databases {
    /// The server for an `up`: the given one, or the data directory's own.
    ///
    /// # Errors
    /// There is none and none can be started, or the given one holds somebody else's data and nobody agreed to that.
    pub(crate) async fn start(data: &DataDirectory, store: &StoreArgs, agreed: bool) -> Result<Self, Failure> {
        match &store.database_url {
            Some(url) => {
                let databases = Self { owner: given(url, store)?, cluster: None };
                databases.refuse_foreign(agreed).await?;
                Ok(databases)
            }
            None => Self::own(data).await,
        }
    }

    /// The server that holds the platform's data, for a verb that looks into it. One that is not running is started for
    /// the time being.
    ///
    /// # Errors
    /// There is no data, or the server does not answer.
    pub(crate) async fn attach(store: &StoreArgs) -> Result<Self, Failure> {
        if let Some(url) = &store.database_url {
            return Ok(Self { owner: given(url, store)?, cluster: None });
        }
        let data = DataDirectory::locate(store.data_dir.as_deref())?;
        data.require()?;
        match postgres::running(&data.postgres())? {
            Some(owner) => Ok(Self { owner, cluster: None }),
            None => Self::own(&data).await,
        }
    }

    /// Waits until the server takes connections, at most for `limit`.
    ///
    /// # Errors
    /// It does not answer within that time.
    pub(crate) async fn wait(&self, limit: Duration) -> Result<(), Failure> {
        let begun = Instant::now();
        loop {
            match database::pool(self.owner.clone(), 1).await {
                Ok(pool) => {
                    pool.close().await;
                    return Ok(());
                }
                Err(error) if begun.elapsed() >= limit => return Err(error.into()),
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    async fn own(data: &DataDirectory) -> Result<Self, Failure> {
        let cluster = Cluster::start(&data.postgres(), None, true).await?;
        Ok(Self { owner: cluster.options(), cluster: Some(Arc::new(cluster)) })
    }

    /// What the server holds beside our databases is somebody else's: it is only used when its owner agrees.
    async fn refuse_foreign(&self, agreed: bool) -> Result<(), Failure> {
        let admin = database::pool(self.owner.clone(), 1).await?;
        let contents = database::server_contents(&admin, &platform::database_names()).await?;
        admin.close().await;
        let Contents::Foreign { found } = contents else { return Ok(()) };
        if agreed || ask(&found)? {
            return Ok(());
        }
        Err(Failure::new(format!(
            "the server of HISTORIA_DATABASE_URL also holds {}: add --yes if Historia's databases may stand beside them",
            found.join(", ")
        )))
    }

    /// Makes what is missing and brings every database to this binary's schema; gives how many migrations were applied.
    ///
    /// # Errors
    /// A database cannot be made, or is from a newer version.
    pub(crate) async fn migrate(&self, secrets: &SecretsDirectory, profile: Profile) -> Result<usize, Failure> {
        let admin = database::pool(self.owner.clone(), 1).await?;
        let mut applied = 0;
        for set in migration_sets() {
            let password = secrets.text(&names::role_password(set.name))?;
            database::create_database(&admin, set.name, self.owner.get_username()).await?;
            database::create_role(&admin, set.name, &password, Some(set.name)).await?;
            let owner = self.owner_pool(set.name).await?;
            mark::set(&owner, set.name, profile).await?;
            applied += database::migrate(&owner, &set, Some(set.name)).await?.len();
            owner.close().await;
        }
        admin.close().await;
        Ok(applied)
    }

    /// A connection's options as the role that works in `database`, whose name is the database's.
    ///
    /// # Errors
    /// The role's password is not readable.
    pub(crate) fn service_options(&self, secrets: &SecretsDirectory, name: &str) -> Result<PgConnectOptions, Failure> {
        let password = secrets.text(&names::role_password(name))?;
        Ok(database::as_role(&self.owner, name, &password, name))
    }

    /// Connections as the owner of `database`.
    ///
    /// # Errors
    /// It does not answer.
    pub(crate) async fn owner_pool(&self, name: &str) -> Result<PgPool, Failure> {
        Ok(database::pool(self.owner_options(name), 4).await?)
    }

    pub(crate) fn owner_options(&self, name: &str) -> PgConnectOptions {
        self.owner.clone().database(name)
    }

    /// The private server, when there is one to keep running.
    pub(crate) fn cluster(&self) -> Option<Arc<Cluster>> {
        self.cluster.clone()
    }

    /// Stops the server if it was started here.
    ///
    /// # Errors
    /// It does not go.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        match self.cluster {
            Some(cluster) => Ok(cluster.stop().await?),
            None => Ok(()),
        }
    }
}

/// Every database with its schema.
pub(crate) fn migration_sets() -> Vec<MigrationSet> {
    let services = platform::services();
    let sets = services.iter().map(ServiceDefinition::migration_set);
    sets.chain([platform::keys_migration_set()]).collect()
}

fn given(url: &str, store: &StoreArgs) -> Result<PgConnectOptions, Failure> {
    options("HISTORIA_DATABASE_URL", url, store.database_password_file.as_deref())
}

/// The connection that the setting `name` says, with the password of a file when there is one.
///
/// # Errors
/// It is no address, or the file cannot be used.
pub(crate) fn options(name: &str, url: &str, password: Option<&Path>) -> Result<PgConnectOptions, Failure> {
    // The error may repeat the address, which may hold a password.
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| Failure::new(format!("{name} is not an address such as postgres://user@host:5432/database")))?;
    match password {
        Some(file) => Ok(options.password(&read_file(file)?)),
        None => Ok(options),
    }
}

/// Asks the person at the terminal; nobody there is no.
fn ask(found: &[String]) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    crate::output::note(format!(
        "The server also holds {}. Make Historia's databases beside them? [y/N]",
        found.join(", ")
    ));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(|error| Failure::of("reading the answer", &error))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "s" | "S" | "sí" | "si"))
}
