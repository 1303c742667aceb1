//! One event of a saga, as the log sees it.
use crate::answer::Answers;
use crate::{Answer, Outcome};
use domain_kernel::{EventId, StreamId, Timestamp, UserId, Version};
use std::fmt;
use std::str::FromStr;

/// An event as its message tells of it. Ids only, no personal or clinical data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The event.
    pub event_id: EventId,
    /// Its stored and published name, such as `users.user_created`.
    pub event_type: String,
    /// Where it was published.
    pub topic: String,
    /// The aggregate that it happened to.
    pub stream: StreamId,
    /// Which event of that aggregate it is.
    pub version: Version,
    /// The message that caused it; `None` when a request did.
    pub causation_id: Option<EventId>,
    /// The account on whose behalf it happened.
    pub actor: Option<UserId>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The consumers that owe an answer.
    pub expects: Vec<String>,
}

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventState {
    /// A consumer still owes its answer.
    Received,
    /// Everybody who owed an answer gave it.
    Processed,
    /// A consumer gave up.
    Failed,
}

impl EventState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Received, Self::Processed, Self::Failed];

    /// The pinned name, shown and filtered by.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Received => "RECEIVED",
            Self::Processed => "PROCESSED",
            Self::Failed => "FAILED",
        }
    }
}

impl fmt::Display for EventState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for EventState {
    type Err = UnknownEventState;

    fn from_str(name: &str) -> Result<Self, UnknownEventState> {
        Self::ALL.into_iter().find(|state| state.name() == name).ok_or(UnknownEventState)
    }
}

/// An event is RECEIVED, PROCESSED or FAILED.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event is RECEIVED, PROCESSED or FAILED")]
pub struct UnknownEventState;

/// How one consumer stands to an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerStanding<'a> {
    /// The consumer.
    pub consumer: &'a str,
    /// Its word that holds; `None` while it owes the first one.
    pub answer: Option<&'a Answer>,
}

/// What the log knows of one event: what happened, and who answered. Either may come first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The event; `None` while only answers to it were heard.
    pub recorded: Option<Recorded>,
    /// The answers to it.
    pub answers: Answers,
}

impl Entry {
    /// Where the event stands; see [`standing`].
    #[must_use]
    pub fn state(&self) -> EventState {
        standing(self.expects(), &self.answers)
    }

    /// Everybody who owes an answer or gave one, in the order of the names.
    #[must_use]
    pub fn consumers(&self) -> Vec<ConsumerStanding<'_>> {
        consumers(self.expects(), &self.answers)
    }

    fn expects(&self) -> &[String] {
        self.recorded.as_ref().map_or(&[], |recorded| &recorded.expects)
    }
}

/// Where an event stands, from who owes an answer and what was answered; the order of the answers cannot matter.
///
/// FAILED as soon as one consumer gave up, also while another still owes its answer: that is when somebody must look.
#[must_use]
pub fn standing(expects: &[String], answers: &Answers) -> EventState {
    let outcome = |consumer: &String| answers.of(consumer).map(|answer| answer.outcome);
    if answers.iter().any(|(_, answer)| answer.outcome == Outcome::Failed) {
        EventState::Failed
    } else if expects.iter().all(|consumer| outcome(consumer).is_some_and(is_settled)) {
        EventState::Processed
    } else {
        EventState::Received
    }
}

/// Everybody who owes an answer or gave one, in the order of the names.
#[must_use]
pub fn consumers<'a>(expects: &'a [String], answers: &'a Answers) -> Vec<ConsumerStanding<'a>> {
    let owing = expects.iter().map(String::as_str).filter(|consumer| answers.of(consumer).is_none());
    let mut all: Vec<_> = answers
        .iter()
        .map(|(consumer, answer)| ConsumerStanding { consumer, answer: Some(answer) })
        .chain(owing.map(|consumer| ConsumerStanding { consumer, answer: None }))
        .collect();
    all.sort_by_key(|standing| standing.consumer);
    all.dedup_by_key(|standing| standing.consumer);
    all
}

fn is_settled(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Processed | Outcome::Skipped)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(expects: &[&str], heard: &[(&str, u32, Outcome)]) -> EventState {
        let expects: Vec<String> = expects.iter().map(ToString::to_string).collect();
        let mut answers = Answers::default();
        for (consumer, attempt, outcome) in heard {
            answers.hear(consumer, &Answer { attempt: *attempt, outcome: *outcome, code: None });
        }
        standing(&expects, &answers)
    }

    #[test]
    fn an_event_that_nobody_answers_for_is_processed() {
        assert_eq!(state(&[], &[]), EventState::Processed);
    }

    #[test]
    fn an_event_is_received_while_an_answer_is_owed() {
        assert_eq!(state(&["a"], &[]), EventState::Received);
        assert_eq!(state(&["a", "b"], &[("a", 1, Outcome::Processed)]), EventState::Received);
    }

    #[test]
    fn an_event_is_processed_when_every_answer_is_given() {
        let both = [("a", 1, Outcome::Processed), ("b", 1, Outcome::Processed)];
        assert_eq!(state(&["a", "b"], &both), EventState::Processed);
    }

    #[test]
    fn an_event_is_failed_when_one_consumer_gave_up() {
        assert_eq!(state(&["a", "b"], &[("a", 1, Outcome::Failed)]), EventState::Failed);
        assert_eq!(state(&["a", "b"], &[("a", 1, Outcome::Failed), ("b", 1, Outcome::Processed)]), EventState::Failed);
    }

    #[test]
    fn a_skipped_event_counts_as_settled() {
        assert_eq!(state(&["a"], &[("a", 2, Outcome::Skipped), ("a", 1, Outcome::Failed)]), EventState::Processed);
    }

    #[test]
    fn a_retried_event_is_owed_again() {
        assert_eq!(state(&["a"], &[("a", 1, Outcome::Failed), ("a", 2, Outcome::Retried)]), EventState::Received);
    }

    #[test]
    fn a_consumer_that_owed_nothing_is_shown_when_it_answers() {
        let mut answers = Answers::default();
        answers.hear("b", &Answer { attempt: 1, outcome: Outcome::Processed, code: None });
        let expects = ["c".to_owned(), "a".to_owned()];
        let names: Vec<_> = consumers(&expects, &answers).into_iter().map(|standing| standing.consumer).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }

    #[test]
    fn state_names_never_change() {
        assert_eq!(EventState::ALL.map(EventState::name), ["RECEIVED", "PROCESSED", "FAILED"]);
        assert!(EventState::ALL.into_iter().all(|state| state.name().parse() == Ok(state)));
    }
}
