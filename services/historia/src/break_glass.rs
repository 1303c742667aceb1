//! What goes past the gateway: the owner of the databases does it without a login, so the operating system's user and the
//! machine are recorded beside the keys before anything is touched.
mod operator;

use crate::cli::{OutputArgs, StoreArgs};
use crate::databases::Databases;
use crate::failure::Failure;
use crate::output::{List, Output};
use crate::platform::KEYS_DATABASE;
use infra_event_store::inspection::moment;
use infra_vault::break_glass::{self, BreakGlassRecord, Intruder};
use serde_json::{Value, json};

const RECORDS: List =
    List { name: "records", id: "id", columns: &["at", "what", "purpose", "about", "os_user", "host", "reason", "id"] };
/// A reason's longest, in characters; as everywhere on the command line.
const LONGEST_REASON: usize = 200;

/// Who does it and why, if it is `meant`. What it reaches past the gateway is said by `reached`.
///
/// # Errors
/// It is not said to be meant, or the reason is none.
pub(crate) fn intruder(meant: bool, reason: &str, reached: &str) -> Result<Intruder, Failure> {
    if !meant {
        return Err(Failure::usage(format!(
            "this goes past the gateway, on {reached}: add --break-glass if it is meant; it is recorded with your name on \
             this machine and the machine's"
        )));
    }
    let reason = reason.trim();
    if !(1..=LONGEST_REASON).contains(&reason.chars().count()) || reason.chars().any(char::is_control) {
        return Err(Failure::usage("a reason has 1 to 200 printable characters"));
    }
    Ok(Intruder { os_user: operator::user(), host: operator::host(), reason: reason.to_owned() })
}

/// What was done past the gateway.
///
/// # Errors
/// The databases do not answer.
pub(crate) async fn records(store: &StoreArgs, limit: usize, output: OutputArgs) -> Result<(), Failure> {
    let databases = Databases::attach(store).await?;
    let found = async {
        let pool = databases.owner_pool(KEYS_DATABASE).await?;
        let found = break_glass::records(&pool, limit).await;
        pool.close().await;
        Ok::<_, Failure>(found?)
    };
    let found = found.await;
    databases.stop().await?;
    let records: Vec<Value> = found?.iter().map(shown).collect();
    Output::new(output).list(&RECORDS, &json!({ "records": records }))
}

fn shown(record: &BreakGlassRecord) -> Value {
    let BreakGlassRecord { id, at, what, purpose, about, reason, os_user, host } = record;
    json!({
        "id": id, "at": moment(*at), "what": what, "purpose": purpose, "about": about, "reason": reason,
        "os_user": os_user, "host": host,
    })
}
