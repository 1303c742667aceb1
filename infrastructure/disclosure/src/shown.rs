//! An event, for people and programs.
use domain_kernel::RecordedEvent;
use infra_contracts::stored::StoredEvents;
use infra_event_store::inspection::moment;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// An event as it is shown. It may have been opened, so it has no `Debug`.
#[derive(Serialize, ToSchema)]
pub struct ShownEvent {
    /// The service that recorded it.
    pub service: &'static str,
    /// Its stream.
    pub stream: String,
    /// The stream's category; `null` for a newer release's event.
    pub category: Option<&'static str>,
    /// Which event of the stream it is, from 1.
    pub version: u32,
    /// The stored name.
    #[serde(rename = "type")]
    pub event_type: String,
    /// With which version of its schema it was written.
    pub schema_version: i16,
    /// When it happened.
    pub at: String,
    /// Its place in the service's log.
    pub position: i64,
    /// The transaction that appended it.
    pub tx: u64,
    /// The cluster's generation.
    pub epoch: i16,
    /// The event.
    pub event_id: Uuid,
    /// The saga.
    pub correlation_id: Uuid,
    /// The event whose message caused it; `null` when a request did.
    pub causation_id: Option<Uuid>,
    /// On whose behalf.
    pub actor: Option<ShownActor>,
    /// The clear part; sealed records show their size alone, unless they were revealed.
    pub data: Value,
    /// The hash that chains it to the event before.
    pub hash: String,
}

/// Who acted.
#[derive(Serialize, ToSchema)]
pub struct ShownActor {
    /// The account.
    pub user: Uuid,
    /// The role that it had then.
    pub role: &'static str,
}

impl ShownEvent {
    /// `event` of the log of `service`, whose stored types are in `catalogue`.
    #[must_use]
    pub fn of(service: &'static str, catalogue: &StoredEvents, event: &RecordedEvent) -> Self {
        let known = catalogue.find(event.type_id);
        // A newer version's event is shown too, without what only that version can read.
        let data = catalogue.show(event.type_id, event.schema_version, &event.payload);
        let metadata = &event.metadata;
        Self {
            service,
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
