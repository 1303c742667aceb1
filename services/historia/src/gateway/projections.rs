//! `projections`: how the read models (and the consumers) of every service stand, and whether they go on.
use super::client::Gateway;
use super::intent::is_meant;
use crate::cli::{ProjectionArgs, ProjectionsCommand};
use crate::failure::Failure;
use crate::nearest;
use crate::output::{self, List, Output};
use serde_json::{Value, json};

const PROJECTIONS: List = List {
    name: "projections",
    id: "name",
    columns: &[
        "service",
        "name",
        "version",
        "generation",
        "position",
        "paused",
        "pause.reason",
        "rebuild.done",
        "rebuild.total",
        "rebuild.running",
    ],
};
const LAG: List = List {
    name: "lag",
    id: "name",
    columns: &["service", "kind", "name", "behind_events", "behind_seconds", "paused"],
};

/// Runs a `projections` verb.
///
/// # Errors
/// Nobody is logged in, there is no such projection, or the gateway refuses.
pub(crate) async fn run(command: ProjectionsCommand) -> Result<(), Failure> {
    let gateway = Gateway::of_session().await?;
    match command {
        ProjectionsCommand::List { output } => {
            let status = status(&gateway).await?;
            let projections = parts(&status, "projections", "projection");
            Output::new(output).list(&PROJECTIONS, &json!({ "projections": projections }))
        }
        ProjectionsCommand::Lag { output } => {
            let status = status(&gateway).await?;
            let lag = [parts(&status, "projections", "projection"), parts(&status, "consumers", "consumer")].concat();
            Output::new(output).list(&LAG, &json!({ "lag": lag }))
        }
        ProjectionsCommand::Pause(arguments) => change(&gateway, "pause", arguments).await,
        ProjectionsCommand::Resume(arguments) => change(&gateway, "resume", arguments).await,
    }
}

/// How everything stands; a service that does not answer is told.
async fn status(gateway: &Gateway) -> Result<Value, Failure> {
    let status = gateway.get("/ops/status").await?;
    for service in services(&status).filter(|service| service["status"] == "unavailable") {
        output::note(format!("{} does not answer", service["service"].as_str().unwrap_or("?")));
    }
    Ok(status)
}

fn services(status: &Value) -> impl Iterator<Item = &Value> {
    status.get("services").and_then(Value::as_array).into_iter().flatten()
}

/// The parts called `name` of all services, each with its service and kind.
fn parts(status: &Value, name: &str, kind: &str) -> Vec<Value> {
    let parts = services(status).flat_map(|service| {
        let parts = service.get(name).and_then(Value::as_array).into_iter().flatten();
        parts.map(move |part| {
            let mut whole = json!({"service": service["service"], "kind": kind});
            if let (Value::Object(whole), Value::Object(part)) = (&mut whole, part) {
                whole.extend(part.clone());
            }
            whole
        })
    });
    parts.collect()
}

async fn change(gateway: &Gateway, verb: &str, arguments: ProjectionArgs) -> Result<(), Failure> {
    let ProjectionArgs { projection, reason, output } = arguments;
    let status = status(gateway).await?;
    let known: Vec<(String, String)> = parts(&status, "projections", "projection")
        .iter()
        .filter_map(|part| Some((part["service"].as_str()?.to_owned(), part["name"].as_str()?.to_owned())))
        .collect();
    let whole = |(service, name): &(String, String)| format!("{service}.{name}");
    let found = known.iter().find(|known| known.1 == projection || whole(known) == projection);
    let Some((service, name)) = found else {
        let names: Vec<String> = known.iter().map(whole).collect();
        return Err(nearest::unknown("projection", &projection, names.iter().map(String::as_str)));
    };
    if !is_meant(&format!("{verb} {service}.{name}"), &reason, false)? {
        return Ok(());
    }
    let path = format!("/ops/projections/{service}/{name}/{verb}");
    let answer = gateway.post(&path, &json!({"reason": reason.reason})).await?;
    Output::new(output).thing("name", &answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_says_whose_it_is() {
        let status = json!({"services": [
            {"service": "users", "status": "ok", "projections": [{"name": "user_list", "version": 1}]},
            {"service": "results", "status": "unavailable"},
        ]});
        assert_eq!(
            parts(&status, "projections", "projection"),
            [json!({"service": "users", "kind": "projection", "name": "user_list", "version": 1})]
        );
    }
}
