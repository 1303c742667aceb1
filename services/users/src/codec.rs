//! Between the users' events and what is stored of them: names, addresses and hashes are sealed on the way in, under
//! the key of their user, and opened on the way out.
use crate::stored::{self, StoredUserEvent, catalogue, type_id};
use domain_kernel::ports::{KeyVault, Opened, Origin, Purpose};
use domain_kernel::{BoxFuture, EventId, EventTypeId, RecordedEvent, Role, Sensitive, SubjectId, Timestamp};
use domain_users::{
    AddressOrigin, Contact, ContactDetails, DeactivationReason, EmailAddress, FullName, PasswordHash, RevocationCause,
    RevokedSessions, SessionId, UserEvent, Username,
};
use infra_contracts::contact::ContactRecord;
use infra_contracts::stored::{SealedBytes, StoredError};
use infra_event_store::codec::{CodecError, EncodedEvent, EventCodec, EventSlot};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// Encodes and decodes [`UserEvent`]s.
#[derive(Clone)]
pub(crate) struct UserCodec {
    vault: Arc<dyn KeyVault>,
}

impl UserCodec {
    pub(crate) fn new(vault: Arc<dyn KeyVault>) -> Self {
        Self { vault }
    }

    /// The username and full name that were sealed when a user was created.
    pub(crate) async fn open_created(
        &self,
        origin: &Origin,
        sealed: &[u8],
    ) -> Result<(Sensitive<Username>, Sensitive<Option<FullName>>), CodecError> {
        let opened = self.open(type_id::USER_CREATED, Purpose::Account, origin, sealed).await?;
        Ok(match opened {
            Sensitive::Known(stored::UserCreatedAccount { username, full_name }) => (
                Sensitive::Known(parsed(origin.event_id, "username", Username::parse(&username))?),
                Sensitive::Known(full_name_of(origin.event_id, full_name)?),
            ),
            Sensitive::Erased => (Sensitive::Erased, Sensitive::Erased),
        })
    }

    /// The full name that was sealed when a profile changed.
    pub(crate) async fn open_profile(
        &self,
        origin: &Origin,
        sealed: &[u8],
    ) -> Result<Sensitive<Option<FullName>>, CodecError> {
        Ok(match self.open(type_id::PROFILE_CHANGED, Purpose::Account, origin, sealed).await? {
            Sensitive::Known(stored::ProfileChangedAccount { full_name }) => {
                Sensitive::Known(full_name_of(origin.event_id, full_name)?)
            }
            Sensitive::Erased => Sensitive::Erased,
        })
    }

    /// The contact that was sealed in an event of type `type_id`.
    pub(crate) async fn open_contact(
        &self,
        type_id: i16,
        origin: &Origin,
        sealed: &[u8],
    ) -> Result<Sensitive<ContactDetails>, CodecError> {
        Ok(match self.open(type_id, Purpose::Contact, origin, sealed).await? {
            Sensitive::Known(ContactRecord { email: Some(email), display_name }) => {
                let email = parsed(origin.event_id, "email", EmailAddress::parse(&email))?;
                Sensitive::Known(ContactDetails { email, display_name })
            }
            Sensitive::Known(ContactRecord { email: None, .. }) => {
                return Err(malformed(origin.event_id, "a contact without an address"));
            }
            Sensitive::Erased => Sensitive::Erased,
        })
    }

