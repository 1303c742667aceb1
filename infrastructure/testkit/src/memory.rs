//! Every port without a database. They keep the same rules as the real ones (the conformance suites see to it) and
//! lose everything with the process.
mod bus_faults;
mod checkpoints;
mod clock;
mod dead_letters;
mod event_store;
mod mailer;
mod message_log;
mod vault;

pub use bus_faults::{Faults, FaultyBus};
pub use checkpoints::MemoryCheckpoints;
pub use clock::ManualClock;
pub use dead_letters::MemoryDeadLetters;
pub use event_store::MemoryEventStore;
pub use mailer::MemoryMailer;
pub use message_log::MessageLog;
pub use vault::MemoryVault;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A test that panicked with the lock in its hands has failed already; the others may go on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
