//! From the producers' logs to the consumers' streams.
//!
//! ```text
//! event table ──▶ LogSource ──▶ EmbeddedBus ──────────┐
//!                     └───────▶ PulsarBus (by a Relay) ┴──▶ ConsumerRunner ──▶ one append, then acknowledged
//! ```
//! The event table is the outbox: [`LogSource`] reads it as messages, either for the [`EmbeddedBus`] of one process or
//! for the [`relay`] to the broker of [`PulsarBus`]. On the other side [`ConsumerRunner`] takes the messages of each
//! stream one after the other, lets a
//! [`MessageHandler`] append once under the message's command id, and acknowledges; what fails for good is parked with
//! its stream and told as an event of [`handling`], so a kill at any point loses nothing and repeats harmlessly. What was
//! told can be told again, unchanged ([`republish`]).
mod embedded;
mod handler;
pub mod handling;
mod meters;
mod opened;
pub mod pulsar;
pub mod relay;
pub mod republish;
mod runner;
mod source;

pub use self::pulsar::{PulsarBus, PulsarOptions, PulsarOptionsError};
pub use embedded::{EmbeddedBus, EmbeddedLogs};
pub use handler::{Handling, HandlingError, MessageHandler};
pub use handling::HandlingLog;
pub use relay::{MessageSink, Relay};
pub use runner::{ConsumerRunner, Retried, RunnerError, Skipped};
pub use source::{LogSource, Publisher};
