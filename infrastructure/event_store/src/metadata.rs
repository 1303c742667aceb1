//! The `meta` column: who and as part of what, in a fixed binary layout. The moment has a column of its own.
//!
//! ```text
//! 1 | flags | event id (16) | correlation id (16) | causation id (16, flag 1) | user (16) and role (1, flag 2)
//! ```
//! The bytes are hashed into the chain, so the layout of a version never changes; another one takes another first byte.
use domain_kernel::{Actor, CausationId, CorrelationId, EventId, EventMetadata, Role, Timestamp, UserId};
use uuid::Uuid;

const LAYOUT: u8 = 1;
const CAUSED: u8 = 1;
const ACTED: u8 = 2;

/// `metadata` as it is stored, without the moment.
pub(crate) fn encode(metadata: &EventMetadata) -> Vec<u8> {
    let caused = metadata.causation_id.map_or(0, |_| CAUSED);
    let acted = metadata.actor.map_or(0, |_| ACTED);
    let mut bytes = Vec::with_capacity(67);
    bytes.extend([LAYOUT, caused | acted]);
    bytes.extend(metadata.event_id.0.as_bytes());
    bytes.extend(metadata.correlation_id.0.as_bytes());
    if let Some(causation) = metadata.causation_id {
        bytes.extend(causation.0.as_bytes());
    }
    if let Some(actor) = metadata.actor {
        bytes.extend(actor.user.0.as_bytes());
        bytes.push(actor.role.number());
    }
    bytes
}

/// The metadata that `bytes` hold; `None` when they are not of a known layout.
pub(crate) fn decode(bytes: &[u8], occurred_at: Timestamp) -> Option<EventMetadata> {
    let [LAYOUT, flags, rest @ ..] = bytes else { return None };
    if flags & !(CAUSED | ACTED) != 0 {
        return None;
    }
    let mut rest = rest;
    let event_id = EventId(take_uuid(&mut rest)?);
    let correlation_id = CorrelationId(take_uuid(&mut rest)?);
    let causation_id: Option<CausationId> =
        if flags & CAUSED == 0 { None } else { Some(EventId(take_uuid(&mut rest)?)) };
    let actor = if flags & ACTED == 0 {
        None
    } else {
        let user = UserId(take_uuid(&mut rest)?);
        let (role, after) = rest.split_first()?;
        rest = after;
        Some(Actor { user, role: Role::from_number(i64::from(*role)).ok()? })
    };
    rest.is_empty().then_some(EventMetadata { event_id, correlation_id, causation_id, actor, occurred_at })
}

fn take_uuid(rest: &mut &[u8]) -> Option<Uuid> {
    let (id, after) = rest.split_first_chunk::<16>()?;
    *rest = after;
    Some(Uuid::from_bytes(*id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> EventMetadata {
        EventMetadata {
            event_id: EventId(Uuid::from_u128(1)),
            correlation_id: CorrelationId(Uuid::from_u128(2)),
            causation_id: Some(EventId(Uuid::from_u128(3))),
            actor: Some(Actor { user: UserId(Uuid::from_u128(4)), role: Role::Physician }),
            occurred_at: Timestamp(1_700_000_000_000_001),
        }
    }

    #[test]
    fn what_is_written_is_read_with_and_without_cause_and_actor() {
        for metadata in [
            full(),
            EventMetadata { causation_id: None, ..full() },
            EventMetadata { actor: None, ..full() },
            EventMetadata { causation_id: None, actor: None, ..full() },
        ] {
            assert_eq!(decode(&encode(&metadata), metadata.occurred_at), Some(metadata));
        }
    }

    #[test]
    fn the_layout_never_changes() {
        let mut expected = vec![1, 3];
        for (id, length) in [(1, 16), (2, 16), (3, 16), (4, 16)] {
            expected.extend(vec![0; length - 1]);
            expected.push(id);
        }
        expected.push(2);
        assert_eq!(encode(&full()), expected);
    }

    #[test]
    fn bytes_of_another_layout_or_length_are_not_read() {
        let bytes = encode(&full());
        assert_eq!(decode(&[], Timestamp(0)), None);
        assert_eq!(decode(&bytes[..bytes.len() - 1], Timestamp(0)), None);
        assert_eq!(decode(&[bytes.clone(), vec![0]].concat(), Timestamp(0)), None);
        assert_eq!(decode(&[&[2], &bytes[1..]].concat(), Timestamp(0)), None);
        assert_eq!(decode(&[&[1, 4], &bytes[2..]].concat(), Timestamp(0)), None);
    }
}
