//! Turns what happened to users and results into requested notifications. Opens nothing, sends nothing: one append.
use crate::due::DueHints;
use domain_kernel::message::topics;
use domain_kernel::ports::{Clock, Origin};
use domain_kernel::{BoxFuture, CommandId, EventId, Message, StreamId, UserId};
use domain_notifications::{
    About, AboutKind, Notification, NotificationCommand, NotificationError, NotificationState, Request, SealedContact,
    Template, notification_stream,
};
use infra_contracts::event_result::{self, ResultEvent, ResultStatus};
use infra_contracts::event_user::{self, UserEvent};
use infra_contracts::saga_command::{self, SagaCommand};
use infra_contracts::stored::SealedBytes;
use infra_event_store::repository::{CommandContext, CommandError, LoadError, Repository};
use infra_messaging::{Handling, HandlingError, MessageHandler};
use std::sync::Arc;
use uuid::Uuid;

/// The consumer `notifications`.
pub(crate) struct NotificationConsumer {
    pub(crate) repository: Repository<Notification>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) hints: DueHints,
}

/// What a message asks to tell.
struct Wanted {
    template: Template,
    kind: AboutKind,
    number: Option<i64>,
    recipient: Option<UserId>,
    contact: Option<SealedBytes>,
}

impl MessageHandler for NotificationConsumer {
    fn handle<'a>(
        &'a self,
        message: &'a Message,
        command: CommandId,
        attempt: u32,
    ) -> BoxFuture<'a, Result<Handling, HandlingError>> {
        Box::pin(async move {
            let wanted = match message.topic {
                topics::EVENT_USER => of_user(message)?,
                topics::EVENT_RESULT => of_result(message)?,
                topics::SAGA_COMMAND => return self.about_a_dead_one(message, command).await,
                _ => None,
            };
            match wanted {
                Some(wanted) => self.request(message, command, attempt, wanted).await,
                None => Ok(Handling::NothingToDo),
            }
        })
    }
}

fn of_user(message: &Message) -> Result<Option<Wanted>, HandlingError> {
    let record = event_user::decode(message.headers.contract_version, &message.payload)?;
    Ok(match record.event {
        UserEvent::UserCreated(created) => Some(Wanted {
            template: Template::Welcome,
            kind: AboutKind::User,
            number: None,
            recipient: Some(message.headers.stream.into()),
            contact: created.contact,
        }),
        UserEvent::UserRoleChanged(_)
        | UserEvent::UserContactChanged(_)
        | UserEvent::UserDeactivated(_)
        | UserEvent::UserReactivated(_)
        | UserEvent::UserPasswordChanged(_) => None,
    })
}

fn of_result(message: &Message) -> Result<Option<Wanted>, HandlingError> {
    let record = event_result::decode(message.headers.contract_version, &message.payload)?;
    let tell = |template, number, recipient: Option<Uuid>, contact| {
        Some(Wanted {
            template,
            kind: AboutKind::Result,
            number: Some(number),
            recipient: recipient.map(UserId),
            contact,
        })
    };
    Ok(match record.event {
        // The patient is told when a result is final, not before.
        ResultEvent::ResultCreated(created) if created.status == ResultStatus::Final => {
            tell(Template::ResultAvailable, created.number, created.patient_id, created.contact)
        }
        ResultEvent::ResultReleased(released) => {
            tell(Template::ResultAvailable, released.number, released.patient_id, released.contact)
        }
        ResultEvent::ResultAmended(amended) => {
            tell(Template::ResultUpdated, amended.number, amended.patient_id, amended.contact)
        }
        ResultEvent::ResultCorrected(corrected) => {
            tell(Template::ResultUpdated, corrected.number, corrected.patient_id, corrected.contact)
        }
        ResultEvent::ResultCreated(_)
        | ResultEvent::ResultCompleted(_)
        | ResultEvent::ResultCancelled(_)
        | ResultEvent::ResultEnteredInError(_)
        | ResultEvent::ResultQueried(_) => None,
    })
}

impl NotificationConsumer {
    async fn request(
        &self,
        message: &Message,
        command: CommandId,
        attempt: u32,
        wanted: Wanted,
    ) -> Result<Handling, HandlingError> {
        let headers = &message.headers;
        let origin = Origin {
            event_id: headers.event_id,
            stream: headers.stream,
            version: headers.version,
            event_type: headers.event_type.clone(),
        };
        let request = Request {
            source: headers.event_id,
            source_version: Some(headers.version),
            correlation_id: headers.correlation_id,
            about: About { stream: headers.stream, kind: wanted.kind },
            template: wanted.template,
            number: wanted.number,
            recipient: wanted.recipient,
            started_by: headers.actor,
            contact: wanted.contact.map(|SealedBytes(bytes)| SealedContact { origin, bytes }),
            first_attempt: attempt.max(1),
            requested_at: self.clock.now(),
        };
        let notification = request.notification();
        let context = context(message, command);
        let requested = self.repository.begin(notification, &context, NotificationCommand::Request(request)).await;
        self.hint(notification, &requested.map_err(of_command)?.state);
        // Also when it was requested before: then the answer comes, or came, from that request.
        Ok(Handling::Done)
    }

    /// An operator wants something tried again, or let pass, that this consumer gave up: here, a notification that is
    /// dead.
    async fn about_a_dead_one(&self, message: &Message, command: CommandId) -> Result<Handling, HandlingError> {
        let record = saga_command::decode(message.headers.contract_version, &message.payload)?;
        let (consumer, source, wish) = match record.event {
            SagaCommand::RetryRequested(retry) => {
                let attempt =
                    u32::try_from(retry.attempt).map_err(|_| HandlingError::permanent("attempt_malformed"))?;
                let again = NotificationCommand::RequestAgain { attempt, at: self.clock.now() };
                (retry.consumer, EventId(retry.event_id), again)
            }
            SagaCommand::SkipRequested(skip) => {
                (skip.consumer, EventId(skip.source_event_id), NotificationCommand::Skip)
            }
        };
        if consumer != crate::NAME {
            return Ok(Handling::NothingToDo);
        }
        for template in Template::ALL {
            let notification = notification_stream(source, template);
            let state = self.repository.load(notification).await.map_err(of_load)?.state;
            if matches!(state, NotificationState::Dead { .. }) {
                let done = self.repository.execute(notification, None, &context(message, command), wish).await;
                self.hint(notification, &done.map_err(of_command)?.state);
                return Ok(Handling::Done);
            }
        }
        Ok(Handling::NothingToDo)
    }

    fn hint(&self, notification: StreamId, state: &NotificationState) {
        if let NotificationState::Waiting { due_at, .. } = state {
            self.hints.tell(*due_at, notification);
        }
    }
}

fn context(message: &Message, command_id: CommandId) -> CommandContext {
    CommandContext {
        command_id,
        digest: None,
        correlation_id: message.headers.correlation_id,
        causation_id: Some(message.headers.event_id),
        actor: None,
    }
}

fn of_load(error: LoadError) -> HandlingError {
    match error {
        LoadError::Store(error) => error.into(),
        LoadError::Codec(error) => error.into(),
    }
}

fn of_command(error: CommandError<NotificationError>) -> HandlingError {
    match error {
        CommandError::Store(error) => error.into(),
        CommandError::Codec(error) => error.into(),
        CommandError::Contended | CommandError::VersionMismatch { .. } => HandlingError::transient("contended"),
        CommandError::Rejected(_) => HandlingError::permanent("refused"),
        CommandError::ClaimTaken(_) | CommandError::OtherCommand => HandlingError::permanent("command_conflict"),
    }
}
