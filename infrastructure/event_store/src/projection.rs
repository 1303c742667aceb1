//! Read models: rows that are a fold of this service's events, and nothing else.
//!
//! What always holds:
//! 1. rows and checkpoint commit together, so the rows are exactly the fold up to the checkpoint;
//! 2. a batch is taken only from the checkpoint it was read after, under the generation it was read in: of several
//!    runners one wins each batch, and a runner that slept through a rebuild's swap cannot write into the new tables;
//! 3. no transaction lasts over 250 ms, none appends, none talks to anything but this database: an open writing
//!    transaction holds back every reader of the log in the cluster.
//!
//! An operator can pause a projection ([`crate::operations`]): rows and checkpoint stand still until it is resumed.
//!
//! A projection may rely on the order within a stream, never on the order between streams.
use domain_kernel::ports::StoreError;
use domain_kernel::{BoxFuture, Checkpoint, RecordedEvent};
use sqlx::PgConnection;
use std::sync::Arc;

mod batch;
mod compare;
pub(crate) mod plan;
mod read_model;
mod rebuild;
mod remembered;
mod run;
mod scratch;
pub(crate) mod status;

pub use compare::{Difference, DifferenceKind, Equality, TableEquality, Trial, simulate, try_out, verify};
pub use plan::{Plan, PlannedTable, RebuildStatus, plan, rebuild_status};
pub use read_model::{PgReadModels, ReadModel, ReadModels};
pub use rebuild::{RebuildReport, Start, rebuild, rebuild_from};
pub use run::{keep_up, run};
pub use status::{Folded, Lag, Status, folded, lag, latest, status, wait_until};

/// One read model.
///
/// Its tables are made by the service's migrations, in schema `public`, with names ending in `_v<version>`, so that two
/// versions can stand side by side. They have no foreign keys and no serial columns, and their rows hold nothing that
/// does not come from the events (no `now()`): folding again gives the same rows.
pub trait Projection: Send + Sync {
    /// The pinned name.
    fn name(&self) -> &'static str;

    /// Raised when rows or columns mean something new; the checkpoint belongs to name and version.
    fn version(&self) -> i32;

    /// The tables, by unqualified name.
    fn tables(&self) -> &'static [&'static str];

    /// Folds `events` into the tables, with static SQL that names them unqualified: a rebuild puts its own tables
    /// first in the search path. Begins no transaction of its own.
    fn apply<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        events: &'a [RecordedEvent],
    ) -> BoxFuture<'a, Result<(), ProjectionError>>;

    /// Its next versions, to be tried on history before one of them is put in place ([`try_out`]): other rules for rows of
    /// the same columns, with this projection's name and tables and a version above its own.
    ///
    /// A version whose rows have other columns is none of them: it has tables of its own, which are filled beside these as
    /// soon as it runs.
    fn candidates(&self) -> Vec<Arc<dyn Projection>> {
        Vec::new()
    }
}

/// Why a projection did not go on.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// The log could not be read.
    #[error("the events of a projection could not be read")]
    Store(#[from] StoreError),
    /// The database refused a row or a statement, or did not answer.
    #[error("a projection's tables could not be written or read")]
    Database(#[from] sqlx::Error),
    /// An event is not what the projection was written for; it stands still until a release knows better.
    #[error("projection {projection} cannot apply the event at {checkpoint:?}: {reason}")]
    Event {
        /// Which projection.
        projection: &'static str,
        /// Which event.
        checkpoint: Checkpoint,
        /// Why; names a field, never a value.
        reason: String,
    },
    /// Another rebuild or verification of the same projection is under way.
    #[error("projection {projection} is being rebuilt or verified by somebody else")]
    Busy {
        /// Which projection.
        projection: &'static str,
    },
    /// The rows that are served are folded from the first event on: those of a part cannot be compared with them.
    #[error(
        "the rows of projection {projection} are folded from the first event on, and cannot be compared with a part's"
    )]
    FromTheMiddle {
        /// Which projection.
        projection: &'static str,
    },
    /// It is no next version of the projection beside which it should be tried.
    #[error(
        "version {version} of projection {projection} has another name, other tables or no later version than what is served"
    )]
    NoCandidate {
        /// Which projection.
        projection: &'static str,
        /// Of which version.
        version: i32,
    },
    /// A rebuilt table could not take the live one's place, because somebody kept reading that for too long.
    #[error("the tables of projection {projection} were never free for the swap")]
    SwapRefused {
        /// Which projection.
        projection: &'static str,
    },
    /// The projection did not get there in time.
    #[error("projection {projection} did not get to {wanted:?} in time")]
    Late {
        /// Which projection.
        projection: &'static str,
        /// Where it should have been.
        wanted: Checkpoint,
    },
}

/// The most events that one transaction of a projection takes.
pub const MAX_BATCH: usize = 500;

/// How long one transaction of a projection may take; a batch that took longer makes the next one smaller.
pub const MAX_TRANSACTION: std::time::Duration = std::time::Duration::from_millis(250);
