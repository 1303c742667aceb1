//! One saga: everything that followed from one request, in one stream whose id is the correlation id.
//!
//! ```text
//! event ── record ──▶ RECEIVED ── every owed answer ──▶ PROCESSED
//!                        ▲  └── one gave up ──▶ FAILED ── skipped ──▶ PROCESSED
//!                        └───── retried ───────────┘
//! ```
//! Messages of different services reach the log in any order, and more than once. The state is therefore a fold whose
//! result does not depend on the order: events are kept by id, answers by consumer and attempt.
use crate::{Answer, Entry, Outcome, Recorded};
use domain_kernel::message::topics;
use domain_kernel::{Aggregate, DomainEvent, EventId, Reason, StreamId};
use std::collections::BTreeMap;

/// The saga aggregate.
pub struct Saga;

/// What is known of a saga, event by event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SagaState {
    /// The events, and the answers to them.
    pub entries: BTreeMap<EventId, Entry>,
}

/// What can be asked of a saga's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SagaCommand {
    /// An event happened; it may itself be a consumer's answer to another.
    Record {
        /// The event.
        event: Recorded,
        /// Whom it answers.
        answer: Option<AnswerTo>,
    },
    /// A consumer says what it did with an event's message.
    Report(AnswerTo),
    /// An operator wants what failed to be tried again.
    RequestRetry {
        /// The event that was not handled.
        event: EventId,
        /// By whom; everybody who gave up when `None`.
        consumer: Option<String>,
        /// Why it is worth another try.
        reason: Reason,
    },
    /// An operator wants what failed to be left as it is, and what waits behind it to go on.
    RequestSkip {
        /// The event that was not handled.
        event: EventId,
        /// By whom; everybody who gave up when `None`.
        consumer: Option<String>,
        /// Why it need not be handled.
        reason: Reason,
    },
    /// As [`Self::RequestRetry`], of a failure that the log was not told of.
    RequestUntoldRetry {
        /// The failure.
        failure: UntoldFailure,
        /// Why it is worth another try.
        reason: Reason,
    },
    /// As [`Self::RequestSkip`], of a failure that the log was not told of.
    RequestUntoldSkip {
        /// The failure.
        failure: UntoldFailure,
        /// Why it need not be handled.
        reason: Reason,
    },
}

/// A message that a consumer gave up and told nobody of: the log's own consumer has nobody to tell, and of messages about
/// messages nobody tells. Its dead letter is all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UntoldFailure {
    /// The event whose message it is.
    pub event: EventId,
    /// Where that was published.
    pub topic: String,
    /// The aggregate that the event happened to.
    pub stream: StreamId,
    /// Who gave up.
    pub consumer: String,
    /// At which attempt.
    pub attempts: u32,
}

/// A consumer's answer, addressed to an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerTo {
    /// The event whose message was handled.
    pub event: EventId,
    /// By whom.
    pub consumer: String,
    /// What became of it.
    pub answer: Answer,
}

/// What can have happened to a saga's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SagaEvent {
    /// An event of the saga was heard of.
    EventRecorded {
        /// The event.
        event: Recorded,
        /// Whom it answers.
        answer: Option<AnswerTo>,
    },
    /// A consumer's step was heard of.
    StepReported(AnswerTo),
    /// A consumer is asked to try again.
    RetryRequested {
        /// The event that it did not handle.
        event: EventId,
        /// The consumer.
        consumer: String,
        /// The attempt that the retry begins: above every one heard of.
        attempt: u32,
        /// The operator's reason.
        reason: Reason,
    },
    /// A consumer is asked to let the event pass unhandled.
    SkipRequested {
        /// The event that it did not handle.
        event: EventId,
        /// The aggregate that the event happened to: what waits behind the event is of it.
        stream: StreamId,
        /// The consumer.
        consumer: String,
        /// The operator's reason.
        reason: Reason,
    },
}

/// Why a command was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SagaError {
    /// The saga has no such event.
    #[error("the saga has no such event")]
    UnknownEvent,
    /// Nobody (or not that consumer) gave up on the event, so there is nothing to retry or to skip.
    #[error("no consumer gave up on this event")]
    NothingFailed,
    /// The event tells of a result. What follows from it is owed to a patient: it can be retried, not skipped.
    #[error("a clinical event is never skipped")]
    Clinical,
}

impl DomainEvent for SagaEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::EventRecorded { .. } => "saga_log.saga_event_recorded",
            Self::StepReported(_) => "saga_log.step_reported",
            Self::RetryRequested { .. } => "saga_log.retry_requested",
            Self::SkipRequested { .. } => "saga_log.skip_requested",
        }
    }
}