    async fn record(&self, event: &UserEvent, slot: &EventSlot) -> Result<StoredUserEvent, CodecError> {
        Ok(match event {
            UserEvent::Created { username, full_name, role, contact, created_at } => {
                let account = username.as_ref().known().zip(full_name.as_ref().known()).map(|(username, full_name)| {
                    stored::UserCreatedAccount {
                        username: username.as_str().to_owned(),
                        full_name: full_name.as_ref().map(|name| name.as_str().to_owned()),
                    }
                });
                StoredUserEvent::Created(stored::UserCreated {
                    role: role.number().into(),
                    created_at: created_at.0,
                    address_assigned: is_assigned(contact.as_ref()),
                    sealed_account: Some(self.seal(type_id::USER_CREATED, Purpose::Account, slot, account).await?),
                    sealed_contact: self.seal_contact(type_id::USER_CREATED, slot, contact.as_ref()).await?,
                })
            }
            UserEvent::PasswordSet { hash, initial } => {
                let account =
                    hash.known().map(|hash| stored::PasswordSetAccount { password_hash: hash.as_str().to_owned() });
                let sealed = self.seal(type_id::PASSWORD_SET, Purpose::Account, slot, account).await?;
                StoredUserEvent::PasswordSet(stored::PasswordSet { sealed_account: Some(sealed), initial: *initial })
            }
            UserEvent::RoleChanged { role } => {
                StoredUserEvent::RoleChanged(stored::UserRoleChanged { role: role.number().into() })
            }
            UserEvent::ProfileChanged { full_name } => {
                let account = full_name.known().map(|full_name| stored::ProfileChangedAccount {
                    full_name: full_name.as_ref().map(|name| name.as_str().to_owned()),
                });
                let sealed = self.seal(type_id::PROFILE_CHANGED, Purpose::Account, slot, account).await?;
                StoredUserEvent::ProfileChanged(stored::ProfileChanged { sealed_account: Some(sealed) })
            }
            UserEvent::ContactChanged { contact } => StoredUserEvent::ContactChanged(stored::UserContactChanged {
                address_assigned: is_assigned(contact.as_ref()),
                sealed_contact: self.seal_contact(type_id::USER_CONTACT_CHANGED, slot, contact.as_ref()).await?,
            }),
            UserEvent::Deactivated { reason } => {
                let sealed_account = match reason {
                    None => None,
                    Some(reason) => {
                        let account = reason
                            .known()
                            .map(|reason| stored::UserDeactivatedAccount { reason: reason.as_str().to_owned() });
                        Some(self.seal(type_id::USER_DEACTIVATED, Purpose::Account, slot, account).await?)
                    }
                };
                StoredUserEvent::Deactivated(stored::UserDeactivated { sealed_account })
            }
            UserEvent::Reactivated { role } => {
                StoredUserEvent::Reactivated(stored::UserReactivated { role: role.number().into() })
            }
            UserEvent::PasswordChanged => StoredUserEvent::PasswordChanged(stored::UserPasswordChanged {}),
            UserEvent::SessionsRevoked { cause, sessions } => {
                StoredUserEvent::SessionsRevoked(revoked(*cause, *sessions))
            }
        })
    }

    async fn event(&self, event: &RecordedEvent) -> Result<UserEvent, CodecError> {
        let id = event.metadata.event_id;
        let record = StoredUserEvent::read(event).map_err(|error| of_stored(Some(id), &error))?;
        let origin = origin_of(event);
        Ok(match record {
            StoredUserEvent::Created(record) => {
                let sealed = required(id, record.sealed_account)?;
                let (username, full_name) = self.open_created(&origin, &sealed.0).await?;
                let contact =
                    self.contact(event.type_id.0, &origin, record.address_assigned, record.sealed_contact).await?;
                let created_at = Timestamp(record.created_at);
                UserEvent::Created { username, full_name, role: role_of(id, record.role)?, contact, created_at }
            }
            StoredUserEvent::PasswordSet(record) => {
                let sealed = required(id, record.sealed_account)?;
                let opened = self.open(type_id::PASSWORD_SET, Purpose::Account, &origin, &sealed.0).await?;
                let hash = opened.map(|stored::PasswordSetAccount { password_hash }| PasswordHash::new(password_hash));
                UserEvent::PasswordSet { hash, initial: record.initial }
            }
            StoredUserEvent::RoleChanged(record) => UserEvent::RoleChanged { role: role_of(id, record.role)? },
            StoredUserEvent::ProfileChanged(record) => {
                let sealed = required(id, record.sealed_account)?;
                UserEvent::ProfileChanged { full_name: self.open_profile(&origin, &sealed.0).await? }
            }
            StoredUserEvent::ContactChanged(record) => UserEvent::ContactChanged {
                contact: self.contact(event.type_id.0, &origin, record.address_assigned, record.sealed_contact).await?,
            },
            StoredUserEvent::Deactivated(record) => {
                let reason = match record.sealed_account {
                    None => None,
                    Some(sealed) => {
                        let opened = self.open(type_id::USER_DEACTIVATED, Purpose::Account, &origin, &sealed.0).await?;
                        Some(match opened {
                            Sensitive::Known(stored::UserDeactivatedAccount { reason }) => {
                                Sensitive::Known(parsed(id, "reason", DeactivationReason::parse(&reason))?)
                            }
                            Sensitive::Erased => Sensitive::Erased,
                        })
                    }
                };
                UserEvent::Deactivated { reason }
            }
            StoredUserEvent::Reactivated(record) => UserEvent::Reactivated { role: role_of(id, record.role)? },
            StoredUserEvent::PasswordChanged(_) => UserEvent::PasswordChanged,
            StoredUserEvent::SessionsRevoked(record) => {
                let (cause, sessions) = revocation_of(id, &record)?;
                UserEvent::SessionsRevoked { cause, sessions }
            }
            StoredUserEvent::Erasure(_) => {
                return Err(CodecError::UnknownType { type_id: event.type_id, schema_version: event.schema_version });
            }
        })
    }

