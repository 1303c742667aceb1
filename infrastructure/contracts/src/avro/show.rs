//! A datum as JSON, for people: byte strings (sealed records among them) show their size alone.
use super::{AvroError, AvroSchema};
use apache_avro::types::Value;
use serde_json::{Map, Value as Json, json};

impl AvroSchema {
    /// What `bytes`, written with this schema, hold. Byte strings become `"[7 bytes]"`.
    ///
    /// # Errors
    /// [`AvroError::Decode`].
    pub fn show(&self, bytes: &[u8]) -> Result<Json, AvroError> {
        let mut rest = bytes;
        let value =
            self.reader.read_value(&mut rest).map_err(|_| self.unreadable("the bytes do not fit the schema"))?;
        Ok(shown(value))
    }

    /// The byte strings among the record's own fields, by the field's name; what is null is left out.
    ///
    /// # Errors
    /// [`AvroError::Decode`].
    pub(crate) fn byte_fields(&self, bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, AvroError> {
        let mut rest = bytes;
        let value =
            self.reader.read_value(&mut rest).map_err(|_| self.unreadable("the bytes do not fit the schema"))?;
        let Value::Record(fields) = value else { return Ok(Vec::new()) };
        Ok(fields.into_iter().filter_map(|(name, value)| Some((name, byte_string(value)?))).collect())
    }
}

fn byte_string(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::Bytes(bytes) => Some(bytes),
        Value::Union(_, value) => byte_string(*value),
        _ => None,
    }
}

fn shown(value: Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Long(value) | Value::TimestampMicros(value) => json!(value),
        Value::Float(value) => json!(value),
        Value::Double(value) => json!(value),
        Value::String(text) | Value::Enum(_, text) => json!(text),
        Value::Uuid(id) => json!(id),
        Value::Bytes(bytes) | Value::Fixed(_, bytes) => json!(format!("[{} bytes]", bytes.len())),
        Value::Union(_, value) => shown(*value),
        Value::Array(values) => values.into_iter().map(shown).collect(),
        Value::Map(values) => {
            values.into_iter().map(|(name, value)| (name, shown(value))).collect::<Map<_, _>>().into()
        }
        Value::Record(fields) => {
            fields.into_iter().map(|(name, value)| (name, shown(value))).collect::<Map<_, _>>().into()
        }
        // No schema of ours has decimals, dates or durations.
        _ => json!("[not shown]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_by_their_size_alone() {
        let schema = r#"{"type":"record","name":"Sample","fields":[
            {"name":"number","type":"long"},{"name":"sealed_clinical","type":["null","bytes"],"default":null}]}"#;
        let schema = AvroSchema::parse(schema).unwrap();
        // A zig-zag 7, the union's second branch, two bytes.
        let bytes = [14, 2, 4, b'S', b'i'];
        assert_eq!(schema.show(&bytes).unwrap(), json!({"number": 7, "sealed_clinical": "[2 bytes]"}));
        assert_eq!(schema.byte_fields(&bytes).unwrap(), [("sealed_clinical".to_owned(), b"Si".to_vec())]);
        assert_eq!(schema.byte_fields(&[14, 0]).unwrap(), [], "null is no byte string");
        assert!(schema.byte_fields(&[14, 18]).is_err(), "there is no tenth branch");
    }

    #[test]
    fn every_other_kind_of_value_is_shown_as_json() {
        let id = uuid::Uuid::from_u128(7);
        let text = || Value::String("x".to_owned());
        let fields = [
            ("null", Value::Null, Json::Null),
            ("boolean", Value::Boolean(true), json!(true)),
            ("int", Value::Int(1), json!(1)),
            ("long", Value::Long(2), json!(2)),
            ("moment", Value::TimestampMicros(3), json!(3)),
            ("float", Value::Float(0.5), json!(0.5)),
            ("double", Value::Double(0.25), json!(0.25)),
            ("enum", Value::Enum(1, "far".to_owned()), json!("far")),
            ("uuid", Value::Uuid(id), json!(id)),
            ("fixed", Value::Fixed(2, vec![1, 2]), json!("[2 bytes]")),
            ("array", Value::Array(vec![text()]), json!(["x"])),
            ("map", Value::Map([("key".to_owned(), text())].into()), json!({"key": "x"})),
            ("date", Value::Date(1), json!("[not shown]")),
        ];
        for (kind, value, expected) in fields {
            assert_eq!(shown(value), expected, "{kind}");
        }
    }
}
