//! The bytes of every stored event, pinned: what was once written is read for ever.
use super::*;
use domain_kernel::{Checkpoint, CorrelationId, EventId, EventMetadata, StreamId, Timestamp, Version};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;

const SESSION: Uuid = Uuid::from_u128(0x0198_f3a2_7c1e_7d30_9a51_5f0b_2c9e_4d11);

const SUBJECT: Uuid = Uuid::from_u128(0x0198_f3a2_7c1e_7d30_9a51_5f0b_2c9e_4d12);
const AT: i64 = 1_800_000_000_000_001;

fn sealed(byte: u8) -> Option<SealedBytes> {
    Some(SealedBytes(vec![byte; 4]))
}

/// What is written now, with its golden bytes. A new event: its line here; the failing test tells the bytes.
fn golden() -> Vec<(StoredUserEvent, i16, &'static str)> {
    let everyone = StoredUserEvent::SessionsRevoked(SessionsRevoked {
        cause: RevocationCause::PasswordChanged,
        only: None,
        all_but: Some(SESSION),
    });
    vec![
        (
            StoredUserEvent::Created(UserCreated {
                role: 1,
                created_at: 1_800_000_000_000_001,
                address_assigned: true,
                sealed_account: sealed(0xAC),
                sealed_contact: sealed(0xC0),
            }),
            1,
            include_str!("golden/user_created.v1.hex"),
        ),
        (
            StoredUserEvent::PasswordSet(PasswordSet { sealed_account: sealed(0xAC), initial: true }),
            2,
            include_str!("golden/password_set.v2.hex"),
        ),
        (StoredUserEvent::RoleChanged(UserRoleChanged { role: 9 }), 1, include_str!("golden/user_role_changed.v1.hex")),
        (
            StoredUserEvent::ProfileChanged(ProfileChanged { sealed_account: sealed(0xAC) }),
            1,
            include_str!("golden/profile_changed.v1.hex"),
        ),
        (
            StoredUserEvent::ContactChanged(UserContactChanged {
                address_assigned: false,
                sealed_contact: sealed(0xC0),
            }),
            1,
            include_str!("golden/user_contact_changed.v1.hex"),
        ),
        (
            StoredUserEvent::Deactivated(UserDeactivated { sealed_account: sealed(0xAC) }),
            1,
            include_str!("golden/user_deactivated.v1.hex"),
        ),
        (StoredUserEvent::Reactivated(UserReactivated { role: 2 }), 1, include_str!("golden/user_reactivated.v1.hex")),
        (
            StoredUserEvent::PasswordChanged(UserPasswordChanged {}),
            1,
            include_str!("golden/user_password_changed.v1.hex"),
        ),
        (everyone, 1, include_str!("golden/sessions_revoked.v1.hex")),
    ]
    .into_iter()
    .chain(erasures())
    .collect()
}

fn erasures() -> impl Iterator<Item = (StoredUserEvent, i16, &'static str)> {
    let (by, purpose, reason) = (SESSION, || "contact".to_owned(), || "asked for by the person".to_owned());
    let requested = ErasureRequested {
        subject: SUBJECT,
        purpose: purpose(),
        country: "CL".to_owned(),
        reason: reason(),
        requested_by: by,
        requested_at: AT,
    };
    let placed =
        LegalHoldPlaced { subject: SUBJECT, purpose: purpose(), reason: reason(), placed_by: by, placed_at: AT };
    [
        (StoredErasureEvent::Requested(requested), include_str!("golden/erasure_requested.v1.hex")),
        (
            StoredErasureEvent::Approved(ErasureApproved { approved_by: by, approved_at: AT }),
            include_str!("golden/erasure_approved.v1.hex"),
        ),
        (
            StoredErasureEvent::Declined(ErasureDeclined { reason: reason(), declined_by: by, declined_at: AT }),
            include_str!("golden/erasure_declined.v1.hex"),
        ),
        (
            StoredErasureEvent::KeyDestroyed(KeyDestroyed { destroyed_at: AT }),
            include_str!("golden/key_destroyed.v1.hex"),
        ),
        (StoredErasureEvent::HoldPlaced(placed), include_str!("golden/legal_hold_placed.v1.hex")),
        (
            StoredErasureEvent::HoldLifted(LegalHoldLifted { reason: reason(), lifted_by: by, lifted_at: AT }),
            include_str!("golden/legal_hold_lifted.v1.hex"),
        ),
    ]
    .into_iter()
    .map(|(event, pinned)| (StoredUserEvent::Erasure(event), 1, pinned))
}

