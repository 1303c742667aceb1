//! What an operator may see of a result as it stood, and of who looked and who was told: never what was found, or about
//! whom, unless that is revealed to them on the record.
use crate::codec::ResultsCodec;
use crate::{EVENTS, NAME};
use domain_kernel::ports::KeyVault;
use domain_kernel::{Aggregate, BoxFuture, RecordedEvent, Sensitive};
use domain_results::{
    ClinicalResult, ClinicalResultState, Content, FiledResult, NotificationState, Reason, ResultAccess,
    ResultAccessState, ResultNotification, VersionKind,
};
use infra_disclosure::{Confidential, nothing_copied};
use infra_event_store::codec::CodecError;
use infra_event_store::inspection::{self, SEALED, Sight};
use infra_messaging::handling;
use serde_json::{Value, json};
use std::sync::Arc;

/// The state after each of `events`, the first ones of a stream of `category`; `None` for a category without a state.
/// Sensitive values are as `sight` says, whatever `vault` opens.
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
        let codec = ResultsCodec::new(vault);
        Ok(match category {
            ClinicalResult::NAME => {
                let states = inspection::states::<ClinicalResult>(&codec, &events).await?;
                Some(states.iter().map(|state| result(state, sight)).collect())
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

/// What an administrator may be shown of this service's events, on the record.
pub(crate) const CONFIDENTIAL: Confidential =
    Confidential { service: NAME, events: &[EVENTS, handling::EVENTS], states, copied: nothing_copied, withheld: &[] };

fn result(state: &ClinicalResultState, sight: Sight) -> Value {
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
                "content": content(&version.content, sight),
                "reason": words(version.reason.as_ref(), sight),
            })
        })
        .collect();
    json!({
        "status": status.name(),
        "number": number.get(),
        "patient_id": patient_id.map(|id| id.0),
        "contact": contact.as_ref().and_then(|contact| sight.of(contact, |address| Some(address.as_str().to_owned()))),
        "versions": versions,
        "withdrawn": words(withdrawn.as_ref(), sight),
    })
}

fn content(content: &Content, sight: Sight) -> Value {
    let Content { patient, result } = content;
    match sight {
        Sight::Sealed => SEALED.into(),
        Sight::Opened => json!({
            "patient": sight.of(patient, |patient| Some(patient.as_str().to_owned())),
            "result": sight.of(result, |result| Some(result.as_str().to_owned())),
        }),
    }
}

fn words(reason: Option<&Sensitive<Reason>>, sight: Sight) -> Option<String> {
    reason.and_then(|reason| sight.of(reason, |reason| Some(reason.as_str().to_owned())))
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