impl Aggregate for Saga {
    const NAME: &'static str = "saga";
    type State = SagaState;
    type Command = SagaCommand;
    type Event = SagaEvent;
    type Error = SagaError;

    fn decide(state: &SagaState, command: SagaCommand) -> Result<Vec<SagaEvent>, SagaError> {
        match command {
            SagaCommand::Record { event, answer } => Ok(record(state, event, answer)),
            SagaCommand::Report(answer) => Ok(vec![SagaEvent::StepReported(answer)]),
            SagaCommand::RequestRetry { event, consumer, reason } => {
                request_retry(state, event, consumer.as_deref(), &reason)
            }
            SagaCommand::RequestSkip { event, consumer, reason } => {
                request_skip(state, event, consumer.as_deref(), &reason)
            }
            SagaCommand::RequestUntoldRetry { failure: UntoldFailure { event, consumer, attempts, .. }, reason } => {
                Ok(vec![SagaEvent::RetryRequested { event, consumer, attempt: attempts.saturating_add(1), reason }])
            }
            SagaCommand::RequestUntoldSkip { failure, .. } if is_clinical(&failure.topic) => Err(SagaError::Clinical),
            SagaCommand::RequestUntoldSkip { failure: UntoldFailure { event, stream, consumer, .. }, reason } => {
                Ok(vec![SagaEvent::SkipRequested { event, stream, consumer, reason }])
            }
        }
    }

    fn evolve(mut state: SagaState, event: &SagaEvent) -> SagaState {
        match event {
            SagaEvent::EventRecorded { event, answer } => {
                state.entries.entry(event.event_id).or_default().recorded.get_or_insert_with(|| event.clone());
                if let Some(answer) = answer {
                    state.hear(answer);
                }
            }
            SagaEvent::StepReported(answer) => state.hear(answer),
            // Asking changes nothing yet: the consumer's own word, RETRIED or SKIPPED, does. So a wish that got lost can be
            // repeated.
            SagaEvent::RetryRequested { .. } | SagaEvent::SkipRequested { .. } => {}
        }
        state
    }
}

impl SagaState {
    fn hear(&mut self, answer: &AnswerTo) {
        self.entries.entry(answer.event).or_default().answers.hear(&answer.consumer, &answer.answer);
    }
}

fn record(state: &SagaState, event: Recorded, answer: Option<AnswerTo>) -> Vec<SagaEvent> {
    let known = state.entries.get(&event.event_id).is_some_and(|entry| entry.recorded.is_some());
    if known { vec![] } else { vec![SagaEvent::EventRecorded { event, answer }] }
}

fn request_retry(
    state: &SagaState,
    event: EventId,
    wanted: Option<&str>,
    reason: &Reason,
) -> Result<Vec<SagaEvent>, SagaError> {
    let entry = known(state, event)?.1;
    let retries = given_up(entry, wanted).map(|(consumer, answer)| SagaEvent::RetryRequested {
        event,
        consumer: consumer.to_owned(),
        attempt: answer.attempt.saturating_add(1),
        reason: reason.clone(),
    });
    at_least_one(retries.collect())
}

fn request_skip(
    state: &SagaState,
    event: EventId,
    wanted: Option<&str>,
    reason: &Reason,
) -> Result<Vec<SagaEvent>, SagaError> {
    let (recorded, entry) = known(state, event)?;
    if is_clinical(&recorded.topic) {
        return Err(SagaError::Clinical);
    }
    let skips = given_up(entry, wanted).map(|(consumer, _)| SagaEvent::SkipRequested {
        event,
        stream: recorded.stream,
        consumer: consumer.to_owned(),
        reason: reason.clone(),
    });
    at_least_one(skips.collect())
}

fn is_clinical(topic: &str) -> bool {
    topic == topics::EVENT_RESULT
}

fn known(state: &SagaState, event: EventId) -> Result<(&Recorded, &Entry), SagaError> {
    let entry = state.entries.get(&event).ok_or(SagaError::UnknownEvent)?;
    entry.recorded.as_ref().map(|recorded| (recorded, entry)).ok_or(SagaError::UnknownEvent)
}

/// Who gave up, with the answer that said so; only `wanted` when there is one.
fn given_up<'a>(entry: &'a Entry, wanted: Option<&'a str>) -> impl Iterator<Item = (&'a str, &'a Answer)> {
    entry.answers.iter().filter(move |(consumer, answer)| {
        answer.outcome == Outcome::Failed && wanted.is_none_or(|wanted| wanted == *consumer)
    })
}

fn at_least_one(wishes: Vec<SagaEvent>) -> Result<Vec<SagaEvent>, SagaError> {
    if wishes.is_empty() { Err(SagaError::NothingFailed) } else { Ok(wishes) }
}

#[cfg(test)]
#[path = "saga_tests.rs"]
mod tests;
