//! One test per rule of the saga's log, and the one property that everything relies on: order does not matter.
use super::*;
use crate::EventState;
use domain_kernel::spec::Spec;
use domain_kernel::{Timestamp, Version, rehydrate};
use uuid::Uuid;

fn id(number: u128) -> EventId {
    EventId(Uuid::from_u128(number))
}

fn event(number: u128, expects: &[&str]) -> Recorded {
    Recorded {
        event_id: id(number),
        event_type: "results.result_created".into(),
        topic: "event-result".into(),
        stream: StreamId(Uuid::from_u128(100)),
        version: Version(1),
        causation_id: None,
        actor: None,
        occurred_at: Timestamp(1),
        expects: expects.iter().map(ToString::to_string).collect(),
    }
}

fn said(number: u128, consumer: &str, attempt: u32, outcome: Outcome) -> AnswerTo {
    AnswerTo { event: id(number), consumer: consumer.into(), answer: Answer { attempt, outcome, code: None } }
}

fn recorded(number: u128, expects: &[&str]) -> SagaEvent {
    SagaEvent::EventRecorded { event: event(number, expects), answer: None }
}

fn reported(number: u128, consumer: &str, attempt: u32, outcome: Outcome) -> SagaEvent {
    SagaEvent::StepReported(said(number, consumer, attempt, outcome))
}

fn reason() -> Reason {
    Reason::parse("the mail server is back").unwrap()
}

fn retry(consumer: Option<&str>) -> SagaCommand {
    SagaCommand::RequestRetry { event: id(1), consumer: consumer.map(ToOwned::to_owned), reason: reason() }
}

fn retry_requested(consumer: &str, attempt: u32) -> SagaEvent {
    SagaEvent::RetryRequested { event: id(1), consumer: consumer.into(), attempt, reason: reason() }
}

/// An event that is not clinical.
fn account_created(number: u128, expects: &[&str]) -> SagaEvent {
    let event =
        Recorded { event_type: "users.user_created".into(), topic: "event-user".into(), ..event(number, expects) };
    SagaEvent::EventRecorded { event, answer: None }
}

fn skip(consumer: Option<&str>) -> SagaCommand {
    SagaCommand::RequestSkip { event: id(1), consumer: consumer.map(ToOwned::to_owned), reason: reason() }
}

fn skip_requested(consumer: &str) -> SagaEvent {
    let stream = StreamId(Uuid::from_u128(100));
    SagaEvent::SkipRequested { event: id(1), stream, consumer: consumer.into(), reason: reason() }
}

fn state_of(number: u128, past: &[SagaEvent]) -> EventState {
    rehydrate::<Saga>(past).entries[&id(number)].state()
}

#[test]
fn a_heard_event_is_recorded() {
    Spec::<Saga>::given([])
        .when(SagaCommand::Record { event: event(1, &["notifications"]), answer: None })
        .then([recorded(1, &["notifications"])]);
}

#[test]
fn an_event_heard_twice_is_recorded_once() {
    Spec::<Saga>::given([recorded(1, &[])])
        .when(SagaCommand::Record { event: event(1, &[]), answer: None })
        .then_nothing();
}

#[test]
fn an_event_caused_by_another_answers_it() {
    let answer = said(1, "notifications", 1, Outcome::Processed);
    let past = [
        recorded(1, &["notifications"]),
        SagaEvent::EventRecorded { event: event(2, &["results"]), answer: Some(answer) },
    ];
    assert_eq!(state_of(1, &past), EventState::Processed);
    assert_eq!(state_of(2, &past), EventState::Received);
}

#[test]
fn an_answer_before_its_event_is_kept_and_counts_with_it() {
    let early = reported(1, "notifications", 1, Outcome::Failed);
    let entry = rehydrate::<Saga>(std::slice::from_ref(&early)).entries[&id(1)].clone();
    assert_eq!(entry.recorded, None);
    assert_eq!(state_of(1, &[early, recorded(1, &["notifications"])]), EventState::Failed);
}

#[test]
fn a_step_is_reported_whatever_came_before() {
    let late = said(1, "notifications", 1, Outcome::Failed);
    Spec::<Saga>::given([recorded(1, &[]), reported(1, "notifications", 2, Outcome::Processed)])
        .when(SagaCommand::Report(late.clone()))
        .then([SagaEvent::StepReported(late)]);
}

