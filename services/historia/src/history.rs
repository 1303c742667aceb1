//! What was recorded, read directly from the services' databases, whether anything runs or not.
//!
//! What always holds: nothing is written, and nothing is opened; whatever is sealed stays sealed. So this needs the
//! databases and no login (docs/adr/0021).
mod moment;
mod names;
mod part;

pub(crate) use moment::{bound, moment, period};
pub(crate) use names::{correlation_id, services, stream_id, types};
pub(crate) use part::Bounds;

use crate::cli::StoreArgs;
use crate::databases::Databases;
use crate::failure::Failure;
use crate::output::List;
use crate::platform::ServiceDefinition;
use domain_kernel::ports::EventStore;
use domain_kernel::{EventTypeId, RecordedEvent, StreamId, Version};
use infra_contracts::stored::{StoredEventType, StoredEvents};
use infra_disclosure::ShownEvent;
use infra_event_store::PgEventStore;
use sqlx::PgPool;
use std::sync::Arc;

/// Events in a list.
pub(crate) const EVENTS: List = List {
    name: "events",
    id: "event_id",
    columns: &["at", "service", "type", "category", "stream", "version", "correlation_id", "data"],
};

/// How many events are read at a time.
pub(crate) const BATCH: usize = 500;

/// One service's log, open for reading.
pub(crate) struct Log {
    pub service: ServiceDefinition,
    pub catalogue: StoredEvents,
    pub pool: PgPool,
    pub store: Arc<PgEventStore>,
}

impl Log {
    async fn open(service: ServiceDefinition, databases: &Databases) -> Result<Self, Failure> {
        let pool = databases.owner_pool(service.database).await?;
        let store = PgEventStore::open(databases.owner_options(service.database), pool.clone()).await?;
        Ok(Self { catalogue: service.catalogue()?, service, pool, store })
    }

    async fn close(self) {
        self.store.close().await;
        self.pool.close().await;
    }

    /// What is known of the type with that number; `None` for a newer release's.
    pub(crate) fn event_type(&self, type_id: i16) -> Option<&StoredEventType> {
        self.catalogue.find(EventTypeId(type_id))
    }

    /// `event` of this log, as it is shown: sealed.
    pub(crate) fn shown(&self, event: &RecordedEvent) -> ShownEvent {
        ShownEvent::of(self.service.name, &self.catalogue, event)
    }

    /// The first `limit` events of `stream` after `after`.
    ///
    /// # Errors
    /// The database does not answer.
    pub(crate) async fn stream(
        &self,
        stream: StreamId,
        after: Version,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, Failure> {
        let (mut events, mut from): (Vec<RecordedEvent>, _) = (Vec::new(), after);
        while events.len() < limit {
            let page = self.store.read_stream(stream, from, BATCH.min(limit - events.len())).await?;
            let Some(last) = page.last() else { break };
            from = last.version;
            events.extend(page);
        }
        Ok(events)
    }
}

/// The logs of several services.
pub(crate) struct Logs {
    databases: Databases,
    logs: Vec<Log>,
}

impl Logs {
    /// Opens the logs of all services, or of the one called `service`. Whoever opens them closes them.
    ///
    /// # Errors
    /// There is no such service, or no data, or a database does not answer.
    pub(crate) async fn open(store: &StoreArgs, service: Option<&str>) -> Result<Self, Failure> {
        let wanted = services(service)?;
        let mut logs = Self { databases: Databases::attach(store).await?, logs: Vec::new() };
        for service in wanted {
            match Log::open(service, &logs.databases).await {
                Ok(log) => logs.logs.push(log),
                Err(failure) => {
                    logs.close().await?;
                    return Err(failure);
                }
            }
        }
        Ok(logs)
    }

    /// Closes them, and stops the server if it was started for them.
    ///
    /// # Errors
    /// The server does not stop.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        for log in self.logs {
            log.close().await;
        }
        self.databases.stop().await
    }

    /// Where they are.
    pub(crate) fn databases(&self) -> &Databases {
        &self.databases
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Log> {
        self.logs.iter()
    }

    /// The log that has `stream`, and its first `limit` events after `after`.
    ///
    /// # Errors
    /// No log has any.
    pub(crate) async fn find(
        &self,
        stream: StreamId,
        after: Version,
        limit: usize,
    ) -> Result<(&Log, Vec<RecordedEvent>), Failure> {
        for log in &self.logs {
            let events = log.stream(stream, after, limit).await?;
            if !events.is_empty() {
                return Ok((log, events));
            }
        }
        let after = if after == Version::NONE { String::new() } else { format!(" after version {after}") };
        Err(Failure::not_found(format!(
            "no service has events of stream {stream}{after}: `historia streams list` says which there are"
        )))
    }
}
