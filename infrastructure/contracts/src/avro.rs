//! Avro datums: a value's bytes and nothing else, no header and no schema.
//!
//! What was written is read with the schema that it was written with (the writer's) and resolved to the schema that the
//! code knows (the reader's), by the rules of the Avro 1.12 specification, "Schema Resolution". Errors name record and
//! field, never a value: what is read may be anybody's.
mod compatibility;
mod show;

pub use compatibility::{Incompatibility, check_compatible, check_successor, mutual_compatibility};

use apache_avro::Schema;
use apache_avro::error::Details;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::util::max_allocation_bytes;
use apache_avro::writer::datum::GenericDatumWriter;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// No length inside a datum may ask for more memory than this; an event is far smaller.
const MAX_ALLOCATION: usize = 8 * 1024 * 1024;

/// A parsed schema, ready to write and to read.
///
/// Parsed schemas live as long as the process: they are constants of the binary, parsed once each.
pub struct AvroSchema {
    schema: &'static Schema,
    writer: GenericDatumWriter<'static>,
    reader: GenericDatumReader<'static>,
    /// Readers of what other schemas wrote, resolved once; keyed by the address of the writer's schema, which never
    /// moves and is never freed.
    resolving: RwLock<HashMap<usize, Arc<GenericDatumReader<'static>>>>,
}

/// Why bytes and values did not turn into each other. Never right later: the data or the code is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AvroError {
    /// The text is no schema.
    #[error("not an Avro schema: {reason}")]
    Schema {
        /// What is wrong with it.
        reason: String,
    },
    /// The value does not fit the schema.
    #[error("{record} cannot be written: field {field}")]
    Encode {
        /// The schema's name.
        record: String,
        /// The field that does not fit, or "(unknown)".
        field: String,
    },
    /// The bytes do not fit the schema.
    #[error("{record} cannot be read: {reason}")]
    Decode {
        /// The schema's name.
        record: String,
        /// What does not fit; never a value.
        reason: &'static str,
    },
}

impl AvroSchema {
    /// Reads a schema's JSON text.
    ///
    /// # Errors
    /// [`AvroError::Schema`].
    pub fn parse(json: &str) -> Result<Self, AvroError> {
        max_allocation_bytes(MAX_ALLOCATION);
        let malformed = |error: apache_avro::Error| AvroError::Schema { reason: error.to_string() };
        let schema: &'static Schema = Box::leak(Box::new(Schema::parse_str(json).map_err(malformed)?));
        // "Human readable" is what makes an id travel as text, as the logical type uuid on a string says.
        let writer = GenericDatumWriter::builder(schema).human_readable(true).build().map_err(malformed)?;
        let reader = GenericDatumReader::builder(schema).human_readable(true).build().map_err(malformed)?;
        Ok(Self { schema, writer, reader, resolving: RwLock::default() })
    }

    /// The schema's name without its namespace.
    #[must_use]
    pub fn name(&self) -> String {
        self.schema.name().map_or_else(|| "(unnamed)".to_owned(), |name| name.name().to_owned())
    }

    /// The fields of a record, in order, each with whether it may be null; empty for any other schema.
    #[must_use]
    pub fn fields(&self) -> Vec<(String, bool)> {
        match self.schema {
            Schema::Record(record) => {
                let nullable = |schema: &Schema| matches!(schema, Schema::Union(union) if union.is_nullable());
                record.fields.iter().map(|field| (field.name.clone(), nullable(&field.schema))).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Writes `value`.
    ///
    /// # Errors
    /// [`AvroError::Encode`].
    pub fn encode<T: Serialize>(&self, value: &T) -> Result<Vec<u8>, AvroError> {
        self.writer.write_ser_to_vec(value).map_err(|error| {
            let field = match error.into_details() {
                Details::SerializeRecordFieldWithSchema { field_name, .. }
                | Details::MissingDefaultForSkippedField { field_name, .. } => field_name,
                Details::GetField(field) | Details::FieldName(field) => field,
                _ => "(unknown)".to_owned(),
            };
            AvroError::Encode { record: self.name(), field }
        })
    }

    /// Reads what was written with `writer`, as this schema sees it.
    ///
    /// # Errors
    /// [`AvroError::Decode`].
    pub fn decode<T: DeserializeOwned>(&self, writer: &Self, bytes: &[u8]) -> Result<T, AvroError> {
        if std::ptr::eq(self.schema, writer.schema) {
            return self.read(bytes);
        }
        self.read(&self.resolve(writer, bytes)?)
    }

    /// Whether `bytes` are a datum of this schema, and nothing more.
    pub(crate) fn check(&self, bytes: &[u8]) -> Result<(), AvroError> {
        let mut rest = bytes;
        self.reader.read_value(&mut rest).map_err(|_| self.unreadable("the bytes do not fit the schema"))?;
        if rest.is_empty() { Ok(()) } else { Err(self.unreadable("bytes are left over")) }
    }

    fn read<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, AvroError> {
        let mut rest = bytes;
        let value =
            self.reader.read_deser(&mut rest).map_err(|_| self.unreadable("the bytes do not fit the schema"))?;
        if rest.is_empty() { Ok(value) } else { Err(self.unreadable("bytes are left over")) }
    }

    /// The same datum as this schema would have written it.
    fn resolve(&self, writer: &Self, bytes: &[u8]) -> Result<Vec<u8>, AvroError> {
        let mut rest = bytes;
        let value = self
            .reader_of(writer)?
            .read_value(&mut rest)
            .map_err(|_| self.unreadable("the bytes do not fit the writer's schema, or it does not resolve"))?;
        if !rest.is_empty() {
            return Err(self.unreadable("bytes are left over"));
        }
        self.writer.write_value_to_vec(value).map_err(|_| self.unreadable("the resolved value does not fit the schema"))
    }

    fn reader_of(&self, writer: &Self) -> Result<Arc<GenericDatumReader<'static>>, AvroError> {
        let key = std::ptr::from_ref(writer.schema).addr();
        if let Some(reader) = self.resolving.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(reader));
        }
        let reader = GenericDatumReader::builder(writer.schema)
            .reader_schema(self.schema)
            .human_readable(true)
            .build()
            .map_err(|error| AvroError::Schema { reason: error.to_string() })?;
        let reader = Arc::new(reader);
        self.resolving.write().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&reader));
        Ok(reader)
    }

    fn unreadable(&self, reason: &'static str) -> AvroError {
        AvroError::Decode { record: self.name(), reason }
    }

    fn schema(&self) -> &'static Schema {
        self.schema
    }
}

impl fmt::Debug for AvroSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AvroSchema").field(&self.name()).finish()
    }
}

#[cfg(test)]
mod tests;
