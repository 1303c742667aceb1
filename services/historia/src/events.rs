//! `events`: what was recorded, as it was recorded. What is sealed stays sealed here; what is revealed comes from the
//! gateway.
mod catalog;
mod stats;
mod tail;

pub(crate) use catalog::Catalogue;
pub(crate) use stats::Counts;

use crate::cli::{EventsCommand, ReadArgs, SearchArgs};
use crate::failure::Failure;
use crate::gateway;
use crate::history::{self, EVENTS, Logs};
use crate::nearest;
use crate::output::Output;
use crate::state;
use domain_kernel::Version;
use infra_disclosure::ShownEvent;
use infra_event_store::history::{Wanted, search};
use serde::Serialize;
use utoipa::ToSchema;

/// Runs an `events` verb.
///
/// # Errors
/// The databases cannot be reached, or there is no such stream, type or service.
pub(crate) async fn run(command: EventsCommand) -> Result<(), Failure> {
    match command {
        EventsCommand::Read(arguments) => read(arguments).await,
        EventsCommand::Tail { store, service, last, no_follow, output } => {
            let output = Output::new(output);
            if no_follow {
                tail::newest(&store, service.as_deref(), last, output).await
            } else {
                tail::follow(&store, service.as_deref(), last, output).await
            }
        }
        EventsCommand::Search(arguments) => find(arguments).await,
        EventsCommand::History { stream, store, output } => state::history(&stream, &store, output).await,
        EventsCommand::Stats { store, by, service, period, output } => {
            stats::run(&store, by, service.as_deref(), &period, output).await
        }
        EventsCommand::Catalog { service, output } => catalog::run(service.as_deref(), output),
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Stream {
    stream: String,
    events: Vec<ShownEvent>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Found {
    events: Vec<ShownEvent>,
}

async fn read(arguments: ReadArgs) -> Result<(), Failure> {
    let ReadArgs { stream, store, after, limit, reveal, output } = arguments;
    let (stream, output) = (history::stream_id(&stream)?, Output::new(output));
    if let Some(reason) = reveal.reason() {
        return output.list(&EVENTS, &gateway::revealed_events(stream, (after, limit), reason).await?);
    }
    let logs = Logs::open(&store, None).await?;
    let found = logs.find(stream, Version(after), limit).await;
    let found = found.map(|(log, events)| events.iter().map(|event| log.shown(event)).collect::<Vec<ShownEvent>>());
    logs.close().await?;
    output.list(&EVENTS, &Stream { stream: stream.to_string(), events: found? })
}

async fn find(arguments: SearchArgs) -> Result<(), Failure> {
    let correlation = arguments.correlation.as_deref().map(history::correlation_id).transpose()?;
    let actor = match &arguments.actor {
        Some(actor) => Some(actor.parse().map_err(|_| {
            Failure::usage(format!(
                "{actor:?} is no account's id: `historia events search --type UserCreated` has them"
            ))
        })?),
        None => None,
    };
    let period = history::period(arguments.period.since.as_deref(), arguments.period.until.as_deref())?;
    let wanted = Wanted { types: None, correlation, actor, period };
    let logs = Logs::open(&arguments.store, arguments.service.as_deref()).await?;
    let found = found(&logs, &wanted, &arguments.types, arguments.limit).await;
    logs.close().await?;
    Output::new(arguments.output).list(&EVENTS, &Found { events: found? })
}

/// The newest `limit` events of all logs that are wanted and of one of `types`; of any, when there are none.
async fn found(logs: &Logs, wanted: &Wanted, types: &[String], limit: usize) -> Result<Vec<ShownEvent>, Failure> {
    let (mut found, mut known) = (Vec::new(), types.is_empty());
    for log in logs.iter() {
        let mut wanted = wanted.clone();
        if !types.is_empty() {
            let of_log = history::types(log, types);
            if of_log.is_empty() {
                continue;
            }
            (known, wanted.types) = (true, Some(of_log));
        }
        let events = search(&log.pool, &wanted, limit).await?;
        found.extend(events.iter().map(|event| log.shown(event)));
    }
    if !known {
        let names: Vec<&str> = logs.iter().flat_map(|log| log.catalogue.all().map(|event| event.name)).collect();
        return Err(nearest::unknown("event type", &types.join(", "), names));
    }
    Ok(newest_of(found, limit))
}

/// The newest `limit` of the events of several logs, the oldest first.
fn newest_of(mut events: Vec<ShownEvent>, limit: usize) -> Vec<ShownEvent> {
    events.sort_by(|one, other| one.at.cmp(&other.at));
    events.split_off(events.len().saturating_sub(limit))
}
