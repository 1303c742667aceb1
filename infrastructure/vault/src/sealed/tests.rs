use super::*;
use domain_kernel::{EventId, StreamId, Version};
use proptest::prelude::*;

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

fn sealed(plain: &[u8]) -> Vec<u8> {
    seal(&key(), Purpose::Account, &origin(), 7, plain).unwrap()
}

#[test]
fn a_record_begins_with_key_id_and_schema_and_ends_with_the_tag() {
    let record = sealed(b"Ana Soto");
    assert_eq!(record.len(), OVERHEAD + 8);
    assert_eq!((key_id(&record), key().id()), (Ok(Uuid::from_u128(1)), Uuid::from_u128(1)));
    assert_eq!(&record[16..18], &[0, 7]);
}

#[test]
fn the_content_does_not_show() {
    let record = sealed(b"Ana Soto");
    assert!(!record.windows(8).any(|window| window == b"Ana Soto"));
}

#[test]
fn the_same_content_is_never_sealed_to_the_same_bytes() {
    assert_ne!(sealed(b"Ana Soto")[HEADER..], sealed(b"Ana Soto")[HEADER..]);
}

#[test]
fn a_record_of_another_origin_does_not_open() {
    let record = sealed(b"Ana Soto");
    let moved = [
        Origin { event_id: EventId(Uuid::from_u128(9)), ..origin() },
        Origin { stream: StreamId(Uuid::from_u128(9)), ..origin() },
        Origin { version: Version(9), ..origin() },
        Origin { event_type: "users.profile_changed".to_owned(), ..origin() },
    ];
    for origin in moved {
        assert_eq!(open(&key(), Purpose::Account, &origin, &record), Err(VaultError::NotAuthentic), "{origin:?}");
    }
}

#[test]
fn a_record_of_another_purpose_does_not_open() {
    let record = sealed(b"Ana Soto");
    assert_eq!(open(&key(), Purpose::Contact, &origin(), &record), Err(VaultError::NotAuthentic));
}

#[test]
fn a_record_does_not_open_under_another_key() {
    let other = DataKey::new(Uuid::from_u128(1), &[6; 32]);
    assert_eq!(open(&other, Purpose::Account, &origin(), &sealed(b"Ana Soto")), Err(VaultError::NotAuthentic));
    let renamed = DataKey::new(Uuid::from_u128(9), &[5; 32]);
    assert_eq!(open(&renamed, Purpose::Account, &origin(), &sealed(b"Ana Soto")), Err(VaultError::NotAuthentic));
}

#[test]
fn a_key_is_never_printed() {
    assert_eq!(format!("{:?}", key()), "DataKey { id: 00000000-0000-0000-0000-000000000001, .. }");
}

#[test]
fn a_record_written_long_ago_opens() {
    // Pins the layout and the authenticated data; made by another implementation of AES-256-GCM.
    let record: Vec<u8> =
        (0..GOLDEN.len()).step_by(2).map(|at| u8::from_str_radix(&GOLDEN[at..at + 2], 16).unwrap()).collect();
    let opened = open(&key(), Purpose::Account, &origin(), &record);
    assert_eq!(opened, Ok(Opened::Known { schema: 7, plain: b"Ana Soto".to_vec() }));
}

const GOLDEN: &str =
    "000000000000000000000000000000010007000102030405060708090a0b9bc0e7891d2818ff7f187a3305822395f1fad46c011714b7";

proptest! {
    #[test]
    fn what_is_sealed_opens_again(schema: u16, plain: Vec<u8>, event_type in "[a-z_.]{0,40}", version: u32) {
        let origin = Origin { event_type, version: Version(version), ..origin() };
        for purpose in Purpose::ALL {
            let record = seal(&key(), purpose, &origin, schema, &plain).unwrap();
            prop_assert_eq!(record.len(), plain.len() + OVERHEAD);
            let opened = open(&key(), purpose, &origin, &record);
            prop_assert_eq!(opened, Ok(Opened::Known { schema, plain: plain.clone() }));
        }
    }

    #[test]
    fn a_changed_bit_anywhere_is_noticed(
        plain in proptest::collection::vec(any::<u8>(), 0..64),
        at: usize,
        bit in 0u8..8,
    ) {
        let mut record = sealed(&plain);
        let at = at % record.len();
        record[at] ^= 1 << bit;
        prop_assert_eq!(open(&key(), Purpose::Account, &origin(), &record), Err(VaultError::NotAuthentic));
    }

    #[test]
    fn a_cut_or_lengthened_record_is_noticed(plain in proptest::collection::vec(any::<u8>(), 0..64), cut: usize) {
        let mut record = sealed(&plain);
        record.push(0);
        prop_assert_eq!(open(&key(), Purpose::Account, &origin(), &record), Err(VaultError::NotAuthentic));
        record.truncate(cut % (record.len() - 1));
        prop_assert_eq!(open(&key(), Purpose::Account, &origin(), &record), Err(VaultError::NotAuthentic));
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes: Vec<u8>) {
        prop_assert_eq!(open(&key(), Purpose::Account, &origin(), &bytes), Err(VaultError::NotAuthentic));
    }
}
