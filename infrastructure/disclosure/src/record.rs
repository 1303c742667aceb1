//! That somebody is shown sealed payloads, as an event; one definition, which every service has in its store.
use domain_kernel::{EventTypeId, RecordedEvent, SchemaVersion, StreamId};
use infra_contracts::stored::{StoredError, StoredEventType, StoredEvents};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;
use uuid::Uuid;

/// `operations.payload_revealed`; beside the numbers of what consumers did (901 to 904).
pub const REVEALED: EventTypeId = EventTypeId(911);

/// The category of the streams that hold it.
pub const CATEGORY: &str = "disclosure";

/// The stored event types of this crate; every service has them in its store.
pub static EVENTS: &[StoredEventType] = &[StoredEventType {
    type_id: REVEALED.0,
    name: "operations.payload_revealed",
    category: CATEGORY,
    schemas: &[include_str!("../../../schemas/stored/operations/payload_revealed.v1.avsc")],
    sealed: &[],
}];

#[expect(clippy::expect_used, reason = "the schemas are constants of this crate; every test parses them")]
static STORED: LazyLock<StoredEvents> = LazyLock::new(|| StoredEvents::new(EVENTS).expect("the schemas parse"));

/// Somebody was about to be shown what a stream's sealed records say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayloadRevealed {
    /// The stream.
    pub stream_id: Uuid,
    /// Its category.
    pub category: String,
    /// The first version that was shown, or went into the state that was.
    pub from_version: i32,
    /// The last one.
    pub to_version: i32,
    /// What was shown: `events` or `state`.
    pub shown: String,
    /// To whom.
    pub reader: Uuid,
    /// The number of the role that the reader had.
    pub role: i32,
    /// Why, in the reader's words.
    pub reason: String,
}

impl PayloadRevealed {
    /// As it is stored.
    ///
    /// # Errors
    /// [`StoredError`] when it does not fit its schema.
    pub(crate) fn write(&self) -> Result<(SchemaVersion, Vec<u8>), StoredError> {
        STORED.encode(REVEALED, self)
    }
}

/// What `event` records; `None` when it is none of this crate's.
///
/// # Errors
/// [`StoredError`] when it is not what its schema says.
pub fn read(event: &RecordedEvent) -> Result<Option<PayloadRevealed>, StoredError> {
    if event.type_id != REVEALED {
        return Ok(None);
    }
    STORED.decode(event.type_id, event.schema_version, &event.payload).map(Some)
}

/// Where it is recorded who was shown what of `stream`.
#[must_use]
pub fn disclosure_stream(stream: StreamId) -> StreamId {
    StreamId(stream.derive("revealed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION_1: &[u8] = b"H00000000-0000-0000-0000-000000000001\x1eclinical_result\x02\x06\x0cevents\
        H00000000-0000-0000-0000-000000000002\x08\x0caudit!";

    fn record() -> PayloadRevealed {
        PayloadRevealed {
            stream_id: Uuid::from_u128(1),
            category: "clinical_result".to_owned(),
            from_version: 1,
            to_version: 3,
            shown: "events".to_owned(),
            reader: Uuid::from_u128(2),
            role: 4,
            reason: "audit!".to_owned(),
        }
    }

    #[test]
    fn the_bytes_of_the_stored_event_never_change() {
        assert_eq!(record().write(), Ok((SchemaVersion(1), VERSION_1.to_vec())));
        assert_eq!(STORED.decode(REVEALED, SchemaVersion(1), VERSION_1), Ok(record()));
    }

    #[test]
    fn the_stream_of_a_record_never_changes() {
        let stream = StreamId(Uuid::from_u128(1));
        assert_eq!(disclosure_stream(stream).0, Uuid::new_v5(&stream.0, b"revealed"));
    }
}
