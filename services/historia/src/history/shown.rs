//! An event, for people and programs.
use super::Log;
use crate::output::List;
use domain_kernel::RecordedEvent;
use infra_event_store::inspection::moment;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// Events in a list.
pub(crate) const EVENTS: List = List {
    name: "events",
    id: "event_id",
    columns: &["at", "service", "type", "category", "stream", "version", "correlation_id", "data"],
};

/// An event as it is shown.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShownEvent {
    pub service: &'static str,
    pub stream: String,
    pub category: Option<&'static str>,
    pub version: u32,
    #[serde(rename = "type")]
    pub event_type: String,
    schema_version: i16,
    pub at: String,
    position: i64,
    tx: u64,
    epoch: i16,
    pub event_id: Uuid,
    correlation_id: Uuid,
    pub causation_id: Option<Uuid>,
    actor: Option<ShownActor>,
    /// The clear part; sealed records show their size alone.
    data: Value,
    hash: String,
}

#[derive(Serialize, ToSchema)]
struct ShownActor {
    user: Uuid,
    role: &'static str,
}

impl ShownEvent {
    /// `event` of `log`.
    pub(crate) fn of(log: &Log, event: &RecordedEvent) -> Self {
        let known = log.event_type(event.type_id.0);
        // A newer version's event is shown too, without what only that version can read.
        let data = log.catalogue.show(event.type_id, event.schema_version, &event.payload);
        let metadata = &event.metadata;
        Self {
            service: log.service.name,
            stream: event.stream.to_string(),
            category: known.map(|known| known.category),
            version: event.version.0,
            event_type: known.map_or_else(|| format!("unknown ({})", event.type_id.0), |known| known.name.to_owned()),
            schema_version: event.schema_version.0,
            at: moment(metadata.occurred_at),
            position: event.checkpoint.position,
            tx: event.checkpoint.tx,
            epoch: event.checkpoint.epoch,
            event_id: metadata.event_id.0,
            correlation_id: metadata.correlation_id.0,
            causation_id: metadata.causation_id.map(|id| id.0),
            actor: metadata.actor.map(|actor| ShownActor { user: actor.user.0, role: actor.role.name() }),
            data: data.unwrap_or(Value::Null),
            hash: event.hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

#[cfg(test)]
impl ShownEvent {
    /// An event for tests; its id is also when it happened and which version it is.
    pub(crate) fn sample(event_id: Uuid, causation_id: Option<Uuid>) -> Self {
        let number = u32::try_from(event_id.as_u128()).unwrap();
        Self {
            service: "users",
            stream: Uuid::nil().to_string(),
            category: Some("user"),
            version: number,
            event_type: "users.user_created".to_owned(),
            schema_version: 1,
            at: format!("2026-11-22T10:00:{number:02}.000000Z"),
            position: number.into(),
            tx: 1,
            epoch: 1,
            event_id,
            correlation_id: Uuid::nil(),
            causation_id,
            actor: None,
            data: Value::Null,
            hash: String::new(),
        }
    }
}
