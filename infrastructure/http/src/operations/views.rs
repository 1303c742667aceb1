//! What operators are shown, as the services say it and the gateway reads it.
use crate::problem::Problem;
use chrono::{DateTime, Utc};
use domain_kernel::Reason;
use infra_event_store::operations::{LetterHead, LetterPosition};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// How one service stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OperationsView {
    /// Its read models.
    pub projections: Vec<ProjectionView>,
    /// Its consumers.
    pub consumers: Vec<ConsumerStandingView>,
    /// How many dead letters its consumers have.
    pub dead_letters: u64,
}

/// Where a projection stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProjectionView {
    /// The pinned name.
    #[schema(example = "result_summary")]
    pub name: String,
    /// Which version of it.
    pub version: i32,
    /// Which set of tables; raised by every rebuild. 0 when it never ran.
    pub generation: i64,
    /// The position of the last event that its rows hold.
    pub position: i64,
    /// Events that they do not hold yet.
    pub behind_events: u64,
    /// How long ago the oldest of these happened; 0 when there is none.
    pub behind_seconds: u64,
    /// Whether an operator lets it stand still.
    pub paused: bool,
    /// Who does, since when and why.
    pub pause: Option<PauseView>,
    /// A rebuild that was begun and is not done.
    pub rebuild: Option<RebuildView>,
}

/// Who lets a projection stand still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PauseView {
    /// Since when.
    pub since: DateTime<Utc>,
    /// Whose wish it is.
    pub by: Uuid,
    /// Why.
    pub reason: String,
}

/// How far a rebuild is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RebuildView {
    /// Events folded.
    pub done: u64,
    /// Events there are; more than when it began.
    pub total: u64,
    /// Whether somebody works on it. If nobody does it was broken off, and the next one can go on with it.
    pub running: bool,
}

/// Whether somebody is asked at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Every call is made.
    Closed,
    /// None is: the last ones had no answer.
    Open,
    /// One is, and decides.
    HalfOpen,
}

/// A breaker: who asks, and whether they do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BreakerView {
    /// Who asks.
    #[schema(example = "gateway")]
    pub name: String,
    /// Whether they do.
    pub state: BreakerState,
    /// Since when it is closed, or was opened.
    pub since: DateTime<Utc>,
}

/// Where a consumer stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ConsumerStandingView {
    /// The pinned name.
    #[schema(example = "notifications")]
    pub name: String,
    /// Messages that it has taken up and not dealt with; behind those more may wait at the bus.
    pub behind_events: u64,
    /// How long ago the oldest of these events happened; 0 when there is none.
    pub behind_seconds: u64,
    /// Whether it waits for something that every message needs and that does not answer.
    pub paused: bool,
    /// Streams that wait behind a dead letter.
    pub parked_streams: u64,
}

/// A dead letter from outside: ids and codes, nothing of what is in its message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeadLetterView {
    /// The letter.
    pub id: Uuid,
    /// Who could not handle the message.
    #[schema(example = "notifications")]
    pub consumer: String,
    /// The event that the message tells of.
    pub event_id: Uuid,
    /// Its stored name.
    #[schema(example = "users.user_created")]
    pub event_type: String,
    /// Where it was published.
    #[schema(example = "event-user")]
    pub topic: String,
    /// The aggregate that it happened to.
    pub aggregate: Uuid,
    /// Which event of that aggregate it is.
    pub version: i32,
    /// The saga.
    pub correlation_id: Uuid,
    /// How often it was tried.
    pub attempts: i32,
    /// Why the last attempt failed.
    #[schema(example = "event_malformed")]
    pub code: String,
    /// When it was given up.
    pub failed_at: DateTime<Utc>,
    /// How many messages of the same aggregate wait behind it.
    pub parked_behind: i64,
}

impl From<LetterHead> for DeadLetterView {
    fn from(letter: LetterHead) -> Self {
        Self {
            id: letter.id,
            consumer: letter.consumer,
            event_id: letter.event_id,
            event_type: letter.event_type,
            topic: letter.topic,
            aggregate: letter.aggregate,
            version: letter.version,
            correlation_id: letter.correlation_id,
            attempts: letter.attempts,
            code: letter.code,
            failed_at: letter.failed_at,
            parked_behind: letter.parked_behind,
        }
    }
}

/// Where a page of letters ended, as text: the moment in microseconds and the letter. It names nothing confidential and
/// opens nothing that its reader may not see, so it is not authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LetterPlace {
    /// When the letter was given up, in microseconds.
    pub failed_at: i64,
    /// The letter.
    pub id: Uuid,
}

impl LetterPlace {
    /// Of that letter.
    #[must_use]
    pub fn of(letter: &DeadLetterView) -> Self {
        Self { failed_at: letter.failed_at.timestamp_micros(), id: letter.id }
    }

    /// Where the list goes on; `None` for a moment that no database keeps.
    pub(super) fn position(self) -> Option<LetterPosition> {
        Some((DateTime::from_timestamp_micros(self.failed_at)?, self.id))
    }
}

impl fmt::Display for LetterPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.failed_at, self.id.simple())
    }
}

/// Not a place in the list of letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no place in the list of dead letters")]
pub struct NoLetterPlace;

impl FromStr for LetterPlace {
    type Err = NoLetterPlace;

    fn from_str(text: &str) -> Result<Self, NoLetterPlace> {
        let (failed_at, id) = text.split_once('.').ok_or(NoLetterPlace)?;
        let place = Self {
            failed_at: failed_at.parse().map_err(|_| NoLetterPlace)?,
            id: id.parse().map_err(|_| NoLetterPlace)?,
        };
        // One spelling for each place, and only moments that a database can keep.
        (place.to_string() == text && place.position().is_some()).then_some(place).ok_or(NoLetterPlace)
    }
}

/// Why an operator intervenes.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorReason {
    /// Why; 1 to 200 characters, kept in clear: no names.
    #[schema(example = "the mail server is back", min_length = 1, max_length = 200)]
    pub reason: String,
}

impl OperatorReason {
    /// The reason, if it is one.
    ///
    /// # Errors
    /// 422 that names the field.
    pub fn parse(&self) -> Result<Reason, Problem> {
        Reason::parse(&self.reason).map_err(|rule| Problem::unprocessable("/reason", rule.to_string()))
    }
}

/// What the saga log is asked about a dead letter whose failure it was not told of.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UntoldWish {
    /// Why, as in [`OperatorReason`].
    pub reason: String,
    /// The event whose message it is.
    pub event_id: Uuid,
    /// Its saga.
    pub correlation_id: Uuid,
    /// Where it was published.
    pub topic: String,
    /// The aggregate that it happened to.
    pub aggregate: Uuid,
    /// Who gave up.
    pub consumer: String,
    /// At which attempt.
    pub attempts: u32,
}

/// What was wished, and holds from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PauseAccepted {
    /// The projection.
    pub name: String,
    /// Whether it stands still.
    pub paused: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_list_of_letters_has_one_spelling() {
        let place = LetterPlace { failed_at: 1_767_225_600_000_001, id: Uuid::from_u128(7) };
        assert_eq!(place.to_string().parse(), Ok(place));
        for text in ["", ".", "1", "1.", "x.00000000000000000000000000000007", "01.00000000000000000000000000000007"] {
            assert_eq!(text.parse::<LetterPlace>(), Err(NoLetterPlace), "{text}");
        }
        let beyond = format!("{}.{}", i64::MAX, Uuid::nil().simple());
        assert_eq!(beyond.parse::<LetterPlace>(), Err(NoLetterPlace), "no database keeps that moment");
    }
}
