//! The schema registry: which Avro schemas a topic has, and which it would take.
use super::call::parse;
use super::{Admin, AdminError, TopicName};
use hyper::Method;
use serde::{Deserialize, Serialize};

/// A schema as the registry keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RegisteredSchema {
    /// Counted from 0 in each topic.
    pub version: i64,
    /// Its kind, such as `AVRO`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The schema itself: for Avro its JSON.
    pub data: String,
}

#[derive(Serialize)]
struct Posted<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    schema: &'a str,
    properties: serde_json::Map<String, serde_json::Value>,
}

impl<'a> Posted<'a> {
    fn avro(schema: &'a str) -> Self {
        Self { kind: "AVRO", schema, properties: serde_json::Map::new() }
    }
}

impl Admin {
    /// Registers an Avro schema (its JSON) and gives its version; of one that is registered already, that one's.
    ///
    /// # Errors
    /// [`AdminError::IncompatibleSchema`] when it does not fit with those that are there; [`AdminError`].
    pub async fn register_schema(&self, topic: &TopicName, schema: &str) -> Result<i64, AdminError> {
        #[derive(Deserialize)]
        struct Outer {
            version: Inner,
        }
        #[derive(Deserialize)]
        struct Inner {
            version: i64,
        }
        let path = format!("schemas/{}/schema", topic.path());
        let answer = self.send(Method::POST, &path, Some(&Posted::avro(schema))).await;
        let answer = answer.map_err(|error| incompatible(topic, error))?;
        Ok(parse::<Outer>(&Method::POST, &path, &answer)?.version.version)
    }

    /// Asks whether the registry would take an Avro schema; registers nothing.
    ///
    /// # Errors
    /// [`AdminError::IncompatibleSchema`] when it would not; [`AdminError`].
    pub async fn check_schema(&self, topic: &TopicName, schema: &str) -> Result<(), AdminError> {
        #[derive(Deserialize)]
        struct Verdict {
            compatibility: bool,
        }
        let path = format!("schemas/{}/compatibility", topic.path());
        let answer = self.send(Method::POST, &path, Some(&Posted::avro(schema))).await;
        let answer = answer.map_err(|error| incompatible(topic, error))?;
        if parse::<Verdict>(&Method::POST, &path, &answer)?.compatibility {
            return Ok(());
        }
        Err(AdminError::IncompatibleSchema { topic: topic.to_string(), reason: "it does not say why".to_owned() })
    }

    /// All schemas of a topic, the oldest first; none when it has none.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn schemas(&self, topic: &TopicName) -> Result<Vec<RegisteredSchema>, AdminError> {
        #[derive(Deserialize)]
        struct All {
            #[serde(rename = "getSchemaResponses")]
            schemas: Vec<RegisteredSchema>,
        }
        match self.get::<All>(&format!("schemas/{}/schemas", topic.path())).await {
            Ok(all) => Ok(all.schemas),
            Err(AdminError::Missing { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// One version of a topic's schema.
    ///
    /// # Errors
    /// [`AdminError`]; [`AdminError::Missing`] when there is none.
    pub async fn schema(&self, topic: &TopicName, version: i64) -> Result<RegisteredSchema, AdminError> {
        self.get(&format!("schemas/{}/schema/{version}", topic.path())).await
    }
}

/// The registry answers an incompatible schema with 409, or with 500 and what went wrong.
fn incompatible(topic: &TopicName, error: AdminError) -> AdminError {
    match error {
        AdminError::Conflict { reason, .. } => AdminError::IncompatibleSchema { topic: topic.to_string(), reason },
        AdminError::Refused { status: 500, reason, .. } if reason.contains("schema compatibility check") => {
            AdminError::IncompatibleSchema { topic: topic.to_string(), reason }
        }
        error => error,
    }
}
