//! What every message says besides what happened.
use domain_kernel::{CausationId, CorrelationId, EventId, RecordedEvent, StreamId, Timestamp, Version};

/// The fields that every topic's record begins with. Ids and a moment, nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The published event.
    pub event_id: EventId,
    /// The stream it belongs to; the message's key.
    pub stream_id: StreamId,
    /// Its version in that stream; private events leave gaps.
    pub version: Version,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The saga that it is part of.
    pub correlation_id: CorrelationId,
    /// The message that caused it; `None` when a request did.
    pub causation_id: Option<CausationId>,
}

impl Envelope {
    /// The envelope of a stored event that is about to be published.
    #[must_use]
    pub fn of(event: &RecordedEvent) -> Self {
        Self {
            event_id: event.metadata.event_id,
            stream_id: event.stream,
            version: event.version,
            occurred_at: event.metadata.occurred_at,
            correlation_id: event.metadata.correlation_id,
            causation_id: event.metadata.causation_id,
        }
    }
}
