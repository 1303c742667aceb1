//! `POST /operations/streams/{stream}/reveal`: what a stream's sealed records say, for an administrator with a reason,
//! after it was recorded.
use super::{OperatorReason, ServiceOperations};
use crate::problem::Problem;
use crate::{Caller, RequestContext, StrictJson, StrictPath};
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain_kernel::{StreamId, Timestamp, Version};
use infra_disclosure::{Failure, Part, Reader, Revealed, Wish};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// After this a client may ask again when it could not be recorded that it is shown something.
const UNRECORDED: Duration = Duration::from_secs(2);

/// What of a stream is to be shown, and why.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevealRequest {
    /// Why; 1 to 200 characters, kept in clear: no names.
    #[schema(example = "complaint 2026-117", min_length = 1, max_length = 200)]
    pub reason: String,
    /// Its events (also when nothing is said), or what they amount to.
    #[serde(default)]
    pub show: RevealedPart,
    /// The first version of the events; a state has none.
    #[schema(example = 1, minimum = 1)]
    pub from: Option<u32>,
    /// The last version; at most 1,000 events are shown at once.
    #[schema(example = 2, minimum = 1)]
    pub to: Option<u32>,
    /// Only what had happened then.
    pub until: Option<DateTime<Utc>>,
}

/// Which part of a stream is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RevealedPart {
    /// Its events, one by one.
    #[default]
    Events,
    /// What they amount to.
    State,
}

impl RevealRequest {
    /// # Errors
    /// 422 naming the field that breaks a rule.
    fn wish(&self, stream: Uuid) -> Result<Wish, Problem> {
        let reason = OperatorReason { reason: self.reason.clone() }.parse()?.as_str().to_owned();
        for (pointer, version) in [("/from", self.from), ("/to", self.to)] {
            if version == Some(0) {
                return Err(Problem::unprocessable(pointer, "versions count from 1"));
            }
        }
        let (from, to) = (self.from.map(Version), self.to.map(Version));
        let part = match self.show {
            RevealedPart::Events if to.is_some_and(|to| from.is_some_and(|from| from > to)) => {
                return Err(Problem::unprocessable("/from", "is after the last version that is asked for"));
            }
            RevealedPart::Events => Part::Events { from: from.unwrap_or(Version(1)), to },
            RevealedPart::State if from.is_some() => {
                return Err(Problem::unprocessable("/from", "a state is folded from the first version on"));
            }
            RevealedPart::State => Part::State { at: to },
        };
        let until = self.until.map(|until| Timestamp(until.timestamp_micros()));
        Ok(Wish { stream: StreamId(stream), part, until, reason })
    }
}

/// Nothing of the answer is logged; the record is in the service's store before anything is opened.
pub(super) async fn reveal(
    State(service): State<Arc<ServiceOperations>>,
    caller: Caller,
    context: RequestContext,
    StrictPath(stream): StrictPath<Uuid>,
    StrictJson(request): StrictJson<RevealRequest>,
) -> Result<Response, Problem> {
    let disclosures = service.disclosures.as_ref().ok_or_else(Problem::not_found)?;
    let wish = request.wish(stream)?;
    let reader = Reader { actor: caller.actor(), correlation_id: context.correlation_id };
    let revealed: Revealed = disclosures.reveal(&wish, reader).await.map_err(problem)?;
    metrics::counter!("historia_payloads_revealed_total", "service" => service.name).increment(1);
    tracing::warn!(stream.id = %stream, user.id = %caller.user, "sealed payloads are revealed");
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(revealed)).into_response())
}

fn problem(failure: Failure) -> Problem {
    match failure {
        Failure::NoSuchStream => Problem::not_found(),
        Failure::NoState { .. } => Problem::unprocessable("/show", "such streams have no state, only events"),
        Failure::TooMany { limit } => {
            Problem::unprocessable("/to", format!("at most {limit} versions are shown at once"))
        }
        Failure::Unrecorded(error) => {
            tracing::error!(error = %error, "a reveal could not be recorded; nothing was shown");
            Problem::unavailable(UNRECORDED)
                .code("access_not_recorded")
                .detail("Who is shown what is sealed is recorded first, and that does not work at the moment.")
        }
        Failure::Store(error) => error.into(),
        Failure::Codec(error) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(body: serde_json::Value) -> RevealRequest {
        serde_json::from_value(body).unwrap()
    }

    fn refused(body: serde_json::Value) -> String {
        let problem = request(body).wish(Uuid::nil()).unwrap_err();
        problem.errors()[0].pointer.clone()
    }

    #[test]
    fn a_reason_of_1_to_200_characters_is_needed_and_a_range_that_is_one() {
        use serde_json::json;
        assert_eq!(refused(json!({"reason": " "})), "/reason");
        assert_eq!(refused(json!({"reason": "x".repeat(201)})), "/reason");
        assert_eq!(refused(json!({"reason": "a\nb"})), "/reason");
        assert_eq!(refused(json!({"reason": "x", "from": 0})), "/from");
        assert_eq!(refused(json!({"reason": "x", "to": 0})), "/to");
        assert_eq!(refused(json!({"reason": "x", "from": 3, "to": 2})), "/from");
        assert_eq!(refused(json!({"reason": "x", "show": "state", "from": 1})), "/from");
        let wish = request(json!({"reason": " why ", "from": 2, "to": 2})).wish(Uuid::nil()).unwrap();
        assert_eq!(wish.reason, "why");
        assert_eq!(wish.part, Part::Events { from: Version(2), to: Some(Version(2)) });
        let state = request(json!({"reason": "x", "show": "state", "to": 2})).wish(Uuid::nil()).unwrap();
        assert_eq!(state.part, Part::State { at: Some(Version(2)) });
        assert!(serde_json::from_value::<RevealRequest>(json!({"from": 1})).is_err(), "a reason is not optional");
    }
}
