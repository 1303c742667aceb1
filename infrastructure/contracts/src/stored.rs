//! A service's private events as they are stored: which types there are, and their schemas.
//!
//! Number, name and schemas are pinned for ever: a stored event is read with the schema that it was written with, and
//! a new version must read what every version before it wrote. A type's sensitive fields form at most one sealed record
//! per purpose, with an inner schema of its own; in the clear record it stands as a nullable `bytes` field called
//! `sealed_account`, `sealed_contact` or `sealed_clinical`.
pub use crate::SealedBytes;
use crate::avro::{AvroError, AvroSchema, Incompatibility, check_compatible};
use domain_kernel::ports::Purpose;
use domain_kernel::{EventTypeId, SchemaVersion};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// One type of stored event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredEventType {
    /// The number in the table of events; pinned, unique within a service.
    pub type_id: i16,
    /// The stored name, such as `users.user_created`; pinned.
    pub name: &'static str,
    /// The stream's category (`Aggregate::NAME`).
    pub category: &'static str,
    /// The Avro schemas of the clear record, version 1 first; the last is what is written.
    pub schemas: &'static [&'static str],
    /// The Avro schemas of the sealed records, number 1 first, by purpose.
    pub sealed: &'static [(Purpose, &'static [&'static str])],
}

/// Why an event was not written or read. Never right later: the data or the code is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoredError {
    /// No such type, or no such version of it, in this catalogue: a newer binary's.
    #[error("event type {type_id} with schema {schema} is not known")]
    UnknownType {
        /// The type's number.
        type_id: i16,
        /// The schema's number; 0 where none was asked for.
        schema: i32,
    },
    /// The type has no sealed record of that purpose.
    #[error("event type {type_id} has no sealed {purpose} record")]
    NotSealed {
        /// The type's number.
        type_id: i16,
        /// Which purpose.
        purpose: Purpose,
    },
    /// Value or bytes do not fit the schema.
    #[error(transparent)]
    Avro(#[from] AvroError),
}

/// Why a catalogue is none: a mistake in a service's code, found when it starts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// A schema does not parse.
    #[error("{event}: a schema does not parse")]
    Schema {
        /// Which event type.
        event: &'static str,
        /// Why not.
        #[source]
        source: AvroError,
    },
    /// A type has no schema, or a purpose has none.
    #[error("{event} has no schema")]
    NoSchema {
        /// Which event type.
        event: &'static str,
    },
    /// Two types share a number or a name.
    #[error("{event} shares its number or name with another type")]
    Twice {
        /// Which event type.
        event: &'static str,
    },
    /// A newer schema does not read what an older one wrote.
    #[error("{event}: schema {reader} does not read what schema {writer} wrote")]
    Incompatible {
        /// Which event type.
        event: &'static str,
        /// The newer schema's number.
        reader: usize,
        /// The older schema's number.
        writer: usize,
        /// What does not fit.
        #[source]
        source: Incompatibility,
    },
}

/// A service's catalogue of stored events, its schemas parsed.
#[derive(Debug)]
pub struct StoredEvents {
    types: BTreeMap<i16, Parsed>,
    by_name: BTreeMap<&'static str, i16>,
}

#[derive(Debug)]
struct Parsed {
    event: StoredEventType,
    schemas: Vec<AvroSchema>,
    sealed: Vec<(Purpose, Vec<AvroSchema>)>,
}

impl StoredEvents {
    /// Parses the schemas of `types` and checks that every newer one reads every older one.
    ///
    /// # Errors
    /// [`CatalogueError`].
    pub fn new(types: &'static [StoredEventType]) -> Result<Self, CatalogueError> {
        Self { types: BTreeMap::new(), by_name: BTreeMap::new() }.with(types)
    }

    /// The same catalogue with more types, such as those of another crate.
    ///
    /// # Errors
    /// [`CatalogueError`].
    pub fn with(mut self, types: &'static [StoredEventType]) -> Result<Self, CatalogueError> {
        for event in types {
            let parsed = Parsed {
                event: *event,
                schemas: parse(event.name, event.schemas)?,
                sealed: event
                    .sealed
                    .iter()
                    .map(|(purpose, schemas)| Ok((*purpose, parse(event.name, schemas)?)))
                    .collect::<Result<_, CatalogueError>>()?,
            };
            if self.types.insert(event.type_id, parsed).is_some()
                || self.by_name.insert(event.name, event.type_id).is_some()
            {
                return Err(CatalogueError::Twice { event: event.name });
            }
        }
        Ok(self)
    }

    /// Writes the clear record of an event of type `type_id` with its newest schema.
    ///
    /// # Errors
    /// [`StoredError`].
    pub fn encode<T: Serialize>(
        &self,
        type_id: EventTypeId,
        value: &T,
    ) -> Result<(SchemaVersion, Vec<u8>), StoredError> {
        let (number, schema) = newest(type_id, &self.parsed(type_id)?.schemas)?;
        let version = i16::try_from(number).map_err(|_| unknown(type_id, number.into()))?;
        Ok((SchemaVersion(version), schema.encode(value)?))
    }

    /// Reads the clear record of an event.
    ///
    /// # Errors
    /// [`StoredError`].
    pub fn decode<T: DeserializeOwned>(
        &self,
        type_id: EventTypeId,
        schema_version: SchemaVersion,
        bytes: &[u8],
    ) -> Result<T, StoredError> {
        let schemas = &self.parsed(type_id)?.schemas;
        let (_, reader) = newest(type_id, schemas)?;
        Ok(reader.decode(numbered(type_id, schemas, schema_version.0.into())?, bytes)?)
    }