#[test]
fn a_retry_starts_above_the_highest_attempt() {
    let past = [
        recorded(1, &["notifications"]),
        reported(1, "notifications", 6, Outcome::Failed),
        reported(1, "notifications", 3, Outcome::Failed),
    ];
    Spec::<Saga>::given(past).when(retry(None)).then([retry_requested("notifications", 7)]);
}

#[test]
fn a_retry_asks_everybody_who_gave_up_or_the_one_that_is_named() {
    let past = [
        recorded(1, &["a", "b", "c"]),
        reported(1, "a", 1, Outcome::Failed),
        reported(1, "b", 2, Outcome::Failed),
        reported(1, "c", 1, Outcome::Processed),
    ];
    let both = [retry_requested("a", 2), retry_requested("b", 3)];
    Spec::<Saga>::given(past.clone()).when(retry(None)).then(both);
    Spec::<Saga>::given(past.clone()).when(retry(Some("b"))).then([retry_requested("b", 3)]);
    Spec::<Saga>::given(past).when(retry(Some("c"))).then_err(SagaError::NothingFailed);
}

#[test]
fn nothing_is_retried_that_did_not_fail() {
    let pending = [recorded(1, &["notifications"])];
    Spec::<Saga>::given(pending.clone()).when(retry(None)).then_err(SagaError::NothingFailed);
    let retried = [
        recorded(1, &["notifications"]),
        reported(1, "notifications", 1, Outcome::Failed),
        reported(1, "notifications", 2, Outcome::Retried),
    ];
    Spec::<Saga>::given(retried).when(retry(None)).then_err(SagaError::NothingFailed);
}

#[test]
fn a_wish_to_retry_that_got_lost_can_be_repeated() {
    let past =
        [recorded(1, &["a"]), reported(1, "a", 1, Outcome::Failed), retry_requested("a", 2), retry_requested("a", 2)];
    Spec::<Saga>::given(past).when(retry(None)).then([retry_requested("a", 2)]);
}

#[test]
fn an_unknown_event_is_not_retried() {
    Spec::<Saga>::given([]).when(retry(None)).then_err(SagaError::UnknownEvent);
    Spec::<Saga>::given([reported(1, "a", 1, Outcome::Failed)]).when(retry(None)).then_err(SagaError::UnknownEvent);
}

#[test]
fn a_skip_asks_everybody_who_gave_up_or_the_one_that_is_named() {
    let past = [
        account_created(1, &["a", "b", "c"]),
        reported(1, "a", 1, Outcome::Failed),
        reported(1, "b", 2, Outcome::Failed),
        reported(1, "c", 1, Outcome::Processed),
    ];
    Spec::<Saga>::given(past.clone()).when(skip(None)).then([skip_requested("a"), skip_requested("b")]);
    Spec::<Saga>::given(past.clone()).when(skip(Some("b"))).then([skip_requested("b")]);
    Spec::<Saga>::given(past).when(skip(Some("c"))).then_err(SagaError::NothingFailed);
}

#[test]
fn a_clinical_event_is_never_skipped() {
    let past = [recorded(1, &["notifications"]), reported(1, "notifications", 6, Outcome::Failed)];
    Spec::<Saga>::given(past).when(skip(None)).then_err(SagaError::Clinical);
    let pending = [recorded(1, &["notifications"])];
    Spec::<Saga>::given(pending).when(skip(Some("notifications"))).then_err(SagaError::Clinical);
}

#[test]
fn nothing_is_skipped_that_did_not_fail() {
    let pending = [account_created(1, &["a"])];
    Spec::<Saga>::given(pending).when(skip(None)).then_err(SagaError::NothingFailed);
    let skipped =
        [account_created(1, &["a"]), reported(1, "a", 1, Outcome::Failed), reported(1, "a", 1, Outcome::Skipped)];
    Spec::<Saga>::given(skipped.clone()).when(skip(None)).then_err(SagaError::NothingFailed);
    Spec::<Saga>::given(skipped).when(retry(None)).then_err(SagaError::NothingFailed);
}

#[test]
fn an_unknown_event_is_not_skipped() {
    Spec::<Saga>::given([]).when(skip(None)).then_err(SagaError::UnknownEvent);
    Spec::<Saga>::given([reported(1, "a", 1, Outcome::Failed)]).when(skip(None)).then_err(SagaError::UnknownEvent);
}

