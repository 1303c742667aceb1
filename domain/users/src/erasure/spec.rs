//! One test per rule.
use super::*;
use domain_kernel::ports::Purpose;
use domain_kernel::spec::Spec;
use domain_kernel::{DomainEvent, SubjectId, Timestamp, UserId, rehydrate};
use uuid::Uuid;

/// 2026-11-22T12:00:00Z.
const NOW: Timestamp = Timestamp(1_795_348_800_000_000);
const YEAR: i64 = 366 * 24 * 60 * 60;

fn key(purpose: Purpose) -> SubjectKey {
    SubjectKey { subject: SubjectId(Uuid::from_u128(7)), purpose }
}

fn by(number: u128) -> Act {
    Act { by: UserId(Uuid::from_u128(number)), at: NOW }
}

fn reason() -> Reason {
    Reason::parse("the person asked for it").unwrap()
}

/// The account is deactivated, the key a day old, the newest entry not known.
fn facts() -> Facts {
    let standing = KeyStanding::Usable { since: NOW.plus_seconds(-86_400) };
    Facts { standing, account_is_active: false, newest_entry_at: None }
}

fn request(purpose: Purpose, facts: Facts) -> ErasureCommand {
    ErasureCommand::Request { key: key(purpose), country: Country::Chile, reason: reason(), facts, act: by(1) }
}

fn requested(purpose: Purpose) -> ErasureEvent {
    ErasureEvent::Requested { key: key(purpose), country: Country::Chile, reason: reason(), act: by(1) }
}

fn approve(facts: Facts) -> ErasureCommand {
    ErasureCommand::Approve { facts, act: by(2) }
}

fn approved() -> ErasureEvent {
    ErasureEvent::Approved { act: by(2) }
}

fn decline() -> ErasureCommand {
    ErasureCommand::Decline { reason: reason(), act: by(2) }
}

fn declined() -> ErasureEvent {
    ErasureEvent::Declined { reason: reason(), act: by(2) }
}

fn place_hold(purpose: Purpose) -> ErasureCommand {
    let standing = facts().standing;
    ErasureCommand::PlaceHold { key: key(purpose), reason: reason(), standing, act: by(3) }
}

fn held(purpose: Purpose) -> ErasureEvent {
    ErasureEvent::HoldPlaced { key: key(purpose), reason: reason(), act: by(3) }
}

fn lifted() -> ErasureEvent {
    ErasureEvent::HoldLifted { reason: reason(), act: by(3) }
}

fn destroyed() -> ErasureEvent {
    ErasureEvent::KeyDestroyed { at: NOW }
}

#[test]
fn an_account_or_contact_key_may_be_asked_for() {
    for purpose in [Purpose::Account, Purpose::Contact] {
        Spec::<Erasure>::given([]).when(request(purpose, facts())).then([requested(purpose)]);
    }
}

#[test]
fn an_active_account_is_deactivated_first() {
    let active = Facts { account_is_active: true, ..facts() };
    for purpose in [Purpose::Account, Purpose::Contact] {
        Spec::<Erasure>::given([]).when(request(purpose, active)).then_err(ErasureError::AccountActive);
        Spec::<Erasure>::given([requested(purpose)]).when(approve(active)).then_err(ErasureError::AccountActive);
    }
}

#[test]
fn a_key_that_never_was_cannot_be_asked_for() {
    let unknown = Facts { standing: KeyStanding::Unknown, ..facts() };
    Spec::<Erasure>::given([]).when(request(Purpose::Account, unknown)).then_err(ErasureError::NoSuchKey);
}

#[test]
fn a_destroyed_key_is_not_asked_for_again() {
    let gone = Facts { standing: KeyStanding::Destroyed, ..facts() };
    Spec::<Erasure>::given([]).when(request(Purpose::Account, gone)).then_err(ErasureError::AlreadyErased);
    Spec::<Erasure>::given([requested(Purpose::Account), approved(), destroyed()])
        .when(request(Purpose::Account, facts()))
        .then_err(ErasureError::AlreadyErased);
}

