//! What an operator may see of a notification as it stood: about what, never to whom, unless that is revealed to them on the record.
use crate::NAME;
use crate::codec::{self, NotificationCodec};
use crate::events::{EVENTS, NOTIFICATION_REQUESTED};
use domain_kernel::ports::KeyVault;
use domain_kernel::{Aggregate, BoxFuture, RecordedEvent};
use domain_notifications::{Notification, NotificationEvent, NotificationState, Request, SealedContact};
use infra_contracts::stored::SealedBytes;
use infra_disclosure::{Confidential, Copied};
use infra_event_store::codec::CodecError;
use infra_event_store::inspection::{self, SEALED, Sight, moment};
use infra_messaging::handling;
use serde_json::{Value, json};
use std::sync::Arc;

/// The state after each of `events`, the first ones of a stream of `category`; `None` for a category without a state.
/// Sensitive values are as `sight` says.
///
/// # Errors
/// [`CodecError`] for an event that cannot be decoded.
#[must_use]
pub fn states(
    vault: Arc<dyn KeyVault>,
    category: &'static str,
    events: Vec<RecordedEvent>,
    sight: Sight,
) -> BoxFuture<'static, Result<Option<Vec<Value>>, CodecError>> {
    Box::pin(async move {
        if category != Notification::NAME {
            return Ok(None);
        }
        let states = inspection::states::<Notification>(&NotificationCodec, &events).await?;
        let mut all = Vec::with_capacity(states.len());
        for state in &states {
            all.push(shown(state, &*vault, sight).await?);
        }
        Ok(Some(all))
    })
}

/// What an administrator may be shown of this service's events, on the record.
pub(crate) const CONFIDENTIAL: Confidential =
    Confidential { service: NAME, events: &[EVENTS, handling::EVENTS], states, copied, withheld: &[] };

/// The contact inside a request, as the user's or the result's event sealed it.
fn copied(event: &RecordedEvent) -> Result<Vec<Copied>, CodecError> {
    if event.type_id != NOTIFICATION_REQUESTED {
        return Ok(Vec::new());
    }
    let NotificationEvent::Requested(request) = codec::decode(event)? else { return Ok(Vec::new()) };
    let copied =
        |SealedContact { origin, bytes }| Copied { pointer: "/contact/sealed", origin, sealed: SealedBytes(bytes) };
    Ok(request.contact.map(copied).into_iter().collect())
}

async fn shown(state: &NotificationState, vault: &dyn KeyVault, sight: Sight) -> Result<Value, CodecError> {
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
    if let Some(request) = state.request() {
        let contact = match &request.contact {
            Some(contact) => contact_shown(contact, vault, sight).await?,
            None => Value::Null,
        };
        shown["request"] = request_shown(request, &contact);
    } else {
        shown["request"] = Value::Null;
    }
    Ok(shown)
}

async fn contact_shown(contact: &SealedContact, vault: &dyn KeyVault, sight: Sight) -> Result<Value, CodecError> {
    if sight == Sight::Sealed {
        return Ok(SEALED.into());
    }
    let SealedContact { origin, bytes } = contact;
    infra_disclosure::contact(vault, origin, bytes).await
}

fn request_shown(request: &Request, contact: &Value) -> Value {
    json!({
        "source": request.source.0,
        "template": request.template.name(),
        "about": {"kind": request.about.kind.name(), "stream": request.about.stream.0},
        "recipient": request.recipient.map(|id| id.0),
        "contact": contact,
        "requested_at": moment(request.requested_at),
    })
}
