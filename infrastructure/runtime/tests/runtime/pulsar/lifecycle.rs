//! How a broker starts and ends, and what it keeps.
use super::SCHEMA;
use crate::scratch::{LIMIT, directory, lives};
use infra_runtime::pulsar::{self, PulsarError, Standalone, StandaloneOptions};
use infra_testkit::pulsar::{TestNamespace, is_skipped, own_broker};
use infra_testkit::wait_for;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A start and a stop, even on a busy machine.
const START: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(20);

const OWNED: &str = "HISTORIA_TEST_BROKER";

fn options(directory: &Path) -> StandaloneOptions {
    StandaloneOptions { durable: false, ..StandaloneOptions::new(directory) }
}

#[tokio::test]
async fn data_survives_a_stop_a_crash_and_an_owner_that_is_gone() {
    // Durable, as in production.
    let Some(own) = own_broker(|options| (options.durable, options.outlives_owner) = (true, true)).await else {
        return;
    };
    let first = own.broker();
    let topic = own.namespace().await.namespace.topic("event-user").unwrap();
    let admin = first.admin().unwrap();
    admin.create_topic(&topic, 0).await.unwrap();
    admin.register_schema(&topic, SCHEMA).await.unwrap();
    let kept = admin.schemas(&topic).await.unwrap();
    assert_eq!(kept[0].data, SCHEMA);

    // A crash: the same broker comes back, where clients look for it.
    let (crashed, url) = (first.pid(), first.service_url());
    first.kill().await;
    assert!(!lives(crashed));
    assert!(pulsar::running(first.directory()).is_none());
    first.start_again().await.unwrap();
    assert_eq!(first.service_url(), url);
    assert_eq!(admin.schemas(&topic).await.unwrap(), kept);

    // Only one owner at a time, whose broker others can find.
    let error = Standalone::start(options(first.directory())).await.unwrap_err();
    let PulsarError::InUse { owner, .. } = &error else { panic!("{error}") };
    assert_eq!(*owner, std::process::id().to_string());
    assert!(!error.to_string().contains('\n'));
    let found = pulsar::running(first.directory()).unwrap();
    assert_eq!((found.pid, &found.service_url), (first.pid(), &url));

    let begun = Instant::now();
    let stopped = first.pid();
    first.stop().await.unwrap();
    assert!(!lives(stopped) && begun.elapsed() < STOP, "{:?}", begun.elapsed());
    first.start_again().await.unwrap();
    admin.health().await.unwrap();
    assert_eq!(admin.schemas(&topic).await.unwrap(), kept);
    pulsar::stop_running(first.directory()).await.unwrap();
    assert!(pulsar::running(first.directory()).is_none());
}

#[tokio::test]
async fn a_broker_is_ready_within_bounds_listens_here_alone_and_is_not_root() {
    let begun = Instant::now();
    let Some(own) = own_broker(|_| {}).await else { return };
    assert!(begun.elapsed() < START, "{:?}", begun.elapsed());
    let broker = own.broker();
    assert_ne!(fs::metadata(format!("/proc/{}", broker.pid())).unwrap().uid(), 0);
    let open = listening(broker.pid());
    // Clients, admin, and the bookie.
    assert_eq!(open.len(), 3, "{open:?}");
    assert!(open.iter().all(|(loopback, port)| *loopback && *port != 8080), "{open:?}");
    let ours = |url: String| url.rsplit(':').next().unwrap().parse::<u16>().unwrap();
    for port in [ours(broker.service_url()), ours(broker.admin_url())] {
        assert!(open.contains(&(true, port)), "{port} is not in {open:?}");
    }
}

