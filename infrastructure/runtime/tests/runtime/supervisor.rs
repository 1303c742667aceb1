//! Tasks: restarted, stopped together, and silent about what a panic said.
use crate::scratch::LIMIT;
use infra_runtime::Supervisor;
use infra_runtime::supervisor::Fatal;
use infra_testkit::wait_for;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tracing_subscriber::fmt::MakeWriter;

fn counter() -> (Arc<AtomicU32>, Arc<AtomicU32>) {
    let counter = Arc::new(AtomicU32::new(0));
    (Arc::clone(&counter), counter)
}

#[tokio::test]
async fn a_task_that_fails_is_started_again() {
    let supervisor = Supervisor::new();
    let (runs, counted) = counter();
    supervisor.spawn("flaky", move |_| {
        let run = counted.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move { if run < 2 { Err("not yet".into()) } else { Ok(()) } })
    });
    wait_for("the third run", LIMIT, async || (runs.load(Ordering::SeqCst) == 3).then_some(())).await;
    assert!(supervisor.stop().await.unfinished.is_empty());
    assert_eq!(runs.load(Ordering::SeqCst), 3, "a task that is done is not started again");
}

#[tokio::test]
async fn a_task_that_panics_is_started_again() {
    let supervisor = Supervisor::new();
    let (runs, counted) = counter();
    supervisor.spawn("panicking", move |_| {
        let run = counted.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            assert!(run > 0, "the first run");
            Ok(())
        })
    });
    wait_for("the second run", LIMIT, async || (runs.load(Ordering::SeqCst) == 2).then_some(())).await;
    supervisor.stop().await;
}

#[tokio::test]
async fn the_pause_before_a_restart_grows() {
    let supervisor = Supervisor::new();
    let starts = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&starts);
    supervisor.spawn("failing", move |_| {
        seen.lock().unwrap().push(Instant::now());
        Box::pin(async { Err("always".into()) })
    });
    let starts = wait_for("four runs", LIMIT, async || {
        let starts = starts.lock().unwrap().clone();
        (starts.len() >= 4).then_some(starts)
    })
    .await;
    supervisor.stop().await;
    let pauses: Vec<Duration> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (pause, least) in pauses.iter().zip([100, 200, 400]) {
        assert!(*pause >= Duration::from_millis(least), "{pauses:?}");
    }
}

#[tokio::test]
async fn a_fatal_failure_is_not_repeated_and_stops_everything() {
    let supervisor = Supervisor::new();
    let (runs, counted) = counter();
    let (stopped, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let mark = Arc::clone(&stopped);
    supervisor.spawn("other", move |stop| {
        let mark = Arc::clone(&mark);
        Box::pin(async move {
            stop.cancelled().await;
            mark.store(true, Ordering::SeqCst);
            Ok(())
        })
    });
    supervisor.spawn("broken", move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Err(Fatal::new(io::Error::other("the key is wrong")).into()) })
    });
    let failure = supervisor.failure().await;
    seen.store(true, Ordering::SeqCst);
    assert_eq!((failure.task, failure.reason.as_str()), ("broken", "the key is wrong"));
    supervisor.stop().await;
    assert!(stopped.load(Ordering::SeqCst) && seen.load(Ordering::SeqCst));
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_task_that_may_run_only_once_fails_for_good() {
    let supervisor = Supervisor::new();
    supervisor.spawn_once("listener", |_| Box::pin(async { panic!("the port is gone") }));
    let failure = supervisor.failure().await;
    assert_eq!((failure.task, failure.reason.as_str()), ("listener", "it panicked"));
    supervisor.stop().await;
}

#[tokio::test]
async fn a_stop_waits_for_tasks_that_end_in_time() {
    let supervisor = Supervisor::new();
    let finished = Arc::new(AtomicBool::new(false));
    let mark = Arc::clone(&finished);
    supervisor.spawn("tidy", move |stop| {
        let mark = Arc::clone(&mark);
        Box::pin(async move {
            stop.cancelled().await;
            tokio::task::yield_now().await;
            mark.store(true, Ordering::SeqCst);
            Ok(())
        })
    });
    assert!(supervisor.stop().await.unfinished.is_empty());
    assert!(finished.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_stop_drops_what_does_not_end_within_the_limit() {
    struct Mark(Arc<AtomicBool>);
    impl Drop for Mark {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let supervisor = Supervisor::stopping_within(Duration::from_millis(50));
    let dropped = Arc::new(AtomicBool::new(false));
    let mark = Arc::clone(&dropped);
    let (started, begun) = tokio::sync::oneshot::channel();
    supervisor.spawn_once("deaf", move |_| {
        let mark = Mark(mark);
        Box::pin(async move {
            let _mark = mark;
            started.send(()).unwrap();
            std::future::pending::<()>().await;
            Ok(())
        })
    });
    begun.await.unwrap();
    assert_eq!(supervisor.stop().await.unfinished, ["deaf"]);
    wait_for("the task to be dropped", LIMIT, async || dropped.load(Ordering::SeqCst).then_some(())).await;
}

#[tokio::test]
async fn nothing_starts_after_a_stop() {
    let supervisor = Supervisor::new();
    supervisor.stop().await;
    let (runs, counted) = counter();
    supervisor.spawn("late", move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(()) })
    });
    tokio::task::yield_now().await;
    assert_eq!(runs.load(Ordering::SeqCst), 0);
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn what_a_panic_said_is_not_logged() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(lines.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let supervisor = Supervisor::new();
    supervisor.spawn_once("reader", |_| Box::pin(async { panic!("Paciente de Prueba") }));
    supervisor.failure().await;
    supervisor.stop().await;
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("reader") && log.contains("panicked"), "{log}");
    assert!(!log.contains("Paciente"), "{log}");
}
