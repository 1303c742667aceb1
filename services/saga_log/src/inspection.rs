//! What an operator may see of a saga as it stood: all of it, for it holds ids and codes alone.
use crate::codec::SagaCodec;
use domain_kernel::ports::KeyVault;
use domain_kernel::{Aggregate, BoxFuture, RecordedEvent};
use domain_saga_log::{Entry, EventState, Saga, SagaState};
use infra_event_store::codec::CodecError;
use infra_event_store::inspection::{self, Sight};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The state after each of `events`, the first ones of a stream of `category`; `None` for a category without a state.
///
/// # Errors
/// [`CodecError`] for an event that cannot be decoded.
#[must_use]
pub fn states(
    _vault: Arc<dyn KeyVault>,
    category: &'static str,
    events: Vec<RecordedEvent>,
    _sight: Sight,
) -> BoxFuture<'static, Result<Option<Vec<Value>>, CodecError>> {
    Box::pin(async move {
        if category != Saga::NAME {
            return Ok(None);
        }
        let states = inspection::states::<Saga>(&SagaCodec, &events).await?;
        Ok(Some(states.iter().map(shown).collect()))
    })
}

/// By the event's id, so that an answer that came before its event is the same field later.
fn shown(state: &SagaState) -> Value {
    state.entries.iter().map(|(id, entry)| (id.to_string(), event(entry))).collect::<Map<_, _>>().into()
}

fn event(entry: &Entry) -> Value {
    let consumers: Map<String, Value> = entry
        .consumers()
        .into_iter()
        .map(|standing| {
            let state = standing.answer.map_or(EventState::Received.name(), |answer| answer.outcome.name());
            let attempt = standing.answer.map_or(0, |answer| answer.attempt);
            let code = standing.answer.and_then(|answer| answer.code.clone());
            (standing.consumer.to_owned(), json!({"state": state, "attempt": attempt, "code": code}))
        })
        .collect();
    json!({
        "type": entry.recorded.as_ref().map(|recorded| recorded.event_type.clone()),
        "state": entry.state().name(),
        "consumers": consumers,
    })
}
