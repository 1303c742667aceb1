//! Every event type, as its schemas, its service and the catalogue tell of it: for the page and for the document.
use domain_kernel::Topic;
use infra_contracts::catalogue::{PUBLISHED, Published};
use infra_contracts::stored::StoredEventType;
use infra_contracts::topic;
use serde_json::Value;

/// What a service stores, publishes and reads.
#[derive(Clone, Copy, Debug)]
pub struct ServiceEvents {
    /// The service's pinned name.
    pub service: &'static str,
    /// What is in its event table.
    pub stored: &'static [StoredEventType],
    /// The topics that it publishes on.
    pub publishes: &'static [Topic],
    /// The topics that it reads.
    pub reads: &'static [Topic],
}

/// One type of event, published or private.
pub(crate) struct EventType {
    /// The pinned name, such as `results.result_created`.
    pub(crate) name: &'static str,
    /// Where it is published; private events never leave their service.
    pub(crate) topic: Option<Topic>,
    /// Who publishes it, or stores it.
    pub(crate) producers: Vec<&'static str>,
    /// Who reads its topic.
    pub(crate) readers: Vec<&'static str>,
    /// Who owes an answer to it.
    pub(crate) owes: &'static [&'static str],
    /// Every version that there ever was, 1 first.
    pub(crate) versions: Vec<Version>,
}

/// One version of an event's record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) number: usize,
    pub(crate) doc: String,
    pub(crate) fields: Vec<Field>,
}

/// One field of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) doc: String,
}

/// The published events, in the catalogue's order.
pub(crate) fn published(services: &[ServiceEvents]) -> Vec<EventType> {
    PUBLISHED.iter().map(|event| published_event(event, services)).collect()
}

fn published_event(event: &'static Published, services: &[ServiceEvents]) -> EventType {
    let context = event.event_type.split('.').next().unwrap_or_default();
    // Steps are every consumer's.
    let anybodys = !services.iter().any(|service| service.service == context);
    let produces =
        |service: &&ServiceEvents| service.publishes.contains(&event.topic) && (anybodys || service.service == context);
    let schemas = topic::find(event.topic).map_or(&[][..], |contract| contract.versions);
    let record = |schema: &str| {
        let schema: Value = serde_json::from_str(schema).ok()?;
        let fields = schema["fields"].as_array()?;
        let field = fields.iter().find(|field| field["name"] == event.field())?;
        field["type"].as_array()?.iter().find(|branch| branch.is_object()).cloned()
    };
    EventType {
        name: event.event_type,
        topic: Some(event.topic),
        producers: names(services.iter().filter(produces)),
        readers: names(services.iter().filter(|service| service.reads.contains(&event.topic))),
        owes: event.expects,
        versions: versions(schemas.iter().map(|schema| record(schema))),
    }
}

/// What a service stores, as it stores it.
pub(crate) fn stored(service: &ServiceEvents) -> Vec<EventType> {
    let event_type = |event: &StoredEventType| EventType {
        name: event.name,
        topic: PUBLISHED.iter().find(|published| published.event_type == event.name).map(|published| published.topic),
        producers: vec![service.service],
        readers: vec![service.service],
        owes: &[],
        versions: versions(event.schemas.iter().map(|schema| serde_json::from_str(schema).ok())),
    };
    service.stored.iter().map(event_type).collect()
}

fn names<'s>(services: impl Iterator<Item = &'s ServiceEvents>) -> Vec<&'static str> {
    services.map(|service| service.service).collect()
}

/// A version in which the event did not exist yet is left out.
fn versions(records: impl Iterator<Item = Option<Value>>) -> Vec<Version> {
    let numbered = records.zip(1..).filter_map(|(record, number)| Some((record?, number)));
    numbered.map(|(record, number)| Version { number, doc: text(&record["doc"]), fields: fields(&record) }).collect()
}

