//! The rules that every contract keeps, whichever topics and versions there are.
use crate::avro::{AvroSchema, check_successor, mutual_compatibility};
use crate::event_user::{self, UserEvent, UserEventRecord};
use crate::{ContractError, catalogue, contact, topic};
use domain_kernel::message::topics;
use serde::Serialize;
use uuid::Uuid;

const ENVELOPE: [&str; 6] = ["event_id", "stream_id", "version", "occurred_at", "correlation_id", "causation_id"];

fn parsed(versions: &[&str]) -> Vec<AvroSchema> {
    versions.iter().map(|version| AvroSchema::parse(version).unwrap()).collect()
}

#[test]
fn every_two_versions_of_a_topic_read_each_other() {
    let sealed = ("sealed/contact", contact::SCHEMAS);
    let contracts = topic::CONTRACTS.iter().map(|contract| (contract.topic, contract.versions));
    for (name, versions) in contracts.chain([sealed]) {
        let schemas = parsed(versions);
        for (newer, one) in schemas.iter().enumerate() {
            for (older, other) in schemas.iter().enumerate().take(newer + 1) {
                mutual_compatibility(one, other)
                    .unwrap_or_else(|found| panic!("{name}: v{} and v{}: {found}", newer + 1, older + 1));
            }
        }
    }
}

#[test]
fn every_version_keeps_what_the_one_before_had() {
    let sealed = ("sealed/contact", contact::SCHEMAS);
    let contracts = topic::CONTRACTS.iter().map(|contract| (contract.topic, contract.versions));
    for (name, versions) in contracts.chain([sealed]) {
        for (index, pair) in parsed(versions).windows(2).enumerate() {
            check_successor(&pair[1], &pair[0])
                .unwrap_or_else(|found| panic!("{name}: v{} after v{}: {found}", index + 2, index + 1));
        }
    }
}

#[test]
fn every_topic_has_a_contract() {
    let with_contract: Vec<_> = topic::CONTRACTS.iter().map(|contract| contract.topic).collect();
    assert_eq!(with_contract, topics::ALL);
}

#[test]
fn a_record_is_the_envelope_and_one_nullable_field_per_event() {
    for contract in topic::CONTRACTS {
        let newest = parsed(contract.versions).pop().unwrap();
        let fields = newest.fields();
        let (envelope, events) = fields.split_at(ENVELOPE.len());
        assert_eq!(envelope.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ENVELOPE, "{}", contract.topic);
        for (field, nullable) in events {
            assert!(nullable, "{}: {field} must be nullable", contract.topic);
            let published = catalogue::PUBLISHED
                .iter()
                .any(|published| published.topic == contract.topic && published.field() == field);
            assert!(published, "{}: {field} is not in the catalogue", contract.topic);
        }
        let in_catalogue = catalogue::PUBLISHED.iter().filter(|published| published.topic == contract.topic).count();
        assert_eq!(events.len(), in_catalogue, "{}", contract.topic);
    }
}

#[test]
fn what_people_see_is_the_event_types_name_in_capitals() {
    for published in catalogue::PUBLISHED {
        let capitals: String = published.field().split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
        assert_eq!(published.display, capitals);
        assert_eq!(catalogue::find(published.event_type), Some(published));
    }
}

#[test]
fn nobody_answers_a_message_about_messages() {
    for published in catalogue::PUBLISHED.iter().filter(|published| published.topic.starts_with("saga-")) {
        assert!(published.expects.is_empty(), "{}", published.event_type);
    }
}

/// The record of `event-user` with fields of our choice, as a broken producer would write it.
#[derive(Serialize)]
struct UserEventOnTheWire {
    event_id: Uuid,
    stream_id: Uuid,
    version: i64,
    occurred_at: i64,
    correlation_id: Uuid,
    causation_id: Option<Uuid>,
    user_created: Option<event_user::UserCreated>,
    user_role_changed: Option<event_user::UserRoleChanged>,
}

impl UserEventOnTheWire {
    fn empty() -> Self {
        Self {
            event_id: Uuid::nil(),
            stream_id: Uuid::nil(),
            version: 1,
            occurred_at: 0,
            correlation_id: Uuid::nil(),
            causation_id: None,
            user_created: None,
            user_role_changed: None,
        }
    }

    fn decoded(&self) -> Result<UserEventRecord, ContractError> {
        let schema = AvroSchema::parse(event_user::SCHEMAS[0]).unwrap();
        event_user::decode(1, &schema.encode(self).unwrap())
    }
}

#[test]
fn a_record_with_no_event_set_is_refused() {
    assert_eq!(UserEventOnTheWire::empty().decoded(), Err(ContractError::NoEvent));
}

#[test]
fn a_record_with_two_events_set_is_refused() {
    let user_created = Some(event_user::UserCreated { role: 1, contact: None });
    let user_role_changed = Some(event_user::UserRoleChanged { role: 2 });
    let both = UserEventOnTheWire { user_created, user_role_changed, ..UserEventOnTheWire::empty() };
    assert_eq!(both.decoded(), Err(ContractError::SeveralEvents));
}

#[test]
fn a_record_with_one_event_set_is_read() {
    let user_role_changed = Some(event_user::UserRoleChanged { role: 2 });
    let record = UserEventOnTheWire { user_role_changed, ..UserEventOnTheWire::empty() }.decoded().unwrap();
    assert_eq!(record.event, UserEvent::UserRoleChanged(event_user::UserRoleChanged { role: 2 }));
}

#[test]
fn a_version_below_one_is_refused() {
    let user_role_changed = Some(event_user::UserRoleChanged { role: 2 });
    let record = UserEventOnTheWire { version: 0, user_role_changed, ..UserEventOnTheWire::empty() };
    assert_eq!(record.decoded(), Err(ContractError::Version));
}

#[test]
fn a_contract_version_that_is_not_known_is_refused() {
    assert_eq!(event_user::decode(99, &[]), Err(ContractError::UnknownVersion { version: 99 }));
    assert_eq!(event_user::decode(0, &[]), Err(ContractError::UnknownVersion { version: 0 }));
}

#[test]
fn a_payload_is_checked_against_its_topics_contract() {
    let user_role_changed = Some(event_user::UserRoleChanged { role: 2 });
    let schema = AvroSchema::parse(event_user::SCHEMAS[0]).unwrap();
    let payload = schema.encode(&UserEventOnTheWire { user_role_changed, ..UserEventOnTheWire::empty() }).unwrap();
    assert_eq!(topic::check(topics::EVENT_USER, 1, &payload), Ok(()));
    assert!(topic::check(topics::EVENT_USER, 1, &payload[1..]).is_err());
    assert!(topic::check(topics::EVENT_USER, 1, &[&payload[..], &[0]].concat()).is_err());
    assert!(topic::check(topics::EVENT_USER, 2, &payload).is_err());
    assert!(topic::check("event-unheard-of", 1, &payload).is_err());
}
