//! The rules: one function per command.
use super::{
    ClinicalResultCommand, ClinicalResultError, ClinicalResultEvent, ClinicalResultState, Content, FiledResult,
    NewResult, ResultStatus, Revision,
};
use crate::values::{EmailAddress, Reason};
use domain_kernel::Sensitive;

type Decision = Result<Vec<ClinicalResultEvent>, ClinicalResultError>;

pub(super) fn decide(state: &ClinicalResultState, command: ClinicalResultCommand) -> Decision {
    if let ClinicalResultCommand::File(result) = command {
        return file(state, result);
    }
    let result = state.filed().ok_or(ClinicalResultError::Unknown)?;
    match command {
        ClinicalResultCommand::File(_) => Err(ClinicalResultError::AlreadyFiled),
        ClinicalResultCommand::Complete => complete(result),
        ClinicalResultCommand::Release => release(result),
        ClinicalResultCommand::Amend(revision) => amend(result, revision),
        ClinicalResultCommand::Correct(revision) => correct(result, revision),
        ClinicalResultCommand::Cancel(reason) => cancel(result, reason),
        ClinicalResultCommand::EnterInError(reason) => enter_in_error(result, reason),
    }
}

fn file(state: &ClinicalResultState, new: NewResult) -> Decision {
    match (state, new.status) {
        (ClinicalResultState::Filed(_), _) => Err(ClinicalResultError::AlreadyFiled),
        (ClinicalResultState::Unknown, ResultStatus::Registered | ResultStatus::Preliminary | ResultStatus::Final) => {
            Ok(vec![ClinicalResultEvent::Created {
                number: new.number,
                patient_id: new.patient_id,
                status: new.status,
                content: Content { patient: new.patient.into(), result: new.result.into() },
                contact: new.contact.map(Sensitive::Known),
            }])
        }
        (
            ClinicalResultState::Unknown,
            status @ (ResultStatus::Amended
            | ResultStatus::Corrected
            | ResultStatus::Cancelled
            | ResultStatus::EnteredInError),
        ) => Err(ClinicalResultError::NotABeginning(status)),
    }
}

fn complete(result: &FiledResult) -> Decision {
    match result.status {
        ResultStatus::Registered => {
            readable(result)?;
            Ok(vec![ClinicalResultEvent::Completed { number: result.number }])
        }
        ResultStatus::Preliminary => Ok(vec![]),
        status @ (ResultStatus::Final | ResultStatus::Amended | ResultStatus::Corrected) => {
            Err(ClinicalResultError::AlreadyFinal(status))
        }
        ResultStatus::Cancelled => Err(ClinicalResultError::Cancelled),
        ResultStatus::EnteredInError => Err(ClinicalResultError::EnteredInError),
    }
}

fn release(result: &FiledResult) -> Decision {
    match result.status {
        ResultStatus::Registered => Err(ClinicalResultError::NotPreliminary),
        ResultStatus::Preliminary => {
            readable(result)?;
            Ok(vec![ClinicalResultEvent::Released {
                number: result.number,
                patient_id: result.patient_id,
                contact: contact(result),
            }])
        }
        ResultStatus::Final | ResultStatus::Amended | ResultStatus::Corrected => Ok(vec![]),
        ResultStatus::Cancelled => Err(ClinicalResultError::Cancelled),
        ResultStatus::EnteredInError => Err(ClinicalResultError::EnteredInError),
    }
}

fn amend(result: &FiledResult, revision: Revision) -> Decision {
    let Some(content) = revised(result, &revision)? else { return Ok(vec![]) };
    Ok(vec![ClinicalResultEvent::Amended {
        number: result.number,
        patient_id: result.patient_id,
        content,
        reason: revision.reason.into(),
        contact: contact(result),
    }])
}

fn correct(result: &FiledResult, revision: Revision) -> Decision {
    let Some(content) = revised(result, &revision)? else { return Ok(vec![]) };
    Ok(vec![ClinicalResultEvent::Corrected {
        number: result.number,
        patient_id: result.patient_id,
        content,
        reason: revision.reason.into(),
        contact: contact(result),
    }])
}

/// What the result says after `revision`, `None` when it says so already. Amendments and corrections follow the same
/// rules; they differ in what they say about the earlier version.
fn revised(result: &FiledResult, revision: &Revision) -> Result<Option<Content>, ClinicalResultError> {
    was_final(result)?;
    readable(result)?;
    let before = &result.current().content;
    let content = Content {
        patient: revision.patient.clone().map_or_else(|| before.patient.clone(), Sensitive::Known),
        result: revision.result.clone().map_or_else(|| before.result.clone(), Sensitive::Known),
    };
    Ok((content != *before).then_some(content))
}

fn cancel(result: &FiledResult, reason: Reason) -> Decision {
    match result.status {
        ResultStatus::Registered | ResultStatus::Preliminary => {
            readable(result)?;
            Ok(vec![ClinicalResultEvent::Cancelled {
                number: result.number,
                patient_id: result.patient_id,
                reason: reason.into(),
            }])
        }
        status @ (ResultStatus::Final | ResultStatus::Amended | ResultStatus::Corrected) => {
            Err(ClinicalResultError::AlreadyFinal(status))
        }
        ResultStatus::Cancelled => Ok(vec![]),
        ResultStatus::EnteredInError => Err(ClinicalResultError::EnteredInError),
    }
}

fn enter_in_error(result: &FiledResult, reason: Reason) -> Decision {
    if result.status == ResultStatus::EnteredInError {
        return Ok(vec![]);
    }
    was_final(result)?;
    readable(result)?;
    Ok(vec![ClinicalResultEvent::EnteredInError {
        number: result.number,
        patient_id: result.patient_id,
        reason: reason.into(),
    }])
}

fn was_final(result: &FiledResult) -> Result<(), ClinicalResultError> {
    match result.status {
        ResultStatus::Final | ResultStatus::Amended | ResultStatus::Corrected => Ok(()),
        status @ (ResultStatus::Registered | ResultStatus::Preliminary) => Err(ClinicalResultError::NotFinal(status)),
        ResultStatus::Cancelled => Err(ClinicalResultError::Cancelled),
        ResultStatus::EnteredInError => Err(ClinicalResultError::EnteredInError),
    }
}

/// Nobody releases, changes or withdraws what nobody can read; nothing new could be sealed for the patient either.
fn readable(result: &FiledResult) -> Result<(), ClinicalResultError> {
    if result.is_erased() { Err(ClinicalResultError::Erased) } else { Ok(()) }
}

/// An erased address is no address: an event is never made of what is already gone.
fn contact(result: &FiledResult) -> Option<Sensitive<EmailAddress>> {
    result.known_contact().cloned().map(Sensitive::Known)
}