fn fields(record: &Value) -> Vec<Field> {
    let fields = record["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
    let field =
        |field: &Value| Field { name: text(&field["name"]), kind: kind(&field["type"]), doc: text(&field["doc"]) };
    fields.iter().map(field).collect()
}

/// An Avro type in a few words, such as `uuid or null`.
fn kind(schema: &Value) -> String {
    match schema {
        Value::String(name) => name.clone(),
        // What can be null is said last, wherever the schema has it.
        Value::Array(branches) => {
            let (null, others): (Vec<&Value>, Vec<&Value>) = branches.iter().partition(|branch| **branch == "null");
            others.into_iter().chain(null).map(kind).collect::<Vec<_>>().join(" or ")
        }
        Value::Object(object) => match (object.get("logicalType"), text(&schema["type"]).as_str()) {
            (Some(logical), _) => text(logical),
            (None, "array") => format!("list of {}", kind(&schema["items"])),
            (None, "map") => format!("map to {}", kind(&schema["values"])),
            (None, "enum") => {
                let symbols = schema["symbols"].as_array().map(Vec::as_slice).unwrap_or_default();
                symbols.iter().map(text).collect::<Vec<_>>().join(", ")
            }
            (None, "record") => text(&schema["name"]),
            (None, other) => other.to_owned(),
        },
        _ => String::new(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use domain_kernel::message::topics;
    use serde_json::json;

    pub(crate) const SERVICES: &[ServiceEvents] = &[
        ServiceEvents { service: "users", stored: &[], publishes: &[topics::EVENT_USER], reads: &[] },
        ServiceEvents {
            service: "notifications",
            stored: &[StoredEventType {
                type_id: 1,
                name: "notifications.notification_sent",
                category: "notification",
                schemas: &[r#"{"type":"record","name":"Sent","doc":"It was sent.","fields":[
                    {"name":"attempt","type":"int","doc":"Which one."}]}"#],
                sealed: &[],
            }],
            publishes: &[topics::EVENT_NOTIFICATION, topics::SAGA_STEP],
            reads: &[topics::EVENT_USER],
        },
    ];

    #[test]
    fn a_published_event_has_every_version_of_its_record_and_whom_it_concerns() {
        let events = published(SERVICES);
        let created = events.iter().find(|event| event.name == "users.user_created").unwrap();
        assert_eq!((&*created.producers, &*created.readers), (&["users"][..], &["notifications"][..]));
        assert_eq!((created.topic, created.owes), (Some(topics::EVENT_USER), &["notifications"][..]));
        let version = &created.versions[0];
        assert_eq!((version.number, version.doc.as_str()), (1, "The user exists and may log in."));
        assert_eq!(version.fields[0].name, "role");
        assert_eq!(version.fields[1].kind, "bytes or null");
        let handled = events.iter().find(|event| event.name == "messaging.message_handled").unwrap();
        assert_eq!(handled.producers, ["notifications"], "a step is every consumer's");
    }

    #[test]
    fn every_published_event_and_field_is_documented() {
        for event in published(SERVICES) {
            assert!(!event.versions.is_empty(), "{} has no version", event.name);
            for version in &event.versions {
                assert!(!version.doc.is_empty(), "{} v{} says nothing", event.name, version.number);
                for field in &version.fields {
                    assert!(!field.kind.is_empty() && !field.doc.is_empty(), "{}: {}", event.name, field.name);
                }
            }
        }
    }

    #[test]
    fn a_stored_event_is_told_as_it_is_stored() {
        let stored = stored(&SERVICES[1]);
        let field = Field { name: "attempt".to_owned(), kind: "int".to_owned(), doc: "Which one.".to_owned() };
        let version = Version { number: 1, doc: "It was sent.".to_owned(), fields: vec![field] };
        assert_eq!(stored[0].versions, [version]);
        assert_eq!(stored[0].topic, Some(topics::EVENT_NOTIFICATION));
    }

    #[test]
    fn a_type_is_said_in_a_few_words() {
        for (schema, words) in [
            (json!("long"), "long"),
            (json!(["null", {"type": "string", "logicalType": "uuid"}]), "uuid or null"),
            (json!({"type": "array", "items": "int"}), "list of int"),
            (json!({"type": "enum", "name": "A", "symbols": ["X", "Y"]}), "X, Y"),
            (json!({"type": "record", "name": "Inner", "fields": []}), "Inner"),
        ] {
            assert_eq!(kind(&schema), words);
        }
    }
}
