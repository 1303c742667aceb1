//! What is told, and what is not.
use super::*;
use crate::stored::{self, EVENTS};
use domain_kernel::{
    Actor, Aggregate, Checkpoint, CorrelationId, EventId, EventMetadata, Role, StreamId, Timestamp, UserId, Version,
};
use domain_users::Erasure;
use infra_contracts::SealedBytes;
use uuid::Uuid;

fn recorded(event: &StoredUserEvent) -> RecordedEvent {
    let (type_id, schema_version, payload) = event.write().unwrap();
    RecordedEvent {
        checkpoint: Checkpoint::default(),
        stream: StreamId(Uuid::from_u128(5)),
        version: Version(3),
        type_id,
        schema_version,
        metadata: EventMetadata {
            event_id: EventId(Uuid::from_u128(6)),
            correlation_id: CorrelationId(Uuid::from_u128(9)),
            causation_id: Some(EventId(Uuid::from_u128(4))),
            actor: Some(Actor { user: UserId(Uuid::from_u128(8)), role: Role::Administrator }),
            occurred_at: Timestamp(1_800_000_000_000_001),
        },
        payload,
        hash: [0; 32],
    }
}

fn told_of(event: &StoredUserEvent) -> Option<Message> {
    publisher().message(topics::EVENT_USER, &recorded(event)).unwrap()
}

fn record(message: &Message) -> UserEventRecord {
    event_user::decode(message.headers.contract_version, &message.payload).unwrap()
}

fn created() -> StoredUserEvent {
    StoredUserEvent::Created(stored::UserCreated {
        role: 1,
        created_at: 1,
        address_assigned: true,
        sealed_account: Some(SealedBytes(vec![1; 8])),
        sealed_contact: Some(SealedBytes(vec![2; 8])),
    })
}

#[test]
fn a_new_user_is_told_with_the_contact_unopened_and_without_the_account() {
    let message = told_of(&created()).unwrap();
    let contact = Some(SealedBytes(vec![2; 8]));
    assert_eq!(record(&message).event, UserCreated { role: 1, contact }.into());
    assert!(!message.payload.windows(8).any(|window| window == [1; 8]));
}

#[test]
fn a_message_says_what_is_known_of_its_event() {
    let headers = told_of(&created()).unwrap().headers;
    assert_eq!((headers.event_type.as_str(), headers.source.as_str()), ("users.user_created", "users"));
    assert_eq!((headers.stream, headers.version), (StreamId(Uuid::from_u128(5)), Version(3)));
    assert_eq!(headers.causation_id, Some(EventId(Uuid::from_u128(4))));
    assert_eq!(headers.actor, Some(UserId(Uuid::from_u128(8))));
    assert_eq!(headers.expects, ["notifications"]);
    assert_eq!((headers.consumer, headers.attempt), (None, None));
}

#[test]
fn private_events_are_not_told() {
    let sealed_account = Some(SealedBytes(vec![1; 8]));
    for private in [
        StoredUserEvent::PasswordSet(stored::PasswordSet { sealed_account: sealed_account.clone(), initial: true }),
        StoredUserEvent::ProfileChanged(stored::ProfileChanged { sealed_account }),
        StoredUserEvent::SessionsRevoked(stored::SessionsRevoked {
            cause: stored::RevocationCause::LogoutAll,
            only: None,
            all_but: None,
        }),
    ] {
        assert_eq!(told_of(&private), None);
    }
}

#[test]
fn every_other_event_is_told() {
    let contact = Some(SealedBytes(vec![2; 8]));
    let told: Vec<(StoredUserEvent, UserEvent)> = vec![
        (StoredUserEvent::RoleChanged(stored::UserRoleChanged { role: 2 }), UserRoleChanged { role: 2 }.into()),
        (
            StoredUserEvent::ContactChanged(stored::UserContactChanged {
                address_assigned: false,
                sealed_contact: contact.clone(),
            }),
            UserContactChanged { contact }.into(),
        ),
        (StoredUserEvent::Deactivated(stored::UserDeactivated { sealed_account: None }), UserDeactivated {}.into()),
        (StoredUserEvent::Reactivated(stored::UserReactivated { role: 3 }), UserReactivated { role: 3 }.into()),
        (StoredUserEvent::PasswordChanged(stored::UserPasswordChanged {}), UserPasswordChanged {}.into()),
    ];
    for (event, expected) in told {
        assert_eq!(record(&told_of(&event).unwrap()).event, expected);
    }
}

#[test]
fn the_catalogue_has_every_event_that_is_told_and_no_other_of_ours() {
    let private = ["users.password_set", "users.profile_changed", "users.sessions_revoked"];
    for event in EVENTS {
        let is_private = private.contains(&event.name) || event.category == Erasure::NAME;
        assert_eq!(published::find(event.name).is_none(), is_private, "{}", event.name);
    }
}

#[test]
fn nothing_is_told_on_other_topics() {
    for topic in topics::ALL.into_iter().filter(|topic| *topic != topics::EVENT_USER) {
        assert_eq!(publisher().message(topic, &recorded(&created())), Ok(None));
    }
}