/// The listening TCP sockets of a process: whether each is this machine's alone, and its port.
fn listening(pid: i32) -> Vec<(bool, u16)> {
    let links =
        fs::read_dir(format!("/proc/{pid}/fd")).unwrap().filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    let sockets: Vec<String> = links
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.trim_end_matches(']').to_owned()))
        .collect();
    let table = ["tcp", "tcp6"].map(|name| fs::read_to_string(format!("/proc/{pid}/net/{name}")).unwrap()).concat();
    let listening = table.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        // `0A` is LISTEN.
        if fields.get(3) != Some(&"0A") || !sockets.iter().any(|inode| fields.get(9) == Some(&inode.as_str())) {
            return None;
        }
        let (address, port) = fields[1].split_once(':')?;
        // 127.0.0.1, plain or as an IPv6 address, in the byte order of the kernel's table.
        let loopback = ["0100007F", "0000000000000000FFFF00000100007F"].contains(&address);
        Some((loopback, u16::from_str_radix(port, 16).ok()?))
    });
    listening.collect()
}

/// Not a test of its own: the process that the test below starts, and kills.
#[tokio::test]
async fn an_owner_that_another_test_kills() {
    let Some(directory) = std::env::var_os(OWNED).map(PathBuf::from) else { return };
    let broker = Standalone::start(options(&directory)).await.unwrap();
    fs::write(directory.join("pid.new"), broker.pid().to_string()).unwrap();
    fs::rename(directory.join("pid.new"), directory.join("pid")).unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_killed_owner_leaves_no_java() {
    if is_skipped() {
        return;
    }
    let directory = directory();
    let mut owner: Child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "pulsar::lifecycle::an_owner_that_another_test_kills"])
        .env(OWNED, directory.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let pid = directory.path().join("pid");
    let java = wait_for("the owner's broker", START, async || fs::read_to_string(&pid).ok()).await.parse().unwrap();
    assert!(lives(java));
    owner.kill().unwrap();
    owner.wait().unwrap();
    wait_for("Java to end", LIMIT, async || (!lives(java)).then_some(())).await;
}

#[tokio::test]
async fn a_broker_that_stayed_behind_is_stopped_before_a_new_start() {
    if is_skipped() {
        return;
    }
    let directory = directory();
    let place = directory.path().join("pulsar");
    let first = Standalone::start(StandaloneOptions { outlives_owner: true, ..options(&place) }).await.unwrap();
    let (orphan, ports) = (first.pid(), (first.service_url(), first.admin_url()));
    let test = TestNamespace::on(&first.service_url(), first.admin().unwrap()).await;
    let topic = test.namespace.topic("event-user").unwrap();
    test.admin.create_topic(&topic, 2).await.unwrap();
    drop(first);
    assert!(lives(orphan));

    let second = Standalone::start(options(&place)).await.unwrap();
    assert!(!lives(orphan));
    // What is configured with its address still finds it.
    assert_eq!((second.service_url(), second.admin_url()), ports);
    assert_eq!(second.admin().unwrap().partitions(&topic).await.unwrap(), 2);
    second.stop().await.unwrap();
}

#[tokio::test]
async fn a_pid_file_that_names_another_program_stops_nobody() {
    let directory = directory();
    let mut stranger = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap();
    fs::write(directory.path().join("pulsar.pid"), format!("{}\n6650\n8088\nready\n", stranger.id())).unwrap();
    assert!(pulsar::running(directory.path()).is_none());
    pulsar::stop_running(directory.path()).await.unwrap();
    let alive = stranger.try_wait().unwrap().is_none();
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    assert!(alive, "the stranger was ended");
}

#[tokio::test]
async fn a_port_in_use_is_refused_in_one_line() {
    if is_skipped() {
        return;
    }
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let directory = directory();
    let mut options = options(&directory.path().join("pulsar"));
    options.admin_port = Some(port);
    let error = Standalone::start(options.clone()).await.unwrap_err();
    assert!(matches!(error, PulsarError::PortInUse { port: refused } if refused == port), "{error}");
    assert!(!error.to_string().contains('\n'));
    // The platform's own port is not given away even while nobody uses it.
    options.admin_port = Some(8080);
    let error = Standalone::start(options).await.unwrap_err();
    assert!(matches!(error, PulsarError::PortReserved), "{error}");
}
