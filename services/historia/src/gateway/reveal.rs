//! `events read --reveal` and `state --reveal`: what is sealed, through the gateway, which records who is shown it and
//! why before anything is opened.
use super::client::Gateway;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::history;
use crate::output;
use domain_kernel::{StreamId, Timestamp};
use infra_event_store::inspection::moment;
use serde_json::{Value, json};

/// The events of `stream` after version `after`, at most `limit`, opened.
///
/// # Errors
/// Nobody is logged in, or the gateway refuses; then nothing was shown.
pub(crate) async fn events(stream: StreamId, (after, limit): (u32, usize), reason: &str) -> Result<Value, Failure> {
    let from = after.saturating_add(1);
    let to = after.saturating_add(u32::try_from(limit).unwrap_or(u32::MAX)).max(from);
    reveal(stream, json!({"reason": reason, "from": from, "to": to})).await
}

/// What `stream` amounted to after version `at`, or at the moment `until`, opened.
///
/// # Errors
/// As of [`events`].
pub(crate) async fn state(
    stream: StreamId,
    at: Option<usize>,
    until: Option<Timestamp>,
    reason: &str,
) -> Result<Value, Failure> {
    let mut wish = json!({"reason": reason, "show": "state"});
    if let Some(at) = at {
        wish["to"] = json!(at);
    }
    if let Some(until) = until {
        wish["until"] = json!(moment(until));
    }
    reveal(stream, wish).await
}

/// Asks each service that seals anything; a stream is in one of them.
async fn reveal(stream: StreamId, wish: Value) -> Result<Value, Failure> {
    let gateway = Gateway::of_session().await?;
    for service in history::services(None)?.into_iter().filter(|service| !service.purposes.is_empty()) {
        match gateway.post(&format!("/ops/streams/{}/{stream}/reveal", service.name), &wish).await {
            Err(failure) if failure.exit == Exit::NotFound => {}
            Err(failure) => return Err(failure),
            Ok(revealed) => {
                let record = revealed.get("record").and_then(Value::as_str).unwrap_or_default();
                output::note(format!("recorded as event {record}: who was shown this, and why"));
                return Ok(revealed);
            }
        }
    }
    Err(Failure::not_found(format!(
        "no service that seals anything has stream {stream} with events then: without --reveal its events are read as \
         they are"
    )))
}
