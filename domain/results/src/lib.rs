//! The results context: clinical results, who reads them, and what is known of telling the patient.
//!
//! Three aggregates, each with streams of its own, so that none of them moves another's version:
//! [`clinical_result`] is what was found, [`result_access`] who looked at it, [`result_notification`] whether the
//! patient was told. [`reading`] is the one table of who may read.
pub mod clinical_result;
pub mod reading;
pub mod result_access;
pub mod result_notification;
pub mod values;

pub use clinical_result::{
    ClinicalResult, ClinicalResultCommand, ClinicalResultError, ClinicalResultEvent, ClinicalResultState, Content,
    FiledResult, NewResult, ResultStatus, ResultVersion, Revision, VersionKind,
};
pub use reading::Scope;
pub use result_access::{Access, Reader, ResultAccess, ResultAccessCommand, ResultAccessEvent, ResultAccessState};
pub use result_notification::{
    Note, NotificationState, ResultNotification, ResultNotificationCommand, ResultNotificationEvent,
};
pub use values::{EmailAddress, PatientName, Reason, ResultNumber, ResultText};
