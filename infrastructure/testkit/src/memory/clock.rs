//! Time and ids that a test decides.
use super::lock;
use domain_kernel::Timestamp;
use domain_kernel::ports::Clock;
use std::sync::Mutex;
use uuid::Uuid;

/// 2026-01-01T00:00:00Z.
const START: Timestamp = Timestamp(1_767_225_600_000_000);

/// Stands still until it is told to move, and gives out the same ids in the same order in every run.
#[derive(Debug)]
pub struct ManualClock {
    series: u16,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    now: Timestamp,
    /// The latest moment that an id was made of: ids rise also when the clock is put back.
    newest: Timestamp,
    given: u64,
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl ManualClock {
    /// At 2026-01-01T00:00:00Z.
    #[must_use]
    pub fn new() -> Self {
        Self::in_series(0)
    }

    /// Gives out other ids than the clocks of other series (below 4096), for tests with several services.
    #[must_use]
    pub fn in_series(series: u16) -> Self {
        Self { series: series & 0x0fff, state: Mutex::new(State { now: START, newest: START, given: 0 }) }
    }

    /// Puts the clock to `now`.
    pub fn set(&self, now: Timestamp) {
        lock(&self.state).now = now;
    }

    /// Lets `milliseconds` pass.
    pub fn advance_millis(&self, milliseconds: i64) {
        let mut state = lock(&self.state);
        state.now = state.now.plus_millis(milliseconds);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        lock(&self.state).now
    }

    fn unique_id(&self) -> Uuid {
        let mut state = lock(&self.state);
        state.given += 1;
        state.newest = state.newest.max(state.now);
        // Version 7: 48 bits of milliseconds, 12 bits that are the series here, 62 bits that are the count.
        let mut rest = [0; 10];
        rest[..2].copy_from_slice(&self.series.to_be_bytes());
        rest[2..].copy_from_slice(&state.given.to_be_bytes());
        let millis = u64::try_from(state.newest.0 / 1_000).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &rest).into_uuid()
    }
}
