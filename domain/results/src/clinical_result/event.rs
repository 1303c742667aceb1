//! What can have happened to a clinical result.
use super::ResultStatus;
use crate::values::{EmailAddress, PatientName, Reason, ResultNumber, ResultText};
use domain_kernel::{DomainEvent, Sensitive, UserId};

/// What can have happened to a clinical result.
///
/// Each event repeats the number and the linked account: whoever reads a single event (the codec that seals it under
/// the patient's key, the relay that tells of it) has no state at hand.
#[derive(Clone, Debug, PartialEq)]
pub enum ClinicalResultEvent {
    /// The result exists.
    Created {
        /// Its number.
        number: ResultNumber,
        /// The linked account.
        patient_id: Option<UserId>,
        /// How it began: registered, preliminary or final.
        status: ResultStatus,
        /// What it says.
        content: Content,
        /// Where the patient is told.
        contact: Option<Sensitive<EmailAddress>>,
    },
    /// It has all its findings: preliminary.
    Completed {
        /// Its number.
        number: ResultNumber,
    },
    /// It is final.
    Released {
        /// Its number.
        number: ResultNumber,
        /// The linked account.
        patient_id: Option<UserId>,
        /// Where the patient is told.
        contact: Option<Sensitive<EmailAddress>>,
    },
    /// It says something else now.
    Amended {
        /// Its number.
        number: ResultNumber,
        /// The linked account.
        patient_id: Option<UserId>,
        /// What it says from now on, whole.
        content: Content,
        /// Why.
        reason: Sensitive<Reason>,
        /// Where the patient is told.
        contact: Option<Sensitive<EmailAddress>>,
    },
    /// What it said was wrong; this is right.
    Corrected {
        /// Its number.
        number: ResultNumber,
        /// The linked account.
        patient_id: Option<UserId>,
        /// What it says from now on, whole.
        content: Content,
        /// Why.
        reason: Sensitive<Reason>,
        /// Where the patient is told.
        contact: Option<Sensitive<EmailAddress>>,
    },
    /// It was given up before it was final.
    Cancelled {
        /// Its number.
        number: ResultNumber,
        /// The linked account.
        patient_id: Option<UserId>,
        /// Why.
        reason: Sensitive<Reason>,
    },
    /// It should never have been final.
    EnteredInError {
        /// Its number.
        number: ResultNumber,
        /// The linked account.
        patient_id: Option<UserId>,
        /// Why.
        reason: Sensitive<Reason>,
    },
}

/// What a result says.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    /// Whose it is, by name.
    pub patient: Sensitive<PatientName>,
    /// What was found.
    pub result: Sensitive<ResultText>,
}

impl Content {
    /// What an erased result says.
    pub const ERASED: Self = Self { patient: Sensitive::Erased, result: Sensitive::Erased };
}

impl DomainEvent for ClinicalResultEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::Created { .. } => "results.result_created",
            Self::Completed { .. } => "results.result_completed",
            Self::Released { .. } => "results.result_released",
            Self::Amended { .. } => "results.result_amended",
            Self::Corrected { .. } => "results.result_corrected",
            Self::Cancelled { .. } => "results.result_cancelled",
            Self::EnteredInError { .. } => "results.result_entered_in_error",
        }
    }
}
