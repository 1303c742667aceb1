//! The one server of a run: started by the first test executable, joined by the others.
use crate::shared::{self, Guarded};
use infra_runtime::postgres::{Cluster, ClusterError, ClusterOptions, running};
use sqlx::postgres::PgConnectOptions;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Names a server to use instead of our own: the URL of a superuser.
const GIVEN: &str = "HISTORIA_TEST_DATABASE_URL";

const GUARDED: Guarded = Guarded {
    pid_file: "cluster/data/postmaster.pid",
    known_by: "cluster/data",
    // An immediate shutdown.
    signal: "QUIT",
    thrown_away: &["cluster", "databases", "given-*"],
};

pub(super) struct Server {
    /// The superuser's connection.
    pub(super) options: PgConnectOptions,
    /// Where is noted which databases there are.
    pub(super) databases: PathBuf,
    /// How many databases are made at once.
    pub(super) batch: usize,
}

static SERVER: OnceLock<Server> = OnceLock::new();

/// The server; started by the first call of the first test executable.
pub(super) async fn server() -> &'static Server {
    shared::once(&SERVER, find).await
}

async fn find() -> Server {
    if let Ok(url) = std::env::var(GIVEN) {
        let options = url.parse().unwrap_or_else(|_| panic!("{GIVEN} is not a URL such as postgres://user@host:5432"));
        let databases = shared::beside_executable().join(format!("given-{}", std::process::id()));
        return Server { options, databases, batch: 1 };
    }
    let place = shared::beside_executable();
    match join_or_start(&place).await {
        Ok(server) => server,
        Err(ClusterError::Unreachable { .. }) => {
            join_or_start(&shared::elsewhere(&place)).await.unwrap_or_else(|error| panic!("{error}"))
        }
        Err(error) => panic!("{error}; or set {GIVEN} to the URL of a server's superuser"),
    }
}

async fn join_or_start(place: &Path) -> Result<Server, ClusterError> {
    let _lock = shared::enter(place).await;
    let cluster = place.join("cluster");
    let options = match running(&cluster)? {
        Some(options) => options,
        None => start(place, cluster).await?,
    };
    shared::guard(place, &GUARDED);
    Ok(Server { options, databases: place.join("databases"), batch: 6 })
}

async fn start(place: &Path, directory: PathBuf) -> Result<PgConnectOptions, ClusterError> {
    // Without fsync, what a crash left is worth nothing.
    shared::throw_away(&directory);
    shared::throw_away(&place.join("databases"));
    let options = ClusterOptions { directory, port: None, durable: false, outlives_owner: true };
    Ok(Cluster::start_with(options).await?.options())
}
