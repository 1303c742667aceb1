//! `events catalog`: every event type that this binary knows. It asks no database.
use crate::cli::OutputArgs;
use crate::failure::Failure;
use crate::history;
use crate::output::{List, Output};
use infra_contracts::catalogue;
use infra_contracts::stored::StoredEventType;
use serde::Serialize;
use utoipa::ToSchema;

const TYPES: List = List {
    name: "types",
    id: "type",
    columns: &["service", "type", "category", "schemas", "sealed", "published_as", "topic", "answered_by"],
};

#[derive(Serialize, ToSchema)]
pub(crate) struct Catalogue {
    types: Vec<KnownType>,
}

#[derive(Serialize, ToSchema)]
struct KnownType {
    service: &'static str,
    #[serde(rename = "type")]
    event_type: &'static str,
    /// The number in the table of events.
    type_id: i16,
    category: &'static str,
    /// How many versions its schema has; all of them are read, the last one is written.
    schemas: usize,
    /// The purposes of its sealed records.
    sealed: Vec<String>,
    /// What people see in the saga log; `null` for a private event, which never leaves its service.
    published_as: Option<&'static str>,
    topic: Option<&'static str>,
    /// The consumers that owe an answer.
    answered_by: &'static [&'static str],
}

/// Prints the catalogue.
///
/// # Errors
/// There is no such service.
pub(super) fn run(service: Option<&str>, output: OutputArgs) -> Result<(), Failure> {
    let mut types = Vec::new();
    for service in history::services(service)? {
        types.extend(service.catalogue()?.all().map(|event| KnownType::of(service.name, event)));
    }
    Output::new(output).list(&TYPES, &Catalogue { types })
}

impl KnownType {
    fn of(service: &'static str, event: &StoredEventType) -> Self {
        let published = catalogue::find(event.name);
        Self {
            service,
            event_type: event.name,
            type_id: event.type_id,
            category: event.category,
            schemas: event.schemas.len(),
            sealed: event.sealed.iter().map(|(purpose, _)| purpose.to_string()).collect(),
            published_as: published.map(|published| published.display),
            topic: published.map(|published| published.topic),
            answered_by: published.map_or(&[], |published| published.expects),
        }
    }
}
