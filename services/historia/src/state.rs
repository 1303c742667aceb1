//! `state`, `diff` and `events history`: what the system held at any moment of the past, folded again by the services'
//! own code. Nothing is opened here, so a sensitive value is shown as sealed; what is revealed comes from the gateway.
mod changes;

use crate::cli::{DiffArgs, OutputArgs, StateArgs, StoreArgs};
use crate::failure::Failure;
use crate::gateway;
use crate::history::{self, Log, Logs};
use crate::output::{List, Output};
use changes::{Change, changes};
use domain_kernel::{RecordedEvent, StreamId, Timestamp, Version};
use infra_event_store::inspection::{Sight, Unopened, moment};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use utoipa::ToSchema;

const CHANGES: List = List { name: "changes", id: "field", columns: &["field", "before", "after"] };
const STEPS: List = List { name: "steps", id: "version", columns: &["version", "at", "type", "actor", "changes"] };

#[derive(Serialize, ToSchema)]
pub(crate) struct StateAt {
    service: &'static str,
    category: &'static str,
    stream: String,
    version: u32,
    /// When the last of the folded events happened.
    at: String,
    state: Value,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Difference {
    service: &'static str,
    category: &'static str,
    stream: String,
    from: u32,
    to: u32,
    /// The events in between.
    events: Vec<String>,
    changes: Vec<Change>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Steps {
    service: &'static str,
    category: &'static str,
    stream: String,
    steps: Vec<Step>,
}

/// What one event changed.
#[derive(Serialize, ToSchema)]
struct Step {
    version: u32,
    at: String,
    #[serde(rename = "type")]
    event_type: String,
    actor: Option<String>,
    changes: Vec<Change>,
}

/// A stream and what it amounted to after each of its events.
struct Folded {
    service: &'static str,
    category: &'static str,
    stream: StreamId,
    events: Vec<RecordedEvent>,
    names: Vec<String>,
    states: Vec<Value>,
}

/// Prints what a stream amounted to at a version or a moment.
///
/// # Errors
/// There is no such stream, or nothing of it then.
pub(crate) async fn at(arguments: StateArgs) -> Result<(), Failure> {
    let wanted = arguments.at.as_deref().map(Wanted::parse).transpose()?.unwrap_or(Wanted::Now);
    if let Some(reason) = arguments.reveal.reason() {
        let (at, until) = match wanted {
            Wanted::Now => (None, None),
            Wanted::Version(version) => (Some(version), None),
            Wanted::Moment(until) => (None, Some(until)),
        };
        let revealed = gateway::revealed_state(history::stream_id(&arguments.stream)?, at, until, reason).await?;
        return Output::new(arguments.output).thing("version", &revealed);
    }
    let folded = folded(&arguments.stream, &arguments.store).await?;
    let version = wanted.version(&folded)?;
    let state = folded.at(version)?.clone();
    let at = folded.events.get(version.saturating_sub(1)).map(|event| moment(event.metadata.occurred_at));
    let Folded { service, category, stream, .. } = folded;
    let version = u32::try_from(version).unwrap_or(u32::MAX);
    let shown = StateAt { service, category, stream: stream.to_string(), version, at: at.unwrap_or_default(), state };
    Output::new(arguments.output).thing("version", &shown)
}

/// Prints what became different between two versions of a stream.
///
/// # Errors
/// There is no such stream, or no such version of it.
pub(crate) async fn difference(arguments: DiffArgs) -> Result<(), Failure> {
    let DiffArgs { from, to, .. } = arguments;
    if from > to {
        return Err(Failure::usage(format!("version {from} comes after version {to}: name the earlier one first")));
    }
    let folded = folded(&arguments.stream, &arguments.store).await?;
    let [first, last] = [from, to].map(|version| usize::try_from(version).unwrap_or(usize::MAX));
    let changes = changes(folded.at(first)?, folded.at(last)?);
    let events = folded.names.get(first..last).unwrap_or_default().to_vec();
    let Folded { service, category, stream, .. } = folded;
    let difference = Difference { service, category, stream: stream.to_string(), from, to, events, changes };
    Output::new(arguments.output).list(&CHANGES, &difference)
}

/// Prints what each event of a stream changed.
///
/// # Errors
/// There is no such stream.
pub(crate) async fn history(name: &str, store: &StoreArgs, output: OutputArgs) -> Result<(), Failure> {
    let folded = folded(name, store).await?;
    let mut steps = Vec::with_capacity(folded.events.len());
    for (index, event) in folded.events.iter().enumerate() {
        steps.push(Step {
            version: event.version.0,
            at: moment(event.metadata.occurred_at),
            event_type: folded.names[index].clone(),
            actor: event.metadata.actor.map(|actor| actor.user.to_string()),
            changes: changes(folded.at(index)?, folded.at(index + 1)?),
        });
    }
    let Folded { service, category, stream, .. } = folded;
    Output::new(output).list(&STEPS, &Steps { service, category, stream: stream.to_string(), steps })
}

impl Folded {
    /// The state after the first `version` events; nothing before the first.
    fn at(&self, version: usize) -> Result<&Value, Failure> {
        match version.checked_sub(1) {
            None => Ok(&Value::Null),
            Some(index) => self.states.get(index).ok_or_else(|| {
                Failure::not_found(format!(
                    "stream {} has no version {version}: its last one is {}",
                    self.stream,
                    self.states.len()
                ))
            }),
        }
    }
}

/// Reads the stream called `name` and folds it.
async fn folded(name: &str, store: &StoreArgs) -> Result<Folded, Failure> {
    let stream = history::stream_id(name)?;
    let logs = Logs::open(store, None).await?;
    let folded = folded_of(&logs, stream).await;
    logs.close().await?;
    folded
}

async fn folded_of(logs: &Logs, stream: StreamId) -> Result<Folded, Failure> {
    let (log, events) = logs.find(stream, Version::NONE, usize::MAX).await?;
    let category = category(log, &events)?;
    let states =
        (log.service.states)(Arc::new(Unopened), category, events.clone(), Sight::Sealed).await?.ok_or_else(|| {
            Failure::not_found(format!(
                "streams of category {category} have no state, only events: `historia events read {stream}`"
            ))
        })?;
    let names = events.iter().map(|event| {
        let number = event.type_id.0;
        log.event_type(number).map_or_else(|| format!("unknown ({number})"), |known| known.name.to_owned())
    });
    Ok(Folded { service: log.service.name, category, stream, names: names.collect(), events, states })
}

fn category(log: &Log, events: &[RecordedEvent]) -> Result<&'static str, Failure> {
    let number = events.first().map_or(0, |event| event.type_id.0);
    let known = log.event_type(number).map(|known| known.category);
    known.ok_or_else(|| Failure::new(format!("event type {number} is not known here: a newer release recorded it")))
}

/// Up to where a stream is folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Now,
    Version(usize),
    Moment(Timestamp),
}

impl Wanted {
    fn parse(text: &str) -> Result<Self, Failure> {
        match text.parse() {
            Ok(version) => Ok(Self::Version(version)),
            Err(_) => history::moment(text, chrono::Utc::now()).map(Self::Moment),
        }
    }

    fn version(self, folded: &Folded) -> Result<usize, Failure> {
        let until = |at| folded.events.iter().take_while(|event| event.metadata.occurred_at <= at).count();
        let version = match self {
            Self::Now => folded.events.len(),
            Self::Version(version) => version,
            Self::Moment(at) => until(at),
        };
        if version == 0 {
            return Err(Failure::not_found(format!("stream {} had no event then", folded.stream)));
        }
        Ok(version)
    }
}
