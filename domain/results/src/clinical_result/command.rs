//! What can be asked of a clinical result.
use super::ResultStatus;
use crate::values::{EmailAddress, PatientName, Reason, ResultNumber, ResultText};
use domain_kernel::UserId;

/// What can be asked of a clinical result.
#[derive(Clone, Debug, PartialEq)]
pub enum ClinicalResultCommand {
    /// Files a new result.
    File(NewResult),
    /// Says that a registered result has all its findings: it becomes preliminary.
    Complete,
    /// Releases a preliminary result: it becomes final and the patient is told.
    Release,
    /// Changes what a final result says, for example by an added interpretation.
    Amend(Revision),
    /// Rights what a final result said wrongly.
    Correct(Revision),
    /// Gives a result up before it was final.
    Cancel(Reason),
    /// Says that a result should never have been final, such as one of another patient.
    EnterInError(Reason),
}

/// A result to be filed.
#[derive(Clone, Debug, PartialEq)]
pub struct NewResult {
    /// The running number, taken just before.
    pub number: ResultNumber,
    /// How it begins: registered, preliminary or final.
    pub status: ResultStatus,
    /// Whose it is, by name.
    pub patient: PatientName,
    /// What was found.
    pub result: ResultText,
    /// The account that may read it, if staff linked one.
    pub patient_id: Option<UserId>,
    /// Where the patient is told.
    pub contact: Option<EmailAddress>,
}

/// A change of a result that was final. What is `None` stays.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    /// Another name.
    pub patient: Option<PatientName>,
    /// Another text.
    pub result: Option<ResultText>,
    /// Why; always asked for.
    pub reason: Reason,
}
