//! Events as the store knows them: opaque payloads in streams, chained by hashes, in one global order.
use crate::{EventMetadata, StreamId, Version};

/// A SHA-256 digest (FIPS 180-4).
pub type Hash = [u8; 32];

/// The pinned number of an event type within its service's database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventTypeId(pub i16);

/// Which schema an event's payload was written with; the first is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SchemaVersion(pub i16);

/// The end of a stream, as it was seen: what an append extends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// How many events there are.
    pub version: Version,
    /// The last event's hash; zeros before the first.
    pub hash: Hash,
}

/// A place in a database's global order. Readers go on after it; the default is before the first event.
///
/// The order is `(epoch, tx, position)`: a position alone is taken before its transaction commits, so a reader that
/// only remembers positions skips events of slower transactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Checkpoint {
    /// The cluster's generation: raised when a logical copy is adopted by another cluster, whose transaction ids
    /// begin anew.
    pub epoch: i16,
    /// The transaction that appended.
    pub tx: u64,
    /// The event's number in the table.
    pub position: i64,
}

/// An event about to be appended: encoded and sealed, not yet chained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// What kind of event.
    pub type_id: EventTypeId,
    /// With which schema the payload is written.
    pub schema_version: SchemaVersion,
    /// Who, when, as part of what.
    pub metadata: EventMetadata,
    /// The encoded event, its sensitive fields sealed.
    pub payload: Vec<u8>,
}

/// An event as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Where it stands in the global order.
    pub checkpoint: Checkpoint,
    /// Whose history it is part of.
    pub stream: StreamId,
    /// Which event of the stream it is, from 1.
    pub version: Version,
    /// What kind of event.
    pub type_id: EventTypeId,
    /// With which schema the payload is written.
    pub schema_version: SchemaVersion,
    /// Who, when, as part of what.
    pub metadata: EventMetadata,
    /// The encoded event, its sensitive fields sealed.
    pub payload: Vec<u8>,
    /// SHA-256 over the previous event's hash and every column but position and tx.
    pub hash: Hash,
}

impl RecordedEvent {
    /// The head of the stream just after this event.
    #[must_use]
    pub fn head(&self) -> Head {
        Head { version: self.version, hash: self.hash }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CorrelationId, EventId, Timestamp};
    use uuid::Uuid;

    #[test]
    fn an_event_is_the_head_of_its_stream_when_it_was_recorded() {
        let metadata = EventMetadata {
            event_id: EventId(Uuid::nil()),
            correlation_id: CorrelationId(Uuid::nil()),
            causation_id: None,
            actor: None,
            occurred_at: Timestamp(0),
        };
        let event = RecordedEvent {
            checkpoint: Checkpoint::default(),
            stream: StreamId(Uuid::nil()),
            version: Version(3),
            type_id: EventTypeId(1),
            schema_version: SchemaVersion(1),
            metadata,
            payload: vec![],
            hash: [7; 32],
        };
        assert_eq!(event.head(), Head { version: Version(3), hash: [7; 32] });
    }

    #[test]
    fn the_global_order_is_epoch_then_transaction_then_position() {
        let at = |epoch, tx, position| Checkpoint { epoch, tx, position };
        assert!(at(0, 9, 9) < at(1, 1, 1));
        assert!(at(0, 1, 9) < at(0, 2, 1));
        assert!(at(0, 1, 1) < at(0, 1, 2));
    }
}
