//! What an operator may see of a result as it stood, and of who looked and who was told: never what was found, or about
//! whom.
use crate::codec::ResultsCodec;
use domain_kernel::ports::KeyVault;
use domain_kernel::{Aggregate, BoxFuture, RecordedEvent, Sensitive};
use domain_results::{
    ClinicalResult, ClinicalResultState, FiledResult, NotificationState, ResultAccess, ResultAccessState,
    ResultNotification, VersionKind,
};
use infra_event_store::codec::CodecError;
use infra_event_store::inspection::{self, SEALED};
use serde_json::{Value, json};
use std::sync::Arc;

/// The state after each of `events`, the first ones of a stream of `category`; `None` for a category without a state.
/// Sensitive values are left out, whatever `vault` opens.
///
/// # Errors
/// [`CodecError`] for an event that cannot be decoded.
#[must_use]
pub fn states(
    vault: Arc<dyn KeyVault>,
    category: &'static str,
    events: Vec<RecordedEvent>,
) -> BoxFuture<'static, Result<Option<Vec<Value>>, CodecError>> {
    Box::pin(async move {
        let codec = ResultsCodec::new(vault);
        Ok(match category {
            ClinicalResult::NAME => {
                Some(inspection::states::<ClinicalResult>(&codec, &events).await?.iter().map(result).collect())
            }
            ResultAccess::NAME => {
                Some(inspection::states::<ResultAccess>(&codec, &events).await?.iter().map(access).collect())
            }
            ResultNotification::NAME => {
                let states = inspection::states::<ResultNotification>(&codec, &events).await?;
                Some(states.iter().map(notification).collect())
            }
            _ => None,
        })
    })
}

fn result(state: &ClinicalResultState) -> Value {
    let Some(result) = state.filed() else { return json!({"status": "unknown"}) };
    let FiledResult { number, patient_id, contact, status, first: _, later: _, withdrawn } = result;
    let versions: Vec<Value> = result
        .versions()
        .map(|version| {
            json!({
                "kind": match version.kind {
                    VersionKind::Original => "original",
                    VersionKind::Amendment => "amendment",
                    VersionKind::Correction => "correction",
                },
                "content": SEALED,
                "reason": sealed(version.reason.as_ref()),
            })
        })
        .collect();
    json!({
        "status": status.name(),
        "number": number.get(),
        "patient_id": patient_id.map(|id| id.0),
        "contact": sealed(contact.as_ref()),
        "versions": versions,
        "withdrawn": sealed(withdrawn.as_ref()),
    })
}

fn sealed<T>(value: Option<&Sensitive<T>>) -> Option<&'static str> {
    value.map(|_| SEALED)
}

fn access(state: &ResultAccessState) -> Value {
    json!({"reads": state.reads, "pages": state.pages})
}

fn notification(state: &NotificationState) -> Value {
    let code = match state {
        NotificationState::NotHeard | NotificationState::Sent => None,
        NotificationState::Failed { code } | NotificationState::Suppressed { reason: code } => Some(code),
    };
    json!({"state": state.name(), "code": code})
}