    async fn contact(
        &self,
        type_id: i16,
        origin: &Origin,
        assigned: bool,
        sealed: Option<SealedBytes>,
    ) -> Result<Option<Contact>, CodecError> {
        let Some(sealed) = sealed else { return Ok(None) };
        let details = self.open_contact(type_id, origin, &sealed.0).await?;
        let origin = if assigned { AddressOrigin::Assigned } else { AddressOrigin::Given };
        Ok(Some(Contact { origin, details }))
    }

    async fn seal_contact(
        &self,
        type_id: i16,
        slot: &EventSlot,
        contact: Option<&Contact>,
    ) -> Result<Option<SealedBytes>, CodecError> {
        let Some(contact) = contact else { return Ok(None) };
        let record = contact.details.known().map(|details| ContactRecord {
            email: Some(details.email.as_str().to_owned()),
            display_name: details.display_name.clone(),
        });
        self.seal(type_id, Purpose::Contact, slot, record).await.map(Some)
    }

    /// Nobody decides on what was erased: `None` is a mistake of the caller.
    async fn seal<T: Serialize>(
        &self,
        type_id: i16,
        purpose: Purpose,
        slot: &EventSlot,
        plain: Option<T>,
    ) -> Result<SealedBytes, CodecError> {
        let erased = || CodecError::Malformed { event: None, reason: format!("the {purpose} part was erased") };
        let (schema, bytes) = catalogue()
            .encode_sealed(EventTypeId(type_id), purpose, &plain.ok_or_else(erased)?)
            .map_err(|error| of_stored(None, &error))?;
        let origin = slot.origin(catalogue().name(EventTypeId(type_id)).unwrap_or_default());
        let sealed = self.vault.seal(SubjectId::from(slot.stream), purpose, &origin, schema, &bytes).await?;
        Ok(SealedBytes(sealed))
    }

    async fn open<T: DeserializeOwned>(
        &self,
        type_id: i16,
        purpose: Purpose,
        origin: &Origin,
        sealed: &[u8],
    ) -> Result<Sensitive<T>, CodecError> {
        match self.vault.open(purpose, origin, sealed).await? {
            Opened::Erased => Ok(Sensitive::Erased),
            Opened::Known { schema, plain } => catalogue()
                .decode_sealed(EventTypeId(type_id), purpose, schema, &plain)
                .map(Sensitive::Known)
                .map_err(|error| of_stored(Some(origin.event_id), &error)),
        }
    }
}

