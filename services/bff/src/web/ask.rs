//! Asking the API itself, past the door that the page's own request came through: in this process, as whoever reads the
//! page.
use super::Web;
use super::problem::of_answer;
use crate::gateway::Session;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{Method, Response as Answer, header};
use infra_http::{Problem, RequestIds};
use serde::de::DeserializeOwned;
use tower::ServiceExt;

/// Bytes of an answer at most.
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;

impl Web {
    /// What the API answers.
    ///
    /// # Errors
    /// Its refusal.
    pub(super) async fn ask_api<T: DeserializeOwned>(
        &self,
        by: &By,
        method: Method,
        path: &str,
        body: Body,
    ) -> Result<T, Problem> {
        let asked = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
        let mut asked = asked.body(body).map_err(|_| Problem::internal())?;
        asked.extensions_mut().insert(by.session.clone());
        asked.extensions_mut().insert(by.ids.clone());
        let answer = match self.api.clone().oneshot(asked).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
        let (parts, body) = answer.into_parts();
        let body = to_bytes(body, LARGEST_ANSWER).await.map_err(|_| Problem::internal())?;
        if !parts.status.is_success() {
            return Err(of_answer(&Answer::from_parts(parts, body)));
        }
        let document: &[u8] = if body.is_empty() { b"null" } else { &body };
        serde_json::from_slice(document).map_err(|error| {
            tracing::error!(error = %error, "an answer of our own cannot be read");
            Problem::internal()
        })
    }
}

/// On whose behalf, and as part of which request, the API is asked.
pub(super) struct By {
    session: Session,
    ids: RequestIds,
}

impl By {
    /// # Errors
    /// 401 when nobody is signed in.
    pub(super) fn of(request: &Request) -> Result<Self, Problem> {
        let session = request.extensions().get::<Session>().cloned().ok_or_else(Problem::unauthorized)?;
        let ids = request.extensions().get::<RequestIds>().cloned().ok_or_else(Problem::internal)?;
        Ok(Self { session, ids })
    }
}