#[test]
fn a_request_is_made_once_until_it_is_declined() {
    let again = || request(Purpose::Account, facts());
    Spec::<Erasure>::given([requested(Purpose::Account)]).when(again()).then_err(ErasureError::AlreadyRequested);
    Spec::<Erasure>::given([requested(Purpose::Account), approved()])
        .when(again())
        .then_err(ErasureError::AlreadyApproved);
    Spec::<Erasure>::given([requested(Purpose::Account), declined()]).when(again()).then([requested(Purpose::Account)]);
}

#[test]
fn somebody_else_approves() {
    Spec::<Erasure>::given([requested(Purpose::Account)]).when(approve(facts())).then([approved()]);
}

#[test]
fn nobody_approves_what_they_asked_for() {
    Spec::<Erasure>::given([requested(Purpose::Account)])
        .when(ErasureCommand::Approve { facts: facts(), act: by(1) })
        .then_err(ErasureError::SecondPersonNeeded);
}

#[test]
fn whoever_asked_may_take_it_back() {
    let act = by(1);
    Spec::<Erasure>::given([requested(Purpose::Account)])
        .when(ErasureCommand::Decline { reason: reason(), act })
        .then([ErasureEvent::Declined { reason: reason(), act }]);
}

#[test]
fn only_what_waits_is_decided() {
    for command in [approve(facts()), decline()] {
        Spec::<Erasure>::given([]).when(command.clone()).then_err(ErasureError::NothingRequested);
        Spec::<Erasure>::given([requested(Purpose::Account), declined()])
            .when(command.clone())
            .then_err(ErasureError::NothingRequested);
        Spec::<Erasure>::given([requested(Purpose::Account), approved()])
            .when(command.clone())
            .then_err(ErasureError::AlreadyApproved);
        Spec::<Erasure>::given([requested(Purpose::Account), approved(), destroyed()])
            .when(command)
            .then_err(ErasureError::AlreadyErased);
    }
}

#[test]
fn a_clinical_key_is_kept_for_the_period_of_the_law() {
    let law = "Ley 20.584 art. 13 (CL)";
    // 2041-11-23T00:00:00Z
    let until = Timestamp(2_268_777_600_000_000);
    let retained = ErasureError::Retained { law, until };
    Spec::<Erasure>::given([]).when(request(Purpose::Clinical, facts())).then_err(retained);
    let entry_today = Facts { newest_entry_at: Some(NOW), ..facts() };
    let a_day_later = ErasureError::Retained { law, until: until.plus_seconds(86_400) };
    Spec::<Erasure>::given([]).when(request(Purpose::Clinical, entry_today)).then_err(a_day_later);
}

#[test]
fn a_clinical_key_is_kept_when_nobody_knows_how_old_the_newest_entry_is() {
    let old = Facts { standing: KeyStanding::Usable { since: NOW.plus_seconds(-16 * YEAR) }, ..facts() };
    Spec::<Erasure>::given([])
        .when(request(Purpose::Clinical, old))
        .then_err(ErasureError::NotProvable { law: "Ley 20.584 art. 13 (CL)" });
}

#[test]
fn a_clinical_key_may_go_when_its_newest_entry_is_older_than_the_period() {
    let standing = KeyStanding::Usable { since: NOW.plus_seconds(-20 * YEAR) };
    let old = Facts { standing, newest_entry_at: Some(NOW.plus_seconds(-16 * YEAR)), ..facts() };
    Spec::<Erasure>::given([]).when(request(Purpose::Clinical, old)).then([requested(Purpose::Clinical)]);
    let active = Facts { account_is_active: true, ..old };
    Spec::<Erasure>::given([requested(Purpose::Clinical)]).when(approve(active)).then([approved()]);
}

#[test]
fn an_entry_made_since_it_was_asked_for_keeps_a_clinical_key() {
    let standing = KeyStanding::Usable { since: NOW.plus_seconds(-20 * YEAR) };
    let new_entry = Facts { standing, newest_entry_at: Some(NOW.plus_seconds(-86_400)), ..facts() };
    let until = Timestamp(2_268_777_600_000_000);
    Spec::<Erasure>::given([requested(Purpose::Clinical)])
        .when(approve(new_entry))
        .then_err(ErasureError::Retained { law: "Ley 20.584 art. 13 (CL)", until });
}

