//! The published shape of what `-o json` prints: a JSON Schema (2020-12) for each document.
//!
//! They are made from the types that are printed, so that they cannot say anything else; a test compares the committed
//! ones with these, and what the binary prints with both.
use crate::cli::SchemasArgs;
use crate::failure::Failure;
use crate::{db, doctor, events, logs, output, replay, state, status, streams, topics, trace};
use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Where a component of an API document would be, and where it is in these.
const COMPONENTS: &str = "#/components/schemas/";
const DEFINITIONS: &str = "#/$defs/";

/// Every document by the verb that prints it.
fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("db-status", schema::<db::Report>("historia db status")),
        ("diff", schema::<state::Difference>("historia diff")),
        ("doctor", schema::<doctor::Report>("historia doctor")),
        ("events-catalog", schema::<events::Catalogue>("historia events catalog")),
        ("events-history", schema::<state::Steps>("historia events history")),
        ("events-read", schema::<events::Stream>("historia events read")),
        ("events-search", schema::<events::Found>("historia events search, and tail --no-follow")),
        ("events-stats", schema::<events::Counts>("historia events stats")),
        ("logs", schema::<logs::Lines>("historia logs")),
        ("replay-anchor", schema::<replay::Anchors>("historia replay anchor")),
        ("replay-plan", schema::<replay::Plans>("historia replay plan, and run --dry-run")),
        ("replay-republish", schema::<replay::Republication>("historia replay republish")),
        ("replay-run", schema::<replay::Rebuilt>("historia replay run")),
        ("replay-simulate", schema::<replay::Simulated>("historia replay simulate, and run --to")),
        ("replay-status", schema::<replay::Statuses>("historia replay status")),
        ("replay-verify", schema::<replay::Verified>("historia replay verify")),
        ("state", schema::<state::StateAt>("historia state")),
        ("status", schema::<status::Status>("historia status")),
        ("streams-list", schema::<streams::Streams>("historia streams list")),
        ("topics-list", schema::<topics::Topics>("historia topics list")),
        ("topics-schemas", schema::<topics::Schemas>("historia topics schemas")),
        ("topics-stats", schema::<topics::Stats>("historia topics stats")),
        ("trace", schema::<trace::Trace>("historia trace")),
    ]
}

fn schema<T: ToSchema>(verb: &str) -> Value {
    let mut parts: Vec<(String, RefOr<Schema>)> = Vec::new();
    T::schemas(&mut parts);
    let definitions: Map<String, Value> =
        parts.into_iter().map(|(name, schema)| (name, moved(json!(schema)))).collect();
    let mut document = Map::from_iter([
        ("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema")),
        ("title".to_owned(), json!(format!("What `{verb} -o json` prints"))),
    ]);
    if let Value::Object(whole) = moved(json!(<T as PartialSchema>::schema())) {
        document.extend(whole);
    }
    if !definitions.is_empty() {
        document.insert("$defs".to_owned(), Value::Object(definitions));
    }
    Value::Object(document)
}

/// The schema with its references to where the definitions are here.
fn moved(schema: Value) -> Value {
    match schema {
        Value::String(text) => Value::String(text.replace(COMPONENTS, DEFINITIONS)),
        Value::Array(items) => items.into_iter().map(moved).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, moved(value))).collect(),
        other => other,
    }
}

/// Writes every schema into a directory.
///
/// # Errors
/// It cannot be written.
pub(crate) fn write(arguments: &SchemasArgs) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::of(&arguments.directory.display().to_string(), &error);
    std::fs::create_dir_all(&arguments.directory).map_err(failed)?;
    for (name, schema) in all() {
        let file = arguments.directory.join(format!("{name}.json"));
        std::fs::write(&file, serde_json::to_string_pretty(&schema)? + "\n").map_err(failed)?;
        output::note(file.display().to_string());
    }
    Ok(())
}
