//! What a consumer says of an event's message.
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// What became of an attempt. The order is the rank: at the same attempt the higher one holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// The attempt was begun by an operator's wish; its outcome is still to come.
    Retried,
    /// The consumer gave up.
    Failed,
    /// An operator let it pass unhandled; counts as settled.
    Skipped,
    /// Done.
    Processed,
}

impl Outcome {
    /// Every outcome, by rank.
    pub const ALL: [Self; 4] = [Self::Retried, Self::Failed, Self::Skipped, Self::Processed];

    /// The pinned name, stored and shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Retried => "RETRIED",
            Self::Failed => "FAILED",
            Self::Skipped => "SKIPPED",
            Self::Processed => "PROCESSED",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Outcome {
    type Err = UnknownOutcome;

    fn from_str(name: &str) -> Result<Self, UnknownOutcome> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name).ok_or(UnknownOutcome)
    }
}

/// No such outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such outcome")]
pub struct UnknownOutcome;

/// One consumer's word on one attempt.
///
/// Answers are ordered by attempt, then rank, then code; of any set of answers the greatest holds, so the order in which
/// they come, and how often, cannot matter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Answer {
    /// Which attempt, from 1.
    pub attempt: u32,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it failed: a code, never words about a person.
    pub code: Option<String>,
}

/// What each consumer's word is, taken together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers(BTreeMap<String, Answer>);

impl Answers {
    /// Takes one more answer in.
    pub fn hear(&mut self, consumer: &str, answer: &Answer) {
        let held = self.0.entry(consumer.to_owned()).or_insert_with(|| answer.clone());
        if *answer > *held {
            held.clone_from(answer);
        }
    }

    /// The word of `consumer` that holds.
    #[must_use]
    pub fn of(&self, consumer: &str) -> Option<&Answer> {
        self.0.get(consumer)
    }

    /// All of them, by consumer.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Answer)> {
        self.0.iter().map(|(consumer, answer)| (consumer.as_str(), answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(attempt: u32, outcome: Outcome) -> Answer {
        Answer { attempt, outcome, code: None }
    }

    fn held(answers: &[Answer]) -> Answer {
        let mut all = Answers::default();
        for answer in answers {
            all.hear("notifications", answer);
        }
        all.of("notifications").unwrap().clone()
    }

    #[test]
    fn the_highest_attempt_holds() {
        let retried = answer(2, Outcome::Retried);
        assert_eq!(held(&[answer(1, Outcome::Processed), retried.clone()]), retried);
        assert_eq!(held(&[retried.clone(), answer(1, Outcome::Processed)]), retried);
    }

    #[test]
    fn at_the_same_attempt_processed_beats_skipped_beats_failed_beats_retried() {
        for pair in Outcome::ALL.windows(2) {
            assert_eq!(held(&[answer(1, pair[0]), answer(1, pair[1])]), answer(1, pair[1]));
            assert_eq!(held(&[answer(1, pair[1]), answer(1, pair[0])]), answer(1, pair[1]));
        }
    }

    #[test]
    fn outcome_names_never_change() {
        assert_eq!(Outcome::ALL.map(Outcome::name), ["RETRIED", "FAILED", "SKIPPED", "PROCESSED"]);
        assert!(Outcome::ALL.into_iter().all(|outcome| outcome.name().parse() == Ok(outcome)));
        assert_eq!("LOST".parse::<Outcome>(), Err(UnknownOutcome));
    }
}
