//! How far a long work has come.

/// Told between two steps of a rebuild or a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Events dealt with.
    pub done: u64,
    /// Events there are, as far as is known; never less than `done`.
    pub total: u64,
}

impl Progress {
    /// `done` of `total`, or of as many as were done where more came meanwhile.
    pub(crate) fn of(done: u64, total: u64) -> Self {
        Self { done, total: total.max(done) }
    }
}
