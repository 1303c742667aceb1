//! What these tests share. They start clusters of their own: how one starts and ends is what they are about.
use infra_runtime::postgres::Cluster;
use sqlx::PgPool;
use sqlx::error::DatabaseError;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;
use tempfile::TempDir;

/// A directory that the server's user can reach (as root, temporary directories are closed to others otherwise).
pub(crate) fn directory() -> TempDir {
    tempfile::Builder::new().prefix("historia-").permissions(Permissions::from_mode(0o755)).tempdir().unwrap()
}

/// A cluster for one test, and where it lives. The cluster comes first: it is dropped before its directory.
pub(crate) async fn cluster() -> (Cluster, TempDir) {
    let directory = directory();
    let cluster = Cluster::start(&directory.path().join("postgres"), None, false).await.unwrap();
    (cluster, directory)
}

/// A superuser's pool.
pub(crate) async fn superuser(cluster: &Cluster) -> PgPool {
    infra_runtime::database::pool(cluster.options(), 4).await.unwrap()
}

/// The SQLSTATE of what the server refused.
pub(crate) fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(DatabaseError::code).map(Into::into)
}

/// How long any of these tests waits for something.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Whether a process is there and has not ended.
pub(crate) fn lives(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // What comes after the name in parentheses is the state; Z is dead, only not collected yet.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}
