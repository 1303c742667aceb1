//! The published language: what services tell each other, and how it is written down.
//!
//! One Avro record per topic ([`event_user`], [`event_result`], [`event_notification`], [`saga_step`],
//! [`saga_command`]) holds the [`Envelope`] and exactly one event; adding an event type is therefore a change that every
//! reader and writer survives. [`catalogue`] says which events are published and who owes an answer to them,
//! [`headers`] how a message's headers look on a wire, [`topic`] which contract versions there are. [`stored`] does the
//! same for the private events that a service keeps, whose schemas belong to the service.
//!
//! The rules of evolution are in `schemas/README.md`; the tests of this crate hold them: every two versions of a topic
//! read each other, and the bytes of every event of every version are pinned in `golden/`.
pub mod avro;
pub mod catalogue;
pub mod contact;
#[cfg(test)]
mod contracts_tests;
mod envelope;
pub mod event_notification;
pub mod event_result;
pub mod event_user;
#[cfg(test)]
mod evolution_tests;
#[cfg(test)]
mod golden;
pub mod headers;
#[cfg(test)]
mod hostile_tests;
mod record;
pub mod saga_command;
pub mod saga_step;
mod sealed_bytes;
pub mod stored;
pub mod topic;

pub use envelope::Envelope;
pub use record::{ContractError, LearnError};
pub use sealed_bytes::SealedBytes;
