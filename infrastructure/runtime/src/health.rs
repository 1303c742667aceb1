//! Whether the process can do its work now: named checks, asked together, each within its own deadline.
//!
//! The answers are kept for half a second, so that a storm of questions to `/readyz` is not a storm on the database.
use domain_kernel::BoxFuture;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How long a probe may take; a dependency that answers slower is as good as gone to a waiting client.
const DEADLINE: Duration = Duration::from_millis(800);
/// How long a report is given again.
const FRESH: Duration = Duration::from_millis(500);

type Probe = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// The readiness checks of one process (or of one service in it). Cheap to clone; clones share the checks.
#[derive(Clone, Default)]
pub struct Health {
    probes: Arc<Mutex<Vec<(String, Probe)>>>,
    last: Arc<tokio::sync::Mutex<Option<(Instant, Report)>>>,
}

/// What the checks said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// In the order of registration.
    pub checks: Vec<Check>,
}

/// What one check said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name, such as `database`.
    pub name: String,
    /// How it went.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
}

/// How a check went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It works.
    Passed,
    /// It does not; the reason is never confidential.
    Failed(String),
    /// No answer in time: "could not be checked" is not "healthy".
    TimedOut,
}

impl Report {
    /// Whether every check passed.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.checks.iter().all(|check| check.outcome == Outcome::Passed)
    }
}

impl Health {
    /// No checks: ready.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a check; one of the same name is replaced. The probe's error is shown to whoever may ask, so it names what
    /// does not work and nothing else.
    pub fn register(
        &self,
        name: impl Into<String>,
        probe: impl Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync + 'static,
    ) {
        let name = name.into();
        let mut probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        probes.retain(|(registered, _)| *registered != name);
        probes.push((name, Arc::new(probe)));
    }

    /// Asks every check, or gives the report of a moment ago.
    pub async fn report(&self) -> Report {
        let mut last = self.last.lock().await;
        if let Some((at, report)) = &*last
            && at.elapsed() < FRESH
        {
            return report.clone();
        }
        let report = self.ask().await;
        *last = Some((Instant::now(), report.clone()));
        report
    }

    async fn ask(&self) -> Report {
        let probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut running = JoinSet::new();
        for (index, (_, probe)) in probes.iter().enumerate() {
            let probe = Arc::clone(probe);
            running.spawn(async move {
                let begun = Instant::now();
                let outcome = match tokio::time::timeout(DEADLINE, probe()).await {
                    Ok(Ok(())) => Outcome::Passed,
                    Ok(Err(reason)) => Outcome::Failed(reason),
                    Err(_) => Outcome::TimedOut,
                };
                (index, outcome, begun.elapsed())
            });
        }
        // A probe that panicked never answers: it stays what it was taken for here.
        let mut checks: Vec<Check> = probes
            .iter()
            .map(|(name, _)| Check {
                name: name.clone(),
                outcome: Outcome::Failed("the check itself failed".to_owned()),
                took: Duration::ZERO,
            })
            .collect();
        while let Some(answer) = running.join_next().await {
            if let Ok((index, outcome, took)) = answer
                && let Some(check) = checks.get_mut(index)
            {
                check.outcome = outcome;
                check.took = took;
            }
        }
        Report { checks }
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> =
            self.probes.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(name, _)| name.clone()).collect();
        f.debug_struct("Health").field("checks", &names).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn one_failing_check_makes_the_process_unready() {
        let health = Health::new();
        health.register("database", || Box::pin(async { Ok(()) }));
        assert!(health.ask().await.is_ready());
        health.register("bus", || Box::pin(async { Err("no connection".to_owned()) }));
        let report = health.ask().await;
        assert!(!report.is_ready());
        let outcomes: Vec<_> = report.checks.iter().map(|check| (check.name.as_str(), &check.outcome)).collect();
        let failed = Outcome::Failed("no connection".to_owned());
        assert_eq!(outcomes, [("database", &Outcome::Passed), ("bus", &failed)]);
    }

    #[tokio::test]
    async fn a_check_that_hangs_is_not_healthy() {
        let health = Health::new();
        health.register("bus", || Box::pin(std::future::pending()));
        assert_eq!(health.ask().await.checks[0].outcome, Outcome::TimedOut);
    }

    #[tokio::test]
    async fn a_check_that_panics_is_not_healthy() {
        let health = Health::new();
        health.register("bus", || Box::pin(async { panic!("no") }));
        assert!(!health.ask().await.is_ready());
    }

    #[tokio::test]
    async fn many_questions_at_once_ask_the_checks_once() {
        let health = Health::new();
        let asked = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&asked);
        health.register("database", move || {
            counter.fetch_add(1, Ordering::SeqCst);
            Box::pin(async { Ok(()) })
        });
        for _ in 0..5 {
            health.report().await;
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}
