//! What `-o json` prints fits the schema that is published for it, and the published schemas are the binary's.
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Where the schemas are published.
fn published() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas/cli")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let files = std::fs::read_dir(folder).unwrap();
    files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn the_published_schemas_are_the_binarys() {
    let folder = tempfile::tempdir().unwrap();
    let ran = std::process::Command::new(crate::platform::HISTORIA)
        .args(["schemas", "--directory"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(names(folder.path()), names(&published()), "run: cargo run -- schemas");
    for name in names(folder.path()) {
        let read = |folder: &Path| std::fs::read_to_string(folder.join(&name)).unwrap();
        assert!(read(folder.path()) == read(&published()), "{name} differs; run: cargo run -- schemas");
    }
}

/// The schema of what a verb prints: `events search` has `events-search`, `trace` has `trace`.
pub(crate) fn of(arguments: &[&str]) -> String {
    if arguments[..2] == ["events", "tail"] {
        return "events-search".to_owned();
    }
    let both = arguments.iter().take(2).copied().collect::<Vec<_>>().join("-");
    let name = if published().join(format!("{both}.json")).exists() { both.as_str() } else { arguments[0] };
    name.to_owned()
}

/// Fails unless `document` is what the schema called `name` says.
#[track_caller]
pub(crate) fn check(name: &str, document: &Value) {
    let text = std::fs::read_to_string(published().join(format!("{name}.json"))).unwrap();
    let schema: Value = serde_json::from_str(&text).unwrap();
    let mut wrong = Vec::new();
    fits(&schema, &schema, document, "", &mut wrong);
    assert_eq!(wrong, Vec::<String>::new(), "{name}: {document}");
}

/// Fails unless `document` is what the gateway's API document calls `name`: the verbs through the gateway print its answers.
#[track_caller]
pub(crate) fn check_answer(name: &str, document: &Value) {
    let text = std::fs::read_to_string(published().join("../../openapi.json")).unwrap();
    let api: Value = serde_json::from_str(&text).unwrap();
    let schema = serde_json::json!({"$ref": format!("#/components/schemas/{name}")});
    let mut wrong = Vec::new();
    fits(&api, &schema, document, "", &mut wrong);
    assert_eq!(wrong, Vec::<String>::new(), "{name}: {document}");
}

/// The part of JSON Schema that the published ones use: `$ref`, `allOf`, `oneOf`, `type`, `properties`, `required`,
/// `items`, `additionalProperties`. A field that no schema names is wrong too: programs would not know of it.
fn fits(whole: &Value, schema: &Value, value: &Value, path: &str, wrong: &mut Vec<String>) {
    let mut named = BTreeSet::new();
    let closed = gather(whole, schema, value, path, &mut named, wrong);
    if let (true, Value::Object(fields)) = (closed, value) {
        wrong.extend(
            fields.keys().filter(|name| !named.contains(*name)).map(|name| format!("{path}/{name} is in no schema")),
        );
    }
}

/// Checks `value` and gathers the names of its fields that `schema` knows; whether that is all there may be.
fn gather(
    whole: &Value,
    schema: &Value,
    value: &Value,
    path: &str,
    named: &mut BTreeSet<String>,
    wrong: &mut Vec<String>,
) -> bool {
    if let Some(place) = schema["$ref"].as_str() {
        let target = whole.pointer(place.trim_start_matches('#')).unwrap_or_else(|| panic!("{place} is not there"));
        return gather(whole, target, value, path, named, wrong);
    }
    if let Some(parts) = schema["allOf"].as_array() {
        // Every part is looked at, also after one that leaves room for more.
        let closed: Vec<bool> = parts.iter().map(|part| gather(whole, part, value, path, named, wrong)).collect();
        return closed.into_iter().all(|closed| closed);
    }
    if let Some(options) = schema["oneOf"].as_array() {
        let fitting = options.iter().filter(|option| {
            let mut wrong = Vec::new();
            fits(whole, option, value, path, &mut wrong);
            wrong.is_empty()
        });
        if fitting.count() != 1 {
            wrong.push(format!("{path} fits not exactly one of its schemas"));
        }
        return false;
    }
    if !is_of_type(&schema["type"], value) {
        wrong.push(format!("{path} is no {}", schema["type"]));
    }
    for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(required).is_none() {
            wrong.push(format!("{path}/{required} is missing"));
        }
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        named.insert(name.clone());
        if let Some(field) = value.get(name) {
            fits(whole, property, field, &format!("{path}/{name}"), wrong);
        }
    }
    if schema.get("items").is_some() {
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            fits(whole, &schema["items"], item, &format!("{path}/{index}"), wrong);
        }
    }
    schema.get("properties").is_some()
}

fn is_of_type(wanted: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("there is no type {other}"),
    };
    match wanted {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        // Anything.
        _ => true,
    }
}

#[test]
fn a_document_with_a_field_too_few_or_too_many_or_of_another_kind_does_not_fit() {
    let schema = serde_json::json!({
        "type": "object", "required": ["n"],
        "properties": {"n": {"type": "integer"}, "list": {"type": "array", "items": {"$ref": "#/$defs/item"}}},
        "$defs": {"item": {"type": ["string", "null"]}},
    });
    let wrong = |text: &str| {
        let mut wrong = Vec::new();
        fits(&schema, &schema, &serde_json::from_str(text).unwrap(), "", &mut wrong);
        wrong
    };
    assert_eq!(wrong(r#"{"n": 1, "list": ["a", null]}"#), Vec::<String>::new());
    assert_eq!(wrong(r#"{"list": []}"#), ["/n is missing"]);
    assert_eq!(wrong(r#"{"n": "1"}"#), ["/n is no \"integer\""]);
    assert_eq!(wrong(r#"{"n": 1, "m": 2}"#), ["/m is in no schema"]);
    assert_eq!(wrong(r#"{"n": 1, "list": [2]}"#), [r#"/list/0 is no ["string","null"]"#]);
}
