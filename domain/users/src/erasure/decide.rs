//! The rules, one function per command.
use crate::erasure::{
    Act, Country, ErasureError, ErasureEvent, ErasureRequest, ErasureState, Facts, KeyStanding, Progress, Reason,
    SubjectKey,
};
use domain_kernel::Timestamp;
use domain_kernel::ports::Purpose;

pub(super) fn request(
    state: &ErasureState,
    key: SubjectKey,
    country: Country,
    reason: Reason,
    facts: &Facts,
    act: Act,
) -> Result<Vec<ErasureEvent>, ErasureError> {
    match state.progress {
        Progress::NotAsked | Progress::Declined { .. } => {}
        Progress::Requested(_) => return Err(ErasureError::AlreadyRequested),
        Progress::Approved { .. } => return Err(ErasureError::AlreadyApproved),
        Progress::Erased { .. } => return Err(ErasureError::AlreadyErased),
    }
    permitted(state, key.purpose, country, facts, act.at)?;
    Ok(vec![ErasureEvent::Requested { key, country, reason, act }])
}

pub(super) fn approve(state: &ErasureState, facts: &Facts, act: Act) -> Result<Vec<ErasureEvent>, ErasureError> {
    let request = waiting(state)?;
    if request.act.by == act.by {
        return Err(ErasureError::SecondPersonNeeded);
    }
    permitted(state, request.key.purpose, request.country, facts, act.at)?;
    Ok(vec![ErasureEvent::Approved { act }])
}

pub(super) fn decline(state: &ErasureState, reason: Reason, act: Act) -> Result<Vec<ErasureEvent>, ErasureError> {
    waiting(state)?;
    Ok(vec![ErasureEvent::Declined { reason, act }])
}

pub(super) fn record_destruction(state: &ErasureState, at: Timestamp) -> Result<Vec<ErasureEvent>, ErasureError> {
    match state.progress {
        Progress::Approved { .. } => Ok(vec![ErasureEvent::KeyDestroyed { at }]),
        Progress::Erased { .. } => Ok(vec![]),
        Progress::NotAsked | Progress::Requested(_) | Progress::Declined { .. } => Err(ErasureError::NothingRequested),
    }
}

pub(super) fn place_hold(
    state: &ErasureState,
    key: SubjectKey,
    reason: Reason,
    standing: KeyStanding,
    act: Act,
) -> Result<Vec<ErasureEvent>, ErasureError> {
    match state.progress {
        Progress::NotAsked | Progress::Requested(_) | Progress::Declined { .. } => {}
        Progress::Approved { .. } => return Err(ErasureError::AlreadyApproved),
        Progress::Erased { .. } => return Err(ErasureError::AlreadyErased),
    }
    created_at(standing)?;
    if state.hold.is_some() {
        return Err(ErasureError::AlreadyHeld);
    }
    Ok(vec![ErasureEvent::HoldPlaced { key, reason, act }])
}

pub(super) fn lift_hold(state: &ErasureState, reason: Reason, act: Act) -> Result<Vec<ErasureEvent>, ErasureError> {
    if state.hold.is_none() {
        return Err(ErasureError::NotHeld);
    }
    Ok(vec![ErasureEvent::HoldLifted { reason, act }])
}

/// The request that waits for a decision.
fn waiting(state: &ErasureState) -> Result<&ErasureRequest, ErasureError> {
    match &state.progress {
        Progress::Requested(request) => Ok(request),
        Progress::NotAsked | Progress::Declined { .. } => Err(ErasureError::NothingRequested),
        Progress::Approved { .. } => Err(ErasureError::AlreadyApproved),
        Progress::Erased { .. } => Err(ErasureError::AlreadyErased),
    }
}

/// Whether the key may be destroyed as things stand.
fn permitted(
    state: &ErasureState,
    purpose: Purpose,
    country: Country,
    facts: &Facts,
    now: Timestamp,
) -> Result<(), ErasureError> {
    let created_at = created_at(facts.standing)?;
    if state.hold.is_some() {
        return Err(ErasureError::OnHold);
    }
    match purpose {
        Purpose::Account | Purpose::Contact if facts.account_is_active => Err(ErasureError::AccountActive),
        Purpose::Account | Purpose::Contact => Ok(()),
        Purpose::Clinical => period_is_over(country, created_at, facts.newest_entry_at, now),
    }
}

fn created_at(standing: KeyStanding) -> Result<Timestamp, ErasureError> {
    match standing {
        KeyStanding::Unknown => Err(ErasureError::NoSuchKey),
        KeyStanding::Destroyed => Err(ErasureError::AlreadyErased),
        KeyStanding::Usable { since } => Ok(since),
    }
}

/// The period runs from the newest entry. Without it the key's own age proves that the period runs, never that it is
/// over.
fn period_is_over(
    country: Country,
    created_at: Timestamp,
    newest_entry_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), ErasureError> {
    let rule = country.rule();
    let until = rule.kept_until(newest_entry_at.map_or(created_at, |entry| entry.max(created_at)));
    if now < until {
        return Err(ErasureError::Retained { law: rule.law, until });
    }
    newest_entry_at.map(drop).ok_or(ErasureError::NotProvable { law: rule.law })
}
