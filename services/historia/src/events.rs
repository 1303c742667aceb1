//! `events`: what was recorded, as it was recorded. What is sealed stays sealed.
use crate::cli::{EventsCommand, StoreArgs};
use crate::databases::Databases;
use crate::failure::Failure;
use crate::output;
use crate::platform::{self, ServiceDefinition};
use chrono::{DateTime, SecondsFormat};
use domain_kernel::ports::EventStore;
use domain_kernel::{Checkpoint, RecordedEvent, StreamId, Timestamp, Version};
use infra_contracts::stored::StoredEvents;
use infra_event_store::PgEventStore;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgPool;
use std::sync::Arc;
use uuid::Uuid;

/// Where the newest events begin: the place of the event before the last `$1`.
const BEFORE_THE_LAST: &str = "select epoch, tx::text::bigint, position from event \
     order by epoch desc, tx desc, position desc offset $1 limit 1";

/// How many events are read at a time.
const BATCH: usize = 500;

/// Runs an `events` verb.
///
/// # Errors
/// The databases cannot be reached, or there is no such stream or service.
pub(crate) async fn run(command: EventsCommand) -> Result<(), Failure> {
    match command {
        EventsCommand::Read { stream, store, after, limit, json } => {
            read(&stream, &store, Version(after), limit, json).await
        }
        EventsCommand::Tail { store, service, last, no_follow, json } => {
            tail(&store, service.as_deref(), last, !no_follow, json).await
        }
    }
}

/// An event, for people and programs.
#[derive(Serialize)]
struct ShownEvent {
    service: &'static str,
    stream: String,
    category: Option<&'static str>,
    version: u32,
    #[serde(rename = "type")]
    event_type: String,
    schema_version: i16,
    at: String,
    position: i64,
    tx: u64,
    epoch: i16,
    event_id: Uuid,
    correlation_id: Uuid,
    causation_id: Option<Uuid>,
    actor: Option<ShownActor>,
    /// The clear part; sealed records show their size alone.
    data: Value,
    hash: String,
}

#[derive(Serialize)]
struct ShownActor {
    user: Uuid,
    role: &'static str,
}

#[derive(Serialize)]
struct Stream {
    stream: String,
    events: Vec<ShownEvent>,
}

/// One service's log, open for reading.
struct Log {
    service: ServiceDefinition,
    catalogue: StoredEvents,
    pool: PgPool,
    store: Arc<PgEventStore>,
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

