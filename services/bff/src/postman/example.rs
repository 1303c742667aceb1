//! A value that a schema allows: its example where it has one.
use serde_json::{Map, Value, json};

/// Schemas nest; one that contains itself ends here.
const DEEPEST: usize = 8;

/// An example of `schema`, with references looked up in `document`.
pub(super) fn example(document: &Value, schema: &Value) -> Value {
    of(document, schema, 0)
}

fn of(document: &Value, schema: &Value, depth: usize) -> Value {
    if depth > DEEPEST {
        return Value::Null;
    }
    if let Some(name) = schema["$ref"].as_str() {
        return document
            .pointer(name.trim_start_matches('#'))
            .map_or(Value::Null, |schema| of(document, schema, depth + 1));
    }
    let given = [&schema["example"], &schema["examples"][0], &schema["default"], &schema["const"], &schema["enum"][0]];
    if let Some(given) = given.into_iter().find(|given| !given.is_null()) {
        return given.clone();
    }
    for alternatives in ["oneOf", "anyOf"] {
        let alternatives = schema[alternatives].as_array().into_iter().flatten();
        if let Some(first) = alternatives.into_iter().find(|alternative| alternative["type"] != "null") {
            return of(document, first, depth + 1);
        }
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let objects = parts.iter().filter_map(|part| match of(document, part, depth + 1) {
            Value::Object(members) => Some(members),
            _ => None,
        });
        return Value::Object(objects.flatten().collect());
    }
    match kind(schema) {
        "object" => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            let members: Map<String, Value> = properties
                .filter(|(_, property)| property["readOnly"] != true)
                .map(|(name, property)| (name.clone(), of(document, property, depth + 1)))
                .collect();
            Value::Object(members)
        }
        "array" => json!([of(document, &schema["items"], depth + 1)]),
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        "boolean" => json!(true),
        "string" => json!(match schema["format"].as_str() {
            Some("uuid") => "00000000-0000-4000-8000-000000000000",
            Some("date-time") => "2026-01-01T00:00:00Z",
            Some("email") => "someone@example.org",
            _ => "",
        }),
        _ => Value::Null,
    }
}

/// The type, of which OpenAPI 3.1 allows several: the first that is not `null`.
fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::String(kind) => kind,
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or_default(),
        _ if schema["properties"].is_object() => "object",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schemas_own_example_comes_first() {
        let schema = json!({"type": "string", "example": "a", "default": "b"});
        assert_eq!(example(&json!({}), &schema), "a");
    }

    #[test]
    fn without_one_the_type_decides() {
        let schema = json!({"type": "object", "properties": {
            "id": {"type": "string", "format": "uuid"},
            "count": {"type": ["integer", "null"], "minimum": 0},
            "tags": {"type": "array", "items": {"type": "string", "enum": ["x", "y"]}},
            "of": {"oneOf": [{"type": "null"}, {"type": "boolean"}]},
        }});
        let expected = json!({"id": "00000000-0000-4000-8000-000000000000", "count": 0, "tags": ["x"], "of": true});
        assert_eq!(example(&json!({}), &schema), expected);
    }

    #[test]
    fn a_schema_that_contains_itself_ends() {
        let document = json!({"components": {"schemas": {"Node": {
            "type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}
        }}}});
        assert!(example(&document, &json!({"$ref": "#/components/schemas/Node"})).is_object());
    }
}
