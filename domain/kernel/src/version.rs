//! Where a stream stands.
use std::fmt;

/// How many events a stream has: the first event makes version 1; version 0 is the stream before it.
///
/// An append always names the exact version it saw; there is no "any".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(pub u32);

impl Version {
    /// No event yet.
    pub const NONE: Self = Self(0);

    /// The version that the next event makes.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The version after `events` more events.
    #[must_use]
    pub fn plus(self, events: usize) -> Self {
        Self(self.0.saturating_add(u32::try_from(events).unwrap_or(u32::MAX)))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_event_makes_version_one() {
        assert_eq!(Version::NONE.next(), Version(1));
        assert_eq!(Version(3).plus(2), Version(5));
    }

    #[test]
    fn a_version_is_shown_as_its_number() {
        assert_eq!(Version(3).to_string(), "3");
    }
}