    fn show(&self, event: &RecordedEvent) -> ShownEvent {
        let known = self.catalogue.all().find(|known| known.type_id == event.type_id.0);
        // A newer version's event is shown too, without what only that version can read.
        let data = self.catalogue.show(event.type_id, event.schema_version, &event.payload);
        let metadata = &event.metadata;
        ShownEvent {
            service: self.service.name,
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

fn moment(at: Timestamp) -> String {
    DateTime::from_timestamp_micros(at.0)
        .map_or_else(|| at.0.to_string(), |at| at.to_rfc3339_opts(SecondsFormat::Micros, true))
}

async fn read(name: &str, store: &StoreArgs, after: Version, limit: usize, json: bool) -> Result<(), Failure> {
    let stream = stream_id(name)?;
    let databases = Databases::attach(store).await?;
    let found = read_from(&databases, stream, after, limit).await;
    databases.stop().await?;
    let events = found?;
    if events.is_empty() {
        return Err(Failure::new(format!("no service has events of stream {name} after version {after}")));
    }
    if json {
        return output::document(&Stream { stream: stream.to_string(), events });
    }
    events.iter().try_for_each(print)
}

async fn read_from(
    databases: &Databases,
    stream: StreamId,
    after: Version,
    limit: usize,
) -> Result<Vec<ShownEvent>, Failure> {
    for service in platform::services() {
        let log = Log::open(service, databases).await?;
        let mut shown: Vec<ShownEvent> = Vec::new();
        let mut from = after;
        while shown.len() < limit {
            let events = log.store.read_stream(stream, from, BATCH.min(limit - shown.len())).await?;
            let Some(last) = events.last() else { break };
            from = last.version;
            shown.extend(events.iter().map(|event| log.show(event)));
        }
        log.close().await;
        if !shown.is_empty() {
            return Ok(shown);
        }
    }
    Ok(Vec::new())
}

/// A stream's id, with or without its category before it.
fn stream_id(name: &str) -> Result<StreamId, Failure> {
    let id = name.len().checked_sub(36).and_then(|begin| name.get(begin..)).unwrap_or(name);
    id.parse().map_err(|_| Failure::new(format!("{name:?} is no stream: give its id, or category and id")))
}

async fn tail(store: &StoreArgs, service: Option<&str>, last: usize, follow: bool, json: bool) -> Result<(), Failure> {
    let services: Vec<_> = platform::services()
        .into_iter()
        .filter(|known| service.is_none_or(|wanted| known.name == wanted.replace('-', "_")))
        .collect();
    if services.is_empty() {
        let names: Vec<_> = platform::services().iter().map(|service| service.name).collect();
        return Err(Failure::new(format!("there is no such service; there are: {}", names.join(", "))));
    }
    let databases = Databases::attach(store).await?;
    let tailed = tail_from(&databases, services, last, follow, json).await;
    databases.stop().await?;
    tailed
}

async fn tail_from(
    databases: &Databases,
    services: Vec<ServiceDefinition>,
    last: usize,
    follow: bool,
    json: bool,
) -> Result<(), Failure> {
    let mut logs = Vec::new();
    let mut newest = Vec::new();
    for service in services {
        let log = Log::open(service, databases).await?;
        let (mut at, events) = newest_of(&log, last).await?;
        if let Some(event) = events.last() {
            at = event.checkpoint;
        }
        newest.extend(events.iter().map(|event| log.show(event)));
        logs.push((log, at));
    }
    newest.sort_by(|one, other| one.at.cmp(&other.at));
    let newest = newest.split_off(newest.len().saturating_sub(last));
    if follow {
        newest.iter().try_for_each(|event| show(event, json))?;
        let ended = tokio::select! {
            ended = follow_all(&mut logs, json) => ended,
            interrupted = infra_runtime::shutdown::requested() => Ok(interrupted?),
        };
        close(logs).await;
        return ended;
    }
    close(logs).await;
    if json { output::document(&newest) } else { newest.iter().try_for_each(print) }
}

async fn close(logs: Vec<(Log, Checkpoint)>) {
    for (log, _) in logs {
        log.close().await;
    }
}

/// The newest `last` events of a log, and where it stood before them.
async fn newest_of(log: &Log, last: usize) -> Result<(Checkpoint, Vec<RecordedEvent>), Failure> {
    let before: Option<(i16, i64, i64)> = sqlx::query_as(BEFORE_THE_LAST)
        .bind(i64::try_from(last).unwrap_or(i64::MAX))
        .fetch_optional(&log.pool)
        .await
        .map_err(|error| Failure::of("reading the newest events", &error))?;
    let at = before.map_or_else(Checkpoint::default, |(epoch, tx, position)| Checkpoint {
        epoch,
        tx: u64::try_from(tx).unwrap_or_default(),
        position,
    });
    Ok((at, log.store.read_all(at, last).await?))
}

async fn follow_all(logs: &mut [(Log, Checkpoint)], json: bool) -> Result<(), Failure> {
    loop {
        let mut any = false;
        for (log, at) in &mut *logs {
            for event in log.store.read_all(*at, BATCH).await? {
                any = true;
                *at = event.checkpoint;
                show(&log.show(&event), json)?;
            }
        }
        if !any {
            // Whichever log moves first; the pauses of the others are cut short.
            let changed = logs.iter().map(|(log, _)| log.store.appended());
            futures_util::future::select_all(changed).await;
        }
    }
}

fn show(event: &ShownEvent, json: bool) -> Result<(), Failure> {
    if json { output::document_line(event) } else { print(event) }
}

fn print(event: &ShownEvent) -> Result<(), Failure> {
    let ShownEvent { at, service, event_type, category, stream, version, correlation_id, data, .. } = event;
    let category = category.unwrap_or("?");
    output::line(format!(
        "{at}  {service:13} {event_type:38} {category}-{stream}  v{version}  saga {correlation_id}  {data}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_named_with_or_without_its_category() {
        let id = Uuid::from_u128(7);
        assert_eq!(stream_id(&id.to_string()).unwrap(), StreamId(id));
        assert_eq!(stream_id(&format!("user-{id}")).unwrap(), StreamId(id));
        assert!(stream_id("user").is_err());
    }
}
