//! One saga: everything that followed from one request, in one stream whose id is the correlation id.
//!
//! ```text
//! event ── record ──▶ RECEIVED ── every owed answer ──▶ PROCESSED
//!                        ▲  └── one gave up ──▶ FAILED
//!                        └───── retried ───────────┘
//! ```
//! Messages of different services reach the log in any order, and more than once. The state is therefore a fold whose
//! result does not depend on the order: events are kept by id, answers by consumer and attempt.
use crate::{Answer, Entry, Outcome, Recorded};
use domain_kernel::{Aggregate, DomainEvent, EventId};
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
        reason: RetryReason,
    },
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

/// Why an operator asks for a retry, in their words. Kept in clear for the auditor, so it must not name a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryReason(String);

impl RetryReason {
    /// The longest reason, in characters.
    pub const LONGEST: usize = 200;

    /// # Errors
    /// [`InvalidReason`] when it is empty, longer than 200 characters, or has a control character.
    pub fn parse(text: &str) -> Result<Self, InvalidReason> {
        let text = text.trim();
        let well_formed = (1..=Self::LONGEST).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        well_formed.then(|| Self(text.to_owned())).ok_or(InvalidReason)
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Not 1 to 200 printable characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a reason has 1 to 200 printable characters")]
pub struct InvalidReason;

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
        reason: RetryReason,
    },
}

/// Why a command was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SagaError {
    /// The saga has no such event.
    #[error("the saga has no such event")]
    UnknownEvent,
    /// Nobody (or not that consumer) gave up on the event, so there is nothing to retry.
    #[error("no consumer gave up on this event")]
    NothingFailed,
}

impl DomainEvent for SagaEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::EventRecorded { .. } => "saga_log.saga_event_recorded",
            Self::StepReported(_) => "saga_log.step_reported",
            Self::RetryRequested { .. } => "saga_log.retry_requested",
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
            // Asking changes nothing yet: the consumer's own word, RETRIED, does. So a wish that got lost can be repeated.
            SagaEvent::RetryRequested { .. } => {}
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
    reason: &RetryReason,
) -> Result<Vec<SagaEvent>, SagaError> {
    let entry = state.entries.get(&event).filter(|entry| entry.recorded.is_some()).ok_or(SagaError::UnknownEvent)?;
    let retries: Vec<SagaEvent> = entry
        .answers
        .iter()
        .filter(|(consumer, answer)| {
            answer.outcome == Outcome::Failed && wanted.is_none_or(|wanted| wanted == *consumer)
        })
        .map(|(consumer, answer)| SagaEvent::RetryRequested {
            event,
            consumer: consumer.to_owned(),
            attempt: answer.attempt.saturating_add(1),
            reason: reason.clone(),
        })
        .collect();
    if retries.is_empty() { Err(SagaError::NothingFailed) } else { Ok(retries) }
}

#[cfg(test)]
#[path = "saga_tests.rs"]
mod tests;
