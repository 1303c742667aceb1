//! What is measured. Every system is used through its own public interface, with the pool and the codec that it comes
//! with.
pub mod cqrs_es;
pub mod disintegrate;
pub mod esrs;
pub mod historia;
mod tail;

use crate::protocol::Reply;
use crate::vital::{Chart, Vital};
use platform::Failure;
use uuid::Uuid;

/// Connections of every system's pool.
pub const POOL: u32 = 10;

/// A system whose tables are there.
pub trait System: Send + Sync + 'static {
    /// Makes what of its tables and seeds is not made in SQL.
    fn prepare(&self) -> impl Future<Output = Result<(), Failure>> + Send {
        async { Ok(()) }
    }

    /// One command that appends `vitals` to `stream`, which does not exist yet: again until it is accepted. Answers how
    /// often it was lost.
    fn append(&self, stream: Uuid, vitals: Vec<Vital>) -> impl Future<Output = Result<u64, Failure>> + Send;

    /// One command that appends `vital` to `stream`, which many others extend at the same time: again until it is
    /// accepted. Answers how often it was lost.
    fn contend(&self, stream: Uuid, vital: Vital) -> impl Future<Output = Result<u64, Failure>> + Send;

    /// The aggregate, from all its events.
    fn load(&self, stream: Uuid) -> impl Future<Output = Result<Chart, Failure>> + Send;

    /// The same, by who may have kept it from the last time.
    fn load_again(&self, stream: Uuid) -> impl Future<Output = Result<Chart, Failure>> + Send {
        self.load(stream)
    }

    /// Everything, from the first event on.
    fn replay(&self) -> impl Future<Output = Result<Chart, Failure>> + Send;

    /// What a subscription of the system's own has seen when it has seen `events`.
    fn catch_up(&self, _events: i64) -> impl Future<Output = Result<Chart, Failure>> + Send {
        async { Err("the system has no subscription to everything".into()) }
    }

    /// A tailing reader beside writers and consumers.
    fn tail(&self, _events: u64) -> impl Future<Output = Result<Reply, Failure>> + Send {
        async { Err("this is asked of ours alone".into()) }
    }
}