impl EventCodec<UserEvent> for UserCodec {
    fn encode<'a>(
        &'a self,
        event: &'a UserEvent,
        slot: &'a EventSlot,
    ) -> BoxFuture<'a, Result<EncodedEvent, CodecError>> {
        Box::pin(async move {
            let record = self.record(event, slot).await?;
            let (type_id, schema_version, payload) = record.write().map_err(|error| of_stored(None, &error))?;
            Ok(EncodedEvent { type_id, schema_version, payload })
        })
    }

    fn decode<'a>(&'a self, event: &'a RecordedEvent) -> BoxFuture<'a, Result<UserEvent, CodecError>> {
        Box::pin(self.event(event))
    }
}

/// Where the sealed parts of `event` were made.
fn origin_of(event: &RecordedEvent) -> Origin {
    EventSlot::from(event).origin(catalogue().name(event.type_id).unwrap_or_default())
}

/// Which sessions a stored event takes away, and why.
pub(crate) fn revocation_of(
    event: EventId,
    record: &stored::SessionsRevoked,
) -> Result<(RevocationCause, RevokedSessions), CodecError> {
    let cause = match record.cause {
        stored::RevocationCause::PasswordChanged => RevocationCause::PasswordChanged,
        stored::RevocationCause::RefreshReuse => RevocationCause::RefreshReuse,
        stored::RevocationCause::LogoutAll => RevocationCause::LogoutAll,
        stored::RevocationCause::Deactivated => RevocationCause::Deactivated,
        stored::RevocationCause::Unknown => return Err(malformed(event, "an unknown cause")),
    };
    let sessions = match (record.only, record.all_but) {
        (Some(session), None) => RevokedSessions::Only(SessionId(session)),
        (None, Some(session)) => RevokedSessions::AllBut(SessionId(session)),
        (None, None) => RevokedSessions::All,
        (Some(_), Some(_)) => return Err(malformed(event, "one session and all but one")),
    };
    Ok((cause, sessions))
}

fn revoked(cause: RevocationCause, sessions: RevokedSessions) -> stored::SessionsRevoked {
    let cause = match cause {
        RevocationCause::PasswordChanged => stored::RevocationCause::PasswordChanged,
        RevocationCause::RefreshReuse => stored::RevocationCause::RefreshReuse,
        RevocationCause::LogoutAll => stored::RevocationCause::LogoutAll,
        RevocationCause::Deactivated => stored::RevocationCause::Deactivated,
    };
    let (only, all_but) = match sessions {
        RevokedSessions::All => (None, None),
        RevokedSessions::AllBut(session) => (None, Some(session.0)),
        RevokedSessions::Only(session) => (Some(session.0), None),
    };
    stored::SessionsRevoked { cause, only, all_but }
}

fn is_assigned(contact: Option<&Contact>) -> bool {
    contact.is_some_and(|contact| contact.origin == AddressOrigin::Assigned)
}

fn role_of(event: EventId, number: i32) -> Result<Role, CodecError> {
    parsed(event, "role", Role::from_number(number.into()))
}

fn full_name_of(event: EventId, name: Option<String>) -> Result<Option<FullName>, CodecError> {
    name.map(|name| parsed(event, "full_name", FullName::parse(&name))).transpose()
}

fn required(event: EventId, sealed: Option<SealedBytes>) -> Result<SealedBytes, CodecError> {
    sealed.ok_or_else(|| malformed(event, "a sealed part is missing"))
}

fn parsed<T, E>(event: EventId, field: &str, value: Result<T, E>) -> Result<T, CodecError> {
    value.map_err(|_| malformed(event, field))
}

fn malformed(event: EventId, reason: &str) -> CodecError {
    CodecError::Malformed { event: Some(event), reason: reason.to_owned() }
}

fn of_stored(event: Option<EventId>, error: &StoredError) -> CodecError {
    match error {
        StoredError::UnknownType { type_id, schema } => CodecError::UnknownType {
            type_id: EventTypeId(*type_id),
            schema_version: domain_kernel::SchemaVersion(i16::try_from(*schema).unwrap_or(i16::MAX)),
        },
        StoredError::NotSealed { .. } | StoredError::Avro(_) => {
            CodecError::Malformed { event, reason: error.to_string() }
        }
    }
}
