//! What must hold: the invariants, looked at when the platform has come to rest.
//!
//! What is looked at on the way is the [witness](crate::witness)'s; the order of deliveries is looked at in
//! [`World::delivers`](crate::world::World::delivers), the order of the folded events in the read models.
pub(crate) mod commands;
pub(crate) mod effects;
mod published;
mod skips;

use crate::client::Answers;
use crate::plan::Service;
use crate::platform::Platform;
use crate::ports::fold;
use domain_kernel::ports::{Clock, EventStore};
use domain_kernel::{EventId, StreamId};
use domain_saga_log::{Entry, EventState, SagaState};
use infra_event_store::dead_letters::DeadLetters;
use infra_testkit::memory::MemoryEventStore;
use published::Published;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is left to do; `None` when nothing is.
pub(crate) async fn unfinished(platform: &Platform) -> Option<String> {
    let open = platform.broker.unacknowledged();
    if open > 0 {
        return Some(format!("{open} messages are not acknowledged"));
    }
    for (service, database) in &platform.databases {
        let stored = database.events.count();
        let late = database.tables.all().into_iter().find(|(_, table)| table.events() < stored);
        if let Some((name, _)) = late {
            return Some(format!("read model {name} of {} is behind", service.name()));
        }
    }
    let published = match Published::of(platform) {
        Ok(published) => published,
        Err(error) => return Some(error),
    };
    if let Some(unheard) = published.unheard(platform).await {
        return Some(unheard);
    }
    match sagas(platform).await {
        Err(error) => Some(error),
        Ok(sagas) => sagas.iter().flat_map(|(_, saga)| &saga.entries).find_map(|(event, entry)| {
            let open = entry.state() == EventState::Received && !waits_behind_a_letter(platform, *event, entry);
            open.then(|| format!("event {event} is still RECEIVED: {:?}", entry.consumers()))
        }),
    }
}

/// Who still owes an answer to `event` owes it as long as the letter before it is not taken again.
fn waits_behind_a_letter(platform: &Platform, event: EventId, entry: &Entry) -> bool {
    entry.consumers().iter().filter(|standing| standing.answer.is_none()).all(|standing| {
        platform.databases.values().any(|database| database.letters.is_behind(standing.consumer, event))
    })
}

/// At the first rest: every event is PROCESSED, or FAILED with something that an operator can retry.
pub(crate) async fn with_letters(platform: &Platform, answers: &Answers) -> Result<(), String> {
    common(platform, answers).await?;
    effects::failed_with_a_letter(platform, &sagas(platform).await?).await
}

/// After everything was retried or skipped: nothing is left, nowhere.
pub(crate) async fn at_last(platform: &Platform, answers: &Answers) -> Result<(), String> {
    if let Some(what) = unfinished(platform).await {
        return Err(what);
    }
    common(platform, answers).await?;
    for (_, saga) in sagas(platform).await? {
        if let Some((event, _)) = saga.entries.iter().find(|(_, entry)| entry.state() != EventState::Processed) {
            return Err(format!("event {event} is not PROCESSED after every retry"));
        }
    }
    for (service, database) in &platform.databases {
        let letters = database.letters.list(usize::MAX).await.map_err(|error| error.to_string())?;
        let (parked, behind) = database.letters.parked();
        if !letters.is_empty() || parked > 0 || behind > 0 {
            let left = letters.len();
            return Err(format!("{}: {left} letters, {parked} parked, {behind} behind them", service.name()));
        }
    }
    Ok(())
}

async fn common(platform: &Platform, answers: &Answers) -> Result<(), String> {
    if let Some(broken) = platform.world.broken() {
        return Err(broken);
    }
    for (service, database) in &platform.databases {
        if let Some(event) = database.events.first_broken_link() {
            let event = event.metadata.event_id;
            return Err(format!("{}: the chain of hashes is broken at event {event}", service.name()));
        }
        let rows = fold(&database.events.events());
        if let Some((name, _)) = database.tables.all().into_iter().find(|(_, table)| table.rows != rows) {
            return Err(format!("read model {name} of {} is not the fold of its log", service.name()));
        }
    }
    commands::as_answered(platform, answers)?;
    let published = Published::of(platform)?;
    skips::as_asked(&published)?;
    effects::once(platform, &published)
}

/// Every saga, folded by the service's own code.
pub(crate) async fn sagas(platform: &Platform) -> Result<Vec<(StreamId, SagaState)>, String> {
    let events = &platform.databases[&Service::SagaLog].events;
    let store: Arc<dyn EventStore> = Arc::<MemoryEventStore>::clone(events);
    let clock: Arc<dyn Clock> = Arc::<crate::world::World>::clone(&platform.world);
    let repository = service_saga_log::sagas(store, clock);
    let streams: BTreeSet<StreamId> =
        events.events().iter().map(|event| event.metadata.correlation_id.into()).collect();
    let mut sagas = Vec::new();
    for stream in streams {
        let saga = repository.load(stream).await.map_err(|error| error.to_string())?;
        sagas.push((stream, saga.state));
    }
    Ok(sagas)
}
