//! Hears every message and writes it down: one append to the saga's stream each.
use domain_kernel::message::topics;
use domain_kernel::{BoxFuture, CommandId, EventId, Message};
use domain_saga_log::{Answer, AnswerTo, Outcome, Recorded, Saga, SagaCommand, SagaError};
use infra_contracts::event_notification::{self, NotificationEvent};
use infra_contracts::saga_step::{self, MessageFailed, MessageHandled, MessageRetried, MessageSkipped, SagaStep};
use infra_event_store::repository::{CommandContext, CommandError, Repository};
use infra_messaging::{Handling, HandlingError, MessageHandler};
use uuid::Uuid;

/// The consumer `saga_log`. Nobody waits for its answer.
pub(crate) struct SagaConsumer {
    pub(crate) repository: Repository<Saga>,
}

impl MessageHandler for SagaConsumer {
    fn handle<'a>(
        &'a self,
        message: &'a Message,
        command: CommandId,
        _attempt: u32,
    ) -> BoxFuture<'a, Result<Handling, HandlingError>> {
        Box::pin(async move {
            let heard = match message.topic {
                topics::EVENT_USER | topics::EVENT_RESULT => {
                    SagaCommand::Record { event: recorded(message), answer: answer(message, Outcome::Processed, None) }
                }
                topics::EVENT_NOTIFICATION => {
                    let (outcome, code) = notification_outcome(message)?;
                    SagaCommand::Record { event: recorded(message), answer: answer(message, outcome, code) }
                }
                topics::SAGA_STEP => SagaCommand::Report(step(message)?),
                _ => return Ok(Handling::NothingToDo),
            };
            self.execute(message, command, heard).await
        })
    }
}

fn recorded(message: &Message) -> Recorded {
    let headers = &message.headers;
    Recorded {
        event_id: headers.event_id,
        event_type: headers.event_type.clone(),
        topic: message.topic.to_owned(),
        stream: headers.stream,
        version: headers.version,
        causation_id: headers.causation_id,
        actor: headers.actor,
        occurred_at: headers.occurred_at,
        expects: headers.expects.clone(),
    }
}

/// What the event itself answers: its headers name the consumer, its cause is the event that is answered.
fn answer(message: &Message, outcome: Outcome, code: Option<String>) -> Option<AnswerTo> {
    let headers = &message.headers;
    let (event, consumer) = headers.causation_id.zip(headers.consumer.clone())?;
    Some(AnswerTo { event, consumer, answer: Answer { attempt: headers.attempt.unwrap_or(1), outcome, code } })
}

/// Sent and suppressed settle what asked for the notification; failed gives it up.
fn notification_outcome(message: &Message) -> Result<(Outcome, Option<String>), HandlingError> {
    let record = event_notification::decode(message.headers.contract_version, &message.payload)?;
    Ok(match record.event {
        NotificationEvent::NotificationSent(_) | NotificationEvent::NotificationSuppressed(_) => {
            (Outcome::Processed, None)
        }
        NotificationEvent::NotificationFailed(failed) => (Outcome::Failed, Some(failed.code)),
    })
}

fn step(message: &Message) -> Result<AnswerTo, HandlingError> {
    let record = saga_step::decode(message.headers.contract_version, &message.payload)?;
    let of = |outcome, source_event_id: Uuid, consumer, attempt: i32, code| {
        let attempt = u32::try_from(attempt).map_err(|_| HandlingError::permanent("attempt_malformed"))?;
        Ok(AnswerTo { event: EventId(source_event_id), consumer, answer: Answer { attempt, outcome, code } })
    };
    match record.event {
        SagaStep::MessageHandled(MessageHandled { source_event_id, consumer, attempt, code, .. }) => {
            of(Outcome::Processed, source_event_id, consumer, attempt, code)
        }
        SagaStep::MessageFailed(MessageFailed { source_event_id, consumer, attempt, code, .. }) => {
            of(Outcome::Failed, source_event_id, consumer, attempt, code)
        }
        SagaStep::MessageRetried(MessageRetried { source_event_id, consumer, attempt, code, .. }) => {
            of(Outcome::Retried, source_event_id, consumer, attempt, code)
        }
        SagaStep::MessageSkipped(MessageSkipped { source_event_id, consumer, attempt, code, .. }) => {
            of(Outcome::Skipped, source_event_id, consumer, attempt, code)
        }
    }
}

impl SagaConsumer {
    async fn execute(
        &self,
        message: &Message,
        command_id: CommandId,
        command: SagaCommand,
    ) -> Result<Handling, HandlingError> {
        let headers = &message.headers;
        let context = CommandContext {
            command_id,
            digest: None,
            correlation_id: headers.correlation_id,
            causation_id: Some(headers.event_id),
            actor: None,
        };
        let stream = headers.correlation_id.into();
        match self.repository.execute(stream, None, &context, command).await {
            Ok(_) => Ok(Handling::Done),
            Err(error) => Err(of_command(error)),
        }
    }
}

fn of_command(error: CommandError<SagaError>) -> HandlingError {
    match error {
        CommandError::Store(error) => error.into(),
        CommandError::Codec(error) => error.into(),
        // Several topics of one saga are heard at once.
        CommandError::Contended | CommandError::VersionMismatch { .. } => HandlingError::transient("contended"),
        CommandError::Rejected(_) => HandlingError::permanent("refused"),
        CommandError::ClaimTaken(_) | CommandError::OtherCommand => HandlingError::permanent("command_conflict"),
    }
}
