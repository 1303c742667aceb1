//! What the others are told: the outcome of a notification, on `event-notification`, as the answer to the message that
//! asked for it; and that a dead one is being tried again or left as it is, on `saga-step`.
use crate::codec::{self, i32_of};
use crate::{NAME, events};
use domain_kernel::message::topics;
use domain_kernel::ports::SourceError;
use domain_kernel::{EventTypeId, Message, RecordedEvent, Topic};
use domain_notifications::{About, AboutKind, NotificationEvent};
use infra_contracts::event_notification::{
    self, NotificationEventRecord, NotificationFailed, NotificationSent, NotificationSuppressed,
};
use infra_contracts::saga_step::{self, MessageRetried, MessageSkipped, SagaStep, SagaStepRecord};
use infra_contracts::{ContractError, Envelope, catalogue};
use infra_messaging::{Publisher, handling};

/// Maps stored events to messages.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NotificationPublisher;

impl Publisher for NotificationPublisher {
    fn message(&self, topic: Topic, event: &RecordedEvent) -> Result<Option<Message>, SourceError> {
        match topic {
            topics::EVENT_NOTIFICATION if is_outcome(event.type_id) => outcome(event),
            topics::SAGA_STEP if is_step(event.type_id) => step(event),
            topics::SAGA_STEP => handling::message(event, NAME),
            _ => Ok(None),
        }
    }
}

fn is_outcome(type_id: EventTypeId) -> bool {
    [events::NOTIFICATION_SENT, events::NOTIFICATION_FAILED, events::NOTIFICATION_SUPPRESSED].contains(&type_id)
}

fn is_step(type_id: EventTypeId) -> bool {
    [events::NOTIFICATION_REQUESTED_AGAIN, events::NOTIFICATION_SKIPPED].contains(&type_id)
}

fn outcome(event: &RecordedEvent) -> Result<Option<Message>, SourceError> {
    let (contract, event_type, attempt) = match decode(event)? {
        NotificationEvent::Sent { about, template, attempt } => (
            event_notification::NotificationEvent::from(NotificationSent {
                about_stream: about.stream.0,
                about_kind: about.kind.name().to_owned(),
                template: template.name().to_owned(),
                attempt: i32_of(attempt),
            }),
            "notifications.notification_sent",
            attempt,
        ),
        NotificationEvent::Failed { about, template, attempt, code } => (
            NotificationFailed {
                about_stream: about.stream.0,
                about_kind: about.kind.name().to_owned(),
                template: template.name().to_owned(),
                attempt: i32_of(attempt),
                code: code.as_str().to_owned(),
            }
            .into(),
            "notifications.notification_failed",
            attempt,
        ),
        NotificationEvent::Suppressed { about, template, attempt, reason } => (
            NotificationSuppressed {
                about_stream: about.stream.0,
                about_kind: about.kind.name().to_owned(),
                template: template.name().to_owned(),
                reason: reason.name().to_owned(),
            }
            .into(),
            "notifications.notification_suppressed",
            attempt,
        ),
        NotificationEvent::Requested(_)
        | NotificationEvent::AttemptFailed { .. }
        | NotificationEvent::RequestedAgain { .. }
        | NotificationEvent::Skipped { .. } => return Ok(None),
    };
    let record = NotificationEventRecord { envelope: Envelope::of(event), event: contract };
    let payload = event_notification::encode(&record).map_err(|error| misfit(event, &error))?;
    Ok(answer(event, event_type, payload, attempt))
}

/// A dead notification that is requested again answers RETRIED for the message that asked for it first, one that is left
/// as it is SKIPPED.
fn step(event: &RecordedEvent) -> Result<Option<Message>, SourceError> {
    let consumer = NAME.to_owned();
    let (told, event_type, attempt): (SagaStep, _, _) = match decode(event)? {
        NotificationEvent::RequestedAgain { source, about, attempt, .. } => {
            let (source_event_id, source_topic, number) = (source.0, source_topic(about), i32_of(attempt));
            let retried = MessageRetried { source_event_id, source_topic, consumer, attempt: number, code: None };
            (retried.into(), "messaging.message_retried", attempt)
        }
        NotificationEvent::Skipped { source, about, attempt } => {
            let (source_event_id, source_topic, number) = (source.0, source_topic(about), i32_of(attempt));
            let skipped = MessageSkipped { source_event_id, source_topic, consumer, attempt: number, code: None };
            (skipped.into(), "messaging.message_skipped", attempt)
        }
        NotificationEvent::Requested(_)
        | NotificationEvent::AttemptFailed { .. }
        | NotificationEvent::Sent { .. }
        | NotificationEvent::Failed { .. }
        | NotificationEvent::Suppressed { .. } => return Ok(None),
    };
    let record = SagaStepRecord { envelope: Envelope::of(event), event: told };
    let payload = saga_step::encode(&record).map_err(|error| misfit(event, &error))?;
    Ok(answer(event, event_type, payload, attempt))
}

fn source_topic(about: About) -> String {
    match about.kind {
        AboutKind::User => topics::EVENT_USER,
        AboutKind::Result => topics::EVENT_RESULT,
    }
    .to_owned()
}

fn answer(event: &RecordedEvent, event_type: &str, payload: Vec<u8>, attempt: u32) -> Option<Message> {
    let mut message = catalogue::message(event, event_type, NAME, payload)?;
    message.headers.consumer = Some(NAME.to_owned());
    message.headers.attempt = Some(attempt);
    Some(message)
}

fn decode(event: &RecordedEvent) -> Result<NotificationEvent, SourceError> {
    codec::decode(event)
        .map_err(|error| SourceError::Contract { event: event.metadata.event_id, reason: error.to_string() })
}

fn misfit(event: &RecordedEvent, error: &ContractError) -> SourceError {
    SourceError::Contract { event: event.metadata.event_id, reason: error.to_string() }
}
