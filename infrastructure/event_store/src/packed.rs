//! Events as the server packs them: whole pages in one value, row after row in the binary format of `record_send`.
//!
//! ```text
//! per event: columns (4) | per column: type (4) | length (4, -1 for null) | value
//! ```
//! A row of the protocol costs the driver more than an event's values do; here a page is one. The statements that read
//! events name their columns in one order: `epoch, tx, position, stream_id, version, type_id, schema_version, at, meta,
//! payload, hash`.
use crate::metadata;
use crate::row::damaged;
use domain_kernel::ports::StoreError;
use domain_kernel::{Checkpoint, EventTypeId, Hash, RecordedEvent, SchemaVersion, StreamId, Timestamp, Version};
use uuid::Uuid;

const COLUMNS: i32 = 11;

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

/// The events of a page; none when the server had none to pack.
pub(crate) fn page(packed: Option<&[u8]>) -> Result<Vec<RecordedEvent>, StoreError> {
    let mut rest = packed.unwrap_or_default();
    let mut events = Vec::new();
    while !rest.is_empty() {
        events.push(recorded(&take(&mut rest)?)?);
    }
    Ok(events)
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
    if number(rest)? != COLUMNS {
        return None;
    }
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
        meta: column(rest)?,
        payload: column(rest)?,
        hash: value(rest)?,
    })
}

/// The next column's value, which has `N` bytes.
fn value<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    column(rest)?.try_into().ok()
}

/// The next column's value; none of ours is null.
fn column<'p>(rest: &mut &'p [u8]) -> Option<&'p [u8]> {
    let _type = number(rest)?;
    let length = usize::try_from(number(rest)?).ok()?;
    let (value, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(value)
}

fn number(rest: &mut &[u8]) -> Option<i32> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(i32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(values: &[&[u8]]) -> Vec<u8> {
        let mut bytes = i32::try_from(values.len()).unwrap().to_be_bytes().to_vec();
        for value in values {
            bytes.extend(17_i32.to_be_bytes());
            bytes.extend(i32::try_from(value.len()).unwrap().to_be_bytes());
            bytes.extend(*value);
        }
        bytes
    }

    fn event() -> Vec<u8> {
        let numbers: [&[u8]; 8] = [
            &2_i16.to_be_bytes(),
            &7_u64.to_be_bytes(),
            &9_i64.to_be_bytes(),
            &[5; 16],
            &3_i32.to_be_bytes(),
            &4_i16.to_be_bytes(),
            &1_i16.to_be_bytes(),
            &1_i64.to_be_bytes(),
        ];
        packed(&[&numbers[..], &[b"who", b"what", &[8; 32]]].concat())
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
    fn what_is_cut_off_too_long_or_of_other_columns_is_damaged() {
        let event = event();
        for end in 0..event.len() {
            assert!(matches!(one(&event[..end]), Err(StoreError::Damaged { .. })), "{end}");
        }
        for wrong in [[&event[..], &[0]].concat(), packed(&[&[0; 2]]), packed(&[[0; 3].as_slice(); 11])] {
            assert!(matches!(one(&wrong), Err(StoreError::Damaged { .. })));
        }
        // A length that says null, and one beyond the end.
        for length in [-1_i32, i32::MAX] {
            let mut wrong = event.clone();
            wrong[8..12].copy_from_slice(&length.to_be_bytes());
            assert!(matches!(one(&wrong), Err(StoreError::Damaged { .. })));
        }
    }

    #[test]
    fn a_page_without_events_is_empty() {
        assert_eq!(page(None), Ok(vec![]));
    }
}
