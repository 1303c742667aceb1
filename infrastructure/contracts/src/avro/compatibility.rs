//! Whether one schema reads what another one wrote, with the name of the field that does not.
//!
//! Stricter than Avro asks in one point: a logical type may not change, because the bytes would still decode and mean
//! something else. What passes here is also shown to apache-avro's own check, which must call it fully compatible.
use super::AvroSchema;
use apache_avro::Schema;
use apache_avro::schema::{NamesRef, RecordSchema, ResolvedSchema, SchemaKind, UuidSchema};
use apache_avro::schema_compatibility::{Compatibility, SchemaCompatibility};
use std::fmt;

/// What stands between two schemas.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Incompatibility {
    /// The path of the field, such as `user_created.role`; the record's name where no single field is at fault.
    pub field: String,
    /// What does not fit.
    pub reason: String,
}

impl fmt::Display for Incompatibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "field {}: {}", self.field, self.reason)
    }
}

/// Whether both read what the other wrote: what a topic's registry asks of every two versions (`FULL_TRANSITIVE`).
///
/// # Errors
/// The first [`Incompatibility`].
pub fn mutual_compatibility(one: &AvroSchema, other: &AvroSchema) -> Result<(), Incompatibility> {
    check_compatible(one, other)?;
    check_compatible(other, one)
}

/// Whether `newer` may follow `older` as a version of the published language: both read each other, and nothing that
/// could be read before is lost.
///
/// Avro takes a nullable field that goes, or comes back under another name, for two harmless changes; what it held would
/// silently be read as null. And a field that gives up its default could never be left out again.
///
/// # Errors
/// The first [`Incompatibility`].
pub fn check_successor(newer: &AvroSchema, older: &AvroSchema) -> Result<(), Incompatibility> {
    mutual_compatibility(newer, older)?;
    let parsed = |schema: &AvroSchema| {
        ResolvedSchema::new(schema.schema())
            .map_err(|error| Incompatibility { field: schema.name(), reason: error.to_string() })
    };
    let (newer_names, older_names) = (parsed(newer)?, parsed(older)?);
    let (newer_names, older_names) = (newer_names.get_names(), older_names.get_names());
    for (name, before) in older_names {
        let (Schema::Record(before), Some(Schema::Record(after))) = (before, newer_names.get(name)) else { continue };
        for field in &before.fields {
            let wrong = |reason: &str| {
                let field = format!("{}.{}", before.name.name(), field.name);
                Err(Incompatibility { field, reason: reason.to_owned() })
            };
            match after.fields.iter().find(|kept| kept.name == field.name) {
                None => return wrong("it is gone, or has another name; a field that is not needed any more stays"),
                Some(kept) if field.default.is_some() && kept.default.is_none() => {
                    return wrong("it has lost its default");
                }
                Some(_) => {}
            }
        }
    }
    Ok(())
}

/// Whether `reader` reads everything that `writer` can have written.
///
/// # Errors
/// The first [`Incompatibility`].
pub fn check_compatible(reader: &AvroSchema, writer: &AvroSchema) -> Result<(), Incompatibility> {
    let names = |schema: &AvroSchema| {
        ResolvedSchema::new(schema.schema())
            .map_err(|error| Incompatibility { field: schema.name(), reason: error.to_string() })
    };
    let (reader_names, writer_names) = (names(reader)?, names(writer)?);
    let mut check = Check { reader: reader_names.get_names(), writer: writer_names.get_names(), seen: Vec::new() };
    check.schemas(reader.schema(), writer.schema(), &reader.name())?;
    match SchemaCompatibility::can_read(writer.schema(), reader.schema()) {
        Ok(Compatibility::Full) => Ok(()),
        Ok(Compatibility::Partial) => {
            Err(Incompatibility { field: reader.name(), reason: "some values would not be read".to_owned() })
        }
        Err(error) => Err(Incompatibility { field: reader.name(), reason: error.to_string() }),
    }
}

struct Check<'s> {
    reader: &'s NamesRef<'s>,
    writer: &'s NamesRef<'s>,
    /// Pairs of named schemas under way or done, so that recursive schemas end.
    seen: Vec<(String, String)>,
}

