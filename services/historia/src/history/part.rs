//! The part of history that a verb looks at, as people type it.
use super::bound;
use crate::cli::PartArgs;
use crate::failure::Failure;
use chrono::Utc;
use infra_event_store::part::{self, Bound, Part};
use sqlx::PgPool;

/// Where a part begins and ends. A position means the same number in each log, a moment the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    from: Option<Bound>,
    to: Option<Bound>,
}

impl Bounds {
    /// What was typed; without a word the whole of history.
    ///
    /// # Errors
    /// One of them is neither a position nor a moment.
    pub(crate) fn read(arguments: &PartArgs) -> Result<Self, Failure> {
        let now = Utc::now();
        let read = |text: &Option<String>| text.as_deref().map(|text| bound(text, now)).transpose();
        Ok(Self { from: read(&arguments.from)?, to: read(&arguments.to)? })
    }

    /// Whether it is the whole of history.
    pub(crate) fn is_whole(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    /// The part of the log in the database of `pool`.
    ///
    /// # Errors
    /// The database does not answer.
    pub(crate) async fn of(&self, pool: &PgPool) -> Result<Part, Failure> {
        Ok(part::between(pool, self.from, self.to).await?)
    }
}
