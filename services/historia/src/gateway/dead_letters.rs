//! `dead-letters`: messages that a consumer gave up on.
use super::client::Gateway;
use super::intent::is_meant;
use super::items;
use crate::cli::{DeadLettersCommand, LetterArgs};
use crate::failure::Failure;
use crate::output::{self, List, Output};
use serde_json::{Value, json};

const LETTERS: List = List {
    name: "items",
    id: "id",
    columns: &["failed_at", "service", "consumer", "event_type", "code", "attempts", "parked_behind", "id", "event_id"],
};

/// Runs a `dead-letters` verb.
///
/// # Errors
/// Nobody is logged in, or the gateway refuses.
pub(crate) async fn run(command: DeadLettersCommand) -> Result<(), Failure> {
    match command {
        DeadLettersCommand::List { limit, output } => {
            let found = items(&Gateway::of_session().await?, "/dead-letters", limit).await?;
            for service in found.get("unavailable").and_then(Value::as_array).into_iter().flatten() {
                output::note(format!(
                    "{} does not answer: its letters are missing here",
                    service.as_str().unwrap_or("?")
                ));
            }
            Output::new(output).list(&LETTERS, &found)
        }
        DeadLettersCommand::Show { id, output } => {
            let found = Gateway::of_session().await?.get(&format!("/dead-letters/{id}")).await?;
            Output::new(output).thing("id", &found)
        }
        DeadLettersCommand::Retry(arguments) => settle("retry", arguments, false).await,
        DeadLettersCommand::Skip(arguments) => settle("skip", arguments, true).await,
    }
}

async fn settle(verb: &str, arguments: LetterArgs, is_final: bool) -> Result<(), Failure> {
    let LetterArgs { id, reason, output } = arguments;
    let gateway = Gateway::of_session().await?;
    let letter = if reason.dry_run { gateway.get(&format!("/dead-letters/{id}")).await? } else { Value::Null };
    if !is_meant(&format!("{verb} dead letter {id}"), &reason, is_final)? {
        return Output::new(output).thing("id", &letter);
    }
    let answer = gateway.post(&format!("/dead-letters/{id}/{verb}"), &json!({"reason": reason.reason})).await?;
    Output::new(output).thing("id", &answer)
}
