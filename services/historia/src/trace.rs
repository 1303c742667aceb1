//! `trace`: everything that followed from one request, as a tree of who caused what, across services and topics.
mod drawing;
mod tree;

use crate::cli::TraceArgs;
use crate::failure::Failure;
use crate::history::{self, Logs};
use crate::output::{self, List, Output};
use domain_kernel::CorrelationId;
use infra_contracts::catalogue;
use infra_disclosure::ShownEvent;
use infra_event_store::history::{Wanted, search};
use serde::Serialize;
use utoipa::ToSchema;

const EVENTS: List = List {
    name: "events",
    id: "event_id",
    columns: &["depth", "at", "service", "type", "category", "stream", "version", "topic", "event_id", "causation_id"],
};

/// A saga has a handful of events; this many are no saga any more.
const MOST: usize = 10_000;

/// The saga log's notes about the others' events: as many again as there are events, and nothing that they do not say.
const BOOKKEEPING: [&str; 2] = ["saga_log.saga_event_recorded", "saga_log.step_reported"];

#[derive(Serialize, ToSchema)]
pub(crate) struct Trace {
    correlation_id: String,
    events: Vec<TracedEvent>,
}

/// An event in its place.
#[derive(Serialize, ToSchema)]
struct TracedEvent {
    /// How many causes it has above it.
    depth: usize,
    #[serde(flatten)]
    event: ShownEvent,
    /// Where it was published; `null` for a private event.
    topic: Option<&'static str>,
}

/// Prints the trace of a saga.
///
/// # Errors
/// There is no such saga, or a database does not answer.
pub(crate) async fn run(arguments: TraceArgs) -> Result<(), Failure> {
    let correlation = history::correlation_id(&arguments.correlation_id)?;
    let logs = Logs::open(&arguments.store, None).await?;
    let found = found(&logs, correlation, arguments.all).await;
    logs.close().await?;
    let found = found?;
    if found.is_empty() {
        return Err(Failure::not_found(format!(
            "no event belongs to saga {correlation}: `historia events tail` shows the newest sagas"
        )));
    }
    let (output, mut events) = (Output::new(arguments.output), tree::ordered(found));
    if arguments.dot {
        return output::line(drawing::dot(&events));
    }
    if arguments.mermaid {
        return output::line(drawing::mermaid(&events));
    }
    if output.is_for_people() && !arguments.flat {
        return output::line(drawing::text(&events));
    }
    if arguments.flat {
        events.sort_by(|one, other| one.event.at.cmp(&other.event.at));
    }
    output.list(&EVENTS, &Trace { correlation_id: correlation.to_string(), events })
}

async fn found(logs: &Logs, correlation: CorrelationId, all: bool) -> Result<Vec<TracedEvent>, Failure> {
    let wanted = Wanted { correlation: Some(correlation), ..Wanted::default() };
    let mut found = Vec::new();
    for log in logs.iter() {
        for event in search(&log.pool, &wanted, MOST).await? {
            let event = log.shown(&event);
            if all || !BOOKKEEPING.contains(&event.event_type.as_str()) {
                let topic = catalogue::find(&event.event_type).map(|published| published.topic);
                found.push(TracedEvent { depth: 0, event, topic });
            }
        }
    }
    Ok(found)
}
