//! A broker of our own: how it starts and ends, what it keeps, and what its admin interface does.
//!
//! A start takes seconds, so what one broker can show in a row is one test.
#[path = "pulsar/admin.rs"]
mod admin;
#[path = "pulsar/fetching.rs"]
mod fetching;
#[path = "pulsar/lifecycle.rs"]
mod lifecycle;
#[path = "pulsar/redirects.rs"]
mod redirects;
#[path = "pulsar/tokens.rs"]
mod tokens;

/// One record with one field, of which all compatible and incompatible ones below are changes.
const SCHEMA: &str = r#"{"type":"record","name":"Event","fields":[{"name":"id","type":"string"}]}"#;
/// [`SCHEMA`] with a field that an old writer does not write and a new reader cannot do without.
const INCOMPATIBLE: &str = r#"{"type":"record","name":"Event","fields":[{"name":"id","type":"string"},
    {"name":"required","type":"string"}]}"#;
/// [`SCHEMA`] with a field that may be missing.
const COMPATIBLE: &str = r#"{"type":"record","name":"Event","fields":[{"name":"id","type":"string"},
    {"name":"optional","type":["null","string"],"default":null}]}"#;
