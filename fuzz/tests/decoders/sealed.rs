//! Sealed records: nothing opens but what was sealed, where it was sealed, for what it was sealed.
use bolero::check;
use domain_kernel::ports::{Opened, Origin, Purpose, VaultError};
use domain_kernel::{EventId, StreamId, Version};
use fuzz::{hostile, tried, within_bounds};
use infra_vault::sealed::{DataKey, open, seal};
use uuid::Uuid;

fn key() -> DataKey {
    DataKey::new(Uuid::from_u128(1), &[5; 32])
}

fn origin() -> Origin {
    Origin {
        event_id: EventId(Uuid::from_u128(2)),
        stream: StreamId(Uuid::from_u128(3)),
        version: Version(4),
        event_type: "users.user_created".to_owned(),
    }
}

const REFUSED: Result<Opened, VaultError> = Err(VaultError::NotAuthentic);

/// Also one that was sealed by us and changed in one place, cut, or made longer.
#[test]
fn nothing_opens_but_what_was_sealed() {
    let key = key();
    let plain = b"Ana Soto";
    let sealed: Vec<Vec<u8>> =
        [plain.as_slice(), b""].map(|plain| seal(&key, Purpose::Account, &origin(), 7, plain).unwrap()).to_vec();
    check!().with_iterations(20_000).with_max_len(128).for_each(tried(|input| {
        let bytes = hostile(input, &sealed);
        let opened = within_bounds(|| open(&key, Purpose::Account, &origin(), &bytes));
        match sealed.iter().position(|sealed| *sealed == bytes) {
            Some(0) => assert_eq!(opened, Ok(Opened::Known { schema: 7, plain: plain.to_vec() })),
            Some(_) => assert_eq!(opened, Ok(Opened::Known { schema: 7, plain: Vec::new() })),
            None => assert_eq!(opened, REFUSED),
        }
    }));
}

/// Any content opens as it was; with any one of its bytes altered it never does, nor anywhere else.
#[test]
fn an_altered_byte_of_a_sealed_record_never_opens() {
    let key = key();
    check!().with_iterations(10_000).with_max_len(256).for_each(tried(|input| {
        let Some(([place, change, elsewhere, schema], plain)) = input.split_first_chunk::<4>() else { return };
        let schema = u16::from(*schema);
        let mut sealed = seal(&key, Purpose::Clinical, &origin(), schema, plain).unwrap();
        let opened = open(&key, Purpose::Clinical, &origin(), &sealed);
        assert_eq!(opened, Ok(Opened::Known { schema, plain: plain.to_vec() }));

        let other = Uuid::from_u128(u128::from(*elsewhere) + 100);
        let (purpose, moved) = match elsewhere % 6 {
            0 => (Purpose::Account, origin()),
            1 => (Purpose::Contact, origin()),
            2 => (Purpose::Clinical, Origin { event_id: EventId(other), ..origin() }),
            3 => (Purpose::Clinical, Origin { stream: StreamId(other), ..origin() }),
            4 => (Purpose::Clinical, Origin { version: Version(u32::from(*elsewhere) + 5), ..origin() }),
            // The purpose's name stands after the type's: neither may lend the other a letter.
            _ => (Purpose::Clinical, Origin { event_type: "users.user_createdc".to_owned(), ..origin() }),
        };
        assert_eq!(open(&key, purpose, &moved, &sealed), REFUSED, "{purpose} {moved:?}");

        let place = usize::from(*place) * sealed.len() / 256;
        sealed[place] ^= (*change).max(1);
        assert_eq!(open(&key, Purpose::Clinical, &origin(), &sealed), REFUSED, "byte {place}");
    }));
}
