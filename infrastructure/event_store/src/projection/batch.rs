//! How many events a transaction takes: as many as fit into the time that a transaction may last.
use super::{MAX_BATCH, MAX_TRANSACTION};
use std::time::Duration;

/// The size of the next batch, learnt from how long the last ones took.
#[derive(Debug)]
pub(super) struct BatchSize(usize);

impl BatchSize {
    pub(super) fn new() -> Self {
        Self(MAX_BATCH / 5)
    }

    pub(super) fn get(&self) -> usize {
        self.0
    }

    /// A full batch took `time`.
    pub(super) fn took(&mut self, time: Duration) {
        if time > MAX_TRANSACTION / 2 {
            self.0 = (self.0 / 2).max(1);
        } else if time < MAX_TRANSACTION / 8 {
            self.0 = (self.0 * 2).min(MAX_BATCH);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_batch_makes_the_next_one_smaller_and_a_fast_one_larger() {
        let mut size = BatchSize::new();
        let first = size.get();
        size.took(MAX_TRANSACTION);
        assert_eq!(size.get(), first / 2);
        size.took(Duration::from_millis(1));
        assert_eq!(size.get(), first);
    }

    #[test]
    fn a_batch_that_takes_an_eighth_to_a_half_of_the_time_is_right() {
        let sizes = |time| {
            let mut size = BatchSize::new();
            size.took(time);
            size.get()
        };
        let (first, little) = (BatchSize::new().get(), Duration::from_nanos(1));
        assert_eq!(first, MAX_BATCH / 5);
        assert_eq!((sizes(MAX_TRANSACTION / 8), sizes(MAX_TRANSACTION / 2)), (first, first));
        assert_eq!((sizes(MAX_TRANSACTION / 8 - little), sizes(MAX_TRANSACTION / 2 + little)), (first * 2, first / 2));
    }

    #[test]
    fn a_batch_has_at_least_one_event_and_at_most_the_limit() {
        let mut size = BatchSize::new();
        for _ in 0..20 {
            size.took(Duration::from_secs(1));
        }
        assert_eq!(size.get(), 1);
        for _ in 0..20 {
            size.took(Duration::ZERO);
        }
        assert_eq!(size.get(), MAX_BATCH);
    }
}
