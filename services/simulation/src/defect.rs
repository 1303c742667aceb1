//! Bugs planted on purpose, to see that the simulation finds them.
//!
//! None of them is in the product: each changes what one of the simulation's own adapters does, in the way in which a
//! mistake in the real one, or in its use, would show.
use std::fmt;

/// A planted bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Defect {
    /// Messages are acknowledged when they are received, not when they were handled.
    AcknowledgedBeforeCommit,
    /// The store keeps no command ids.
    CommandIdForgotten,
}

impl Defect {
    /// Every planted bug.
    pub const ALL: &[Self] = &[Self::AcknowledgedBeforeCommit, Self::CommandIdForgotten];
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AcknowledgedBeforeCommit => "messages are acknowledged before they are handled",
            Self::CommandIdForgotten => "the store keeps no command ids",
        })
    }
}
