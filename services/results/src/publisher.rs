//! What this service tells the others: the mapping from stored events to the published language.
//!
//! Sealed addresses are copied unopened: each was sealed in the very event that is published, so whoever may open
//! addresses opens it with the message's own id, stream, version and type.
use crate::NAME;
use crate::stored::ClearEvent;
use domain_kernel::message::topics;
use domain_kernel::ports::SourceError;
use domain_kernel::{Message, RecordedEvent, Topic};
use infra_contracts::catalogue;
use infra_contracts::event_result::{
    self, ResultAmended, ResultCancelled, ResultCompleted, ResultCorrected, ResultCreated, ResultEnteredInError,
    ResultEvent, ResultEventRecord, ResultQueried, ResultReleased, ResultStatus,
};
use infra_contracts::{ContractError, Envelope};
use infra_messaging::{Publisher, handling};

/// Maps this service's stored events to messages.
pub struct ResultsPublisher;

impl Publisher for ResultsPublisher {
    fn message(&self, topic: Topic, event: &RecordedEvent) -> Result<Option<Message>, SourceError> {
        match topic {
            topics::EVENT_RESULT => event_result(event),
            topics::SAGA_STEP => saga_step(event),
            _ => Ok(None),
        }
    }
}

fn event_result(event: &RecordedEvent) -> Result<Option<Message>, SourceError> {
    let Some(clear) = ClearEvent::read(event).map_err(|error| refused(event, error.to_string()))? else {
        return Ok(None);
    };
    let (event_type, told): (_, ResultEvent) = match clear {
        ClearEvent::Created(created) => (
            "results.result_created",
            ResultCreated {
                number: created.number,
                status: status(&created.status),
                patient_id: created.patient_id,
                contact: created.sealed_contact,
            }
            .into(),
        ),
        ClearEvent::Released(released) => (
            "results.result_released",
            ResultReleased {
                number: released.number,
                contact: released.sealed_contact,
                patient_id: released.patient_id,
            }
            .into(),
        ),
        ClearEvent::Completed(completed) => {
            ("results.result_completed", ResultCompleted { number: completed.number }.into())
        }
        ClearEvent::Amended(revised) => (
            "results.result_amended",
            ResultAmended { number: revised.number, contact: revised.sealed_contact, patient_id: revised.patient_id }
                .into(),
        ),
        ClearEvent::Corrected(revised) => (
            "results.result_corrected",
            ResultCorrected { number: revised.number, contact: revised.sealed_contact, patient_id: revised.patient_id }
                .into(),
        ),
        ClearEvent::Cancelled(withdrawn) => {
            ("results.result_cancelled", ResultCancelled { number: withdrawn.number }.into())
        }
        ClearEvent::EnteredInError(withdrawn) => {
            ("results.result_entered_in_error", ResultEnteredInError { number: withdrawn.number }.into())
        }
        ClearEvent::Queried(queried) => {
            ("results.result_queried", ResultQueried { result_id: queried.result_id, number: queried.number }.into())
        }
        ClearEvent::Listed(_)
        | ClearEvent::PatientNotified(_)
        | ClearEvent::PatientNotificationFailed(_)
        | ClearEvent::PatientNotificationSuppressed(_) => return Ok(None),
    };
    let record = ResultEventRecord { envelope: Envelope::of(event), event: told };
    let payload = event_result::encode(&record).map_err(|error| unfit(event, &error))?;
    Ok(catalogue::message(event, event_type, NAME, payload))
}

/// What this service heard of a mail is itself the answer to the message that told of it: no second event says that it
/// was handled.
fn saga_step(event: &RecordedEvent) -> Result<Option<Message>, SourceError> {
    let attempt = match ClearEvent::read(event).map_err(|error| refused(event, error.to_string()))? {
        None => return handling::message(event, NAME),
        Some(ClearEvent::PatientNotified(heard)) => heard.handling_attempt,
        Some(ClearEvent::PatientNotificationFailed(heard)) => heard.handling_attempt,
        Some(ClearEvent::PatientNotificationSuppressed(heard)) => heard.handling_attempt,
        Some(_) => return Ok(None),
    };
    let Some(told_by) = event.metadata.causation_id else {
        return Err(refused(event, "no message caused it".to_owned()));
    };
    let attempt = u32::try_from(attempt).unwrap_or(0);
    handling::answer(event, NAME, NAME, (topics::EVENT_NOTIFICATION, told_by), attempt)
}

/// A status that the contract does not have is a newer release's.
fn status(name: &str) -> ResultStatus {
    use domain_results::ResultStatus as Domain;
    match name.parse::<Domain>() {
        Ok(Domain::Registered) => ResultStatus::Registered,
        Ok(Domain::Preliminary) => ResultStatus::Preliminary,
        Ok(Domain::Final) => ResultStatus::Final,
        Ok(Domain::Amended) => ResultStatus::Amended,
        Ok(Domain::Corrected) => ResultStatus::Corrected,
        Ok(Domain::Cancelled) => ResultStatus::Cancelled,
        Ok(Domain::EnteredInError) => ResultStatus::EnteredInError,
        Err(_) => ResultStatus::Unknown,
    }
}

fn unfit(event: &RecordedEvent, error: &ContractError) -> SourceError {
    refused(event, error.to_string())
}

fn refused(event: &RecordedEvent, reason: String) -> SourceError {
    SourceError::Contract { event: event.metadata.event_id, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stored::records::{ResultReleased as StoredReleased, ResultRevised};
    use crate::stored::{catalogue, types};
    use domain_kernel::{Checkpoint, CorrelationId, EventId, EventMetadata, EventTypeId, StreamId, Timestamp, Version};
    use serde::Serialize;
    use uuid::Uuid;

    const PATIENT: Option<Uuid> = Some(Uuid::from_u128(0xA));

    fn told(type_id: EventTypeId, record: &impl Serialize) -> ResultEvent {
        let (schema_version, payload) = catalogue().encode(type_id, record).unwrap();
        let event = RecordedEvent {
            checkpoint: Checkpoint::default(),
            stream: StreamId(Uuid::from_u128(5)),
            version: Version(1),
            type_id,
            schema_version,
            metadata: EventMetadata {
                event_id: EventId(Uuid::from_u128(6)),
                correlation_id: CorrelationId(Uuid::from_u128(9)),
                causation_id: None,
                actor: None,
                occurred_at: Timestamp(0),
            },
            payload,
            hash: [0; 32],
        };
        let message = ResultsPublisher.message(topics::EVENT_RESULT, &event).unwrap().unwrap();
        event_result::decode(message.headers.contract_version, &message.payload).unwrap().event
    }

    #[test]
    fn every_event_that_tells_the_patient_names_the_linked_account() {
        let released = StoredReleased { number: 1, patient_id: PATIENT, sealed_contact: None };
        let revised = ResultRevised { number: 1, patient_id: PATIENT, sealed_clinical: None, sealed_contact: None };
        let number = 1;
        assert_eq!(
            [
                told(types::RESULT_RELEASED, &released),
                told(types::RESULT_AMENDED, &revised),
                told(types::RESULT_CORRECTED, &revised),
            ],
            [
                ResultReleased { number, contact: None, patient_id: PATIENT }.into(),
                ResultAmended { number, contact: None, patient_id: PATIENT }.into(),
                ResultCorrected { number, contact: None, patient_id: PATIENT }.into(),
            ]
        );
    }
}
