//! Between a context's events and what the store keeps. Services implement [`EventCodec`]; nobody else knows both.
use domain_kernel::ports::{Origin, VaultError};
use domain_kernel::{BoxFuture, EventId, EventTypeId, RecordedEvent, SchemaVersion, StreamId, Version};

/// The place an event is encoded for. A sealed part is bound to it and opens nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSlot {
    /// The event's id.
    pub event_id: EventId,
    /// Its stream.
    pub stream: StreamId,
    /// Its version.
    pub version: Version,
}

impl EventSlot {
    /// The slot as the vault knows it, for an event stored under the name `event_type`.
    #[must_use]
    pub fn origin(&self, event_type: &str) -> Origin {
        Origin {
            event_id: self.event_id,
            stream: self.stream,
            version: self.version,
            event_type: event_type.to_owned(),
        }
    }
}

impl From<&RecordedEvent> for EventSlot {
    fn from(event: &RecordedEvent) -> Self {
        Self { event_id: event.metadata.event_id, stream: event.stream, version: event.version }
    }
}

/// An event as it is stored, but for the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedEvent {
    /// What kind of event.
    pub type_id: EventTypeId,
    /// With which schema the payload is written.
    pub schema_version: SchemaVersion,
    /// The encoded event, its sensitive fields sealed.
    pub payload: Vec<u8>,
}

/// Encodes and decodes one context's events; seals and opens what is sensitive on the way.
pub trait EventCodec<E>: Send + Sync {
    /// `event` as it will be stored at `slot`. Keys that it needs are durable before this resolves.
    fn encode<'a>(&'a self, event: &'a E, slot: &'a EventSlot) -> BoxFuture<'a, Result<EncodedEvent, CodecError>>;

    /// The event that was stored; values whose key was destroyed come back erased, never as an error.
    fn decode<'a>(&'a self, event: &'a RecordedEvent) -> BoxFuture<'a, Result<E, CodecError>>;
}

/// Why an event could not be encoded or decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The vault did not seal or open it. An unavailable vault may answer later; everything else stays.
    #[error("the sensitive part of an event could not be sealed or opened")]
    Vault(#[from] VaultError),
    /// Stored by a newer release, or by another service.
    #[error("event type {}, schema {}, is not known here", type_id.0, schema_version.0)]
    UnknownType {
        /// The type that is not known.
        type_id: EventTypeId,
        /// Its schema.
        schema_version: SchemaVersion,
    },
    /// The bytes are not what the schema says.
    #[error("an event is not what its schema says: {reason}")]
    Malformed {
        /// Which event; `None` while encoding.
        event: Option<EventId>,
        /// Names the field, never its value.
        reason: String,
    },
}
