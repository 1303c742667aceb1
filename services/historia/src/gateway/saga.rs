//! `saga`: what happened, and an operator's word on what failed.
use super::client::Gateway;
use super::intent::is_meant;
use super::{encoded, items};
use crate::cli::{OutputArgs, PeriodArgs, SagaCommand, SettleArgs};
use crate::failure::Failure;
use crate::history::period;
use crate::output::{List, Output};
use infra_event_store::inspection::moment;
use serde_json::{Value, json};
use uuid::Uuid;

const COLUMNS: &[&str] =
    &["occurred_at", "state", "event_type", "id", "correlation_id", "aggregate", "version", "consumers"];
const EVENTS: List = List { name: "items", id: "id", columns: COLUMNS };
const SAGA: List = List { name: "saga", id: "id", columns: COLUMNS };

/// Runs a `saga` verb.
///
/// # Errors
/// Nobody is logged in, or the gateway refuses.
pub(crate) async fn run(command: SagaCommand) -> Result<(), Failure> {
    match command {
        SagaCommand::List { state, event_type, correlation, period, limit, output } => {
            let query = query(state, event_type, correlation, &period)?;
            let found = items(&Gateway::of_session().await?, &format!("/saga/logs{query}"), limit).await?;
            Output::new(output).list(&EVENTS, &found)
        }
        SagaCommand::Show { id, output } => show(id, output).await,
        SagaCommand::Retry(arguments) => settle("retry", arguments, false).await,
        SagaCommand::Skip(arguments) => settle("skip", arguments, true).await,
    }
}

fn query(
    state: Option<String>,
    event_type: Option<String>,
    correlation: Option<Uuid>,
    typed: &PeriodArgs,
) -> Result<String, Failure> {
    let period = period(typed.since.as_deref(), typed.until.as_deref())?;
    let parts = [
        ("state", state),
        ("type", event_type),
        ("correlation_id", correlation.map(|id| id.to_string())),
        ("from", period.from.map(moment)),
        ("to", period.until.map(moment)),
    ];
    let given = parts.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let written: Vec<String> = given.map(|(name, value)| format!("{name}={}", encoded(&value))).collect();
    Ok(if written.is_empty() { String::new() } else { format!("?{}", written.join("&")) })
}

async fn show(id: Uuid, output: OutputArgs) -> Result<(), Failure> {
    let found = Gateway::of_session().await?.get(&format!("/saga/logs/{id}")).await?;
    Output::new(output).list(&SAGA, &found)
}

async fn settle(verb: &str, arguments: SettleArgs, is_final: bool) -> Result<(), Failure> {
    let SettleArgs { id, consumer, reason, output } = arguments;
    let gateway = Gateway::of_session().await?;
    if reason.dry_run {
        // What is not there, or nobody gave up on, is said as the real call would say it.
        let found = gateway.get(&format!("/saga/logs/{id}")).await?;
        let given_up = given_up(&found, consumer.as_deref());
        is_meant(&format!("{verb} {id} for {}", or_nobody(&given_up)), &reason, is_final)?;
        return Output::new(output).thing("id", &json!({"id": id, "dry_run": true, "consumers": given_up}));
    }
    if !is_meant(&format!("{verb} {id}"), &reason, is_final)? {
        return Ok(());
    }
    let mut body = json!({"reason": reason.reason});
    if let Some(consumer) = consumer {
        body["consumer"] = consumer.into();
    }
    let answer = gateway.post(&format!("/saga/logs/{id}/{verb}"), &body).await?;
    Output::new(output).thing("id", &answer)
}

/// The consumers that gave up on the event.
fn given_up(event: &Value, wanted: Option<&str>) -> Vec<String> {
    let consumers = event.get("consumers").and_then(Value::as_array).into_iter().flatten();
    let failed = consumers.filter(|consumer| consumer["state"] == "FAILED");
    let names = failed.filter_map(|consumer| consumer["name"].as_str());
    names.filter(|name| wanted.is_none_or(|wanted| wanted == *name)).map(str::to_owned).collect()
}

fn or_nobody(names: &[String]) -> String {
    if names.is_empty() { "nobody: no consumer gave up on it".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_encoded() {
        let none = PeriodArgs::default();
        assert_eq!(query(None, None, None, &none).unwrap(), "");
        let asked = query(Some("FAILED".into()), Some("a&b".into()), None, &none).unwrap();
        assert_eq!(asked, "?state=FAILED&type=a%26b");
    }

    #[test]
    fn a_dry_run_names_who_gave_up() {
        let event = json!({"consumers": [{"name": "a", "state": "FAILED"}, {"name": "b", "state": "PROCESSED"}]});
        assert_eq!(given_up(&event, None), ["a"]);
        assert_eq!(given_up(&event, Some("b")), Vec::<String>::new());
    }
}
