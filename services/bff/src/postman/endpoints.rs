//! Every endpoint of the API document, a folder per service.
use super::example::example;
use super::{json_body, url};
use crate::documents::SERVICE_EXTENSION;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

pub(super) fn folders(document: &Value) -> Vec<Value> {
    let mut folders: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let paths = document["paths"].as_object().into_iter().flatten();
    for (path, item) in paths {
        for method in METHODS {
            let operation = &item[method];
            if operation.is_object() {
                let service = operation[SERVICE_EXTENSION].as_str().unwrap_or("other");
                folders.entry(service).or_default().push(request(document, path, method, operation));
            }
        }
    }
    folders.into_iter().map(|(service, items)| json!({"name": service.replace('_', " "), "item": items})).collect()
}

fn request(document: &Value, path: &str, method: &str, operation: &Value) -> Value {
    let method = method.to_ascii_uppercase();
    let (mut query, mut variables, mut headers) = (Vec::new(), Vec::new(), Vec::new());
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap_or_default();
        let described = parameter["description"].as_str().unwrap_or_default();
        let value = parameter_value(document, path, name, parameter);
        let required = parameter["required"] == true;
        match parameter["in"].as_str() {
            Some("query") => query.push(json!({
                "key": name, "value": value, "description": described, "disabled": !required
            })),
            Some("path") => variables.push(json!({"key": name, "value": value, "description": described})),
            Some("header") => headers.push(json!({
                "key": name, "value": value, "description": described, "disabled": !required
            })),
            _ => {}
        }
    }
    let mut request = Map::new();
    request.insert("method".to_owned(), json!(method));
    let description = operation["description"].as_str().or(operation["summary"].as_str()).unwrap_or_default();
    request.insert("description".to_owned(), json!(description));
    request.insert("url".to_owned(), url(&postman_path(path), &query, &variables));
    if let Some(body) = body(document, operation) {
        let (header, body) = json_body(&body);
        headers.push(header);
        request.insert("body".to_owned(), body);
    }
    request.insert("header".to_owned(), headers.into());
    if operation["security"].as_array().is_none_or(Vec::is_empty) {
        request.insert("auth".to_owned(), json!({"type": "noauth"}));
    }
    json!({"name": format!("{method} {path}"), "request": request})
}

/// `{id}` is `:id` in Postman.
fn postman_path(path: &str) -> String {
    let segment = |segment: &str| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) => format!(":{name}"),
        None => segment.to_owned(),
    };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// What the walk-through saved where that fits, otherwise the document's example.
fn parameter_value(document: &Value, path: &str, name: &str, parameter: &Value) -> String {
    match (path, name) {
        (path, "id") if path.starts_with("/results/") => "{{result_id}}".to_owned(),
        (_, "correlation_id") => "{{correlation_id}}".to_owned(),
        _ => {
            let value = match &parameter["example"] {
                Value::Null => example(document, &parameter["schema"]),
                given => given.clone(),
            };
            match value {
                Value::String(text) => text,
                Value::Null => String::new(),
                other => other.to_string(),
            }
        }
    }
}

fn body(document: &Value, operation: &Value) -> Option<String> {
    let content = &operation["requestBody"]["content"]["application/json"];
    let value = match (&content["example"], content.get("schema")) {
        (Value::Null, Some(schema)) => example(document, schema),
        (Value::Null, None) => return None,
        (given, _) => given.clone(),
    };
    // The walk-through's refresh token is worth more than an example of one.
    let mut value = value;
    if let Some(token) = value.get_mut("refresh_token") {
        *token = json!("{{refresh_token}}");
    }
    serde_json::to_string_pretty(&value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Value {
        json!({
            "paths": {
                "/results/{id}": {"patch": {
                    (SERVICE_EXTENSION): "results",
                    "security": [{"bearer": []}],
                    "parameters": [
                        {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}},
                        {"name": "limit", "in": "query", "required": false, "schema": {"type": "integer", "default": 10}},
                    ],
                    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Change"}}}}
                }},
                "/login": {"post": {(SERVICE_EXTENSION): "users", "security": []}},
            },
            "components": {"schemas": {"Change": {
                "type": "object", "properties": {"reason": {"type": "string", "examples": ["because"]}}
            }}}
        })
    }

    #[test]
    fn there_is_a_folder_per_service_with_every_endpoint() {
        let folders = folders(&document());
        let names: Vec<(&str, &str)> = folders
            .iter()
            .flat_map(|folder| {
                let name = folder["name"].as_str().unwrap();
                folder["item"].as_array().unwrap().iter().map(move |item| (name, item["name"].as_str().unwrap()))
            })
            .collect();
        assert_eq!(names, [("results", "PATCH /results/{id}"), ("users", "POST /login")]);
    }

    #[test]
    fn a_request_is_ready_to_be_sent() {
        let folders = folders(&document());
        let request = &folders[0]["item"][0]["request"];
        assert_eq!(request["url"]["raw"], "{{baseUrl}}/results/:id");
        assert_eq!(request["url"]["variable"][0]["value"], "{{result_id}}");
        assert_eq!(
            request["url"]["query"][0],
            json!({
                "key": "limit", "value": "10", "description": "", "disabled": true
            })
        );
        assert_eq!(request["body"]["raw"], "{\n  \"reason\": \"because\"\n}");
        assert!(request.get("auth").is_none(), "inherits the token");
        assert_eq!(folders[1]["item"][0]["request"]["auth"]["type"], "noauth");
    }
}
