//! A JSON value in one line of text.
use serde_json::Value;

/// The field `path` of `row`, such as `actor.user`; nothing where there is none.
pub(super) fn field<'v>(row: &'v Value, path: &str) -> &'v Value {
    path.split('.').fold(row, |value, name| value.get(name).unwrap_or(&Value::Null))
}

/// The value in a cell: a text as it is, nothing as nothing, a list with commas, what is in an object with colons.
pub(super) fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        // What moves a terminal's cursor or breaks a line is no part of a cell.
        Value::String(text) => {
            text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
        }
        Value::Array(items) => items.iter().map(item).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn item(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            fields.values().filter(|value| !value.is_null()).map(cell).collect::<Vec<_>>().join(":")
        }
        other => cell(other),
    }
}

/// The fields of `value` with their paths, those of fields of fields too.
pub(crate) fn flatten(path: &str, value: &Value, lines: &mut Vec<(String, Value)>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            fields.iter().for_each(|(name, value)| flatten(&below(name), value, lines));
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (number, value) in items.iter().enumerate() {
                flatten(&below(&number.to_string()), value, lines);
            }
        }
        other => lines.push((path.to_owned(), other.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_of_a_field_is_found_and_a_missing_one_is_nothing() {
        let row = json!({"actor": {"user": "7"}});
        assert_eq!(cell(field(&row, "actor.user")), "7");
        assert_eq!(cell(field(&row, "actor.role.name")), "");
    }

    #[test]
    fn a_cell_is_one_line() {
        assert_eq!(cell(&json!("a\nb\u{1b}[2J")), "a b [2J");
        assert_eq!(cell(&json!(["a", "b"])), "a, b");
        let consumers =
            json!([{"name": "results", "state": "FAILED", "error": null}, {"name": "b", "state": "RECEIVED"}]);
        assert_eq!(cell(&consumers), "results:FAILED, b:RECEIVED");
        assert_eq!(cell(&json!({"role": 1})), r#"{"role":1}"#);
    }

    #[test]
    fn a_thing_is_flattened_to_its_fields() {
        let mut lines = Vec::new();
        flatten("", &json!({"a": {"b": 1, "c": ["x", "y"]}, "d": [{"e": true}], "f": {}}), &mut lines);
        let shown: Vec<String> = lines.iter().map(|(path, value)| format!("{path}={}", cell(value))).collect();
        assert_eq!(shown, ["a.b=1", "a.c=x, y", "d.0.e=true", "f={}"]);
    }
}
