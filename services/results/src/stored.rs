//! The stored events of this service: their numbers, names and schemas, pinned for ever.
pub mod records;
mod upcast;

use domain_kernel::ports::Purpose;
use domain_kernel::{Aggregate, EventTypeId, RecordedEvent};
use domain_results::{ClinicalResult, ResultAccess, ResultNotification};
use infra_contracts::contact;
use infra_contracts::stored::{StoredError, StoredEventType, StoredEvents};
use records::{
    PatientNotificationFailed, PatientNotificationSuppressed, PatientNotified, ResultCompleted, ResultCreated,
    ResultQueried, ResultReleased, ResultRevised, ResultWithdrawn, ResultsListed,
};
use std::sync::LazyLock;

/// The numbers of the event types.
pub mod types {
    use domain_kernel::EventTypeId;

    /// `results.result_created`
    pub const RESULT_CREATED: EventTypeId = EventTypeId(1);
    /// `results.result_completed`
    pub const RESULT_COMPLETED: EventTypeId = EventTypeId(2);
    /// `results.result_released`
    pub const RESULT_RELEASED: EventTypeId = EventTypeId(3);
    /// `results.result_amended`
    pub const RESULT_AMENDED: EventTypeId = EventTypeId(4);
    /// `results.result_corrected`
    pub const RESULT_CORRECTED: EventTypeId = EventTypeId(5);
    /// `results.result_cancelled`
    pub const RESULT_CANCELLED: EventTypeId = EventTypeId(6);
    /// `results.result_entered_in_error`
    pub const RESULT_ENTERED_IN_ERROR: EventTypeId = EventTypeId(7);
    /// `results.result_queried`
    pub const RESULT_QUERIED: EventTypeId = EventTypeId(20);
    /// `results.results_listed`
    pub const RESULTS_LISTED: EventTypeId = EventTypeId(21);
    /// `results.patient_notified`
    pub const PATIENT_NOTIFIED: EventTypeId = EventTypeId(30);
    /// `results.patient_notification_failed`
    pub const PATIENT_NOTIFICATION_FAILED: EventTypeId = EventTypeId(31);
    /// `results.patient_notification_suppressed`
    pub const PATIENT_NOTIFICATION_SUPPRESSED: EventTypeId = EventTypeId(32);
}

macro_rules! schema {
    ($path:literal) => {
        include_str!(concat!("../../../schemas/stored/results/", $path))
    };
}

const CONTENT: &[&str] = &[schema!("sealed/content.v1.avsc")];
const REVISION: &[&str] = &[schema!("sealed/revision.v1.avsc")];
const WITHDRAWAL: &[&str] = &[schema!("sealed/withdrawal.v1.avsc")];
const CONTACT: (Purpose, &[&str]) = (Purpose::Contact, contact::SCHEMAS);

const fn stored(
    type_id: EventTypeId,
    name: &'static str,
    category: &'static str,
    schemas: &'static [&'static str],
    sealed: &'static [(Purpose, &'static [&'static str])],
) -> StoredEventType {
    StoredEventType { type_id: type_id.0, name, category, schemas, sealed }
}

/// Every type of event that this service stores, but for those about handled messages.
pub static EVENTS: &[StoredEventType] = &[
    stored(
        types::RESULT_CREATED,
        "results.result_created",
        ClinicalResult::NAME,
        &[schema!("result_created.v1.avsc")],
        &[(Purpose::Clinical, CONTENT), CONTACT],
    ),
    stored(
        types::RESULT_COMPLETED,
        "results.result_completed",
        ClinicalResult::NAME,
        &[schema!("result_completed.v1.avsc")],
        &[],
    ),
    stored(
        types::RESULT_RELEASED,
        "results.result_released",
        ClinicalResult::NAME,
        &[schema!("result_released.v1.avsc")],
        &[CONTACT],
    ),
    stored(
        types::RESULT_AMENDED,
        "results.result_amended",
        ClinicalResult::NAME,
        &[schema!("result_amended.v1.avsc")],
        &[(Purpose::Clinical, REVISION), CONTACT],
    ),
    stored(
        types::RESULT_CORRECTED,
        "results.result_corrected",
        ClinicalResult::NAME,
        &[schema!("result_corrected.v1.avsc")],
        &[(Purpose::Clinical, REVISION), CONTACT],
    ),
    stored(
        types::RESULT_CANCELLED,
        "results.result_cancelled",
        ClinicalResult::NAME,
        &[schema!("result_cancelled.v1.avsc")],
        &[(Purpose::Clinical, WITHDRAWAL)],
    ),
    stored(
        types::RESULT_ENTERED_IN_ERROR,
        "results.result_entered_in_error",
        ClinicalResult::NAME,
        &[schema!("result_entered_in_error.v1.avsc")],
        &[(Purpose::Clinical, WITHDRAWAL)],
    ),
    stored(
        types::RESULT_QUERIED,
        "results.result_queried",
        ResultAccess::NAME,
        &[schema!("result_queried.v1.avsc")],
        &[],
    ),
    stored(
        types::RESULTS_LISTED,
        "results.results_listed",
        ResultAccess::NAME,
        &[schema!("results_listed.v1.avsc")],
        &[],
    ),
    stored(
        types::PATIENT_NOTIFIED,
        "results.patient_notified",
        ResultNotification::NAME,
        &[schema!("patient_notified.v1.avsc")],
        &[],
    ),
    stored(
        types::PATIENT_NOTIFICATION_FAILED,
        "results.patient_notification_failed",
        ResultNotification::NAME,
        &[schema!("patient_notification_failed.v1.avsc"), schema!("patient_notification_failed.v2.avsc")],
        &[],
    ),
    stored(
        types::PATIENT_NOTIFICATION_SUPPRESSED,
        "results.patient_notification_suppressed",
        ResultNotification::NAME,
        &[schema!("patient_notification_suppressed.v1.avsc")],
        &[],
    ),
];