/// What older releases wrote, as it is read now.
fn older() -> Vec<(StoredUserEvent, i16, &'static str)> {
    vec![(
        StoredUserEvent::PasswordSet(PasswordSet { sealed_account: sealed(0xAC), initial: false }),
        1,
        include_str!("golden/password_set.v1.hex"),
    )]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let hex = hex.trim();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn recorded(type_id: EventTypeId, schema_version: i16, payload: Vec<u8>) -> RecordedEvent {
    RecordedEvent {
        checkpoint: Checkpoint::default(),
        stream: StreamId(Uuid::from_u128(5)),
        version: Version(1),
        type_id,
        schema_version: SchemaVersion(schema_version),
        metadata: EventMetadata {
            event_id: EventId(Uuid::from_u128(6)),
            correlation_id: CorrelationId(Uuid::from_u128(9)),
            causation_id: None,
            actor: None,
            occurred_at: Timestamp(0),
        },
        payload,
        hash: [0; 32],
    }
}

#[test]
fn every_event_has_golden_bytes() {
    let pinned: BTreeSet<i16> = golden().iter().map(|(event, ..)| event.type_id()).collect();
    assert_eq!(pinned, EVENTS.iter().map(|event| event.type_id).collect());
}

#[test]
fn the_bytes_of_stored_events_never_change() {
    for (event, version, pinned) in golden() {
        let (type_id, schema, bytes) = event.write().unwrap();
        assert_eq!(schema, SchemaVersion(version));
        assert_eq!(hex(&bytes), pinned.trim(), "{}", catalogue().name(type_id).unwrap());
    }
}

#[test]
fn every_version_ever_stored_is_read() {
    let mut read = BTreeSet::new();
    for (event, version, pinned) in golden().into_iter().chain(older()) {
        let stored = recorded(EventTypeId(event.type_id()), version, bytes(pinned));
        assert_eq!(StoredUserEvent::read(&stored).unwrap(), event);
        read.insert((event.type_id(), usize::try_from(version).unwrap()));
    }
    let every = EVENTS.iter().flat_map(|event| (1..=event.schemas.len()).map(|version| (event.type_id, version)));
    assert_eq!(read, every.collect(), "every version has golden bytes");
}

#[test]
fn numbers_and_names_never_change() {
    let pinned = [
        (1, "users.user_created"),
        (2, "users.password_set"),
        (3, "users.user_role_changed"),
        (4, "users.profile_changed"),
        (5, "users.user_contact_changed"),
        (6, "users.user_deactivated"),
        (7, "users.user_reactivated"),
        (8, "users.user_password_changed"),
        (9, "users.sessions_revoked"),
        (20, "users.erasure_requested"),
        (21, "users.erasure_approved"),
        (22, "users.erasure_declined"),
        (23, "users.key_destroyed"),
        (24, "users.legal_hold_placed"),
        (25, "users.legal_hold_lifted"),
    ];
    assert_eq!(EVENTS.iter().map(|event| (event.type_id, event.name)).collect::<Vec<_>>(), pinned);
}

#[test]
fn an_event_of_a_newer_release_is_named_not_guessed() {
    let unknown = StoredUserEvent::read(&recorded(EventTypeId(99), 1, vec![]));
    assert_eq!(unknown, Err(StoredError::UnknownType { type_id: 99, schema: 1 }));
}

/// What is sealed, as plain bytes.
fn inner<T: Serialize + DeserializeOwned>(type_id: i16, value: &T, pinned: &str) {
    let (schema, plain) = catalogue().encode_sealed(EventTypeId(type_id), Purpose::Account, value).unwrap();
    assert_eq!(schema, 1);
    assert_eq!(hex(&plain), pinned.trim(), "{}", catalogue().name(EventTypeId(type_id)).unwrap());
    let read: T = catalogue().decode_sealed(EventTypeId(type_id), Purpose::Account, 1, &bytes(pinned)).unwrap();
    let (_, again) = catalogue().encode_sealed(EventTypeId(type_id), Purpose::Account, &read).unwrap();
    assert_eq!(again, plain);
}

#[test]
fn the_bytes_inside_sealed_records_never_change() {
    let created = UserCreatedAccount { username: "usuario2".to_owned(), full_name: Some("Ana Soto Díaz".to_owned()) };
    inner(type_id::USER_CREATED, &created, include_str!("golden/user_created.account.v1.hex"));
    let password = PasswordSetAccount { password_hash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned() };
    inner(type_id::PASSWORD_SET, &password, include_str!("golden/password_set.account.v1.hex"));
    let profile = ProfileChangedAccount { full_name: Some("Ana Soto Díaz".to_owned()) };
    inner(type_id::PROFILE_CHANGED, &profile, include_str!("golden/profile_changed.account.v1.hex"));
    let reason = UserDeactivatedAccount { reason: "dejó el laboratorio".to_owned() };
    inner(type_id::USER_DEACTIVATED, &reason, include_str!("golden/user_deactivated.account.v1.hex"));
}