#[test]
fn a_wish_to_skip_changes_nothing_until_the_consumer_has_skipped() {
    let failed = [account_created(1, &["a"]), reported(1, "a", 1, Outcome::Failed), skip_requested("a")];
    assert_eq!(state_of(1, &failed), EventState::Failed);
    let skipped = [failed.as_slice(), &[reported(1, "a", 1, Outcome::Skipped)]].concat();
    assert_eq!(state_of(1, &skipped), EventState::Processed);
}

fn untold(topic: &str) -> UntoldFailure {
    let (stream, consumer) = (StreamId(Uuid::from_u128(100)), "saga_log".to_owned());
    UntoldFailure { event: id(1), topic: topic.to_owned(), stream, consumer, attempts: 3 }
}

#[test]
fn a_failure_that_nobody_told_of_can_be_retried_and_skipped_all_the_same() {
    let failure = untold(topics::SAGA_STEP);
    Spec::<Saga>::given([])
        .when(SagaCommand::RequestUntoldRetry { failure: failure.clone(), reason: reason() })
        .then([retry_requested("saga_log", 4)]);
    Spec::<Saga>::given([recorded(2, &[])])
        .when(SagaCommand::RequestUntoldSkip { failure, reason: reason() })
        .then([skip_requested("saga_log")]);
}

#[test]
fn a_clinical_event_whose_failure_nobody_told_of_is_never_skipped() {
    let failure = untold(topics::EVENT_RESULT);
    Spec::<Saga>::given([])
        .when(SagaCommand::RequestUntoldSkip { failure: failure.clone(), reason: reason() })
        .then_err(SagaError::Clinical);
    Spec::<Saga>::given([])
        .when(SagaCommand::RequestUntoldRetry { failure, reason: reason() })
        .then([retry_requested("saga_log", 4)]);
}

/// Every order of `items` (Heap's algorithm).
fn permutations<T: Clone>(items: &mut [T], upto: usize, visit: &mut impl FnMut(&[T])) {
    if upto <= 1 {
        return visit(items);
    }
    for index in 0..upto {
        permutations(items, upto - 1, visit);
        items.swap(if upto.is_multiple_of(2) { index } else { 0 }, upto - 1);
    }
}

#[test]
fn every_order_of_delivery_with_duplicates_gives_the_same_state() {
    let sent = |number, attempt, outcome| SagaEvent::EventRecorded {
        event: event(number, &["results"]),
        answer: Some(said(1, "notifications", attempt, outcome)),
    };
    let failed = |code: &str| {
        let answer = Answer { attempt: 1, outcome: Outcome::Failed, code: Some(code.into()) };
        SagaEvent::StepReported(AnswerTo { event: id(1), consumer: "notifications".into(), answer })
    };
    let messages = [
        recorded(1, &["notifications"]),
        failed("database"),
        failed("smtp_451"),
        reported(1, "notifications", 2, Outcome::Retried),
        sent(2, 2, Outcome::Processed),
        reported(2, "results", 1, Outcome::Processed),
        reported(2, "results", 1, Outcome::Failed),
    ];
    let expected = rehydrate::<Saga>(&messages);
    assert_eq!(expected.entries[&id(1)].state(), EventState::Processed);
    assert_eq!(expected.entries[&id(2)].state(), EventState::Processed);

    let mut orders = 0;
    permutations(&mut messages.clone(), messages.len(), &mut |order| {
        orders += 1;
        assert_eq!(rehydrate::<Saga>(order), expected);
        // Each message again, at the end and right away.
        assert_eq!(rehydrate::<Saga>(order.iter().chain(order)), expected);
        assert_eq!(rehydrate::<Saga>(order.iter().flat_map(|message| [message, message])), expected);
    });
    assert_eq!(orders, 5_040);
}

#[test]
fn stored_names_never_change() {
    assert_eq!(Saga::NAME, "saga");
    let names = [
        (recorded(1, &[]), "saga_log.saga_event_recorded"),
        (reported(1, "a", 1, Outcome::Processed), "saga_log.step_reported"),
        (retry_requested("a", 2), "saga_log.retry_requested"),
        (skip_requested("a"), "saga_log.skip_requested"),
    ];
    for (event, name) in names {
        assert_eq!(event.event_type(), name);
    }
}
