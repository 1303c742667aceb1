//! When a failed mail is tried again.
use domain_kernel::StreamId;

/// How often and how far apart a mail is tried: each wait is `factor` times the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetrySchedule {
    /// How many attempts there are before the notification is given up, the first one included; at least 1.
    pub attempts: u32,
    /// The wait after the first failure, in milliseconds.
    pub first_wait_ms: u32,
    /// By how much each wait is longer than the one before.
    pub factor: u32,
    /// How far a wait may be moved either way, in percent, so that what failed together does not come back together.
    pub jitter_percent: u32,
}

impl RetrySchedule {
    /// Six attempts over about 15 minutes: waits of 7.5 s, 22.5 s, 67.5 s, 3 min 22.5 s and 10 min 7.5 s.
    pub const STANDARD: Self = Self { attempts: 6, first_wait_ms: 7_500, factor: 3, jitter_percent: 10 };

    /// The wait in milliseconds after `failures` failures in a row; `None` when that was the last attempt.
    ///
    /// The jitter comes from the notification's id and the failure's number, not from a die: the same past decides the
    /// same, and different notifications are spread.
    #[must_use]
    pub fn wait_ms(&self, notification: StreamId, failures: u32) -> Option<i64> {
        if failures >= self.attempts {
            return None;
        }
        let steps = failures.saturating_sub(1);
        let wait = u64::from(self.first_wait_ms).saturating_mul(u64::from(self.factor).saturating_pow(steps));
        let spread = wait.saturating_mul(u64::from(self.jitter_percent.min(100))) / 100;
        let (_, die) = notification.derive(&format!("jitter-{failures}")).as_u64_pair();
        let jittered = (wait - spread).saturating_add(die % spread.saturating_mul(2).saturating_add(1));
        Some(i64::try_from(jittered).unwrap_or(i64::MAX))
    }
}

impl Default for RetrySchedule {
    fn default() -> Self {
        Self::STANDARD
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn notification(number: u128) -> StreamId {
        StreamId(Uuid::from_u128(number))
    }

    #[test]
    fn a_mail_is_tried_six_times_over_about_fifteen_minutes() {
        let waits: Vec<i64> = (1..=6).map_while(|n| RetrySchedule::STANDARD.wait_ms(notification(1), n)).collect();
        assert_eq!(waits.len(), 5);
        let minutes = waits.iter().sum::<i64>() / 60_000;
        assert!((13..=17).contains(&minutes), "{minutes} minutes");
    }

    #[test]
    fn every_wait_is_longer_than_the_one_before() {
        let waits: Vec<i64> = (1..6).filter_map(|n| RetrySchedule::STANDARD.wait_ms(notification(1), n)).collect();
        assert!(waits.is_sorted());
    }

    #[test]
    fn what_failed_together_does_not_come_back_together() {
        let waits: std::collections::BTreeSet<_> =
            (1..=20).map(|n| RetrySchedule::STANDARD.wait_ms(notification(n), 1)).collect();
        assert!(waits.len() > 10);
    }

    #[test]
    fn jitter_moves_a_wait_by_no_more_than_its_share() {
        for number in 1..=100 {
            let wait = RetrySchedule::STANDARD.wait_ms(notification(number), 1).unwrap();
            assert!((6_750..=8_250).contains(&wait), "{wait} ms");
        }
    }
}
