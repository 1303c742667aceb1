//! One test per rule, and the whole matrix of commands and states.
use super::*;
use crate::values::{EmailAddress, PatientName, Reason, ResultNumber, ResultText};
use domain_kernel::spec::Spec;
use domain_kernel::{DomainEvent, Sensitive, UserId, rehydrate};
use uuid::Uuid;

fn number() -> ResultNumber {
    ResultNumber::new(1).unwrap()
}
fn patient() -> PatientName {
    PatientName::parse("Paciente de Prueba").unwrap()
}
fn text(text: &str) -> ResultText {
    ResultText::parse(text).unwrap()
}
fn why() -> Reason {
    Reason::parse("muestra cambiada").unwrap()
}
fn address() -> EmailAddress {
    EmailAddress::parse("ana@example.org").unwrap()
}
fn linked() -> Option<UserId> {
    Some(UserId(Uuid::from_u128(3)))
}
fn contact() -> Option<Sensitive<EmailAddress>> {
    Some(address().into())
}
fn content(result: &str) -> Content {
    Content { patient: patient().into(), result: text(result).into() }
}
fn new_result(status: ResultStatus) -> NewResult {
    NewResult {
        number: number(),
        status,
        patient: patient(),
        result: text("Resultado Positivo"),
        patient_id: linked(),
        contact: Some(address()),
    }
}
fn created(status: ResultStatus) -> ClinicalResultEvent {
    ClinicalResultEvent::Created {
        number: number(),
        patient_id: linked(),
        status,
        content: content("Resultado Positivo"),
        contact: contact(),
    }
}
fn erased(status: ResultStatus) -> ClinicalResultEvent {
    ClinicalResultEvent::Created {
        number: number(),
        patient_id: linked(),
        status,
        content: Content::ERASED,
        contact: contact(),
    }
}
fn completed() -> ClinicalResultEvent {
    ClinicalResultEvent::Completed { number: number() }
}
fn released() -> ClinicalResultEvent {
    ClinicalResultEvent::Released { number: number(), patient_id: linked(), contact: contact() }
}
fn amended(result: &str) -> ClinicalResultEvent {
    ClinicalResultEvent::Amended {
        number: number(),
        patient_id: linked(),
        content: content(result),
        reason: why().into(),
        contact: contact(),
    }
}
fn corrected(result: &str) -> ClinicalResultEvent {
    ClinicalResultEvent::Corrected {
        number: number(),
        patient_id: linked(),
        content: content(result),
        reason: why().into(),
        contact: contact(),
    }
}
fn cancelled() -> ClinicalResultEvent {
    ClinicalResultEvent::Cancelled { number: number(), patient_id: linked(), reason: why().into() }
}
fn entered_in_error() -> ClinicalResultEvent {
    ClinicalResultEvent::EnteredInError { number: number(), patient_id: linked(), reason: why().into() }
}
fn new_text(result: &str) -> Revision {
    Revision { patient: None, result: Some(text(result)), reason: why() }
}
fn status_after(past: &[ClinicalResultEvent]) -> Option<ResultStatus> {
    rehydrate::<ClinicalResult>(past).filed().map(|result| result.status)
}

#[test]
fn a_result_is_filed_as_registered_preliminary_or_final() {
    for status in [ResultStatus::Registered, ResultStatus::Preliminary, ResultStatus::Final] {
        Spec::<ClinicalResult>::given([]).when(ClinicalResultCommand::File(new_result(status))).then([created(status)]);
    }
}

#[test]
fn a_result_does_not_begin_as_something_that_happens_later() {
    for status in
        [ResultStatus::Amended, ResultStatus::Corrected, ResultStatus::Cancelled, ResultStatus::EnteredInError]
    {
        Spec::<ClinicalResult>::given([])
            .when(ClinicalResultCommand::File(new_result(status)))
            .then_err(ClinicalResultError::NotABeginning(status));
    }
}

#[test]
fn a_registered_result_becomes_preliminary_and_then_final() {
    let registered = created(ResultStatus::Registered);
    Spec::<ClinicalResult>::given([registered.clone()]).when(ClinicalResultCommand::Complete).then([completed()]);
    assert_eq!(status_after(&[registered.clone(), completed()]), Some(ResultStatus::Preliminary));
    Spec::<ClinicalResult>::given([registered.clone(), completed()])
        .when(ClinicalResultCommand::Release)
        .then([released()]);
    assert_eq!(status_after(&[registered, completed(), released()]), Some(ResultStatus::Final));
}

#[test]
fn a_registered_result_is_not_released_before_it_is_complete() {
    Spec::<ClinicalResult>::given([created(ResultStatus::Registered)])
        .when(ClinicalResultCommand::Release)
        .then_err(ClinicalResultError::NotPreliminary);
}

