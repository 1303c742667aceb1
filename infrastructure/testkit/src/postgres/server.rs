//! The one server of a run: started by the first test executable, joined by the others.
use super::guardian;
use infra_runtime::postgres::{Cluster, ClusterError, ClusterOptions, running};
use sqlx::postgres::PgConnectOptions;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Names a server to use instead of our own: the URL of a superuser.
const GIVEN: &str = "HISTORIA_TEST_DATABASE_URL";

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
    // A thread and a runtime of its own: the test that came first may end before the others need the server.
    let found = tokio::task::spawn_blocking(|| {
        SERVER.get_or_init(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
            runtime.block_on(find())
        })
    });
    found.await.expect("there is a PostgreSQL for the tests")
}

async fn find() -> Server {
    if let Ok(url) = std::env::var(GIVEN) {
        let options = url.parse().unwrap_or_else(|_| panic!("{GIVEN} is not a URL such as postgres://user@host:5432"));
        let databases = beside_executable().join(format!("given-{}", std::process::id()));
        return Server { options, databases, batch: 1 };
    }
    let place = beside_executable();
    match join_or_start(&place).await {
        Ok(server) => server,
        Err(ClusterError::Unreachable { .. }) => {
            let place = std::env::temp_dir().join(format!("historia-testkit-{}", guardian::name_of(&place)));
            join_or_start(&place).await.unwrap_or_else(|error| panic!("{error}"))
        }
        Err(error) => panic!("{error}; or set {GIVEN} to the URL of a server's superuser"),
    }
}

/// `TARGET/debug/testkit`, from an executable at `TARGET/debug/deps/NAME`.
fn beside_executable() -> PathBuf {
    let executable = std::env::current_exe().expect("an executable knows where it is");
    let deps = executable.ancestors().find(|ancestor| ancestor.ends_with("deps"));
    deps.and_then(Path::parent).map_or_else(std::env::temp_dir, Path::to_owned).join("testkit")
}

async fn join_or_start(place: &Path) -> Result<Server, ClusterError> {
    let users = place.join("users");
    fs::create_dir_all(&users).expect("the tests' directory can be made");
    let lock = File::create(place.join("lock")).expect("the tests' directory can be written");
    lock.lock().expect("the tests' directory can be locked");
    // First the entry, then the look at the server: the guardian looks in the opposite order.
    fs::write(users.join(std::process::id().to_string()), "").expect("the tests' directory can be written");
    guardian::wait_while_it_stops(place).await;

    let cluster = place.join("cluster");
    let options = match running(&cluster)? {
        Some(options) => options,
        None => start(place, cluster).await?,
    };
    guardian::ensure(place);
    Ok(Server { options, databases: place.join("databases"), batch: 6 })
}

async fn start(place: &Path, directory: PathBuf) -> Result<PgConnectOptions, ClusterError> {
    // Without fsync, what a crash left is worth nothing.
    for left_over in [&directory, &place.join("databases")] {
        if left_over.exists() {
            fs::remove_dir_all(left_over).expect("what an earlier run left can be removed");
        }
    }
    let options = ClusterOptions { directory, port: None, durable: false, outlives_owner: true };
    Ok(Cluster::start_with(options).await?.options())
}
