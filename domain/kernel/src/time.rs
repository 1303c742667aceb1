//! Moments, as the store keeps them.

/// A moment: microseconds since 1970-01-01T00:00:00Z, the resolution of PostgreSQL's `timestamptz`, so that a moment
/// read back equals the moment written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Later by `seconds`.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Later by `milliseconds`.
    #[must_use]
    pub fn plus_millis(self, milliseconds: i64) -> Self {
        Self(self.0.saturating_add(milliseconds.saturating_mul(1_000)))
    }

    /// How long after `earlier` this is, in whole milliseconds; negative when it is before.
    #[must_use]
    pub fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0) / 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_counted_in_microseconds() {
        assert_eq!(Timestamp(1).plus_millis(2), Timestamp(2_001));
        assert_eq!(Timestamp(0).plus_seconds(2), Timestamp(2_000_000));
        assert_eq!(Timestamp(0).plus_seconds(2).millis_since(Timestamp(500_000)), 1_500);
    }
}