impl Check<'_> {
    fn schemas(&mut self, reader: &Schema, writer: &Schema, field: &str) -> Result<(), Incompatibility> {
        let wrong = |reason: String| Err(Incompatibility { field: field.to_owned(), reason });
        let reader = dereference(reader, self.reader);
        let writer = dereference(writer, self.writer);
        match (reader, writer) {
            (_, Schema::Union(branches)) => {
                branches.variants().iter().try_for_each(|branch| self.branch(reader, branch, field))
            }
            (Schema::Union(_), _) => self.branch(reader, writer, field),
            (Schema::Record(reader), Schema::Record(writer)) => self.records(reader, writer, field),
            (Schema::Enum(reader), Schema::Enum(writer)) => {
                if reader.name != writer.name {
                    return wrong(format!("the enum {} became {}", writer.name, reader.name));
                }
                match writer.symbols.iter().find(|symbol| !reader.symbols.contains(symbol)) {
                    Some(symbol) if reader.default.is_none() => {
                        wrong(format!("symbol {symbol} is not known to the reader, whose enum has no default"))
                    }
                    _ => Ok(()),
                }
            }
            (Schema::Array(reader), Schema::Array(writer)) => {
                self.schemas(&reader.items, &writer.items, &format!("{field}[]"))
            }
            (Schema::Map(reader), Schema::Map(writer)) => {
                self.schemas(&reader.types, &writer.types, &format!("{field}{{}}"))
            }
            (Schema::Fixed(reader), Schema::Fixed(writer)) => {
                if reader.name == writer.name && reader.size == writer.size {
                    Ok(())
                } else {
                    wrong("the fixed changed its name or size".to_owned())
                }
            }
            _ if reads(reader, writer) => Ok(()),
            _ => wrong(format!("{} is not read as {}", kind(writer), kind(reader))),
        }
    }

    /// One of the reader's branches must take what the writer's branch holds; of named ones the one with that name.
    fn branch(&mut self, reader: &Schema, writer: &Schema, field: &str) -> Result<(), Incompatibility> {
        let Schema::Union(branches) = reader else { return self.schemas(reader, writer, field) };
        let writer = dereference(writer, self.writer);
        let same = |branch: &&Schema| match (dereference(branch, self.reader).name(), writer.name()) {
            (Some(reader), Some(writer)) => reader == writer,
            (None, None) => kind(branch) == kind(writer),
            _ => false,
        };
        if let Some(branch) = branches.variants().iter().find(same) {
            return self.schemas(branch, writer, field);
        }
        let promoted = branches.variants().iter().any(|branch| self.schemas(branch, writer, field).is_ok());
        let reason = || format!("the reader's union has no place for {}", kind(writer));
        if promoted { Ok(()) } else { Err(Incompatibility { field: field.to_owned(), reason: reason() }) }
    }

    fn records(&mut self, reader: &RecordSchema, writer: &RecordSchema, path: &str) -> Result<(), Incompatibility> {
        let pair = (reader.name.fullname(None), writer.name.fullname(None));
        if pair.0 != pair.1 {
            let reason = format!("the record {} became {}", pair.1, pair.0);
            return Err(Incompatibility { field: path.to_owned(), reason });
        }
        if self.seen.contains(&pair) {
            return Ok(());
        }
        self.seen.push(pair);
        for field in &reader.fields {
            let path = format!("{path}.{}", field.name);
            let written = writer
                .fields
                .iter()
                .find(|written| written.name == field.name || field.aliases.contains(&written.name));
            match written {
                Some(written) => self.schemas(&field.schema, &written.schema, &path)?,
                None if field.default.is_some() => {}
                None => {
                    let reason = "it is not written by the other version and has no default".to_owned();
                    return Err(Incompatibility { field: path, reason });
                }
            }
        }
        Ok(())
    }
}

fn dereference<'s>(schema: &'s Schema, names: &'s NamesRef<'_>) -> &'s Schema {
    match schema {
        Schema::Ref { name } => names.get(name).copied().unwrap_or(schema),
        _ => schema,
    }
}

/// Equal kinds and Avro's promotions.
fn reads(reader: &Schema, writer: &Schema) -> bool {
    match (reader, writer) {
        (Schema::Long | Schema::Float | Schema::Double, Schema::Int)
        | (Schema::Float | Schema::Double, Schema::Long)
        | (Schema::Double, Schema::Float)
        | (Schema::String, Schema::Bytes)
        | (Schema::Bytes, Schema::String) => true,
        (Schema::Decimal(reader), Schema::Decimal(writer)) => {
            reader.precision == writer.precision && reader.scale == writer.scale
        }
        _ => kind(reader) == kind(writer),
    }
}

/// What a person would call it; a logical type is another kind than the type it stands on.
fn kind(schema: &Schema) -> String {
    match schema {
        Schema::Uuid(UuidSchema::String) => "uuid (string)".to_owned(),
        Schema::Uuid(UuidSchema::Bytes) => "uuid (bytes)".to_owned(),
        Schema::Uuid(UuidSchema::Fixed(_)) => "uuid (fixed)".to_owned(),
        Schema::Record(_) | Schema::Enum(_) | Schema::Fixed(_) => {
            let name = schema.name().map(|name| name.fullname(None)).unwrap_or_default();
            format!("{:?} {name}", SchemaKind::from(schema)).to_lowercase()
        }
        _ => format!("{:?}", SchemaKind::from(schema)).to_lowercase(),
    }
}

#[cfg(test)]
mod tests;
