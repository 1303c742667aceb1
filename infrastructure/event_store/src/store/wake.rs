//! Waking readers: at once after an append through this process, by polling for those of others.
//!
//! No `NOTIFY`: it takes a lock shared by the whole cluster until after the commit.
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

const SHORTEST: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_millis(250);

/// When something last happened, and who wants to know.
#[derive(Debug)]
pub(crate) struct Wake {
    started: Instant,
    /// Milliseconds after the start.
    last_activity: AtomicU64,
    appended: watch::Sender<()>,
}

impl Wake {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), last_activity: AtomicU64::new(0), appended: watch::Sender::new(()) }
    }

    /// Something may have been appended through this process, or what was is no longer held back.
    pub(crate) fn appended(&self) {
        self.active();
        self.appended.send_replace(());
    }

    /// Somebody read something new: more may follow soon.
    pub(crate) fn active(&self) {
        self.last_activity.store(self.now(), Ordering::Relaxed);
    }

    /// Waits for an append, or for a pause that grows with the silence. An append between a reader's last look and this
    /// call is less than a moment ago, so the pause is the shortest then.
    pub(crate) async fn wait(&self) {
        let mut appended = self.appended.subscribe();
        let silence = self.now().saturating_sub(self.last_activity.load(Ordering::Relaxed));
        let _woken = tokio::time::timeout(pause(Duration::from_millis(silence)), appended.changed()).await;
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// A quarter of the silence, within bounds.
fn pause(silence: Duration) -> Duration {
    (silence / 4).clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polling_slows_down_from_5_to_250_milliseconds() {
        assert_eq!(pause(Duration::ZERO), SHORTEST);
        assert_eq!(pause(Duration::from_millis(400)), Duration::from_millis(100));
        assert_eq!(pause(Duration::from_secs(3600)), LONGEST);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_waits_longer_the_longer_nothing_happened() {
        let wake = Wake::new();
        tokio::time::advance(Duration::from_millis(400)).await;
        for (expected, then_active) in [(100, true), (5, false)] {
            let begun = Instant::now();
            wake.wait().await;
            assert_eq!(begun.elapsed().as_millis(), expected);
            if then_active {
                wake.active();
            }
        }
    }

    #[tokio::test]
    async fn a_waiting_reader_wakes_at_an_append() {
        let wake = Wake::new();
        // A long silence: without the append the wait takes a quarter of a second.
        let wake = Wake { started: wake.started - Duration::from_secs(60), ..wake };
        let begun = Instant::now();
        tokio::join!(wake.wait(), async {
            tokio::task::yield_now().await;
            wake.appended();
        });
        assert!(begun.elapsed() < LONGEST, "{:?}", begun.elapsed());
    }
}