#[test]
fn an_amendment_says_why_and_keeps_the_earlier_version() {
    let past = [created(ResultStatus::Final)];
    Spec::<ClinicalResult>::given(past.clone())
        .when(ClinicalResultCommand::Amend(new_text("Resultado Negativo")))
        .then([amended("Resultado Negativo")]);
    let [created] = past;
    let ClinicalResultState::Filed(result) = rehydrate::<ClinicalResult>(&[created, amended("Resultado Negativo")])
    else {
        panic!("the result is filed")
    };
    let texts: Vec<_> = result.versions().map(|version| version.content.result.clone()).collect();
    assert_eq!(texts, [text("Resultado Positivo").into(), text("Resultado Negativo").into()]);
    assert_eq!(result.current().reason, Some(why().into()));
    assert_eq!(result.current().kind, VersionKind::Amendment);
}

#[test]
fn a_correction_after_an_amendment_keeps_both_earlier_versions() {
    let past = [created(ResultStatus::Final), amended("Resultado Negativo"), corrected("Resultado Indeterminado")];
    let ClinicalResultState::Filed(result) = rehydrate::<ClinicalResult>(&past) else { panic!("the result is filed") };
    let kinds: Vec<_> = result.versions().map(|version| version.kind).collect();
    assert_eq!(kinds, [VersionKind::Original, VersionKind::Amendment, VersionKind::Correction]);
    assert_eq!(result.status, ResultStatus::Corrected);
}

#[test]
fn what_an_amendment_does_not_name_stays() {
    let another = PatientName::parse("Otra Persona").unwrap();
    let revision = Revision { patient: Some(another.clone()), result: None, reason: why() };
    Spec::<ClinicalResult>::given([created(ResultStatus::Final)]).when(ClinicalResultCommand::Correct(revision)).then(
        [ClinicalResultEvent::Corrected {
            number: number(),
            patient_id: linked(),
            content: Content { patient: another.into(), result: text("Resultado Positivo").into() },
            reason: why().into(),
            contact: contact(),
        }],
    );
}

#[test]
fn an_amendment_that_changes_nothing_does_nothing() {
    Spec::<ClinicalResult>::given([created(ResultStatus::Final)])
        .when(ClinicalResultCommand::Amend(new_text("Resultado Positivo")))
        .then_nothing();
}

#[test]
fn a_preliminary_result_can_be_cancelled() {
    Spec::<ClinicalResult>::given([created(ResultStatus::Preliminary)])
        .when(ClinicalResultCommand::Cancel(why()))
        .then([cancelled()]);
}

#[test]
fn a_final_result_cannot_be_cancelled() {
    Spec::<ClinicalResult>::given([created(ResultStatus::Final)])
        .when(ClinicalResultCommand::Cancel(why()))
        .then_err(ClinicalResultError::AlreadyFinal(ResultStatus::Final));
}

#[test]
fn a_final_result_can_be_entered_in_error_and_says_why() {
    Spec::<ClinicalResult>::given([created(ResultStatus::Final)])
        .when(ClinicalResultCommand::EnterInError(why()))
        .then([entered_in_error()]);
    let state = rehydrate::<ClinicalResult>(&[created(ResultStatus::Final), entered_in_error()]);
    assert_eq!(state.filed().unwrap().withdrawn, Some(why().into()));
}

#[test]
fn an_erased_result_still_folds_and_cannot_be_changed() {
    let past = [erased(ResultStatus::Final)];
    assert_eq!(status_after(&past), Some(ResultStatus::Final));
    for command in [
        ClinicalResultCommand::Amend(new_text("Resultado Negativo")),
        ClinicalResultCommand::Correct(new_text("Resultado Negativo")),
        ClinicalResultCommand::EnterInError(why()),
    ] {
        Spec::<ClinicalResult>::given(past.clone()).when(command).then_err(ClinicalResultError::Erased);
    }
    for (status, command) in [
        (ResultStatus::Registered, ClinicalResultCommand::Complete),
        (ResultStatus::Preliminary, ClinicalResultCommand::Release),
        (ResultStatus::Preliminary, ClinicalResultCommand::Cancel(why())),
    ] {
        Spec::<ClinicalResult>::given([erased(status)]).when(command).then_err(ClinicalResultError::Erased);
    }
}

#[test]
fn an_erased_address_is_not_written_again() {
    let without_address = ClinicalResultEvent::Created {
        number: number(),
        patient_id: linked(),
        status: ResultStatus::Preliminary,
        content: content("Resultado Positivo"),
        contact: Some(Sensitive::Erased),
    };
    Spec::<ClinicalResult>::given([without_address])
        .when(ClinicalResultCommand::Release)
        .then([ClinicalResultEvent::Released { number: number(), patient_id: linked(), contact: None }]);
}

