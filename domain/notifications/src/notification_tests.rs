//! One test per rule of the notification.
use super::*;
use crate::{AboutKind, SealedContact};
use domain_kernel::ports::Origin;
use domain_kernel::spec::Spec;
use domain_kernel::{CorrelationId, StreamId, Version, rehydrate};
use uuid::Uuid;

const NOW: Timestamp = Timestamp(1_000_000);

fn source() -> EventId {
    EventId(Uuid::from_u128(1))
}

fn about() -> About {
    About { stream: StreamId(Uuid::from_u128(2)), kind: AboutKind::Result }
}

fn contact() -> SealedContact {
    SealedContact {
        origin: Origin {
            event_id: source(),
            stream: about().stream,
            version: Version(1),
            event_type: "results.result_created".into(),
        },
        bytes: vec![1, 2, 3],
    }
}

fn wanted() -> Request {
    Request {
        source: source(),
        source_version: Some(Version(1)),
        correlation_id: CorrelationId(Uuid::from_u128(3)),
        about: about(),
        template: Template::ResultAvailable,
        number: Some(1),
        recipient: None,
        started_by: None,
        contact: Some(contact()),
        first_attempt: 1,
        requested_at: NOW,
    }
}

fn requested() -> NotificationEvent {
    NotificationEvent::Requested(wanted())
}

fn code() -> FailureCode {
    FailureCode::new("smtp_451")
}

fn sent(attempt: u32) -> NotificationEvent {
    NotificationEvent::Sent { about: about(), template: Template::ResultAvailable, attempt }
}

fn failed(attempt: u32) -> NotificationEvent {
    NotificationEvent::Failed { about: about(), template: Template::ResultAvailable, attempt, code: code() }
}

fn attempt_failed(attempt: u32) -> NotificationEvent {
    NotificationEvent::AttemptFailed { attempt, code: code(), next_attempt_at: NOW.plus_seconds(1) }
}

fn suppressed(reason: SuppressionReason) -> NotificationEvent {
    NotificationEvent::Suppressed { about: about(), template: Template::ResultAvailable, attempt: 1, reason }
}

fn requested_again(attempt: u32) -> NotificationEvent {
    NotificationEvent::RequestedAgain { source: source(), about: about(), attempt, at: NOW }
}

fn skipped(attempt: u32) -> NotificationEvent {
    NotificationEvent::Skipped { source: source(), about: about(), attempt }
}

/// Two attempts, one second apart, on the dot.
fn two_attempts() -> RetrySchedule {
    RetrySchedule { attempts: 2, first_wait_ms: 1_000, factor: 2, jitter_percent: 0 }
}

fn failure(attempt: u32, kind: FailureKind) -> NotificationCommand {
    NotificationCommand::RecordFailure { attempt, code: code(), kind, schedule: two_attempts(), at: NOW }
}

#[test]
fn a_request_with_a_contact_waits_for_its_first_attempt() {
    Spec::<Notification>::given([]).when(NotificationCommand::Request(wanted())).then([requested()]);
    let NotificationState::Waiting { attempt, due_at, .. } = rehydrate::<Notification>(&[requested()]) else {
        panic!("it waits");
    };
    assert_eq!((attempt, due_at), (1, NOW));
}

#[test]
fn a_request_without_contact_is_suppressed_at_once() {
    let nobody = Request { contact: None, ..wanted() };
    Spec::<Notification>::given([])
        .when(NotificationCommand::Request(nobody.clone()))
        .then([NotificationEvent::Requested(nobody), suppressed(SuppressionReason::NoContact)]);
}

#[test]
fn the_same_request_again_does_nothing() {
    Spec::<Notification>::given([requested()]).when(NotificationCommand::Request(wanted())).then_nothing();
    Spec::<Notification>::given([requested(), sent(1)]).when(NotificationCommand::Request(wanted())).then_nothing();
}

#[test]
fn a_taken_mail_is_sent() {
    Spec::<Notification>::given([requested()]).when(NotificationCommand::RecordSent { attempt: 1 }).then([sent(1)]);
}

#[test]
fn a_transient_failure_is_tried_again_by_the_schedule() {
    Spec::<Notification>::given([requested()]).when(failure(1, FailureKind::Transient)).then([attempt_failed(1)]);
    Spec::<Notification>::given([requested(), attempt_failed(1)])
        .when(NotificationCommand::RecordSent { attempt: 2 })
        .then([sent(2)]);
}

#[test]
fn the_last_failure_of_the_schedule_is_final() {
    Spec::<Notification>::given([requested(), attempt_failed(1)])
        .when(failure(2, FailureKind::Transient))
        .then([failed(2)]);
}

#[test]
fn a_permanent_failure_is_final_at_once() {
    Spec::<Notification>::given([requested()]).when(failure(1, FailureKind::Permanent)).then([failed(1)]);
}

