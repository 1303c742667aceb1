//! Erasures of clinical data, with the fact that only the results service knows.
//!
//! The law's period runs from the newest entry of a subject's clinical record. The users service decides and knows no
//! result; so when somebody asks for such an erasure, or approves one, the gateway asks the results service first and tells
//! what it says with the request ([`names::NEWEST_ENTRY`], which nobody else can send). When it does not say, nothing is
//! told, and what is not known is not erased.
use crate::exchange::OnBehalf;
use crate::forward::Taken;
use crate::gateway::Gateway;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method};
use axum::response::Response;
use domain_kernel::ports::Purpose;
use infra_http::{Problem, Route, names};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;
use uuid::Uuid;

/// The service that knows every clinical entry.
const RESULTS: &str = "results";
/// How long it has: longer than it waits for its own read model.
const DEADLINE: Duration = Duration::from_secs(3);

/// Whose data, and which part of it; the same fields in what is asked and in what an erasure is.
#[derive(Deserialize)]
struct Key {
    subject: Uuid,
    purpose: String,
}

/// Whether a line of the table decides on an erasure.
pub(crate) fn decides(service: &str, route: &Route) -> bool {
    let decisions = ["/erasures", "/erasures/{id}/approve"];
    service == crate::USERS && route.method == Method::POST && decisions.contains(&route.path)
}

impl Gateway {
    /// Passes on a request for an erasure, or the approval of one, with the newest clinical entry where that counts.
    pub(crate) async fn erasure(&self, service: &'static str, request: Request) -> Result<Response, Problem> {
        let mut taken = Taken::from(request).await?;
        if let Some(newest) = self.newest_clinical_entry(service, &taken).await {
            taken.headers.insert(names::NEWEST_ENTRY, newest);
        }
        Ok(self.pass_on(service, &taken, taken.uri.clone()).await?.map(Body::from))
    }

    /// `None` where it does not count, where there is none, and where nobody says.
    async fn newest_clinical_entry(&self, service: &'static str, taken: &Taken) -> Option<HeaderValue> {
        let asked: Value = match taken.uri.path().strip_suffix("/approve") {
            // Who may not read it may not approve it either.
            Some(erasure) => self.get_json(service, taken.on_behalf(), erasure, taken.ids.as_ref(), DEADLINE).await?,
            // What is no request the users service refuses.
            None => serde_json::from_slice(&taken.body).ok()?,
        };
        let key: Key = serde_json::from_value(asked).ok()?;
        if Purpose::parse(&key.purpose) != Some(Purpose::Clinical) {
            return None;
        }
        let path = format!("/internal/subjects/{}/newest-entry", key.subject);
        let ids = taken.ids.as_ref();
        let answer = self.get_json(RESULTS, OnBehalf::Service(crate::NAME), &path, ids, DEADLINE).await?;
        HeaderValue::from_str(answer.get("newest_entry_at")?.as_str()?).ok()
    }
}
