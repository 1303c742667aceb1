//! Whether the patient was told of a result: what this context has heard of its mails.
//!
//! ```text
//! (not heard) ──▶ sent ◀──▶ failed ◀──▶ suppressed      the latest word counts
//! ```
//! A stream beside the result's, so that the result's version does not move when a mail goes out. The latest word
//! counts: a mail that failed may be sent after an operator asked for it again, and an amended result causes another mail.
use domain_kernel::{Aggregate, DomainEvent, StreamId, Timestamp};
use std::convert::Infallible;

/// The aggregate of what is known about telling the patient of one result.
pub struct ResultNotification;

/// What is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NotificationState {
    /// Nothing was heard yet.
    #[default]
    NotHeard,
    /// A mail went out.
    Sent,
    /// A mail could not be sent, for good: somebody has to call.
    Failed {
        /// Why, as a short code.
        code: String,
    },
    /// No mail was due, for example because there is no address: somebody has to call.
    Suppressed {
        /// Why, as a short code.
        reason: String,
    },
}

impl NotificationState {
    /// The pinned name, as clients see it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotHeard => "pending",
            Self::Sent => "sent",
            Self::Failed { .. } => "failed",
            Self::Suppressed { .. } => "suppressed",
        }
    }
}

/// What can be asked: to remember a word. It is never refused; the same word twice is two words, because each answers a
/// message of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultNotificationCommand {
    /// A mail went out.
    NoteSent(Note),
    /// A mail failed for good.
    NoteFailed {
        /// Which mail, about what.
        note: Note,
        /// Why, as a short code.
        code: String,
        /// When the last attempt failed, which may be long before it is heard of.
        failed_at: Timestamp,
    },
    /// No mail was due.
    NoteSuppressed(Note, String),
}

/// What can have been heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultNotificationEvent {
    /// A mail went out.
    PatientNotified {
        /// Which mail, about what.
        note: Note,
    },
    /// A mail failed for good.
    PatientNotificationFailed {
        /// Which mail, about what.
        note: Note,
        /// Why, as a short code.
        code: String,
        /// When the last attempt failed: since then somebody should call.
        failed_at: Timestamp,
    },
    /// No mail was due.
    PatientNotificationSuppressed {
        /// Which mail, about what.
        note: Note,
        /// Why, as a short code.
        reason: String,
    },
}

impl ResultNotificationEvent {
    /// Which mail, about what.
    #[must_use]
    pub fn note(&self) -> &Note {
        match self {
            Self::PatientNotified { note }
            | Self::PatientNotificationFailed { note, .. }
            | Self::PatientNotificationSuppressed { note, .. } => note,
        }
    }
}

/// Where a word comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The result.
    pub result: StreamId,
    /// The notification: a stream of the notifications service.
    pub notification: StreamId,
    /// In which attempt the message that brought the word was handled, from 1. The saga log needs it: of two answers to
    /// one message the higher attempt counts.
    pub handling_attempt: u32,
}

/// The stream of what is known about telling the patient of `result`.
#[must_use]
pub fn notification_stream(result: StreamId) -> StreamId {
    StreamId(result.derive("notification"))
}

impl DomainEvent for ResultNotificationEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::PatientNotified { .. } => "results.patient_notified",
            Self::PatientNotificationFailed { .. } => "results.patient_notification_failed",
            Self::PatientNotificationSuppressed { .. } => "results.patient_notification_suppressed",
        }
    }
}

impl Aggregate for ResultNotification {
    const NAME: &'static str = "result_notification";
    type State = NotificationState;
    type Command = ResultNotificationCommand;
    type Event = ResultNotificationEvent;
    type Error = Infallible;

    fn decide(
        _: &NotificationState,
        command: ResultNotificationCommand,
    ) -> Result<Vec<ResultNotificationEvent>, Infallible> {
        Ok(vec![match command {
            ResultNotificationCommand::NoteSent(note) => ResultNotificationEvent::PatientNotified { note },
            ResultNotificationCommand::NoteFailed { note, code, failed_at } => {
                ResultNotificationEvent::PatientNotificationFailed { note, code, failed_at }
            }
            ResultNotificationCommand::NoteSuppressed(note, reason) => {
                ResultNotificationEvent::PatientNotificationSuppressed { note, reason }
            }
        }])
    }

