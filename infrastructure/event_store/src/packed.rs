//! Events as the server packs them: whole pages in one value.
//!
//! ```text
//! epoch (2) | tx (8) | position (8) | stream (16) | version (4) | type (2) | schema (2) | microseconds since 2000 (8)
//!   | hash (32) | length (4) | metadata | length (4) | payload
//! ```
//! A row of the protocol costs server and driver more than an event's values do.
use crate::metadata;
use crate::row::damaged;
use domain_kernel::ports::StoreError;
use domain_kernel::{Checkpoint, EventTypeId, Hash, RecordedEvent, SchemaVersion, StreamId, Timestamp, Version};
use uuid::Uuid;

/// 2000-01-01, from which PostgreSQL counts, in microseconds since 1970.
const EPOCH_OF_POSTGRESQL: i64 = 946_684_800_000_000;

/// An event as its columns say, the metadata not yet read: what the hash chain is about.
#[derive(Debug, PartialEq)]
pub(crate) struct RawEvent<'p> {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) stream: StreamId,
    pub(crate) version: Version,
    pub(crate) type_id: EventTypeId,
    pub(crate) schema_version: SchemaVersion,
    pub(crate) occurred_at: Timestamp,
    pub(crate) meta: &'p [u8],
    pub(crate) payload: &'p [u8],
    pub(crate) hash: Hash,
}

/// Adds the events of a page to `events`; none when the server had none to pack.
pub(crate) fn page(packed: Option<&[u8]>, events: &mut Vec<RecordedEvent>) -> Result<(), StoreError> {
    let mut rest = packed.unwrap_or_default();
    while !rest.is_empty() {
        events.push(recorded(&take(&mut rest)?)?);
    }
    Ok(())
}

/// The one event that `packed` holds.
pub(crate) fn one(packed: &[u8]) -> Result<RawEvent<'_>, StoreError> {
    let mut rest = packed;
    let event = take(&mut rest)?;
    if rest.is_empty() { Ok(event) } else { Err(damaged("more than an event is packed")) }
}

fn recorded(raw: &RawEvent<'_>) -> Result<RecordedEvent, StoreError> {
    let metadata = metadata::decode(raw.meta, raw.occurred_at)
        .ok_or_else(|| damaged(format!("the metadata of {} version {}", raw.stream, raw.version)))?;
    Ok(RecordedEvent {
        checkpoint: raw.checkpoint,
        stream: raw.stream,
        version: raw.version,
        type_id: raw.type_id,
        schema_version: raw.schema_version,
        metadata,
        payload: raw.payload.to_vec(),
        hash: raw.hash,
    })
}

/// Takes an event from the front of `rest`.
fn take<'p>(rest: &mut &'p [u8]) -> Result<RawEvent<'p>, StoreError> {
    unpack(rest).ok_or_else(|| damaged("an event is not packed as it should be"))
}

fn unpack<'p>(rest: &mut &'p [u8]) -> Option<RawEvent<'p>> {
    Some(RawEvent {
        checkpoint: Checkpoint {
            epoch: i16::from_be_bytes(value(rest)?),
            tx: u64::from_be_bytes(value(rest)?),
            position: i64::from_be_bytes(value(rest)?),
        },
        stream: StreamId(Uuid::from_bytes(value(rest)?)),
        version: Version(u32::try_from(i32::from_be_bytes(value(rest)?)).ok()?),
        type_id: EventTypeId(i16::from_be_bytes(value(rest)?)),
        schema_version: SchemaVersion(i16::from_be_bytes(value(rest)?)),
        occurred_at: Timestamp(i64::from_be_bytes(value(rest)?).checked_add(EPOCH_OF_POSTGRESQL)?),
        hash: value(rest)?,
        meta: bytes(rest)?,
        payload: bytes(rest)?,
    })
}

fn value<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (value, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*value)
}

fn bytes<'p>(rest: &mut &'p [u8]) -> Option<&'p [u8]> {
    let length = usize::try_from(i32::from_be_bytes(value(rest)?)).ok()?;
    let (bytes, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Vec<u8> {
        let fields: [&[u8]; 13] = [
            &2_i16.to_be_bytes(),
            &7_u64.to_be_bytes(),
            &9_i64.to_be_bytes(),
            &[5; 16],
            &3_i32.to_be_bytes(),
            &4_i16.to_be_bytes(),
            &1_i16.to_be_bytes(),
            &1_i64.to_be_bytes(),
            &[8; 32],
            &3_i32.to_be_bytes(),
            b"who",
            &4_i32.to_be_bytes(),
            b"what",
        ];
        fields.concat()
    }

    #[test]
    fn an_event_is_read_as_the_server_packs_it() {
        let event = event();
        let expected = RawEvent {
            checkpoint: Checkpoint { epoch: 2, tx: 7, position: 9 },
            stream: StreamId(Uuid::from_bytes([5; 16])),
            version: Version(3),
            type_id: EventTypeId(4),
            schema_version: SchemaVersion(1),
            occurred_at: Timestamp(946_684_800_000_001),
            meta: b"who",
            payload: b"what",
            hash: [8; 32],
        };
        assert_eq!(one(&event), Ok(expected));
    }

    #[test]
    fn what_is_cut_off_or_too_long_is_damaged() {
        let event = event();
        for end in 0..event.len() {
            assert!(matches!(one(&event[..end]), Err(StoreError::Damaged { .. })), "{end}");
        }
        assert!(matches!(one(&[&event[..], &[0]].concat()), Err(StoreError::Damaged { .. })));
        for length in [-1_i32, i32::MAX] {
            let mut wrong = event.clone();
            wrong[82..86].copy_from_slice(&length.to_be_bytes());
            assert!(matches!(one(&wrong), Err(StoreError::Damaged { .. })));
        }
    }

    #[test]
    fn a_page_without_events_is_empty() {
        let mut events = Vec::new();
        assert_eq!(page(None, &mut events), Ok(()));
        assert_eq!(events, []);
    }
}
