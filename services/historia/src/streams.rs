//! `streams`: which histories there are.
use crate::cli::{OutputArgs, StoreArgs, StreamsCommand};
use crate::failure::Failure;
use crate::history::Logs;
use crate::nearest;
use crate::output::{List, Output};
use domain_kernel::EventTypeId;
use infra_event_store::history::newest_streams;
use infra_event_store::inspection::moment;
use serde::Serialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;

const STREAMS: List = List {
    name: "streams",
    id: "stream",
    columns: &["service", "category", "stream", "version", "last_type", "last_at"],
};

#[derive(Serialize, ToSchema)]
pub(crate) struct Streams {
    streams: Vec<ShownStream>,
}

#[derive(Serialize, ToSchema)]
struct ShownStream {
    service: &'static str,
    category: Option<&'static str>,
    stream: String,
    /// How many events it has.
    version: u32,
    last_type: String,
    last_at: String,
}

/// Runs a `streams` verb.
///
/// # Errors
/// There is no such service or category, or a database does not answer.
pub(crate) async fn run(command: StreamsCommand) -> Result<(), Failure> {
    let StreamsCommand::List { store, service, category, limit, output } = command;
    list(&store, (service.as_deref(), category.as_deref()), limit, output).await
}

async fn list(
    store: &StoreArgs,
    (service, category): (Option<&str>, Option<&str>),
    limit: usize,
    output: OutputArgs,
) -> Result<(), Failure> {
    let logs = Logs::open(store, service).await?;
    let found = newest(&logs, category, limit).await;
    logs.close().await?;
    Output::new(output).list(&STREAMS, &Streams { streams: found? })
}

async fn newest(logs: &Logs, category: Option<&str>, limit: usize) -> Result<Vec<ShownStream>, Failure> {
    let categories: BTreeSet<&str> =
        logs.iter().flat_map(|log| log.catalogue.all().map(|event| event.category)).collect();
    if let Some(wanted) = category.filter(|wanted| !categories.contains(wanted)) {
        return Err(nearest::unknown("category", wanted, categories));
    }
    let mut streams = Vec::new();
    for log in logs.iter() {
        // All events of a stream are of its category, the last one too.
        let types: Option<Vec<EventTypeId>> = category.map(|wanted| {
            let of_category = log.catalogue.all().filter(|event| event.category == wanted);
            of_category.map(|event| EventTypeId(event.type_id)).collect()
        });
        if types.as_ref().is_some_and(Vec::is_empty) {
            continue;
        }
        for end in newest_streams(&log.pool, types.as_deref(), limit).await? {
            let known = log.event_type(end.last_type.0);
            let unknown = || format!("unknown ({})", end.last_type.0);
            streams.push(ShownStream {
                service: log.service.name,
                category: known.map(|known| known.category),
                stream: end.stream.to_string(),
                version: end.version.0,
                last_type: known.map_or_else(unknown, |known| known.name.to_owned()),
                last_at: moment(end.last_at),
            });
        }
    }
    streams.sort_by(|one, other| other.last_at.cmp(&one.last_at));
    streams.truncate(limit);
    Ok(streams)
}