/// A short history that ends in `status`; `None` is the unknown result.
fn past(status: Option<ResultStatus>) -> Vec<ClinicalResultEvent> {
    match status {
        None => vec![],
        Some(status @ (ResultStatus::Registered | ResultStatus::Preliminary | ResultStatus::Final)) => {
            vec![created(status)]
        }
        Some(ResultStatus::Amended) => vec![created(ResultStatus::Final), amended("Resultado Negativo")],
        Some(ResultStatus::Corrected) => vec![created(ResultStatus::Final), corrected("Resultado Negativo")],
        Some(ResultStatus::Cancelled) => vec![created(ResultStatus::Preliminary), cancelled()],
        Some(ResultStatus::EnteredInError) => vec![created(ResultStatus::Final), entered_in_error()],
    }
}

/// What a command makes of a state: its next status, nothing, or a refusal.
type Expected = Result<Option<ResultStatus>, ClinicalResultError>;

#[test]
fn every_command_in_every_state_is_decided_as_the_life_cycle_says() {
    use ClinicalResultError as E;
    use ResultStatus as S;
    let commands = || {
        [
            ClinicalResultCommand::File(new_result(S::Final)),
            ClinicalResultCommand::Complete,
            ClinicalResultCommand::Release,
            ClinicalResultCommand::Amend(new_text("Resultado Indeterminado")),
            ClinicalResultCommand::Correct(new_text("Resultado Indeterminado")),
            ClinicalResultCommand::Cancel(why()),
            ClinicalResultCommand::EnterInError(why()),
        ]
    };
    let to = |status: S| -> Expected { Ok(Some(status)) };
    let stays: Expected = Ok(None);
    let not = |error: E| -> Expected { Err(error) };
    // per state: file, complete, release, amend, correct, cancel, enter in error
    let matrix: [(Option<S>, [Expected; 7]); 8] = [
        (None, {
            let unknown = not(E::Unknown);
            [to(S::Final), unknown, unknown, unknown, unknown, unknown, unknown]
        }),
        (Some(S::Registered), {
            let not_final = not(E::NotFinal(S::Registered));
            let [filed, not_yet] = [not(E::AlreadyFiled), not(E::NotPreliminary)];
            [filed, to(S::Preliminary), not_yet, not_final, not_final, to(S::Cancelled), not_final]
        }),
        (Some(S::Preliminary), {
            let not_final = not(E::NotFinal(S::Preliminary));
            [not(E::AlreadyFiled), stays, to(S::Final), not_final, not_final, to(S::Cancelled), not_final]
        }),
        (Some(S::Final), was_final(S::Final)),
        (Some(S::Amended), was_final(S::Amended)),
        (Some(S::Corrected), was_final(S::Corrected)),
        (Some(S::Cancelled), {
            let cancelled = not(E::Cancelled);
            [not(E::AlreadyFiled), cancelled, cancelled, cancelled, cancelled, stays, cancelled]
        }),
        (Some(S::EnteredInError), {
            let in_error = not(E::EnteredInError);
            [not(E::AlreadyFiled), in_error, in_error, in_error, in_error, in_error, stays]
        }),
    ];
    for (status, expected) in matrix {
        let past = past(status);
        assert_eq!(status_after(&past), status, "the history ends where it should");
        let state = rehydrate::<ClinicalResult>(&past);
        for (command, expected) in commands().into_iter().zip(expected) {
            let asked = format!("{command:?} in {status:?}");
            let decided: Expected = ClinicalResult::decide(&state, command).map(|events| {
                let after: Vec<_> = past.iter().cloned().chain(events.clone()).collect();
                if events.is_empty() { None } else { status_after(&after) }
            });
            assert_eq!(decided, expected, "{asked}");
        }
    }
}

fn was_final(status: ResultStatus) -> [Expected; 7] {
    use ClinicalResultError as E;
    let already = Err(E::AlreadyFinal(status));
    let [amended, corrected, in_error] =
        [ResultStatus::Amended, ResultStatus::Corrected, ResultStatus::EnteredInError].map(|next| Ok(Some(next)));
    [Err(E::AlreadyFiled), already, Ok(None), amended, corrected, already, in_error]
}

#[test]
fn stored_names_never_change() {
    assert_eq!(ClinicalResult::NAME, "clinical_result");
    let names = [
        created(ResultStatus::Final),
        completed(),
        released(),
        amended("Resultado Negativo"),
        corrected("Resultado Negativo"),
        cancelled(),
        entered_in_error(),
    ]
    .map(|event| event.event_type());
    let pinned = [
        "results.result_created",
        "results.result_completed",
        "results.result_released",
        "results.result_amended",
        "results.result_corrected",
        "results.result_cancelled",
        "results.result_entered_in_error",
    ];
    assert_eq!(names, pinned);
    let statuses = ["registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered_in_error"];
    assert_eq!(ResultStatus::ALL.map(ResultStatus::name), statuses);
    assert!(statuses.into_iter().all(|name| name.parse::<ResultStatus>().is_ok()));
}
