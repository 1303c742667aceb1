//! What an operator may see of a notification as it stood: about what, never to whom.
use crate::codec::NotificationCodec;
use domain_kernel::ports::KeyVault;
use domain_kernel::{Aggregate, BoxFuture, RecordedEvent};
use domain_notifications::{Notification, NotificationState, Request};
use infra_event_store::codec::CodecError;
use infra_event_store::inspection::{self, SEALED, moment};
use serde_json::{Value, json};
use std::sync::Arc;

/// The state after each of `events`, the first ones of a stream of `category`; `None` for a category without a state.
/// Sensitive values are left out.
///
/// # Errors
/// [`CodecError`] for an event that cannot be decoded.
#[must_use]
pub fn states(
    _vault: Arc<dyn KeyVault>,
    category: &'static str,
    events: Vec<RecordedEvent>,
) -> BoxFuture<'static, Result<Option<Vec<Value>>, CodecError>> {
    Box::pin(async move {
        if category != Notification::NAME {
            return Ok(None);
        }
        let states = inspection::states::<Notification>(&NotificationCodec, &events).await?;
        Ok(Some(states.iter().map(shown).collect()))
    })
}

fn shown(state: &NotificationState) -> Value {
    let mut shown = match state {
        NotificationState::Unknown => json!({"state": "unknown"}),
        NotificationState::Waiting { attempt, failures, due_at, .. } => {
            json!({"state": "waiting", "attempt": attempt, "failures": failures, "due_at": moment(*due_at)})
        }
        NotificationState::Sent { attempt, .. } => json!({"state": "sent", "attempt": attempt}),
        NotificationState::Dead { attempt, code, .. } => {
            json!({"state": "dead", "attempt": attempt, "code": code.as_str()})
        }
        NotificationState::Skipped { attempt, .. } => json!({"state": "skipped", "attempt": attempt}),
        NotificationState::Suppressed { reason, .. } => json!({"state": "suppressed", "reason": reason.name()}),
    };
    shown["request"] = state.request().map_or(Value::Null, request);
    shown
}

fn request(request: &Request) -> Value {
    json!({
        "source": request.source.0,
        "template": request.template.name(),
        "about": {"kind": request.about.kind.name(), "stream": request.about.stream.0},
        "recipient": request.recipient.map(|id| id.0),
        "contact": request.contact.as_ref().map(|_| SEALED),
        "requested_at": moment(request.requested_at),
    })
}
