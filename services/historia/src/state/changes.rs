//! What became different between two states, field by field.
use crate::output::flatten;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A field that became different; `null` where it was not or is no more.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(super) struct Change {
    field: String,
    before: Value,
    after: Value,
}

/// The fields in which the states differ, in the order of their names.
pub(super) fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let [mut before, after] = [before, after].map(fields);
    let mut changes: Vec<Change> = after
        .into_iter()
        .map(|(field, after)| {
            let before = before.remove(&field).unwrap_or_default();
            Change { field, before, after }
        })
        .filter(|change| change.before != change.after)
        .collect();
    let gone = before.into_iter().filter(|(_, before)| !before.is_null());
    changes.extend(gone.map(|(field, before)| Change { field, before, after: Value::Null }));
    changes.sort_by(|one, other| one.field.cmp(&other.field));
    changes
}

fn fields(state: &Value) -> BTreeMap<String, Value> {
    let mut fields = Vec::new();
    flatten("", state, &mut fields);
    fields.into_iter().filter(|(field, _)| !field.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(before: &Value, after: &Value) -> Vec<String> {
        let changes = changes(before, after);
        changes.iter().map(|change| format!("{}: {} -> {}", change.field, change.before, change.after)).collect()
    }

    #[test]
    fn only_what_became_different_is_a_change() {
        let before = json!({"status": "active", "role": "nurse", "contact": {"origin": "given"}});
        let after = json!({"status": "deactivated", "role": "nurse", "contact": null});
        assert_eq!(
            told(&before, &after),
            ["contact.origin: \"given\" -> null", "status: \"active\" -> \"deactivated\""]
        );
        assert_eq!(told(&after, &after), Vec::<String>::new());
    }

    #[test]
    fn everything_is_new_in_the_first_state() {
        assert_eq!(told(&Value::Null, &json!({"a": 1, "b": null})), ["a: null -> 1"]);
    }
}
