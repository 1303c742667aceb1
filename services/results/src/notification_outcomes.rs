//! The consumer of `event-notification`: remembers what became of the mails about results.
//!
//! One append to the result's notification stream per message; its event is the answer to the message.
use domain_kernel::{BoxFuture, CommandId, Message, StreamId};
use domain_results::result_notification::notification_stream;
use domain_results::{Note, ResultNotification, ResultNotificationCommand};
use infra_contracts::ContractError;
use infra_contracts::event_notification::{self, NotificationEvent};
use infra_event_store::repository::{CommandContext, CommandError, Repository};
use infra_messaging::{Handling, HandlingError, MessageHandler};
use uuid::Uuid;

/// What a notification about a result says that it is about.
const ABOUT_RESULT: &str = "result";

/// Remembers what became of the mails about results.
pub struct NotificationOutcomes {
    notifications: Repository<ResultNotification>,
}

impl NotificationOutcomes {
    /// Writing to `notifications`.
    #[must_use]
    pub fn new(notifications: Repository<ResultNotification>) -> Self {
        Self { notifications }
    }

    async fn note(&self, message: &Message, command: CommandId, attempt: u32) -> Result<Handling, HandlingError> {
        let record = match event_notification::decode(message.headers.contract_version, &message.payload) {
            Ok(record) => record,
            // A newer producer's event: nothing that this release has to do.
            Err(ContractError::NoEvent) => return Ok(Handling::NothingToDo),
            Err(_) => return Err(HandlingError::Permanent { code: "contract".to_owned() }),
        };
        let Some(Told { result, command: note }) = told(record.event, message, attempt) else {
            return Ok(Handling::NothingToDo);
        };
        let context = CommandContext {
            command_id: command,
            digest: None,
            correlation_id: message.headers.correlation_id,
            causation_id: Some(message.headers.event_id),
            actor: None,
        };
        match self.notifications.begin(notification_stream(result), &context, note).await {
            Ok(_) => Ok(Handling::Done),
            Err(CommandError::Rejected(never)) => match never {},
            Err(CommandError::Contended) => Err(HandlingError::Transient { code: "contended".to_owned() }),
            Err(CommandError::Store(error)) => Err(error.into()),
            Err(CommandError::Codec(error)) => Err(error.into()),
            Err(CommandError::OtherCommand | CommandError::VersionMismatch { .. } | CommandError::ClaimTaken(_)) => {
                Err(HandlingError::Permanent { code: "command_refused".to_owned() })
            }
        }
    }
}

impl MessageHandler for NotificationOutcomes {
    fn handle<'a>(
        &'a self,
        message: &'a Message,
        command: CommandId,
        attempt: u32,
    ) -> BoxFuture<'a, Result<Handling, HandlingError>> {
        Box::pin(self.note(message, command, attempt))
    }
}

/// What a message tells about a result.
struct Told {
    result: StreamId,
    command: ResultNotificationCommand,
}

/// `None` when the notification is about something else, such as a user.
fn told(event: NotificationEvent, message: &Message, handling_attempt: u32) -> Option<Told> {
    let (notification, failed_at) = (message.headers.stream, message.headers.occurred_at);
    let note = |about: Uuid, kind: &str| {
        (kind == ABOUT_RESULT).then_some(Note { result: StreamId(about), notification, handling_attempt })
    };
    match event {
        NotificationEvent::NotificationSent(sent) => note(sent.about_stream, &sent.about_kind)
            .map(|note| (note.result, ResultNotificationCommand::NoteSent(note))),
        NotificationEvent::NotificationFailed(failed) => note(failed.about_stream, &failed.about_kind)
            .map(|note| (note.result, ResultNotificationCommand::NoteFailed { note, code: failed.code, failed_at })),
        NotificationEvent::NotificationSuppressed(suppressed) => note(suppressed.about_stream, &suppressed.about_kind)
            .map(|note| (note.result, ResultNotificationCommand::NoteSuppressed(note, suppressed.reason))),
    }
    .map(|(result, command)| Told { result, command })
}
