//! What was found about a patient, in FHIR's words (DiagnosticReport.status, R4).
//!
//! ```text
//! (unknown) ─ file ─▶ registered ─ complete ─▶ preliminary ─ release ─▶ final ─ amend ───▶ amended  ┐ and again,
//!     │                    │                        │                     ├──── correct ─▶ corrected┘ either way
//!     │                    └──────── cancel ────────┤                     │
//!     │                                             ▼                     ▼  enter in error (from any of these three)
//!     └ file as registered, preliminary or final   cancelled           entered in error
//! ```
//! What always holds:
//! 1. nothing is overwritten: an amendment or correction adds a version and says why, the earlier ones stay;
//! 2. what was final is never cancelled, and what never was final is never amended; both ends are terminal;
//! 3. each event that tells the patient something carries the address itself, so that it can be sealed for that event.
//!
//! That a number belongs to one result alone is not decided here: one stream cannot know the others; the store reserves
//! the number together with the first event.
mod command;
mod decide;
mod event;
#[cfg(test)]
mod specs;
mod state;

pub use command::{ClinicalResultCommand, NewResult, Revision};
pub use event::{ClinicalResultEvent, Content};
pub use state::{ClinicalResultState, FiledResult, ResultStatus, ResultVersion, UnknownStatus, VersionKind};

use domain_kernel::Aggregate;

/// The aggregate of one clinical result.
pub struct ClinicalResult;

/// Why a command was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClinicalResultError {
    /// The stream already has a result.
    #[error("the result exists already")]
    AlreadyFiled,
    /// Nothing to change.
    #[error("there is no such result")]
    Unknown,
    /// A result begins as registered, preliminary or final.
    #[error("a result cannot begin as {0}")]
    NotABeginning(ResultStatus),
    /// A registered result is completed before it is released.
    #[error("the result is registered only; it is completed before it is released")]
    NotPreliminary,
    /// Only what was final can be amended, corrected or entered in error.
    #[error("the result is {0}, not final yet")]
    NotFinal(ResultStatus),
    /// What was final can neither be cancelled nor go back.
    #[error("the result is {0}; what was final is amended, corrected or entered in error")]
    AlreadyFinal(ResultStatus),
    /// Nothing follows a cancellation.
    #[error("the result was cancelled")]
    Cancelled,
    /// Nothing follows an entry in error.
    #[error("the result was entered in error")]
    EnteredInError,
    /// The patient's clinical data was erased: there is nothing left to change, and nothing new may be written.
    #[error("the clinical data of this result was erased")]
    Erased,
}

impl Aggregate for ClinicalResult {
    const NAME: &'static str = "clinical_result";
    type State = ClinicalResultState;
    type Command = ClinicalResultCommand;
    type Event = ClinicalResultEvent;
    type Error = ClinicalResultError;

    fn decide(
        state: &ClinicalResultState,
        command: ClinicalResultCommand,
    ) -> Result<Vec<ClinicalResultEvent>, ClinicalResultError> {
        decide::decide(state, command)
    }

    fn evolve(state: ClinicalResultState, event: &ClinicalResultEvent) -> ClinicalResultState {
        state::evolve(state, event)
    }
}
