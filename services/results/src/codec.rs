//! Between the domain's events and what is stored: clear records in Avro, what is said about a patient sealed.
//!
//! The subject of every seal is the linked account, so that erasing a patient reaches all their results; a result that
//! is linked to nobody is its own subject.
mod access;
mod clinical;
mod notification;

use crate::stored::catalogue;
use domain_kernel::ports::{KeyVault, Opened, Origin, Purpose};
use domain_kernel::{EventId, EventTypeId, RecordedEvent, Sensitive, StreamId, SubjectId, UserId};
use domain_results::EmailAddress;
use infra_contracts::SealedBytes;
use infra_contracts::contact::ContactRecord;
use infra_contracts::stored::StoredError;
use infra_event_store::codec::{CodecError, EncodedEvent, EventSlot};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Encodes and decodes the events of all three aggregates.
#[derive(Clone)]
pub struct ResultsCodec {
    vault: Arc<dyn KeyVault>,
}

impl ResultsCodec {
    /// Sealing and opening with `vault`, which must be entitled to `clinical` and `contact`.
    #[must_use]
    pub fn new(vault: Arc<dyn KeyVault>) -> Self {
        Self { vault }
    }

    /// Seals `value` as the record of `purpose` in an event of type `type_id` at `slot`.
    async fn seal<T: Serialize>(
        &self,
        type_id: EventTypeId,
        patient: Option<UserId>,
        purpose: Purpose,
        slot: &EventSlot,
        value: &T,
    ) -> Result<SealedBytes, CodecError> {
        let (schema, plain) = catalogue().encode_sealed(type_id, purpose, value).map_err(|error| unwritable(&error))?;
        let origin = slot.origin(name(type_id)?);
        Ok(SealedBytes(self.vault.seal(subject(patient, slot.stream), purpose, &origin, schema, &plain).await?))
    }

    /// Opens the record of `purpose` in `event`; `None` when the key was destroyed.
    async fn open<T: DeserializeOwned>(
        &self,
        event: &RecordedEvent,
        purpose: Purpose,
        sealed: &SealedBytes,
    ) -> Result<Option<T>, CodecError> {
        let origin: Origin = EventSlot::from(event).origin(name(event.type_id)?);
        match self.vault.open(purpose, &origin, &sealed.0).await? {
            Opened::Erased => Ok(None),
            Opened::Known { schema, plain } => catalogue()
                .decode_sealed(event.type_id, purpose, schema, &plain)
                .map(Some)
                .map_err(|error| unreadable(event, &error)),
        }
    }

    /// Seals an address; an erased one cannot be written, as if there were none.
    async fn seal_contact(
        &self,
        type_id: EventTypeId,
        patient: Option<UserId>,
        slot: &EventSlot,
        contact: Option<&Sensitive<EmailAddress>>,
    ) -> Result<Option<SealedBytes>, CodecError> {
        let Some(address) = contact.and_then(Sensitive::known) else { return Ok(None) };
        // The patient's name stays clinical: a mail about a result never greets anybody by name.
        let record = ContactRecord { email: Some(address.as_str().to_owned()), display_name: None };
        self.seal(type_id, patient, Purpose::Contact, slot, &record).await.map(Some)
    }

    async fn open_contact(
        &self,
        event: &RecordedEvent,
        sealed: Option<&SealedBytes>,
    ) -> Result<Option<Sensitive<EmailAddress>>, CodecError> {
        let Some(sealed) = sealed else { return Ok(None) };
        let Some(record) = self.open::<ContactRecord>(event, Purpose::Contact, sealed).await? else {
            return Ok(Some(Sensitive::Erased));
        };
        let parse = |email: String| EmailAddress::parse(&email).map_err(|_| malformed(event, "sealed_contact.email"));
        Ok(record.email.map(parse).transpose()?.map(Sensitive::Known))
    }
}

/// Whose keys seal what is said about a patient.
fn subject(patient: Option<UserId>, result: StreamId) -> SubjectId {
    patient.map_or(SubjectId::from(result), SubjectId::from)
}

fn name(type_id: EventTypeId) -> Result<&'static str, CodecError> {
    catalogue()
        .name(type_id)
        .ok_or_else(|| CodecError::Malformed { event: None, reason: "not in the catalogue".into() })
}

fn encoded<T: Serialize>(type_id: EventTypeId, record: &T) -> Result<EncodedEvent, CodecError> {
    let (schema_version, payload) = catalogue().encode(type_id, record).map_err(|error| unwritable(&error))?;
    Ok(EncodedEvent { type_id, schema_version, payload })
}

fn unwritable(error: &StoredError) -> CodecError {
    CodecError::Malformed { event: None, reason: error.to_string() }
}

fn unreadable(event: &RecordedEvent, error: &StoredError) -> CodecError {
    match error {
        StoredError::UnknownType { .. } => unknown(event),
        other => CodecError::Malformed { event: Some(event.metadata.event_id), reason: other.to_string() },
    }
}

fn unknown(event: &RecordedEvent) -> CodecError {
    CodecError::UnknownType { type_id: event.type_id, schema_version: event.schema_version }
}

fn malformed(event: &RecordedEvent, field: &'static str) -> CodecError {
    let event: EventId = event.metadata.event_id;
    CodecError::Malformed { event: Some(event), reason: format!("field {field}") }
}
