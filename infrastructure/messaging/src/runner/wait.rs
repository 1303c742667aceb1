//! How long a consumer waits. All waits are tokio's, so a test can stop and move the clock.
use domain_kernel::ports::Clock;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// How often a transient failure is tried in place.
pub(super) const ATTEMPTS: u32 = 3;
/// The wait after the first failed attempt; doubled after the second.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(200);
/// The first pause of an outage; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause of an outage.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Waits after failed attempt number `failed` of those in place: 200 ms, then 400 ms, each with up to a quarter more.
pub(super) async fn between_attempts(failed: u32, clock: &Arc<dyn Clock>) {
    let wait = BETWEEN_ATTEMPTS * 2_u32.saturating_pow(failed.saturating_sub(1));
    sleep(with_jitter(wait, clock)).await;
}

/// The growing pause of an outage.
pub(super) struct Pause<'a> {
    next: Duration,
    clock: &'a Arc<dyn Clock>,
}

impl<'a> Pause<'a> {
    pub(super) fn new(clock: &'a Arc<dyn Clock>) -> Self {
        Self { next: FIRST_PAUSE, clock }
    }

    /// Waits; longer the next time.
    pub(super) async fn wait(&mut self) {
        sleep(with_jitter(self.next, self.clock)).await;
        self.next = (self.next * 2).min(LONGEST_PAUSE);
    }

    /// It is over: the next one begins anew.
    pub(super) fn reset(&mut self) {
        self.next = FIRST_PAUSE;
    }
}

/// Up to a quarter more, so that consumers that failed together do not come back together. The last bytes of a new id
/// are random, and a test's clock decides them.
fn with_jitter(wait: Duration, clock: &Arc<dyn Clock>) -> Duration {
    let random = clock.unique_id().as_bytes()[15];
    wait + wait * u32::from(random) / (4 * 255)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain_kernel::Timestamp;
    use tokio::time::Instant;
    use uuid::Uuid;

    /// Its ids end in this byte: from 0, no jitter, to 255, all of it.
    struct EndingIn(u8);

    impl Clock for EndingIn {
        fn now(&self) -> Timestamp {
            Timestamp(0)
        }

        fn unique_id(&self) -> Uuid {
            Uuid::from_u128(self.0.into())
        }
    }

    fn ending_in(byte: u8) -> Arc<dyn Clock> {
        Arc::new(EndingIn(byte))
    }

    async fn millis(wait: impl Future<Output = ()>) -> u128 {
        let start = Instant::now();
        wait.await;
        start.elapsed().as_millis()
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_between_attempts_is_doubled() {
        let clock = ending_in(0);
        assert_eq!(millis(between_attempts(1, &clock)).await, 200);
        assert_eq!(millis(between_attempts(2, &clock)).await, 400);
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_waited_for_longer_each_time_up_to_15_seconds() {
        let clock = ending_in(0);
        let mut pause = Pause::new(&clock);
        for expected in [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000] {
            assert_eq!(millis(pause.wait()).await, expected);
        }
        pause.reset();
        assert_eq!(millis(pause.wait()).await, 250);
    }

    #[test]
    fn those_who_failed_together_wait_up_to_a_quarter_more() {
        let wait = |byte| with_jitter(Duration::from_millis(1_020), &ending_in(byte)).as_millis();
        assert_eq!((wait(0), wait(51), wait(255)), (1_020, 1_071, 1_275));
    }
}
