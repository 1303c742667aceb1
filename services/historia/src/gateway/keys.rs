//! `keys`: what is there, and how two administrators have a person's data forgotten. The rotation of master keys goes
//! past the gateway ([`rotation`]).
use super::client::Gateway;
use super::intent::{is_meant, is_meant_as};
use super::items;
use crate::break_glass;
use crate::cli::{DecisionArgs, HoldArgs, KeysCommand, OutputArgs, PurposeName, ShredArgs};
use crate::failure::Failure;
use crate::output::{List, Output};
use crate::rotation;
use domain_kernel::ports::Purpose;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use uuid::Uuid;

const KEYS: List = List {
    name: "items",
    id: "id",
    columns: &["created_at", "destroyed_at", "purpose", "subject", "id", "master_key_id"],
};
const ERASURES: List = List {
    name: "items",
    id: "id",
    columns: &["requested_at", "state", "purpose", "subject", "country", "on_hold", "requested_by", "decided_by", "id"],
};
const HOLDS: List =
    List { name: "items", id: "id", columns: &["placed_at", "purpose", "subject", "placed_by", "reason", "id"] };

/// Runs a `keys` verb.
///
/// # Errors
/// Nobody is logged in, or the gateway refuses; or a rotation cannot be done.
pub(crate) async fn run(command: KeysCommand) -> Result<(), Failure> {
    match command {
        KeysCommand::List { subject, purpose, limit, output } => {
            let subject = subject.map(|subject| ("subject", subject.to_string()));
            let purpose = purpose.map(|purpose| ("purpose", name(purpose).to_owned()));
            list(&KEYS, &format!("/keys{}", query([subject, purpose])), limit, output).await
        }
        KeysCommand::Erasures { state, limit, output } => {
            let query = query([state.map(|state| ("state", state))]);
            list(&ERASURES, &format!("/erasures{query}"), limit, output).await
        }
        KeysCommand::Holds { limit, output } => list(&HOLDS, "/legal-holds", limit, output).await,
        KeysCommand::Shred(arguments) => shred(arguments).await,
        KeysCommand::Approve { id, dry_run, yes, output } => approve(id, (dry_run, yes), output).await,
        KeysCommand::Decline(arguments) => decline(arguments).await,
        KeysCommand::Hold(arguments) => hold(arguments).await,
        KeysCommand::Lift(arguments) => lift(arguments).await,
        KeysCommand::Rotate(arguments) => rotation::rotate(arguments).await,
        KeysCommand::BreakGlass { store, limit, output } => break_glass::records(&store, limit, output).await,
    }
}

fn name(purpose: PurposeName) -> &'static str {
    Purpose::from(purpose).name()
}

fn query<const N: usize>(parts: [Option<(&str, String)>; N]) -> String {
    let written = |(name, value): (&str, String)| format!("{name}={}", utf8_percent_encode(&value, NON_ALPHANUMERIC));
    let parts: Vec<String> = parts.into_iter().flatten().map(written).collect();
    if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
}

async fn list(list: &List, path: &str, limit: usize, output: OutputArgs) -> Result<(), Failure> {
    let found = items(&Gateway::of_session().await?, path, limit).await?;
    Output::new(output).list(list, &found)
}

async fn shred(arguments: ShredArgs) -> Result<(), Failure> {
    let ShredArgs { subject, purpose, country, reason, output } = arguments;
    let purpose = name(purpose);
    let gateway = Gateway::of_session().await?;
    if !is_meant(&format!("ask that the {purpose} data of {subject} be forgotten"), &reason, false)? {
        return Ok(());
    }
    let body = json!({"subject": subject, "purpose": purpose, "country": country, "reason": reason.reason});
    Output::new(output).thing("id", &gateway.post("/erasures", &body).await?)
}

async fn approve(id: Uuid, (dry_run, yes): (bool, bool), output: OutputArgs) -> Result<(), Failure> {
    let gateway = Gateway::of_session().await?;
    // What is not there is said as such, before anybody is asked; and whoever is asked knows what about.
    let erasure = gateway.get(&format!("/erasures/{id}")).await?;
    let text = |field: &str| erasure[field].as_str().unwrap_or("?").to_owned();
    let what = format!("destroy the {} key of {}", text("purpose"), text("subject"));
    if !is_meant_as(&what, dry_run, yes, true)? {
        return Output::new(output).thing("id", &erasure);
    }
    Output::new(output).thing("id", &gateway.post(&format!("/erasures/{id}/approve"), &Value::Null).await?)
}

async fn decline(arguments: DecisionArgs) -> Result<(), Failure> {
    let DecisionArgs { id, reason, output } = arguments;
    let gateway = Gateway::of_session().await?;
    if !is_meant(&format!("decline erasure {id}"), &reason, false)? {
        return Ok(());
    }
    let answer = gateway.post(&format!("/erasures/{id}/decline"), &json!({"reason": reason.reason})).await?;
    Output::new(output).thing("id", &answer)
}

async fn hold(arguments: HoldArgs) -> Result<(), Failure> {
    let HoldArgs { subject, purpose, reason, output } = arguments;
    let purpose = name(purpose);
    let gateway = Gateway::of_session().await?;
    if !is_meant(&format!("place a legal hold on the {purpose} data of {subject}"), &reason, false)? {
        return Ok(());
    }
    let body = json!({"subject": subject, "purpose": purpose, "reason": reason.reason});
    Output::new(output).thing("id", &gateway.post("/legal-holds", &body).await?)
}

async fn lift(arguments: DecisionArgs) -> Result<(), Failure> {
    let DecisionArgs { id, reason, output } = arguments;
    let gateway = Gateway::of_session().await?;
    if !is_meant(&format!("lift the legal hold {id}"), &reason, false)? {
        return Ok(());
    }
    gateway.post(&format!("/legal-holds/{id}/lift"), &json!({"reason": reason.reason})).await?;
    Output::new(output).thing("id", &json!({"id": id, "lifted": true}))
}
