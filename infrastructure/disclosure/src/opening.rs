//! Opening what an event holds sealed.
use crate::shown::ShownEvent;
use domain_kernel::ports::{KeyVault, Opened, Origin, Purpose, VaultError};
use domain_kernel::{EventId, RecordedEvent};
use infra_contracts::contact;
use infra_contracts::stored::{SealedBytes, StoredEvents, sealed_field};
use infra_event_store::codec::{CodecError, EventSlot};
use infra_event_store::inspection::{ERASED, WITHHELD};
use serde_json::Value;

/// What stands in the place of a record that is not what was sealed there: changed, or taken from somewhere else.
const NOT_AUTHENTIC: &str = "[not authentic]";

/// A contact that an event carries as another event sealed it, unopened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Where in the shown event: a JSON pointer (RFC 6901).
    pub pointer: &'static str,
    /// Where it was sealed.
    pub origin: Origin,
    /// The sealed record.
    pub sealed: SealedBytes,
}

/// For services whose events carry no other event's sealed records.
///
/// # Errors
/// None; it is a function of that shape.
pub fn nothing_copied(_: &RecordedEvent) -> Result<Vec<Copied>, CodecError> {
    Ok(Vec::new())
}

/// What a contact says that was sealed at `origin`.
///
/// # Errors
/// [`CodecError`] when the vault does not answer or the record is not what its schema says.
pub async fn contact(vault: &dyn KeyVault, origin: &Origin, sealed: &[u8]) -> Result<Value, CodecError> {
    match opened(vault, Purpose::Contact, origin, sealed).await? {
        Inside::Nothing(instead) => Ok(instead.into()),
        Inside::Record { schema, plain } => {
            contact::show(schema, &plain).map_err(|error| malformed(origin.event_id, &error))
        }
    }
}

/// Opens the sealed records of one service's events.
pub(crate) struct Opener<'a> {
    pub(crate) vault: &'a dyn KeyVault,
    pub(crate) catalogue: &'a StoredEvents,
    /// Fields of sealed records that nobody is shown.
    pub(crate) withheld: &'a [&'a str],
}

impl Opener<'_> {
    /// Puts what the sealed records of `event` say in their places in `shown`.
    ///
    /// # Errors
    /// [`CodecError`] when the vault does not answer or a record is not what its schema says.
    pub(crate) async fn open(
        &self,
        event: &RecordedEvent,
        copied: Vec<Copied>,
        shown: &mut ShownEvent,
    ) -> Result<(), CodecError> {
        let (type_id, id) = (event.type_id, event.metadata.event_id);
        let own = self
            .catalogue
            .sealed_records(type_id, event.schema_version, &event.payload)
            .map_err(|error| malformed(id, &error))?;
        let origin = EventSlot::from(event).origin(self.catalogue.name(type_id).unwrap_or_default());
        for (purpose, SealedBytes(sealed)) in own {
            let value = match opened(self.vault, purpose, &origin, &sealed).await? {
                Inside::Nothing(instead) => instead.into(),
                Inside::Record { schema, plain } => {
                    let record = self.catalogue.show_sealed(type_id, purpose, schema, &plain);
                    self.without_what_is_withheld(record.map_err(|error| malformed(id, &error))?)
                }
            };
            put(shown, &format!("/{}", sealed_field(purpose)), value);
        }
        for Copied { pointer, origin, sealed: SealedBytes(sealed) } in copied {
            put(shown, pointer, contact(self.vault, &origin, &sealed).await?);
        }
        Ok(())
    }

    fn without_what_is_withheld(&self, mut record: Value) -> Value {
        if let Value::Object(fields) = &mut record {
            for (_, value) in fields.iter_mut().filter(|(name, _)| self.withheld.contains(&name.as_str())) {
                *value = WITHHELD.into();
            }
        }
        record
    }
}

/// What there is inside a sealed record.
enum Inside {
    Record {
        schema: u16,
        plain: Vec<u8>,
    },
    /// Nothing that can be shown, and what stands in its place.
    Nothing(&'static str),
}

async fn opened(vault: &dyn KeyVault, purpose: Purpose, origin: &Origin, sealed: &[u8]) -> Result<Inside, VaultError> {
    match vault.open(purpose, origin, sealed).await {
        Ok(Opened::Known { schema, plain }) => Ok(Inside::Record { schema, plain }),
        Ok(Opened::Erased) | Err(VaultError::Erased { .. }) => Ok(Inside::Nothing(ERASED)),
        Err(VaultError::NotAuthentic) => Ok(Inside::Nothing(NOT_AUTHENTIC)),
        Err(error) => Err(error),
    }
}

fn malformed(event: EventId, error: &impl ToString) -> CodecError {
    CodecError::Malformed { event: Some(event), reason: error.to_string() }
}

fn put(shown: &mut ShownEvent, pointer: &str, value: Value) {
    if let Some(place) = shown.data.pointer_mut(pointer) {
        *place = value;
    }
}
