//! Reading one's own writes. A list is folded a moment after a write is answered; who cannot wait for that moment carries
//! the write's `Historia-Position` to the list as `Historia-After`, and the list waits for it.
//!
//! Bounded: after [`PATIENCE`] the list is answered as it is, with `Historia-Stale: true`. A stale page is of more use than
//! none, and a projection that stands still takes no list down with it.
use crate::{Problem, names};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use domain_kernel::{Aggregate, StreamId, Version};
use infra_event_store::projection::ProjectionError;
use infra_event_store::repository::Executed;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// How long a list waits for a write.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// How often it is asked whether a message has come.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// For a read model that hears of a write as a message: asks `heard` again and again, at most for [`PATIENCE`]; answers
/// whether it was.
///
/// # Errors
/// That of `heard`.
pub async fn until_heard<Asking>(heard: impl Fn() -> Asking) -> Result<bool, ProjectionError>
where
    Asking: Future<Output = Result<bool, ProjectionError>>,
{
    let until = Instant::now() + PATIENCE;
    loop {
        if heard().await? {
            return Ok(true);
        }
        if Instant::now() >= until {
            return Ok(false);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Which events a write appended: `<stream>@<first>-<last>`, or `<stream>@<version>` for one.
///
/// First and last, because a read model that is fed by messages never hears of the private events between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The stream.
    pub stream: StreamId,
    /// The version of the first event.
    pub first: Version,
    /// The version of the last event.
    pub last: Version,
}

impl Position {
    /// Where `executed` left its stream. Of a repeated command, whose events are not known any more, the last.
    #[must_use]
    pub fn of<A: Aggregate>(executed: &Executed<A>) -> Self {
        let before_last = u32::try_from(executed.events.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let first = Version(executed.version.0.saturating_sub(before_last));
        Self { stream: executed.stream, first, last: executed.version }
    }

    /// Says it in an answer's headers.
    pub fn tell(self, headers: &mut HeaderMap) {
        if let Ok(value) = HeaderValue::from_str(&self.to_string()) {
            headers.insert(names::POSITION, value);
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stream, first, last } = self;
        if first == last { write!(f, "{stream}@{last}") } else { write!(f, "{stream}@{first}-{last}") }
    }
}

/// Not a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("takes what a write answered as Historia-Position")]
pub struct NoPosition;

impl FromStr for Position {
    type Err = NoPosition;

    fn from_str(text: &str) -> Result<Self, NoPosition> {
        let (stream, versions) = text.split_once('@').ok_or(NoPosition)?;
        let (first, last) = versions.split_once('-').unwrap_or((versions, versions));
        let version = |text: &str| text.parse().map(Version).map_err(|_| NoPosition);
        let stream: Uuid = stream.parse().map_err(|_| NoPosition)?;
        let position = Self { stream: StreamId(stream), first: version(first)?, last: version(last)? };
        (position.first <= position.last).then_some(position).ok_or(NoPosition)
    }
}

/// The write that a list has to hold: the header `Historia-After`, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadAfter(pub Option<Position>);

impl ReadAfter {
    /// Lets `folded` wait for the write, at most [`PATIENCE`]; it answers whether the list holds it.
    ///
    /// # Errors
    /// 503 when it cannot be known.
    pub async fn wait<F, Waiting>(self, folded: F) -> Result<Freshness, Problem>
    where
        F: FnOnce(Position) -> Waiting,
        Waiting: Future<Output = Result<bool, ProjectionError>>,
    {
        let Some(position) = self.0 else { return Ok(Freshness::Fresh) };
        match folded(position).await {
            Ok(true) => Ok(Freshness::Fresh),
            Ok(false) => Ok(Freshness::Stale),
            Err(error) => {
                tracing::warn!(error = infra_runtime::supervisor::chain(&error), "a read model does not answer");
                Err(Problem::unavailable(PATIENCE))
            }
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ReadAfter {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(names::AFTER) else { return Ok(Self(None)) };
        let position = value.to_str().map_err(|_| NoPosition).and_then(str::parse);
        let refused = |error: NoPosition| Problem::bad_request(format!("Historia-After {error}."));
        position.map(|position| Self(Some(position))).map_err(refused)
    }
}

/// Whether a list holds the write that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It does, or none was asked for.
    Fresh,
    /// Not in time.
    Stale,
}

impl Freshness {
    /// Says so in the answer, where it does not.
    #[must_use]
    pub fn mark(self, mut answer: Response) -> Response {
        if self == Self::Stale {
            answer.headers_mut().insert(names::STALE, HeaderValue::from_static("true"));
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(first: u32, last: u32) -> Position {
        Position { stream: StreamId(Uuid::from_u128(7)), first: Version(first), last: Version(last) }
    }

    #[test]
    fn a_position_is_read_as_it_was_told() {
        for position in [position(3, 3), position(1, 2)] {
            assert_eq!(position.to_string().parse(), Ok(position));
        }
        assert_eq!(position(1, 2).to_string(), "00000000-0000-0000-0000-000000000007@1-2");
        let id = Uuid::from_u128(7);
        for text in ["", "@", &id.to_string(), &format!("{id}@"), &format!("{id}@x"), &format!("{id}@3-2"), "x@1"] {
            assert_eq!(text.parse::<Position>(), Err(NoPosition), "{text}");
        }
    }
}
