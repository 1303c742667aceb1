//! The system's clock: microseconds, and ids that sort by when they were made.
use domain_kernel::Timestamp;
use domain_kernel::ports::Clock;
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Time from the operating system, ids of version 7 (RFC 9562 §5.7). Within one process a later id always sorts after
/// an earlier one, also within a millisecond and when the system's time is set back.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl SystemClock {
    /// The system's clock; all of them are the same.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
        };
        Timestamp(micros)
    }

    fn unique_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}
