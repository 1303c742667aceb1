//! A cluster of our own: who may have it, how it starts, and that it never stays behind.
use crate::scratch::{LIMIT, cluster, code, directory, lives, superuser};
use infra_runtime::CancellationToken;
use infra_runtime::postgres::{self, Cluster, ClusterError, ClusterOptions};
use infra_testkit::wait_for;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::{Connection, PgConnection};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const OWNED: &str = "HISTORIA_TEST_CLUSTER";

/// Not a test of its own: the process that the tests below start, and kill.
#[tokio::test]
async fn an_owner_that_another_test_kills() {
    let Some(directory) = std::env::var_os(OWNED) else { return };
    let cluster = Cluster::start(Path::new(&directory), None, false).await.unwrap();
    fs::write(Path::new(&directory).join("pid.new"), cluster.pid().to_string()).unwrap();
    fs::rename(Path::new(&directory).join("pid.new"), Path::new(&directory).join("pid")).unwrap();
    std::future::pending::<()>().await;
}

/// Starts an owner of `directory`; gives it and the process id of its server.
async fn owner(directory: &Path) -> (Child, i32) {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "cluster::an_owner_that_another_test_kills"])
        .env(OWNED, directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let pid = wait_for("the owner's cluster", LIMIT, async || fs::read_to_string(directory.join("pid")).ok()).await;
    (child, pid.parse().unwrap())
}

