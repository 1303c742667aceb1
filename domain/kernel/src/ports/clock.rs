//! Time and identity come from outside, so that a test, a replay and a simulation decide them.
use crate::Timestamp;
use uuid::Uuid;

/// Tells the time and gives out ids.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// An id that was never given out before; version 7, so later ids sort after earlier ones.
    fn unique_id(&self) -> Uuid;
}
