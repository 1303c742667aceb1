//! The server's process and the thread that waits for it.
//!
//! The kernel sends the death signal when the *thread* that started the child ends, so that thread does nothing but
//! wait for the child: it lives exactly as long as the server, or the whole process.
use super::ClusterError;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::io;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// What is tried in turn to end the server, and how long each may take: fast shutdown, immediate shutdown, the end.
const STEPS: [(Signal, Duration); 3] = [
    (Signal::SIGINT, Duration::from_secs(60)),
    (Signal::SIGQUIT, Duration::from_secs(10)),
    (Signal::SIGKILL, Duration::from_secs(5)),
];

/// A server that this process started. Dropping it asks the server to stop, unless it is to outlive us.
#[derive(Debug)]
pub(super) struct Process {
    pid: Pid,
    ended: watch::Receiver<bool>,
    told_to_stop: AtomicBool,
    dies_with_us: bool,
}

impl Process {
    /// Starts `command`; what it says goes to `log`.
    pub(super) async fn start(mut command: Command, log: File, dies_with_us: bool) -> io::Result<Self> {
        let (started, start) = oneshot::channel();
        let (ended, end) = watch::channel(false);
        command.stdout(log.try_clone()?).stderr(log);
        std::thread::Builder::new().name("postgres".to_owned()).spawn(move || match command.spawn() {
            Ok(mut child) => {
                // The command holds the log's file; the server has its own copy.
                drop(command);
                let _ = started.send(Ok(child.id()));
                let _ = child.wait();
                let _ = ended.send(true);
            }
            Err(error) => {
                let _ = started.send(Err(error));
            }
        })?;
        let pid = start.await.map_err(|_| io::Error::other("the server's thread ended"))??;
        let pid = Pid::from_raw(i32::try_from(pid).map_err(io::Error::other)?);
        Ok(Self { pid, ended: end, told_to_stop: AtomicBool::new(false), dies_with_us })
    }

    pub(super) fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    pub(super) fn is_told_to_stop(&self) -> bool {
        self.told_to_stop.load(Ordering::SeqCst)
    }

    /// Resolves when the server is gone.
    pub(super) fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut ended = self.ended.clone();
        async move {
            // A sender that is gone is a thread that is gone, and with it the server.
            let _ = ended.wait_for(|ended| *ended).await;
        }
    }

    /// Asks the server to stop, harder each time; resolves when it is gone.
    pub(super) fn stop(&self) -> impl Future<Output = Result<(), ClusterError>> + Send + use<> {
        self.told_to_stop.store(true, Ordering::SeqCst);
        let (pid, ended) = (self.pid, self.ended.clone());
        async move {
            for (signal, limit) in STEPS {
                // Never a signal to a number that may be another program's by now.
                if *ended.borrow() {
                    return Ok(());
                }
                let _ = kill(pid, signal);
                let mut ended = ended.clone();
                if tokio::time::timeout(limit, ended.wait_for(|ended| *ended)).await.is_ok() {
                    return Ok(());
                }
            }
            Err(ClusterError::NotStopped { pid: pid.as_raw() })
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.dies_with_us && !self.is_told_to_stop() && !*self.ended.borrow() {
            let _ = kill(self.pid, Signal::SIGINT);
        }
    }
}