    /// The clear record of an event as JSON, for people; sealed records show their size alone.
    ///
    /// # Errors
    /// [`StoredError`].
    pub fn show(
        &self,
        type_id: EventTypeId,
        schema_version: SchemaVersion,
        bytes: &[u8],
    ) -> Result<serde_json::Value, StoredError> {
        let schemas = &self.parsed(type_id)?.schemas;
        Ok(numbered(type_id, schemas, schema_version.0.into())?.show(bytes)?)
    }

    /// The sealed records of an event, each with its purpose, as they were stored.
    ///
    /// # Errors
    /// [`StoredError`].
    pub fn sealed_records(
        &self,
        type_id: EventTypeId,
        schema_version: SchemaVersion,
        bytes: &[u8],
    ) -> Result<Vec<(Purpose, SealedBytes)>, StoredError> {
        let parsed = self.parsed(type_id)?;
        let mut fields = numbered(type_id, &parsed.schemas, schema_version.0.into())?.byte_fields(bytes)?;
        let record = |purpose: Purpose| {
            let at = fields.iter().position(|(name, _)| *name == sealed_field(purpose))?;
            Some((purpose, SealedBytes(fields.swap_remove(at).1)))
        };
        Ok(parsed.event.sealed.iter().map(|(purpose, _)| *purpose).filter_map(record).collect())
    }

    /// The plain bytes of a sealed record as JSON, for whoever may see them.
    ///
    /// # Errors
    /// [`StoredError`].
    pub fn show_sealed(
        &self,
        type_id: EventTypeId,
        purpose: Purpose,
        schema: u16,
        plain: &[u8],
    ) -> Result<serde_json::Value, StoredError> {
        Ok(numbered(type_id, self.sealed(type_id, purpose)?, schema.into())?.show(plain)?)
    }

    /// Writes the plain bytes of a sealed record; the number goes into its header.
    ///
    /// # Errors
    /// [`StoredError`].
    pub fn encode_sealed<T: Serialize>(
        &self,
        type_id: EventTypeId,
        purpose: Purpose,
        value: &T,
    ) -> Result<(u16, Vec<u8>), StoredError> {
        let (number, schema) = newest(type_id, self.sealed(type_id, purpose)?)?;
        Ok((number, schema.encode(value)?))
    }

    /// Reads the plain bytes of a sealed record that was written with inner schema number `schema`.
    ///
    /// # Errors
    /// [`StoredError`].
    pub fn decode_sealed<T: DeserializeOwned>(
        &self,
        type_id: EventTypeId,
        purpose: Purpose,
        schema: u16,
        plain: &[u8],
    ) -> Result<T, StoredError> {
        let schemas = self.sealed(type_id, purpose)?;
        let (_, reader) = newest(type_id, schemas)?;
        Ok(reader.decode(numbered(type_id, schemas, schema.into())?, plain)?)
    }

    /// What is known of the type with that number; `None` for a newer release's.
    #[must_use]
    pub fn find(&self, type_id: EventTypeId) -> Option<&StoredEventType> {
        self.types.get(&type_id.0).map(|parsed| &parsed.event)
    }

    /// The stored name of a type.
    #[must_use]
    pub fn name(&self, type_id: EventTypeId) -> Option<&'static str> {
        self.find(type_id).map(|event| event.name)
    }

    /// The number of a type.
    #[must_use]
    pub fn type_id(&self, name: &str) -> Option<EventTypeId> {
        self.by_name.get(name).copied().map(EventTypeId)
    }

    /// Every type, in the order of the numbers.
    pub fn all(&self) -> impl Iterator<Item = &StoredEventType> {
        self.types.values().map(|parsed| &parsed.event)
    }

    fn parsed(&self, type_id: EventTypeId) -> Result<&Parsed, StoredError> {
        self.types.get(&type_id.0).ok_or(unknown(type_id, 0))
    }

    fn sealed(&self, type_id: EventTypeId, purpose: Purpose) -> Result<&[AvroSchema], StoredError> {
        let sealed = &self.parsed(type_id)?.sealed;
        sealed
            .iter()
            .find(|(of, _)| *of == purpose)
            .map(|(_, schemas)| schemas.as_slice())
            .ok_or(StoredError::NotSealed { type_id: type_id.0, purpose })
    }
}

/// The field of a clear record that holds the sealed one of `purpose`.
#[must_use]
pub fn sealed_field(purpose: Purpose) -> String {
    format!("sealed_{purpose}")
}

fn parse(event: &'static str, texts: &[&str]) -> Result<Vec<AvroSchema>, CatalogueError> {
    let malformed = |source| CatalogueError::Schema { event, source };
    let schemas: Vec<_> =
        texts.iter().map(|text| AvroSchema::parse(text)).collect::<Result<_, _>>().map_err(malformed)?;
    if schemas.is_empty() {
        return Err(CatalogueError::NoSchema { event });
    }
    for (newer, reader) in schemas.iter().enumerate() {
        for (older, writer) in schemas.iter().enumerate().take(newer) {
            check_compatible(reader, writer).map_err(|source| CatalogueError::Incompatible {
                event,
                reader: newer + 1,
                writer: older + 1,
                source,
            })?;
        }
    }
    Ok(schemas)
}

fn newest(type_id: EventTypeId, schemas: &[AvroSchema]) -> Result<(u16, &AvroSchema), StoredError> {
    let number = u16::try_from(schemas.len()).ok();
    number.zip(schemas.last()).ok_or(unknown(type_id, 0))
}

fn numbered(type_id: EventTypeId, schemas: &[AvroSchema], number: i32) -> Result<&AvroSchema, StoredError> {
    let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    index.and_then(|index| schemas.get(index)).ok_or(unknown(type_id, number))
}

fn unknown(type_id: EventTypeId, schema: i32) -> StoredError {
    StoredError::UnknownType { type_id: type_id.0, schema }
}

#[cfg(test)]
mod tests;
