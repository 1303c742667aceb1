//! `events stats`: how many events there were.
use crate::cli::{By, OutputArgs, PeriodArgs, StoreArgs};
use crate::failure::Failure;
use crate::history::{self, Logs};
use crate::output::{List, Output};
use infra_event_store::history::{Period, count_by_day};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

const BY_SERVICE: List = List { name: "counts", id: "service", columns: &["service", "events"] };
const BY_TYPE: List = List { name: "counts", id: "type", columns: &["service", "type", "events"] };
const BY_DAY: List = List { name: "counts", id: "day", columns: &["day", "events"] };

#[derive(Serialize, ToSchema)]
pub(crate) struct Counts {
    events: u64,
    counts: Vec<Count>,
}

#[derive(Serialize, ToSchema)]
struct Count {
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'static str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    event_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<String>,
    events: u64,
}

/// What makes two events count together: the parts that they are not counted by are the same for all.
type Group = (Option<&'static str>, Option<String>, Option<String>);

/// Counts.
///
/// # Errors
/// There is no such service, a moment is none, or a database does not answer.
pub(super) async fn run(
    store: &StoreArgs,
    by: By,
    service: Option<&str>,
    period: &PeriodArgs,
    output: OutputArgs,
) -> Result<(), Failure> {
    let period = history::period(period.since.as_deref(), period.until.as_deref())?;
    let logs = Logs::open(store, service).await?;
    let counts = counts(&logs, by, period).await;
    logs.close().await?;
    let counts = counts?;
    let list = match by {
        By::Service => BY_SERVICE,
        By::Type => BY_TYPE,
        By::Day => BY_DAY,
    };
    Output::new(output).list(&list, &Counts { events: counts.iter().map(|count| count.events).sum(), counts })
}

async fn counts(logs: &Logs, by: By, period: Period) -> Result<Vec<Count>, Failure> {
    let mut groups: BTreeMap<Group, u64> = BTreeMap::new();
    for log in logs.iter() {
        for counted in count_by_day(&log.pool, period).await? {
            let number = counted.type_id.0;
            let name =
                || log.event_type(number).map_or_else(|| format!("unknown ({number})"), |known| known.name.into());
            let service = log.service.name;
            let group = match by {
                By::Service => (Some(service), None, None),
                By::Type => (Some(service), Some(name()), None),
                By::Day => (None, None, Some(counted.day.to_string())),
            };
            *groups.entry(group).or_default() += counted.events;
        }
    }
    let counted = |((service, event_type, day), events)| Count { service, event_type, day, events };
    Ok(groups.into_iter().map(counted).collect())
}