#[test]
fn an_erased_contact_suppresses_a_waiting_notification() {
    Spec::<Notification>::given([requested()])
        .when(NotificationCommand::Suppress { attempt: 1, reason: SuppressionReason::Erased })
        .then([suppressed(SuppressionReason::Erased)]);
}

#[test]
fn an_outcome_of_another_attempt_is_refused() {
    Spec::<Notification>::given([requested(), attempt_failed(1)])
        .when(NotificationCommand::RecordSent { attempt: 1 })
        .then_err(NotificationError::OtherAttempt { due: 2 });
}

#[test]
fn a_settled_notification_has_no_second_outcome() {
    let dead_and_skipped = vec![failed(1), skipped(1)];
    for settled in [vec![sent(1)], vec![failed(1)], dead_and_skipped, vec![suppressed(SuppressionReason::Erased)]] {
        Spec::<Notification>::given([vec![requested()], settled].concat())
            .when(failure(1, FailureKind::Permanent))
            .then_err(NotificationError::Settled);
    }
}

#[test]
fn nothing_is_recorded_of_what_was_never_requested() {
    Spec::<Notification>::given([])
        .when(NotificationCommand::RecordSent { attempt: 1 })
        .then_err(NotificationError::Unknown);
}

#[test]
fn a_dead_notification_can_be_requested_again_above_its_last_attempt() {
    let again = NotificationCommand::RequestAgain { attempt: 3, at: NOW };
    Spec::<Notification>::given([requested(), attempt_failed(1), failed(2)]).when(again).then([requested_again(3)]);
}

#[test]
fn a_notification_requested_again_has_all_its_attempts_anew() {
    Spec::<Notification>::given([requested(), attempt_failed(1), failed(2), requested_again(3)])
        .when(failure(3, FailureKind::Transient))
        .then([attempt_failed(3)]);
}

#[test]
fn a_stale_wish_for_another_attempt_does_nothing() {
    Spec::<Notification>::given([requested(), failed(1), requested_again(2), failed(2)])
        .when(NotificationCommand::RequestAgain { attempt: 2, at: NOW })
        .then_nothing();
    Spec::<Notification>::given([requested()])
        .when(NotificationCommand::RequestAgain { attempt: 2, at: NOW })
        .then_nothing();
}

#[test]
fn a_sent_notification_is_not_requested_again() {
    Spec::<Notification>::given([requested(), sent(1)])
        .when(NotificationCommand::RequestAgain { attempt: 2, at: NOW })
        .then_err(NotificationError::Settled);
}

#[test]
fn a_dead_notification_can_be_left_as_it_is() {
    let dead = [requested(), attempt_failed(1), failed(2)];
    Spec::<Notification>::given(dead).when(NotificationCommand::Skip).then([skipped(2)]);
}

#[test]
fn only_a_dead_notification_is_skipped() {
    Spec::<Notification>::given([]).when(NotificationCommand::Skip).then_err(NotificationError::Unknown);
    Spec::<Notification>::given([requested()]).when(NotificationCommand::Skip).then_nothing();
    Spec::<Notification>::given([requested(), failed(1), skipped(1)]).when(NotificationCommand::Skip).then_nothing();
    for settled in [sent(1), suppressed(SuppressionReason::Erased)] {
        Spec::<Notification>::given([requested(), settled])
            .when(NotificationCommand::Skip)
            .then_err(NotificationError::Settled);
    }
}

#[test]
fn a_skipped_notification_is_not_requested_again() {
    Spec::<Notification>::given([requested(), failed(1), skipped(1)])
        .when(NotificationCommand::RequestAgain { attempt: 2, at: NOW })
        .then_err(NotificationError::Settled);
}

#[test]
fn attempts_go_on_from_those_that_it_took_to_ask() {
    let late = Request { first_attempt: 4, ..wanted() };
    Spec::<Notification>::given([NotificationEvent::Requested(late)])
        .when(NotificationCommand::RecordSent { attempt: 4 })
        .then([sent(4)]);
}

#[test]
fn a_sealed_contact_is_never_printed() {
    assert_eq!(format!("{:?}", contact()), "[sealed contact]");
}

#[test]
fn stored_names_never_change() {
    assert_eq!(Notification::NAME, "notification");
    let names = [
        (requested(), "notifications.notification_requested"),
        (attempt_failed(1), "notifications.attempt_failed"),
        (sent(1), "notifications.notification_sent"),
        (failed(1), "notifications.notification_failed"),
        (suppressed(SuppressionReason::Erased), "notifications.notification_suppressed"),
        (requested_again(2), "notifications.notification_requested_again"),
        (skipped(1), "notifications.notification_skipped"),
    ];
    for (event, name) in names {
        assert_eq!(event.event_type(), name);
    }
}