#[test]
fn a_hold_keeps_a_key_of_any_purpose() {
    for purpose in Purpose::ALL {
        Spec::<Erasure>::given([]).when(place_hold(purpose)).then([held(purpose)]);
        Spec::<Erasure>::given([held(purpose)]).when(request(purpose, facts())).then_err(ErasureError::OnHold);
        Spec::<Erasure>::given([requested(purpose), held(purpose)])
            .when(approve(facts()))
            .then_err(ErasureError::OnHold);
    }
}

#[test]
fn a_lifted_hold_keeps_nothing() {
    let lift = ErasureCommand::LiftHold { reason: reason(), act: by(3) };
    Spec::<Erasure>::given([held(Purpose::Contact)]).when(lift.clone()).then([lifted()]);
    Spec::<Erasure>::given([requested(Purpose::Contact), held(Purpose::Contact), lifted()])
        .when(approve(facts()))
        .then([approved()]);
    Spec::<Erasure>::given([held(Purpose::Contact), lifted()]).when(lift).then_err(ErasureError::NotHeld);
}

#[test]
fn there_is_one_hold_at_a_time() {
    Spec::<Erasure>::given([held(Purpose::Contact)])
        .when(place_hold(Purpose::Contact))
        .then_err(ErasureError::AlreadyHeld);
}

#[test]
fn a_hold_comes_too_late_once_it_is_approved() {
    let past = [requested(Purpose::Account), approved()];
    Spec::<Erasure>::given(past).when(place_hold(Purpose::Account)).then_err(ErasureError::AlreadyApproved);
    let past = [requested(Purpose::Account), approved(), destroyed()];
    Spec::<Erasure>::given(past).when(place_hold(Purpose::Account)).then_err(ErasureError::AlreadyErased);
}

#[test]
fn a_hold_is_placed_on_a_key_that_is_there() {
    for (standing, refusal) in
        [(KeyStanding::Unknown, ErasureError::NoSuchKey), (KeyStanding::Destroyed, ErasureError::AlreadyErased)]
    {
        let place = ErasureCommand::PlaceHold { key: key(Purpose::Account), reason: reason(), standing, act: by(3) };
        Spec::<Erasure>::given([]).when(place).then_err(refusal);
    }
}

#[test]
fn a_destruction_is_recorded_once_and_only_when_it_was_approved() {
    let record = || ErasureCommand::RecordDestruction { at: NOW };
    let past = [requested(Purpose::Account), approved()];
    Spec::<Erasure>::given(past.clone()).when(record()).then([destroyed()]);
    Spec::<Erasure>::given([past.to_vec(), vec![destroyed()]].concat()).when(record()).then_nothing();
    Spec::<Erasure>::given([requested(Purpose::Account)]).when(record()).then_err(ErasureError::NothingRequested);
}

#[test]
fn what_was_asked_is_remembered_to_the_end() {
    let past = [requested(Purpose::Account), approved(), destroyed()];
    let request = ErasureRequest { key: key(Purpose::Account), country: Country::Chile, reason: reason(), act: by(1) };
    let state = rehydrate::<Erasure>(&past);
    assert_eq!(state, ErasureState { progress: Progress::Erased { request, act: by(2), at: NOW }, hold: None });
    assert!(state.is_decided());
    assert!(!rehydrate::<Erasure>(&past[..1]).is_decided());
}

#[test]
fn an_event_that_does_not_fit_changes_nothing() {
    for event in [approved(), declined(), destroyed()] {
        assert_eq!(rehydrate::<Erasure>(&[event]), ErasureState::default());
    }
}

#[test]
fn stored_names_never_change() {
    assert_eq!(Erasure::NAME, "erasure");
    let events = [requested(Purpose::Account), approved(), declined(), destroyed(), held(Purpose::Account), lifted()];
    assert_eq!(
        events.map(|event| event.event_type()),
        [
            "users.erasure_requested",
            "users.erasure_approved",
            "users.erasure_declined",
            "users.key_destroyed",
            "users.legal_hold_placed",
            "users.legal_hold_lifted",
        ]
    );
    let stream = key(Purpose::Contact).stream();
    assert_eq!(stream.0, Uuid::new_v5(&Uuid::from_u128(7), b"erasure/contact"));
}
