//! What has to hold once the platform has settled, whatever was killed while it worked: nothing that was acknowledged
//! is lost, and nothing is done twice.
use crate::client::Client;
use infra_testkit::wait_for;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long the platform may take to have everything told, after a kill and on a busy machine.
const SETTLED: Duration = Duration::from_secs(180);

/// Waits until the saga log has every acknowledged result, everybody who owed an answer gave it, and everybody was told;
/// `welcomes` counts the mails that are about no result. Gives the saga log's events.
pub(crate) async fn everything_is_told(
    administrator: &Client,
    acknowledged: &BTreeSet<String>,
    welcomes: usize,
) -> Vec<Value> {
    wait_for("every event of the saga log to be PROCESSED", SETTLED, async || {
        // Busy with what the kill left, the platform may ask for patience.
        let events = administrator.all_if_available("/saga/logs").await.ok()?;
        let settled = events.iter().all(|event| event["state"] == "PROCESSED");
        let created: BTreeSet<String> = of(&events, "ResultCreated").map(|event| text(event, "aggregate")).collect();
        let told = of(&events, "NotificationSent").count() >= created.len() + welcomes;
        (settled && told && acknowledged.is_subset(&created)).then_some(events)
    })
    .await
}

/// Each acknowledged result is in the saga log once, each result that is there caused exactly one `NotificationSent`,
/// and there are no others but the `welcomes`. Gives how many there are.
pub(crate) fn each_is_told_once(events: &[Value], acknowledged: &BTreeSet<String>, welcomes: usize) -> usize {
    let mut created: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in of(events, "ResultCreated") {
        created.entry(text(event, "aggregate")).or_default().push(text(event, "id"));
    }
    let lost: Vec<&String> = acknowledged.iter().filter(|result| !created.contains_key(*result)).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    for event in of(events, "NotificationSent") {
        *told.entry(text(event, "causation_id")).or_default() += 1;
    }
    for (result, ids) in &created {
        assert_eq!(ids.len(), 1, "result {result} is in the saga log {} times", ids.len());
        assert_eq!(told.get(&ids[0]), Some(&1), "result {result} was told a wrong number of times");
    }
    let sent = told.values().sum();
    assert_eq!(sent, created.len() + welcomes, "somebody was told what nobody caused");
    sent
}

fn of<'a>(events: &'a [Value], kind: &'static str) -> impl Iterator<Item = &'a Value> {
    events.iter().filter(move |event| event["event_type"] == kind)
}

fn text(event: &Value, field: &str) -> String {
    event[field].as_str().unwrap_or_default().to_owned()
}
