//! The Postman collection: the README's walk-through, chained and asserted, then a folder per service with every endpoint.
//!
//! Written from the API document, so it has what the gateway has; the same document gives the same bytes. Importing it
//! needs no editing: `baseUrl` is a variable of the collection, and an environment (or newman's `--env-var`) overrides it.
mod endpoints;
mod example;
mod walk_through;

use serde_json::{Value, json};
use utoipa::openapi::OpenApi;

const SCHEMA: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";
/// Fixed, so that importing a newer collection replaces the older one.
const COLLECTION_ID: &str = "5c1f0a52-7c6e-4f0e-9d5b-1f6a3c2b7e10";
const ENVIRONMENT_ID: &str = "5c1f0a52-7c6e-4f0e-9d5b-1f6a3c2b7e11";
/// Where `up` listens when it is told nothing else.
const BASE_URL: &str = "http://localhost:8080";
const DESCRIPTION: &str = "Run the folder *Walk-through* (or the whole collection: it stops after it) against `historia up`. \
    It registers a user, logs in, files a result, reads and amends it, and waits until the saga log shows that all of it was \
    processed. It saves the token and the ids that the other folders use.";

/// The variables that requests save for one another; all begin empty.
const SAVED: [&str; 7] =
    ["access_token", "refresh_token", "correlation_id", "result_id", "result_number", "result_etag", "saga_tries"];

/// The collection (format v2.1) for the gateway that `document` describes.
#[must_use]
pub fn collection(document: &OpenApi) -> Value {
    // What the document derives its own JSON from cannot fail to become JSON.
    let document = serde_json::to_value(document).unwrap_or_default();
    let base = json!({"key": "baseUrl", "value": BASE_URL, "type": "string"});
    let saved = SAVED.iter().map(|name| json!({"key": name, "value": "", "type": "string"}));
    let variables: Vec<Value> = std::iter::once(base).chain(saved).collect();
    let mut folders = vec![walk_through::folder()];
    folders.extend(endpoints::folders(&document));
    json!({
        "info": {
            "_postman_id": COLLECTION_ID,
            "name": "Historia",
            "description": DESCRIPTION,
            "schema": SCHEMA,
        },
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{access_token}}", "type": "string"}]},
        "variable": variables,
        "item": folders,
    })
}

/// The environment of `historia up` on this machine.
#[must_use]
pub fn environment() -> Value {
    json!({
        "id": ENVIRONMENT_ID,
        "name": "Historia, this machine",
        "values": [{"key": "baseUrl", "value": BASE_URL, "type": "default", "enabled": true}],
        "_postman_variable_scope": "environment",
    })
}

/// A script as Postman keeps it: line by line.
fn script(listen: &str, text: &str) -> Value {
    json!({"listen": listen, "script": {"type": "text/javascript", "exec": text.lines().collect::<Vec<_>>()}})
}

/// An address as Postman keeps it: whole, and in parts.
fn url(path: &str, query: &[Value], variables: &[Value]) -> Value {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let enabled: Vec<String> = query
        .iter()
        .filter(|parameter| parameter["disabled"] != true)
        .map(|parameter| {
            let text = |name: &str| parameter[name].as_str().unwrap_or_default().to_owned();
            format!("{}={}", text("key"), text("value"))
        })
        .collect();
    let raw_query = if enabled.is_empty() { String::new() } else { format!("?{}", enabled.join("&")) };
    let mut url = json!({
        "raw": format!("{{{{baseUrl}}}}{path}{raw_query}"),
        "host": ["{{baseUrl}}"],
        "path": segments,
    });
    if !query.is_empty() {
        url["query"] = query.into();
    }
    if !variables.is_empty() {
        url["variable"] = variables.into();
    }
    url
}

/// A JSON body, and the header that says so.
fn json_body(text: &str) -> (Value, Value) {
    let header = json!({"key": "Content-Type", "value": "application/json"});
    (header, json!({"mode": "raw", "raw": text, "options": {"raw": {"language": "json"}}}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_collection_is_of_format_2_1_and_always_the_same() {
        let document = crate::openapi(&[]);
        let one = collection(&document);
        assert_eq!(one["info"]["schema"], SCHEMA);
        assert_eq!(one.to_string(), collection(&document).to_string());
    }

    #[test]
    fn the_environment_names_the_address_only() {
        let environment = environment();
        assert_eq!(environment["values"][0]["key"], "baseUrl");
        assert_eq!(environment["values"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn an_address_is_whole_and_in_parts() {
        let query = [json!({"key": "limit", "value": "10"}), json!({"key": "cursor", "value": "", "disabled": true})];
        let url = url("/saga/logs", &query, &[]);
        assert_eq!(url["raw"], "{{baseUrl}}/saga/logs?limit=10");
        assert_eq!(url["path"], json!(["saga", "logs"]));
    }
}
