//! The hash chain of a stream: every event carries a SHA-256 (FIPS 180-4) over the previous event's hash and all of
//! its own columns but position and tx, which the database decides.
//!
//! The payload goes in as it is stored, sealed: a destroyed key leaves the chain whole. Fixed-width fields come
//! first and the two of variable length follow with their lengths, so two different events never hash the same bytes.
//! The layout is pinned by a test: changing it would break every chain ever written.
use domain_kernel::{EventTypeId, Hash, SchemaVersion, StreamId, Timestamp, Version};
use sha2::{Digest, Sha256};

/// The columns of one event that its hash covers.
#[derive(Clone, Copy, Debug)]
pub struct ChainedEvent<'a> {
    /// The cluster's generation.
    pub epoch: i16,
    /// The stream.
    pub stream: StreamId,
    /// Which event of the stream, from 1.
    pub version: Version,
    /// What kind of event.
    pub type_id: EventTypeId,
    /// With which schema the payload is written.
    pub schema_version: SchemaVersion,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The metadata column, as stored.
    pub meta: &'a [u8],
    /// The payload column, as stored: sensitive parts sealed.
    pub payload: &'a [u8],
}

/// The hash of `event` after an event with hash `previous`; zeros before the first.
#[must_use]
pub fn link(previous: &Hash, event: &ChainedEvent<'_>) -> Hash {
    let mut fixed = [0; 32 + 2 + 16 + 4 + 2 + 2 + 8];
    fixed[..32].copy_from_slice(previous);
    fixed[32..34].copy_from_slice(&event.epoch.to_be_bytes());
    fixed[34..50].copy_from_slice(event.stream.0.as_bytes());
    fixed[50..54].copy_from_slice(&event.version.0.to_be_bytes());
    fixed[54..56].copy_from_slice(&event.type_id.0.to_be_bytes());
    fixed[56..58].copy_from_slice(&event.schema_version.0.to_be_bytes());
    fixed[58..66].copy_from_slice(&event.occurred_at.0.to_be_bytes());
    let mut digest = Sha256::new();
    digest.update(fixed);
    for part in [event.meta, event.payload] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn event<'a>(meta: &'a [u8], payload: &'a [u8]) -> ChainedEvent<'a> {
        ChainedEvent {
            epoch: 1,
            stream: StreamId(Uuid::from_u128(7)),
            version: Version(3),
            type_id: EventTypeId(2),
            schema_version: SchemaVersion(1),
            occurred_at: Timestamp(1_700_000_000_000_000),
            meta,
            payload,
        }
    }

    #[test]
    fn the_layout_never_changes() {
        // Computed independently: sha256 over the documented bytes.
        let hex: String =
            link(&[9; 32], &event(b"meta", b"payload")).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "1bf5fe9d80b57049ca09bac6268045eda4e46aebc40916888c703543bb870c0d");
    }

    #[test]
    fn every_column_counts() {
        let base = event(b"meta", b"payload");
        let whole = link(&[0; 32], &base);
        let changed = [
            link(&[1; 32], &base),
            link(&[0; 32], &ChainedEvent { epoch: 2, ..base }),
            link(&[0; 32], &ChainedEvent { stream: StreamId(Uuid::from_u128(8)), ..base }),
            link(&[0; 32], &ChainedEvent { version: Version(4), ..base }),
            link(&[0; 32], &ChainedEvent { type_id: EventTypeId(3), ..base }),
            link(&[0; 32], &ChainedEvent { schema_version: SchemaVersion(2), ..base }),
            link(&[0; 32], &ChainedEvent { occurred_at: Timestamp(0), ..base }),
            link(&[0; 32], &ChainedEvent { meta: b"Meta", ..base }),
            link(&[0; 32], &ChainedEvent { payload: b"Payload", ..base }),
        ];
        for (column, hash) in changed.iter().enumerate() {
            assert_ne!(hash, &whole, "column {column} is not covered");
        }
    }

    proptest! {
        #[test]
        fn a_byte_moved_from_one_column_to_the_next_changes_the_hash(
            bytes in proptest::collection::vec(any::<u8>(), 1..64),
            cut in 0usize..64,
        ) {
            let cut = cut % bytes.len();
            let (meta, payload) = bytes.split_at(cut);
            let (longer, shorter) = bytes.split_at(cut + 1);
            prop_assert_ne!(link(&[0; 32], &event(meta, payload)), link(&[0; 32], &event(longer, shorter)));
        }
    }
}
