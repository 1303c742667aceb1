//! What anybody may put on a wire: any bytes are a record or a typed error, and never ask for more memory than there is.
use crate::contact;
use crate::headers::{from_properties, to_properties};
use crate::{ContractError, event_notification, event_result, event_user, saga_command, saga_step, topic};
use domain_kernel::message::topics;
use domain_kernel::{EventId, MessageHeaders, StreamId, Timestamp, Version};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use uuid::Uuid;

/// Reads `bytes` as everything that there is, in every version and in one that there is not.
fn read_as_everything(bytes: &[u8]) -> Vec<Result<(), ContractError>> {
    let mut read = Vec::new();
    for contract in topic::CONTRACTS {
        for version in 0..=topic::current(contract.topic) + 1 {
            let decoded = match contract.topic {
                topics::EVENT_USER => event_user::decode(version, bytes).map(drop),
                topics::EVENT_RESULT => event_result::decode(version, bytes).map(drop),
                topics::EVENT_NOTIFICATION => event_notification::decode(version, bytes).map(drop),
                topics::SAGA_STEP => saga_step::decode(version, bytes).map(drop),
                topics::SAGA_COMMAND => saga_command::decode(version, bytes).map(drop),
                other => panic!("nobody reads {other}"),
            };
            let checked = topic::check(contract.topic, version, bytes);
            // What is read has the shape; what has the shape may still say nothing, or two things.
            assert!(decoded.is_err() || checked.is_ok(), "{} v{version}: {checked:?}", contract.topic);
            read.push(decoded);
        }
    }
    for schema in 0..=contact::current() + 1 {
        read.push(contact::decode(schema, bytes).map(drop));
    }
    read
}

/// The bytes of every event of every version.
fn genuine() -> Vec<Vec<u8>> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let mut found = Vec::new();
    for contract in topic::CONTRACTS {
        for file in std::fs::read_dir(golden.join(contract.topic)).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "bin") {
                found.push(std::fs::read(path).unwrap());
            }
        }
    }
    assert!(found.len() > 15);
    found
}

/// A number as Avro writes it: zigzag, seven bits a byte.
fn long(value: i64) -> Vec<u8> {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    let mut bytes = Vec::new();
    while rest >= 0x80 {
        bytes.push(rest.to_le_bytes()[0] | 0x80);
        rest >>= 7;
    }
    bytes.push(rest.to_le_bytes()[0]);
    bytes
}

fn headers() -> MessageHeaders {
    MessageHeaders {
        event_id: EventId(Uuid::from_u128(1)),
        event_type: "results.result_created".to_owned(),
        source: "results".to_owned(),
        stream: StreamId(Uuid::from_u128(2)),
        version: Version(1),
        occurred_at: Timestamp(1_767_323_045_678_901),
        correlation_id: Uuid::from_u128(3).into(),
        causation_id: Some(Uuid::from_u128(4).into()),
        actor: Some(Uuid::from_u128(5).into()),
        contract_version: 1,
        expects: vec!["notifications".to_owned()],
        consumer: Some("notifications".to_owned()),
        attempt: Some(2),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
    }
}

#[test]
fn every_genuine_record_is_read_by_somebody() {
    for bytes in genuine() {
        assert!(read_as_everything(&bytes).iter().any(Result::is_ok));
    }
}

/// A length that no datum has is refused before memory is asked for; asked for, it would end the process.
#[test]
fn a_length_beyond_all_memory_is_refused_wherever_it_stands() {
    for bytes in genuine() {
        for at in 0..bytes.len() {
            for length in [i64::MAX, i64::MIN, -1, i64::MAX / 2, 1 << 40, i64::from(u32::MAX)] {
                let said = [&bytes[..at], &long(length), &bytes[at..]].concat();
                drop(read_as_everything(&said));
            }
        }
    }
    for length in [i64::MAX, i64::MIN, -1, 1 << 40] {
        assert!(read_as_everything(&long(length)).iter().all(Result::is_err), "{length}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_record_or_a_typed_error(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        drop(read_as_everything(&bytes));
    }

    #[test]
    fn a_genuine_record_with_anything_changed_is_a_record_or_a_typed_error(
        which: prop::sample::Index,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        inserted in proptest::collection::vec(any::<u8>(), 0..16),
        place: prop::sample::Index,
    ) {
        let genuine = genuine();
        let mut bytes = which.get(&genuine).clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let place = place.index(bytes.len());
        bytes.splice(place..place, inserted);
        drop(read_as_everything(&bytes));
    }

    #[test]
    fn a_property_of_any_text_is_a_header_or_a_typed_error(
        which: prop::sample::Index,
        text: String,
        number: i128,
        removed: bool,
    ) {
        let genuine = to_properties(topics::EVENT_RESULT, &headers());
        let names: Vec<String> = genuine.keys().cloned().collect();
        let name = which.get(&names).clone();
        for value in [text, number.to_string()] {
            let mut properties = genuine.clone();
            if removed {
                properties.remove(&name);
            } else {
                properties.insert(name.clone(), value);
            }
            if let Ok(read) = from_properties(topics::EVENT_RESULT, &properties) {
                let again = to_properties(topics::EVENT_RESULT, &read);
                prop_assert_eq!(from_properties(topics::EVENT_RESULT, &again), Ok(read));
            }
        }
    }

    #[test]
    fn properties_of_any_kind_are_no_headers(properties: BTreeMap<String, String>) {
        prop_assert!(from_properties(topics::EVENT_RESULT, &properties).is_err());
    }
}
