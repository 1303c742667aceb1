//! What every bounded context is made of, and the ports through which it meets the world.
//!
//! Pure: no clock, no randomness, no storage format, no runtime. What comes from outside comes through a port
//! ([`ports`]) or as a field of a command.
pub mod aggregate;
pub mod ids;
pub mod message;
pub mod metadata;
pub mod ports;
pub mod reason;
pub mod recorded;
pub mod role;
pub mod sensitive;
pub mod spec;
pub mod time;
pub mod version;

pub use aggregate::{Aggregate, DomainEvent, rehydrate};
pub use ids::{CausationId, CommandId, CorrelationId, EventId, StreamId, SubjectId, UserId};
pub use message::{Message, MessageHeaders, Topic};
pub use metadata::{Actor, EventMetadata};
pub use reason::{InvalidReason, Reason};
pub use recorded::{Checkpoint, EventTypeId, Hash, Head, NewEvent, RecordedEvent, SchemaVersion};
pub use role::Role;
pub use sensitive::Sensitive;
pub use time::Timestamp;
pub use version::Version;

/// A future of a port's method: boxed, so that ports can be held as `dyn` and a test can put another one in.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