    fn evolve(_: NotificationState, event: &ResultNotificationEvent) -> NotificationState {
        match event {
            ResultNotificationEvent::PatientNotified { .. } => NotificationState::Sent,
            ResultNotificationEvent::PatientNotificationFailed { code, .. } => {
                NotificationState::Failed { code: code.clone() }
            }
            ResultNotificationEvent::PatientNotificationSuppressed { reason, .. } => {
                NotificationState::Suppressed { reason: reason.clone() }
            }
        }
    }
}

#[cfg(test)]
mod specs {
    use super::*;
    use domain_kernel::rehydrate;
    use domain_kernel::spec::Spec;
    use uuid::Uuid;

    fn note() -> Note {
        let [result, notification] = [1, 2].map(|number| StreamId(Uuid::from_u128(number)));
        Note { result, notification, handling_attempt: 1 }
    }
    fn sent() -> ResultNotificationEvent {
        ResultNotificationEvent::PatientNotified { note: note() }
    }
    fn failed() -> ResultNotificationEvent {
        let (code, failed_at) = ("smtp-550".into(), Timestamp(7));
        ResultNotificationEvent::PatientNotificationFailed { note: note(), code, failed_at }
    }
    fn suppressed() -> ResultNotificationEvent {
        ResultNotificationEvent::PatientNotificationSuppressed { note: note(), reason: "no_contact".into() }
    }

    #[test]
    fn a_sent_mail_is_noted() {
        Spec::<ResultNotification>::given([]).when(ResultNotificationCommand::NoteSent(note())).then([sent()]);
    }

    #[test]
    fn a_failed_mail_is_noted_with_its_code_and_its_moment() {
        let (code, failed_at) = ("smtp-550".into(), Timestamp(7));
        Spec::<ResultNotification>::given([])
            .when(ResultNotificationCommand::NoteFailed { note: note(), code, failed_at })
            .then([failed()]);
    }

    #[test]
    fn a_suppressed_mail_is_noted_with_its_reason() {
        Spec::<ResultNotification>::given([])
            .when(ResultNotificationCommand::NoteSuppressed(note(), "no_contact".into()))
            .then([suppressed()]);
    }

    #[test]
    fn the_same_word_answers_each_message_that_brings_it() {
        Spec::<ResultNotification>::given([sent()]).when(ResultNotificationCommand::NoteSent(note())).then([sent()]);
    }

    #[test]
    fn the_latest_word_counts() {
        assert_eq!(rehydrate::<ResultNotification>(&[failed(), sent()]), NotificationState::Sent);
        let failed_state = NotificationState::Failed { code: "smtp-550".into() };
        assert_eq!(rehydrate::<ResultNotification>(&[sent(), failed()]), failed_state);
        let suppressed_state = NotificationState::Suppressed { reason: "no_contact".into() };
        assert_eq!(rehydrate::<ResultNotification>(&[sent(), suppressed()]), suppressed_state);
    }

    #[test]
    fn before_any_word_the_notification_is_pending() {
        assert_eq!(rehydrate::<ResultNotification>(&[]).name(), "pending");
    }

    #[test]
    fn stored_names_never_change() {
        assert_eq!(ResultNotification::NAME, "result_notification");
        let names = [sent(), failed(), suppressed()].map(|event| event.event_type());
        let pinned = [
            "results.patient_notified",
            "results.patient_notification_failed",
            "results.patient_notification_suppressed",
        ];
        assert_eq!(names, pinned);
    }

    #[test]
    fn the_stream_is_found_again_from_the_result() {
        let result = note().result;
        assert_eq!(notification_stream(result).0, Uuid::new_v5(&result.0, b"notification"));
    }
}
