//! The document of what services tell each other: AsyncAPI 3.0, generated from the contracts.
use crate::catalogue::{ServiceEvents, published};
use infra_contracts::catalogue::PUBLISHED;
use infra_contracts::topic::{CONTRACTS, current};
use serde_json::{Map, Value, json};

/// How AsyncAPI calls an Avro schema (AsyncAPI 3.0.0, "Multi Format Schema Object").
const AVRO: &str = "application/vnd.apache.avro;version=1.9.0";

/// The document: a channel per topic, a message per event type, what each service sends and receives, and every schema
/// that a message may have been written with.
#[must_use]
pub fn asyncapi(services: &[ServiceEvents]) -> Value {
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Historia",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What the services tell each other. A message is one Avro record: the envelope's fields and \
                exactly one event. Its key is the stream's id, so that what happened to one thing arrives in order.",
        },
        "defaultContentType": "avro/binary",
        "channels": channels(),
        "operations": operations(services),
        "components": {
            "messages": messages(services),
            "schemas": schemas(),
        },
    })
}

fn channels() -> Map<String, Value> {
    let channel = |topic: &str| {
        let of_topic = PUBLISHED.iter().filter(|event| event.topic == topic);
        let messages: Map<String, Value> =
            of_topic.map(|event| (event.display.to_owned(), reference("components/messages", event.display))).collect();
        json!({"address": topic, "messages": messages})
    };
    CONTRACTS.iter().map(|contract| (contract.topic.to_owned(), channel(contract.topic))).collect()
}

fn operations(services: &[ServiceEvents]) -> Map<String, Value> {
    let operation = |action: &str, service: &str, topic: &str| {
        let key = format!("{service}.{action}.{topic}");
        (
            key,
            json!({"action": action, "channel": reference("channels", topic), "title": format!("{service}: {topic}")}),
        )
    };
    let of_service = |service: &ServiceEvents| {
        let sends = service.publishes.iter().map(|topic| operation("send", service.service, topic));
        let receives = service.reads.iter().map(|topic| operation("receive", service.service, topic));
        sends.chain(receives).collect::<Vec<_>>()
    };
    services.iter().flat_map(of_service).collect()
}

fn messages(services: &[ServiceEvents]) -> Map<String, Value> {
    let described = published(services);
    let message = |(event, about): (&infra_contracts::catalogue::Published, &crate::catalogue::EventType)| {
        let summary = about.versions.last().map(|version| version.doc.clone()).unwrap_or_default();
        let message = json!({
            "name": event.event_type,
            "title": event.display,
            "summary": summary,
            "headers": {"$ref": "#/components/schemas/headers"},
            "payload": reference("components/schemas", &schema_name(event.topic, usize::from(current(event.topic)))),
            "x-historia-expects": event.expects,
        });
        (event.display.to_owned(), message)
    };
    PUBLISHED.iter().zip(&described).map(message).collect()
}

/// Every version of every topic's record: a message says in `ce_contractversion` which one it was written with.
fn schemas() -> Map<String, Value> {
    let versions = CONTRACTS.iter().flat_map(|contract| {
        contract.versions.iter().zip(1..).map(|(schema, number)| {
            let schema: Value = serde_json::from_str(schema).unwrap_or_default();
            (schema_name(contract.topic, number), json!({"schemaFormat": AVRO, "schema": schema}))
        })
    });
    let headers = (
        "headers".to_owned(),
        json!({
            "type": "object",
            "description": "CloudEvents' attributes as properties of the message (prefix ce_), and W3C's traceparent.",
            "additionalProperties": {"type": "string"},
        }),
    );
    versions.chain([headers]).collect()
}

fn schema_name(topic: &str, version: usize) -> String {
    format!("{topic}.v{version}")
}

fn reference(place: &str, name: &str) -> Value {
    json!({"$ref": format!("#/{place}/{name}")})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::tests::SERVICES;

    /// Every `$ref` in `value`.
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                found.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = asyncapi(SERVICES);
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 2 * PUBLISHED.len());
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn every_published_event_is_a_message_of_its_topics_channel() {
        let document = asyncapi(SERVICES);
        assert_eq!(document["asyncapi"], "3.0.0");
        for event in PUBLISHED {
            assert!(document["channels"][event.topic]["messages"][event.display].is_object(), "{}", event.display);
            assert!(!document["components"]["messages"][event.display]["summary"].as_str().unwrap().is_empty());
        }
        assert_eq!(document["operations"]["notifications.receive.event-user"]["action"], "receive");
    }
}