#[tokio::test]
async fn a_cluster_is_made_started_and_stopped_within_seconds() {
    let begun = Instant::now();
    let (cluster, _directory) = cluster().await;
    let mut connection = PgConnection::connect_with(&cluster.options()).await.unwrap();
    let version: String = sqlx::query_scalar("show server_version_num").fetch_one(&mut connection).await.unwrap();
    assert_eq!(version.parse::<u32>().unwrap() / 10_000, cluster.version());
    let pid = cluster.pid();
    cluster.stop().await.unwrap();
    assert!(!lives(pid));
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn the_server_never_runs_as_root_and_takes_no_connection_without_the_password() {
    let (cluster, _directory) = cluster().await;
    let owner = fs::metadata(format!("/proc/{}", cluster.pid())).unwrap().uid();
    assert_ne!(owner, 0);
    let data = fs::metadata(cluster.directory().join("data")).unwrap();
    assert_eq!((data.uid(), data.mode() & 0o777), (owner, 0o700));
    let strangers = cluster.options().password("guessed");
    let error = PgConnection::connect_with(&strangers).await.unwrap_err();
    assert_eq!(code(&error).as_deref(), Some("28P01"));
    assert!(!cluster.directory().join("password.new").exists());
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn data_survives_a_restart() {
    let directory = directory();
    let place = directory.path().join("postgres");
    let cluster = Cluster::start(&place, None, false).await.unwrap();
    let pool = superuser(&cluster).await;
    sqlx::raw_sql("create table kept (n int); insert into kept values (7)").execute(&pool).await.unwrap();
    pool.close().await;
    cluster.stop().await.unwrap();
    drop(cluster);

    let cluster = Cluster::start(&place, None, false).await.unwrap();
    let mut connection = PgConnection::connect_with(&cluster.options()).await.unwrap();
    let kept: i32 = sqlx::query_scalar("select n from kept").fetch_one(&mut connection).await.unwrap();
    assert_eq!(kept, 7);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_directory_in_use_is_refused_in_one_line() {
    let (cluster, _directory) = cluster().await;
    let error = Cluster::start(cluster.directory(), None, false).await.unwrap_err();
    let ClusterError::InUse { owner, .. } = &error else { panic!("{error}") };
    assert_eq!(*owner, std::process::id().to_string());
    assert!(!error.to_string().contains('\n'));
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_port_in_use_is_refused_in_one_line() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let directory = directory();
    let error = Cluster::start(&directory.path().join("postgres"), Some(port), false).await.unwrap_err();
    assert!(matches!(error, ClusterError::PortInUse { port: refused } if refused == port), "{error}");
}

#[tokio::test]
async fn a_directory_that_the_servers_user_cannot_reach_is_refused_with_how_to_mend_it() {
    if !nix::unistd::geteuid().is_root() {
        // The server runs as ourselves then, and reaches what we reach.
        return;
    }
    let directory = directory();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let error = Cluster::start(&directory.path().join("postgres"), None, false).await.unwrap_err();
    let ClusterError::Unreachable { directory: closed, .. } = &error else { panic!("{error}") };
    assert_eq!(Path::new(closed), directory.path().canonicalize().unwrap());
    assert!(error.to_string().contains(&format!("chmod o+x {closed}")), "{error}");
}

#[tokio::test]
async fn the_server_answers_by_its_socket_and_over_the_network() {
    let (cluster, _directory) = cluster().await;
    assert!(cluster.options().get_socket().is_some());
    assert!(cluster.network_options().get_socket().is_none());
    for options in [cluster.options(), cluster.network_options()] {
        let mut connection = PgConnection::connect_with(&options).await.unwrap();
        let over_network: bool =
            sqlx::query_scalar("select inet_client_addr() is not null").fetch_one(&mut connection).await.unwrap();
        assert_eq!(over_network, options.get_socket().is_none());
    }
}

#[tokio::test]
async fn a_server_whose_sockets_path_would_be_too_long_is_reached_over_the_network() {
    let directory = directory();
    let place = directory.path().join("a-folder-with-a-long-name".repeat(5));
    let cluster = Cluster::start(&place, None, false).await.unwrap();
    assert!(cluster.options().get_socket().is_none());
    PgConnection::connect_with(&cluster.options()).await.unwrap().close().await.unwrap();
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_killed_server_leaves_no_socket_to_the_next_one() {
    let directory = directory();
    let place = directory.path().join("postgres");
    let options = ClusterOptions { directory: place.clone(), port: None, durable: false, outlives_owner: true };
    let first = Cluster::start_with(options).await.unwrap();
    let killed = first.pid();
    drop(first);
    kill(Pid::from_raw(killed), Signal::SIGKILL).unwrap();
    wait_for("the server to end", LIMIT, async || (!lives(killed)).then_some(())).await;
    let second = Cluster::start(&place, None, false).await.unwrap();
    let names = fs::read_dir(place.join("data")).unwrap().map(|entry| entry.unwrap().file_name());
    let sockets: Vec<_> =
        names.map(|name| name.into_string().unwrap()).filter(|name| name.starts_with(".s.")).collect();
    let own = format!(".s.PGSQL.{}", second.port());
    assert!(sockets.iter().all(|name| name.starts_with(&own)) && sockets.contains(&own), "{sockets:?}");
    second.stop().await.unwrap();
}

#[tokio::test]
async fn a_killed_owner_leaves_no_server() {
    let directory = directory();
    let (mut owner, server) = owner(directory.path()).await;
    assert!(lives(server));
    owner.kill().unwrap();
    owner.wait().unwrap();
    wait_for("the server to end", LIMIT, async || (!lives(server)).then_some(())).await;
    let cluster = Cluster::start(directory.path(), None, false).await.unwrap();
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_stayed_behind_is_stopped_before_a_new_start() {
    let directory = directory();
    let place = directory.path().join("postgres");
    let options = ClusterOptions { directory: place.clone(), port: None, durable: false, outlives_owner: true };
    let first = Cluster::start_with(options).await.unwrap();
    let orphan = first.pid();
    drop(first);
    assert!(lives(orphan));

    let second = Cluster::start(&place, None, false).await.unwrap();
    assert!(!lives(orphan));
    assert_ne!(second.pid(), orphan);
    second.stop().await.unwrap();
}

/// A program that has nothing to do with any server.
struct Stranger(Child);

impl Stranger {
    /// Of the same user as the server: a number of another user's process would not mislead PostgreSQL.
    fn of_the_owner_of(data: &Path) -> Self {
        let owner = fs::metadata(data).unwrap();
        let mut command = Command::new("sleep");
        command.arg("600").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.uid(owner.uid()).gid(owner.gid()).spawn().unwrap())
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_pid_file_that_names_another_program_stops_nobody() {
    let directory = directory();
    let place = directory.path().join("postgres");
    Cluster::start(&place, None, false).await.unwrap().stop().await.unwrap();
    // As after a restart of the machine: the number is another program's now.
    let mut stranger = Stranger::of_the_owner_of(&place.join("data"));
    let file = place.join("data/postmaster.pid");
    let canonical = place.canonicalize().unwrap();
    let text = format!(
        "{}\n{}\n1700000000\n5433\n\n127.0.0.1\n1 1\nready\n",
        stranger.0.id(),
        canonical.join("data").display()
    );
    fs::write(&file, text).unwrap();

    assert!(postgres::running(&place).unwrap().is_none());
    let cluster = Cluster::start(&place, None, false).await.unwrap();
    assert!(stranger.0.try_wait().unwrap().is_none(), "the stranger was ended");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_running_cluster_is_found_and_stopped_by_its_directory() {
    let directory = directory();
    let place = directory.path().join("postgres");
    assert!(postgres::running(&place).unwrap().is_none());
    let options = ClusterOptions { directory: place.clone(), port: None, durable: false, outlives_owner: true };
    let cluster = Cluster::start_with(options).await.unwrap();
    let found = postgres::running(&place).unwrap().unwrap();
    assert_eq!(found.get_port(), cluster.port());
    PgConnection::connect_with(&found).await.unwrap().close().await.unwrap();
    postgres::stop_running(&place).await.unwrap();
    assert!(!lives(cluster.pid()));
    assert!(postgres::running(&place).unwrap().is_none());
}

#[tokio::test]
async fn a_server_that_is_killed_comes_back_on_the_same_port() {
    let (cluster, _directory) = cluster().await;
    let cluster = Arc::new(cluster);
    let stop = CancellationToken::new();
    let watched = Arc::clone(&cluster);
    let watching = tokio::spawn({
        let stop = stop.clone();
        async move { watched.keep_running(stop).await }
    });
    let killed = cluster.pid();
    kill(Pid::from_raw(killed), Signal::SIGKILL).unwrap();
    wait_for("another server", LIMIT, async || (cluster.pid() != killed).then_some(())).await;
    let mut connection = PgConnection::connect_with(&cluster.options()).await.unwrap();
    connection.ping().await.unwrap();
    cluster.stop().await.unwrap();
    watching.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_servers_log_shows_no_value() {
    let (cluster, _directory) = cluster().await;
    let pool = superuser(&cluster).await;
    sqlx::raw_sql("create table secret (name text primary key)").execute(&pool).await.unwrap();
    for _ in 0..2 {
        let _ = sqlx::query("insert into secret values ($1)").bind("Paciente de Prueba").execute(&pool).await;
    }
    let _ = sqlx::raw_sql("select 'Paciente de Prueba' from nowhere").execute(&pool).await.unwrap_err();
    pool.close().await;
    cluster.stop().await.unwrap();
    let log = fs::read_to_string(cluster.directory().join("postgres.log")).unwrap();
    assert!(log.contains("duplicate key value"), "the error itself is logged: {log}");
    assert!(!log.contains("Paciente"), "{log}");
}

#[tokio::test]
async fn a_cluster_whose_password_is_lost_is_not_given_another() {
    let (cluster, _directory) = cluster().await;
    let place = cluster.directory().to_owned();
    cluster.stop().await.unwrap();
    drop(cluster);
    fs::remove_file(place.join("secrets/superuser")).unwrap();
    let error = Cluster::start(&place, None, false).await.unwrap_err();
    assert!(matches!(error, ClusterError::Secret(_)), "{error}");
    assert!(!place.join("secrets/superuser").exists());
}

#[tokio::test]
async fn a_cluster_does_not_show_its_password() {
    let (cluster, _directory) = cluster().await;
    let password = fs::read_to_string(cluster.directory().join("secrets/superuser")).unwrap();
    assert!(!format!("{cluster:?}").contains(password.trim()));
    cluster.stop().await.unwrap();
}
