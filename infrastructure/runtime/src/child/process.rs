//! A server's process and the thread that waits for it.
//!
//! The kernel sends the death signal when the *thread* that started the child ends, so that thread does nothing but
//! wait for the child: it lives exactly as long as the server, or the whole process.
use super::ChildError;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::io;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

/// What is tried in turn to end a server, and how long each may take.
pub(crate) type Steps = &'static [(Signal, Duration)];

/// The pause between two looks at a server that another process started.
const PAUSE: Duration = Duration::from_millis(20);

/// A server that this process started. Dropping it asks the server to stop, with the first of its steps, unless it is
/// to outlive us.
#[derive(Debug)]
pub(crate) struct Process {
    pid: Pid,
    ended: watch::Receiver<bool>,
    told_to_stop: AtomicBool,
    steps: Steps,
    dies_with_us: bool,
}

impl Process {
    /// Starts `command`, whose thread is called `name`; what it says goes to `log`; `steps` end it.
    pub(crate) async fn start(
        name: &str,
        mut command: Command,
        log: File,
        steps: Steps,
        dies_with_us: bool,
    ) -> io::Result<Self> {
        let (started, start) = oneshot::channel();
        let (ended, end) = watch::channel(false);
        command.stdout(log.try_clone()?).stderr(log);
        std::thread::Builder::new().name(name.to_owned()).spawn(move || match command.spawn() {
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
        Ok(Self { pid, ended: end, told_to_stop: AtomicBool::new(false), steps, dies_with_us })
    }

    pub(crate) fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    pub(crate) fn is_told_to_stop(&self) -> bool {
        self.told_to_stop.load(Ordering::SeqCst)
    }

    /// Resolves when the server is gone.
    pub(crate) fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut ended = self.ended.clone();
        async move {
            // A sender that is gone is a thread that is gone, and with it the server.
            let _ = ended.wait_for(|ended| *ended).await;
        }
    }

    /// Ends the server at once, as a crash would; resolves when it is gone.
    pub(crate) fn kill(&self) -> impl Future<Output = ()> + Send + use<> {
        self.told_to_stop.store(true, Ordering::SeqCst);
        if !*self.ended.borrow() {
            let _ = kill(self.pid, Signal::SIGKILL);
        }
        self.ended()
    }

    /// Asks the server to stop, harder each time; resolves when it is gone.
    pub(crate) fn stop(&self) -> impl Future<Output = Result<(), ChildError>> + Send + use<> {
        self.told_to_stop.store(true, Ordering::SeqCst);
        let (pid, ended, steps) = (self.pid, self.ended.clone(), self.steps);
        async move {
            for &(signal, limit) in steps {
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
            Err(ChildError::NotStopped { pid: pid.as_raw() })
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.dies_with_us
            && !self.is_told_to_stop()
            && !*self.ended.borrow()
            && let Some(&(signal, _)) = self.steps.first()
        {
            let _ = kill(self.pid, signal);
        }
    }
}

/// Stops a server that another process started: each of `steps` until `is_running` denies it.
pub(crate) async fn stop_found(
    pid: i32,
    steps: &[(Signal, Duration)],
    is_running: impl Fn() -> bool,
) -> Result<(), ChildError> {
    for &(signal, limit) in steps {
        let begun = Instant::now();
        if is_running() {
            let _ = kill(Pid::from_raw(pid), signal);
        }
        while begun.elapsed() < limit {
            if !is_running() {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    Err(ChildError::NotStopped { pid })
}

/// The command line of a process; empty when there is none, and when it ended and was not yet collected by its parent.
pub(crate) fn words(pid: i32) -> Vec<Vec<u8>> {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect()
}
