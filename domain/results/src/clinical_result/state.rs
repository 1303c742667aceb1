//! Where a clinical result stands.
use super::{ClinicalResultEvent, Content};
use crate::values::{EmailAddress, Reason, ResultNumber};
use domain_kernel::{Sensitive, UserId};
use std::fmt;
use std::str::FromStr;

/// Where a clinical result stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ClinicalResultState {
    /// No event yet.
    #[default]
    Unknown,
    /// It was filed.
    Filed(FiledResult),
}

impl ClinicalResultState {
    /// The result, if it was filed.
    #[must_use]
    pub fn filed(&self) -> Option<&FiledResult> {
        match self {
            Self::Unknown => None,
            Self::Filed(result) => Some(result),
        }
    }
}

/// A result that was filed.
#[derive(Clone, Debug, PartialEq)]
pub struct FiledResult {
    /// Its number.
    pub number: ResultNumber,
    /// The account that may read it.
    pub patient_id: Option<UserId>,
    /// Where the patient is told.
    pub contact: Option<Sensitive<EmailAddress>>,
    /// Where it stands.
    pub status: ResultStatus,
    /// What it said first.
    pub first: ResultVersion,
    /// What it said later, oldest first.
    pub later: Vec<ResultVersion>,
    /// Why it was cancelled or entered in error; `None` until then.
    pub withdrawn: Option<Sensitive<Reason>>,
}

impl FiledResult {
    /// What it says now.
    #[must_use]
    pub fn current(&self) -> &ResultVersion {
        self.later.last().unwrap_or(&self.first)
    }

    /// Everything that it ever said, oldest first.
    pub fn versions(&self) -> impl Iterator<Item = &ResultVersion> {
        std::iter::once(&self.first).chain(&self.later)
    }

    /// Whether the patient's clinical data was erased.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        let Content { patient, result } = &self.current().content;
        patient.known().is_none() || result.known().is_none()
    }

    /// The address, unless there is none or it was erased.
    #[must_use]
    pub fn known_contact(&self) -> Option<&EmailAddress> {
        self.contact.as_ref().and_then(Sensitive::known)
    }
}

/// What a result said from some moment on.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultVersion {
    /// How it came to say so.
    pub kind: VersionKind,
    /// What it said.
    pub content: Content,
    /// Why it was changed; `None` for the first version.
    pub reason: Option<Sensitive<Reason>>,
}

/// How a version came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionKind {
    /// It was filed so.
    Original,
    /// By an amendment.
    Amendment,
    /// By a correction.
    Correction,
}

/// FHIR's words for where a result stands; the names are in stored events and in clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResultStatus {
    /// It exists; findings are missing.
    Registered,
    /// It has its findings and is not released.
    Preliminary,
    /// It is released.
    Final,
    /// It was released and changed afterwards.
    Amended,
    /// It was released, was wrong and was righted.
    Corrected,
    /// It was given up before it was final.
    Cancelled,
    /// It should never have been final.
    EnteredInError,
}

impl ResultStatus {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::Registered,
        Self::Preliminary,
        Self::Final,
        Self::Amended,
        Self::Corrected,
        Self::Cancelled,
        Self::EnteredInError,
    ];

    /// The pinned name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Preliminary => "preliminary",
            Self::Final => "final",
            Self::Amended => "amended",
            Self::Corrected => "corrected",
            Self::Cancelled => "cancelled",
            Self::EnteredInError => "entered_in_error",
        }
    }
}

impl fmt::Display for ResultStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ResultStatus {
    type Err = UnknownStatus;

    fn from_str(name: &str) -> Result<Self, UnknownStatus> {
        Self::ALL.into_iter().find(|status| status.name() == name).ok_or(UnknownStatus)
    }
}

/// Not the name of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no result has such a status")]
pub struct UnknownStatus;

/// `state` after `event`.
pub(super) fn evolve(state: ClinicalResultState, event: &ClinicalResultEvent) -> ClinicalResultState {
    use ClinicalResultEvent as Event;
    if let Event::Created { number, patient_id, status, content, contact } = event {
        return ClinicalResultState::Filed(FiledResult {
            number: *number,
            patient_id: *patient_id,
            contact: contact.clone(),
            status: *status,
            first: ResultVersion { kind: VersionKind::Original, content: content.clone(), reason: None },
            later: vec![],
            withdrawn: None,
        });
    }
    let ClinicalResultState::Filed(mut result) = state else { return state };
    match event {
        Event::Created { .. } => {}
        Event::Completed { .. } => result.status = ResultStatus::Preliminary,
        Event::Released { .. } => result.status = ResultStatus::Final,
        Event::Amended { content, reason, .. } => {
            result.status = ResultStatus::Amended;
            result.later.push(revised(VersionKind::Amendment, content, reason));
        }
        Event::Corrected { content, reason, .. } => {
            result.status = ResultStatus::Corrected;
            result.later.push(revised(VersionKind::Correction, content, reason));
        }
        Event::Cancelled { reason, .. } => {
            result.status = ResultStatus::Cancelled;
            result.withdrawn = Some(reason.clone());
        }
        Event::EnteredInError { reason, .. } => {
            result.status = ResultStatus::EnteredInError;
            result.withdrawn = Some(reason.clone());
        }
    }
    ClinicalResultState::Filed(result)
}

fn revised(kind: VersionKind, content: &Content, reason: &Sensitive<Reason>) -> ResultVersion {
    ResultVersion { kind, content: content.clone(), reason: Some(reason.clone()) }
}