static CATALOGUE: LazyLock<StoredEvents> = LazyLock::new(parse);

#[expect(clippy::expect_used, reason = "the schemas are constants of this crate; every test parses them")]
fn parse() -> StoredEvents {
    StoredEvents::new(EVENTS).expect("the schemas of the stored events parse")
}

/// The catalogue of [`EVENTS`], parsed.
pub(crate) fn catalogue() -> &'static StoredEvents {
    &CATALOGUE
}

/// The clear part of a stored event: all that a projection or the relay may know of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ClearEvent {
    Created(ResultCreated),
    Completed(ResultCompleted),
    Released(ResultReleased),
    Amended(ResultRevised),
    Corrected(ResultRevised),
    Cancelled(ResultWithdrawn),
    EnteredInError(ResultWithdrawn),
    Queried(ResultQueried),
    Listed(ResultsListed),
    PatientNotified(PatientNotified),
    PatientNotificationFailed(PatientNotificationFailed),
    PatientNotificationSuppressed(PatientNotificationSuppressed),
}

impl ClearEvent {
    /// Reads `event`, whichever version of its schema it was written with; `None` when it is of another crate's types,
    /// such as those about handled messages.
    ///
    /// # Errors
    /// [`StoredError`] when it is not what its schema says.
    pub(crate) fn read(event: &RecordedEvent) -> Result<Option<Self>, StoredError> {
        Ok(Some(match event.type_id {
            types::RESULT_CREATED => Self::Created(decode(event)?),
            types::RESULT_COMPLETED => Self::Completed(decode(event)?),
            types::RESULT_RELEASED => Self::Released(decode(event)?),
            types::RESULT_AMENDED => Self::Amended(decode::<ResultRevised>(event)?),
            types::RESULT_CORRECTED => Self::Corrected(decode::<ResultRevised>(event)?),
            types::RESULT_CANCELLED => Self::Cancelled(decode(event)?),
            types::RESULT_ENTERED_IN_ERROR => Self::EnteredInError(decode(event)?),
            types::RESULT_QUERIED => Self::Queried(decode(event)?),
            types::RESULTS_LISTED => Self::Listed(decode(event)?),
            types::PATIENT_NOTIFIED => Self::PatientNotified(decode(event)?),
            types::PATIENT_NOTIFICATION_FAILED => {
                Self::PatientNotificationFailed(upcast::patient_notification_failed(event, decode(event)?))
            }
            types::PATIENT_NOTIFICATION_SUPPRESSED => Self::PatientNotificationSuppressed(decode(event)?),
            _ => return Ok(None),
        }))
    }
}

fn decode<T: serde::de::DeserializeOwned>(event: &RecordedEvent) -> Result<T, StoredError> {
    CATALOGUE.decode(event.type_id, event.schema_version, &event.payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain_kernel::ports::Purpose;

    #[test]
    fn numbers_and_names_never_change() {
        let pinned = [
            (1, "results.result_created"),
            (2, "results.result_completed"),
            (3, "results.result_released"),
            (4, "results.result_amended"),
            (5, "results.result_corrected"),
            (6, "results.result_cancelled"),
            (7, "results.result_entered_in_error"),
            (20, "results.result_queried"),
            (21, "results.results_listed"),
            (30, "results.patient_notified"),
            (31, "results.patient_notification_failed"),
            (32, "results.patient_notification_suppressed"),
        ];
        let actual: Vec<_> = catalogue().all().map(|event| (event.type_id, event.name)).collect();
        assert_eq!(actual, pinned);
    }

    #[test]
    fn what_is_said_about_a_patient_is_sealed() {
        for event in EVENTS {
            for schema in event.schemas {
                let schema = infra_contracts::avro::AvroSchema::parse(schema).unwrap();
                let fields: Vec<_> = schema.fields().into_iter().map(|(name, _)| name).collect();
                for personal in ["patient", "result", "email", "contact"] {
                    assert!(!fields.iter().any(|field| field == personal), "{}: {personal}", event.name);
                }
                let sealed = |purpose: Purpose| event.sealed.iter().any(|(of, _)| *of == purpose);
                for purpose in Purpose::ALL {
                    let field = format!("sealed_{purpose}");
                    assert_eq!(fields.contains(&field), sealed(purpose), "{}: {field}", event.name);
                }
            }
        }
    }
}
