//! The process's tasks: named, restarted when they fail, stopped together.
//!
//! What always holds:
//! 1. a task that fails or panics is started again, after a pause that grows from 100 ms to 5 s;
//! 2. what a panic said is never logged: it may hold a patient's data;
//! 3. after [`Supervisor::stop`] no task of it runs any more;
//! 4. a fatal failure is never restarted: it stops every task and is told to who waits for [`Supervisor::failure`].
use domain_kernel::BoxFuture;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
pub use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The pause before the first restart; doubled at each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A task that ran this long had recovered: its next failure is a first one.
const RECOVERED: Duration = Duration::from_secs(30);
/// How long [`Supervisor::stop`] waits for the tasks before it ends them.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// Why a task ended before it was told to.
pub type TaskError = Box<dyn Error + Send + Sync>;

/// Runs tasks. Cheap to clone; clones share the tasks.
#[derive(Clone)]
pub struct Supervisor {
    shared: Arc<Shared>,
}

struct Shared {
    token: CancellationToken,
    tasks: TaskTracker,
    running: Mutex<Vec<&'static str>>,
    failure: watch::Sender<Option<FatalFailure>>,
    stop_limit: Duration,
    /// Cancelled when the limit has passed: what still runs then is dropped where it stands.
    abandon: CancellationToken,
}

/// Wraps an error after which a restart would do no good (wrong key, damaged data): the process should end.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Fatal(#[source] pub TaskError);

impl Fatal {
    /// `error`, not to be tried again.
    pub fn new(error: impl Into<TaskError>) -> Self {
        Self(error.into())
    }
}

/// A task failed for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FatalFailure {
    /// Which task.
    pub task: &'static str,
    /// Why; a panic's message is not told.
    pub reason: String,
}

impl fmt::Display for FatalFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed for good: {}", self.task, self.reason)
    }
}

/// How a stop went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// The tasks that did not end within the limit and were dropped where they stood.
    pub unfinished: Vec<&'static str>,
}

impl Default for Supervisor {
    fn default() -> Self {
        Self::new()
    }
}

impl Supervisor {
    /// Without tasks; stops within ten seconds.
    #[must_use]
    pub fn new() -> Self {
        Self::stopping_within(STOP_LIMIT)
    }

    /// Without tasks; [`Self::stop`] gives them `limit` to end by themselves.
    #[must_use]
    pub fn stopping_within(limit: Duration) -> Self {
        let shared = Shared {
            token: CancellationToken::new(),
            tasks: TaskTracker::new(),
            running: Mutex::new(Vec::new()),
            failure: watch::Sender::new(None),
            stop_limit: limit,
            abandon: CancellationToken::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Runs `work` until it returns `Ok` or everything stops. It is given the token to watch; when it fails or panics
    /// it is called again.
    pub fn spawn(
        &self,
        name: &'static str,
        work: impl Fn(CancellationToken) -> BoxFuture<'static, Result<(), TaskError>> + Send + Sync + 'static,
    ) {
        let supervisor = self.clone();
        self.track(name, async move {
            let mut pause = FIRST_PAUSE;
            loop {
                let begun = Instant::now();
                let Some(failed) = supervisor.attempt(name, work(supervisor.token())).await else { return };
                if failed.fatal {
                    supervisor.fail(name, failed.reason);
                    return;
                }
                if begun.elapsed() >= RECOVERED {
                    pause = FIRST_PAUSE;
                }
                ::metrics::counter!("historia_task_restarts_total", "task" => name).increment(1);
                tracing::warn!(
                    task = name,
                    reason = failed.reason,
                    pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
                    "a task failed and will be restarted"
                );
                if supervisor.shared.token.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                    return;
                }
                pause = LONGEST_PAUSE.min(pause * 2);
            }
        });
    }

    /// Runs `work` once: any failure and any panic of it is fatal.
    pub fn spawn_once(
        &self,
        name: &'static str,
        work: impl FnOnce(CancellationToken) -> BoxFuture<'static, Result<(), TaskError>> + Send + 'static,
    ) {
        let supervisor = self.clone();
        self.track(name, async move {
            if let Some(failed) = supervisor.attempt(name, work(supervisor.token())).await {
                supervisor.fail(name, failed.reason);
            }
        });
    }

    /// Cancelled when everything should stop.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.shared.token.clone()
    }

    /// Resolves when a task failed for good; never otherwise. The tasks are told to stop by then.
    pub async fn failure(&self) -> FatalFailure {
        let mut failures = self.shared.failure.subscribe();
        loop {
            if let Some(failure) = failures.borrow_and_update().clone() {
                return failure;
            }
            if failures.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Tells every task to stop and waits for them, within the limit; what still runs then is dropped.
    pub async fn stop(&self) -> Stopped {
        let shared = &self.shared;
        shared.token.cancel();
        shared.tasks.close();
        if tokio::time::timeout(shared.stop_limit, shared.tasks.wait()).await.is_ok() {
            return Stopped { unfinished: Vec::new() };
        }
        let unfinished = shared.running.lock().unwrap_or_else(PoisonError::into_inner).clone();
        tracing::warn!(tasks = ?unfinished, "tasks did not stop in time and are dropped");
        shared.abandon.cancel();
        shared.tasks.wait().await;
        Stopped { unfinished }
    }

    fn track(&self, name: &'static str, run: impl Future<Output = ()> + Send + 'static) {
        let shared = Arc::clone(&self.shared);
        if shared.token.is_cancelled() {
            return;
        }
        shared.running.lock().unwrap_or_else(PoisonError::into_inner).push(name);
        self.shared.tasks.spawn(async move {
            shared.abandon.run_until_cancelled(run).await;
            let mut running = shared.running.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(index) = running.iter().position(|running| *running == name) {
                running.swap_remove(index);
            }
        });
    }

    /// One run of a task; `None` when it is done or everything stops.
    async fn attempt(&self, name: &'static str, work: BoxFuture<'static, Result<(), TaskError>>) -> Option<Failed> {
        // A task of its own, so that a panic ends the work and not who watches it.
        let mut run = AbortOnDrop(tokio::spawn(work));
        let failed = match (&mut run.0).await {
            Ok(Ok(())) => {
                tracing::debug!(task = name, "a task is done");
                return None;
            }
            Ok(Err(error)) => Failed { reason: chain(&*error), fatal: error.is::<Fatal>() },
            Err(_) => Failed { reason: "it panicked".to_owned(), fatal: false },
        };
        if self.shared.token.is_cancelled() && !failed.fatal {
            tracing::debug!(task = name, reason = failed.reason, "a task failed while everything stops");
            return None;
        }
        Some(failed)
    }

    fn fail(&self, task: &'static str, reason: String) {
        tracing::error!(task, reason, "a task failed for good: everything stops");
        self.shared.failure.send_if_modified(|failure| {
            let first = failure.is_none();
            if first {
                *failure = Some(FatalFailure { task, reason });
            }
            first
        });
        self.shared.token.cancel();
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let running = self.shared.running.lock().unwrap_or_else(PoisonError::into_inner).clone();
        f.debug_struct("Supervisor").field("running", &running).finish_non_exhaustive()
    }
}

struct Failed {
    reason: String,
    fatal: bool,
}

struct AbortOnDrop(tokio::task::JoinHandle<Result<(), TaskError>>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// An error with its causes, in one line.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Some wrappers repeat their source's words as their own.
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text.replace('\n', " ")
}
