//! Every event comes back as it was, and nothing sensitive is in the clear.
use super::*;
use domain_kernel::ports::VaultError;
use domain_kernel::{Aggregate, Checkpoint, CorrelationId, DomainEvent, EventMetadata, Hash, StreamId, Version};
use domain_users::User;
use std::sync::atomic::{AtomicBool, Ordering};
use uuid::Uuid;

/// Turns every byte around, and keeps the origin to be compared; can forget everything.
#[derive(Default)]
struct MirrorVault {
    forgotten: AtomicBool,
}

fn mirrored(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| !byte).collect()
}

fn label(purpose: Purpose, origin: &Origin) -> Vec<u8> {
    let place = (origin.event_id, origin.stream, origin.version);
    format!("{purpose} {place:?} {}|", origin.event_type).into_bytes()
}

impl KeyVault for MirrorVault {
    fn seal<'a>(
        &'a self,
        subject: SubjectId,
        purpose: Purpose,
        origin: &'a Origin,
        schema: u16,
        plain: &'a [u8],
    ) -> BoxFuture<'a, Result<Vec<u8>, VaultError>> {
        assert_eq!(subject, SubjectId::from(origin.stream), "a user's data is the user's own");
        let sealed = [label(purpose, origin), schema.to_be_bytes().to_vec(), mirrored(plain)].concat();
        Box::pin(async move { Ok(sealed) })
    }

    fn open<'a>(
        &'a self,
        purpose: Purpose,
        origin: &'a Origin,
        sealed: &'a [u8],
    ) -> BoxFuture<'a, Result<Opened, VaultError>> {
        Box::pin(async move {
            let rest = sealed.strip_prefix(label(purpose, origin).as_slice()).ok_or(VaultError::NotAuthentic)?;
            if self.forgotten.load(Ordering::Relaxed) {
                return Ok(Opened::Erased);
            }
            let (schema, plain) = rest.split_at(2);
            Ok(Opened::Known { schema: u16::from_be_bytes(schema.try_into().unwrap()), plain: mirrored(plain) })
        })
    }

    fn shred(&self, _: SubjectId, _: Purpose) -> BoxFuture<'_, Result<u64, VaultError>> {
        self.forgotten.store(true, Ordering::Relaxed);
        Box::pin(async { Ok(1) })
    }
}

fn ana() -> FullName {
    FullName::parse("Ana Soto Díaz").unwrap()
}

fn contact(origin: AddressOrigin) -> Contact {
    let details = ContactDetails {
        email: EmailAddress::parse("ana.soto@laboratorio.cl").unwrap(),
        display_name: Some("Ana Soto Díaz".to_owned()),
    };
    Contact { origin, details: Sensitive::Known(details) }
}

/// Every variant, and every shape of it.
fn events() -> Vec<UserEvent> {
    let session = SessionId(Uuid::from_u128(7));
    let mut events = vec![
        UserEvent::Created {
            username: Sensitive::Known(Username::parse("usuario2").unwrap()),
            full_name: Sensitive::Known(Some(ana())),
            role: Role::Laboratory,
            contact: Some(contact(AddressOrigin::Given)),
            created_at: Timestamp(1_800_000_000_000_001),
        },
        UserEvent::Created {
            username: Sensitive::Known(Username::parse("usuario3").unwrap()),
            full_name: Sensitive::Known(None),
            role: Role::Reception,
            contact: None,
            created_at: Timestamp(1),
        },
        UserEvent::PasswordSet {
            hash: Sensitive::Known(PasswordHash::new("$argon2id$secreto".to_owned())),
            initial: false,
        },
        UserEvent::PasswordSet {
            hash: Sensitive::Known(PasswordHash::new("$argon2id$secreto".to_owned())),
            initial: true,
        },
        UserEvent::RoleChanged { role: Role::Nurse },
        UserEvent::ProfileChanged { full_name: Sensitive::Known(Some(ana())) },
        UserEvent::ProfileChanged { full_name: Sensitive::Known(None) },
        UserEvent::ContactChanged { contact: Some(contact(AddressOrigin::Assigned)) },
        UserEvent::ContactChanged { contact: None },
        UserEvent::Deactivated {
            reason: Some(Sensitive::Known(DeactivationReason::parse("dejó el laboratorio").unwrap())),
        },
        UserEvent::Deactivated { reason: None },
        UserEvent::Reactivated { role: Role::Physician },
        UserEvent::PasswordChanged,
    ];
    for cause in [
        RevocationCause::PasswordChanged,
        RevocationCause::RefreshReuse,
        RevocationCause::LogoutAll,
        RevocationCause::Deactivated,
    ] {
        for sessions in [RevokedSessions::All, RevokedSessions::AllBut(session), RevokedSessions::Only(session)] {
            events.push(UserEvent::SessionsRevoked { cause, sessions });
        }
    }
    events
}

