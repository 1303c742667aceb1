//! Sends what is due.
//!
//! It is told of every request as soon as that is appended, keeps the moments of its own retries, and looks into the
//! read model now and then for whatever it was not told of: after a start, a crash, a dropped hint. All three ways lead
//! to the same delivery, which decides from the stream alone, so being told too often does no harm.
mod delivery;

pub(crate) use delivery::Deliveries;

use crate::desk::Desk;
use crate::due::{DueHintReceiver, DueList};
use domain_kernel::ports::Clock;
use domain_kernel::{StreamId, Timestamp};
use infra_runtime::CancellationToken;
use infra_runtime::supervisor::TaskError;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How many due notifications one look takes.
const LOOK: i64 = 1_000;
/// The longest sleep until something known is due; the clock of a test may jump.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// The worker that sends.
pub(crate) struct Sender {
    pub(crate) deliveries: Arc<Deliveries>,
    pub(crate) hints: Mutex<DueHintReceiver>,
    pub(crate) desk: Arc<dyn Desk>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) in_flight: usize,
    pub(crate) look_every: Duration,
}

/// A notification that was looked at, and when to look again.
type Looked = (StreamId, Option<Timestamp>);

impl Sender {
    /// Sends until everything stops; then lets the mails that are on their way arrive.
    pub(crate) async fn run(&self, stop: CancellationToken) -> Result<(), TaskError> {
        let mut hints = self.hints.lock().await;
        let mut due = DueList::default();
        let mut under_way = HashSet::new();
        let mut deliveries: JoinSet<Looked> = JoinSet::new();
        let mut next_look = Instant::now();
        loop {
            self.start(&mut due, &mut under_way, &mut deliveries);
            // With all hands full the end of a delivery is what to wait for.
            let sleep = if deliveries.len() < self.in_flight { self.sleep(&due) } else { LONGEST_SLEEP };
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(looked) = deliveries.join_next(), if !deliveries.is_empty() => {
                    let (notification, again) = looked?;
                    under_way.remove(&notification);
                    if let Some(at) = again {
                        due.put(at, notification);
                    }
                }
                Some((at, notification)) = hints.recv() => due.put(at, notification),
                () = tokio::time::sleep_until(next_look) => {
                    self.look(&mut due).await;
                    next_look = Instant::now() + self.look_every;
                }
                () = tokio::time::sleep(sleep) => {}
            }
        }
        while deliveries.join_next().await.is_some() {}
        Ok(())
    }

    fn start(&self, due: &mut DueList, under_way: &mut HashSet<StreamId>, deliveries: &mut JoinSet<Looked>) {
        let now = self.clock.now();
        while deliveries.len() < self.in_flight {
            let Some(notification) = due.take(now) else { return };
            if under_way.insert(notification) {
                let work = Arc::clone(&self.deliveries);
                deliveries.spawn(async move { (notification, work.deliver(notification).await) });
            }
        }
    }

    /// Takes up what the read model says is due. What is under way already is looked at once more and found settled.
    async fn look(&self, due: &mut DueList) {
        let now = self.clock.now();
        match self.desk.due(now, LOOK).await {
            Ok(found) => {
                for (at, notification) in found {
                    // What was asked for when the clock was ahead is due as well.
                    due.put(at.min(now), notification);
                }
            }
            Err(error) => tracing::warn!(error = %error, "the sender cannot see what is due"),
        }
    }

    fn sleep(&self, due: &DueList) -> Duration {
        let Some(next) = due.next() else { return LONGEST_SLEEP };
        let micros = u64::try_from(next.0.saturating_sub(self.clock.now().0)).unwrap_or(0);
        Duration::from_micros(micros).min(LONGEST_SLEEP)
    }
}
