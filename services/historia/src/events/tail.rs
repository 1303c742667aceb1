//! `events tail`: the newest events of all services, and those to come.
use super::{Found, newest_of};
use crate::cli::StoreArgs;
use crate::failure::Failure;
use crate::history::{BATCH, EVENTS, Log, Logs};
use crate::output::{Following, Output};
use domain_kernel::Checkpoint;
use domain_kernel::ports::EventStore;
use infra_disclosure::ShownEvent;
use infra_event_store::history::{Wanted, search};

/// Prints the newest `last` events.
///
/// # Errors
/// There is no such service, or a database does not answer.
pub(super) async fn newest(
    store: &StoreArgs,
    service: Option<&str>,
    last: usize,
    output: Output,
) -> Result<(), Failure> {
    let logs = Logs::open(store, service).await?;
    let begun = begin(&logs, last).await.map(|(events, _)| events);
    logs.close().await?;
    output.list(&EVENTS, &Found { events: begun? })
}

/// Prints the newest `last` events and then every one that is recorded, until Ctrl-C.
///
/// # Errors
/// There is no such service, or a database does not answer.
pub(super) async fn follow(
    store: &StoreArgs,
    service: Option<&str>,
    last: usize,
    output: Output,
) -> Result<(), Failure> {
    let logs = Logs::open(store, service).await?;
    let followed = follow_all(&logs, last, output.follow(&EVENTS)).await;
    logs.close().await?;
    followed
}

async fn follow_all(logs: &Logs, last: usize, mut printed: Following<'_>) -> Result<(), Failure> {
    let (events, mut places) = begin(logs, last).await?;
    events.iter().try_for_each(|event| printed.show(event))?;
    tokio::select! {
        ended = go_on(&mut places, &mut printed) => ended,
        interrupted = infra_runtime::shutdown::requested() => Ok(interrupted?),
    }
}

/// A log, and how far it was read.
type Place<'l> = (&'l Log, Checkpoint);

/// The newest `last` events of the logs taken together, and where each log stands after them.
async fn begin(logs: &Logs, last: usize) -> Result<(Vec<ShownEvent>, Vec<Place<'_>>), Failure> {
    let (mut newest, mut places) = (Vec::new(), Vec::new());
    for log in logs.iter() {
        // One event at least says where the log ends.
        let events = search(&log.pool, &Wanted::default(), last.max(1)).await?;
        places.push((log, events.last().map_or_else(Checkpoint::default, |event| event.checkpoint)));
        newest.extend(events.iter().map(|event| log.shown(event)));
    }
    Ok((newest_of(newest, last), places))
}

async fn go_on(places: &mut [Place<'_>], printed: &mut Following<'_>) -> Result<(), Failure> {
    loop {
        let mut any = false;
        for (log, at) in &mut *places {
            for event in log.store.read_all(*at, BATCH).await? {
                any = true;
                *at = event.checkpoint;
                printed.show(&log.shown(&event))?;
            }
        }
        if !any {
            // Whichever log moves first; the pauses of the others are cut short.
            let changed = places.iter().map(|(log, _)| log.store.appended());
            futures_util::future::select_all(changed).await;
        }
    }
}