fn slot() -> EventSlot {
    EventSlot { event_id: EventId(Uuid::from_u128(6)), stream: StreamId(Uuid::from_u128(5)), version: Version(3) }
}

fn recorded(encoded: EncodedEvent) -> RecordedEvent {
    RecordedEvent {
        checkpoint: Checkpoint::default(),
        stream: slot().stream,
        version: slot().version,
        type_id: encoded.type_id,
        schema_version: encoded.schema_version,
        metadata: EventMetadata {
            event_id: slot().event_id,
            correlation_id: CorrelationId(Uuid::from_u128(9)),
            causation_id: None,
            actor: None,
            occurred_at: Timestamp(0),
        },
        payload: encoded.payload,
        hash: Hash::default(),
    }
}

fn codec() -> (UserCodec, Arc<MirrorVault>) {
    let vault = Arc::new(MirrorVault::default());
    (UserCodec::new(Arc::<MirrorVault>::clone(&vault)), vault)
}

#[tokio::test]
async fn every_event_comes_back_as_it_was() {
    let (codec, _) = codec();
    for event in events() {
        let encoded = codec.encode(&event, &slot()).await.unwrap();
        assert_eq!(catalogue().name(encoded.type_id), Some(event.event_type()));
        assert_eq!(codec.decode(&recorded(encoded)).await.unwrap(), event, "{}", event.event_type());
    }
}

#[tokio::test]
async fn every_stored_type_is_encoded() {
    let (codec, _) = codec();
    let mut encoded = Vec::new();
    for event in events() {
        encoded.push(codec.encode(&event, &slot()).await.unwrap().type_id.0);
    }
    for event in crate::EVENTS.iter().filter(|event| event.category == User::NAME) {
        assert!(encoded.contains(&event.type_id), "{}", event.name);
    }
}

#[tokio::test]
async fn names_addresses_hashes_and_reasons_are_never_in_the_clear() {
    let (codec, _) = codec();
    for event in events() {
        let payload = codec.encode(&event, &slot()).await.unwrap().payload;
        for secret in ["usuario", "Ana", "laboratorio", "secreto", "argon2"] {
            let found = payload.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} in {}", event.event_type());
        }
    }
}

#[tokio::test]
async fn an_erased_user_is_read_as_erased() {
    let (codec, vault) = codec();
    let encoded = codec.encode(&events()[0], &slot()).await.unwrap();
    vault.shred(SubjectId(Uuid::from_u128(5)), Purpose::Account).await.unwrap();
    let erased = codec.decode(&recorded(encoded)).await.unwrap();
    assert_eq!(
        erased,
        UserEvent::Created {
            username: Sensitive::Erased,
            full_name: Sensitive::Erased,
            role: Role::Laboratory,
            contact: Some(Contact { origin: AddressOrigin::Given, details: Sensitive::Erased }),
            created_at: Timestamp(1_800_000_000_000_001),
        }
    );
}

#[tokio::test]
async fn what_was_erased_is_not_written_again() {
    let (codec, _) = codec();
    let erased = UserEvent::ProfileChanged { full_name: Sensitive::Erased };
    let refused = codec.encode(&erased, &slot()).await;
    assert!(matches!(refused, Err(CodecError::Malformed { event: None, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_sealed_part_moved_to_another_event_does_not_open() {
    let (codec, _) = codec();
    let mut moved = recorded(codec.encode(&events()[0], &slot()).await.unwrap());
    moved.version = Version(4);
    assert_eq!(codec.decode(&moved).await, Err(CodecError::Vault(VaultError::NotAuthentic)));
}
