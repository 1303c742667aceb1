//! The saga log for people: what happened, who answered, what failed, and asking for another try.
//!
//! Everything shown is what the saga log service answers to whoever reads the page: what they may not see, no page has.
mod list;
mod live;
mod show;
mod timeline;
pub(super) mod times;
mod tree;

pub(crate) use live::LiveStreams;

use super::Web;
use super::form::Form;
use super::problem::of_answer;
use super::visit::Visit;
use crate::SAGA_LOG;
use crate::exchange::OnBehalf;
use crate::gateway::{DEADLINE, Session, no_answer};
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{self, Method, header};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use infra_http::{Problem, RequestIds};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// One event, as the saga log service tells of it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct SagaEvent {
    pub(crate) id: Uuid,
    pub(crate) event_type: String,
    pub(crate) state: String,
    pub(crate) correlation_id: Uuid,
    pub(crate) causation_id: Option<Uuid>,
    pub(crate) topic: String,
    pub(crate) aggregate: Uuid,
    pub(crate) version: i64,
    pub(crate) occurred_at: DateTime<Utc>,
    pub(crate) consumers: Vec<Consumer>,
}

/// One consumer's standing to an event.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Consumer {
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) attempts: u32,
    pub(crate) error: Option<String>,
}

/// How a state looks: a class of the stylesheet, which adds a sign to its word.
fn class_of(state: &str) -> &'static str {
    match state {
        "PROCESSED" => "processed",
        "FAILED" => "failed",
        "RETRIED" => "retried",
        "SKIPPED" => "skipped",
        _ => "received",
    }
}

impl SagaEvent {
    pub(crate) fn class(&self) -> &'static str {
        class_of(&self.state)
    }

    pub(crate) fn failed(&self) -> bool {
        self.state == "FAILED"
    }
}

impl Consumer {
    pub(crate) fn class(&self) -> &'static str {
        class_of(&self.state)
    }

    pub(crate) fn failed(&self) -> bool {
        self.state == "FAILED"
    }
}

/// What an operator asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Retry,
    Skip,
}

impl Wish {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Skip => "skip",
        }
    }

    /// The address of the wish, as in the table.
    fn route(self) -> &'static str {
        match self {
            Self::Retry => "/saga/logs/{id}/retry",
            Self::Skip => "/saga/logs/{id}/skip",
        }
    }
}

impl Web {
    /// What the saga log service answers to the reader.
    async fn ask_saga_log<T: DeserializeOwned>(
        &self,
        path: &str,
        session: &Session,
        ids: Option<&RequestIds>,
    ) -> Result<T, Problem> {
        let request = http::Request::get(path).header(header::ACCEPT, "application/json").body(Bytes::new());
        let request = request.map_err(|_| Problem::not_found())?;
        let answer = self.gateway.call(SAGA_LOG, OnBehalf::User(&session.0), request, ids, DEADLINE).await;
        let answer = answer.map_err(|_| no_answer(SAGA_LOG))?;
        if !answer.status().is_success() {
            return Err(of_answer(&answer));
        }
        serde_json::from_slice(answer.body()).map_err(|error| {
            tracing::error!(error = %error, "the saga log's answer cannot be read");
            no_answer(SAGA_LOG)
        })
    }

    /// Whether a wish is to be offered to the reader at all.
    fn may_wish(&self, visit: &Visit, wish: Wish) -> bool {
        let role = visit.browser.as_ref().and_then(|browser| browser.role);
        role.is_some_and(|role| self.may(role, &Method::POST, wish.route()))
    }

    /// Passes an operator's wish on, and leads back to the event.
    pub(super) async fn saga_wish(&self, visit: &Visit, request: Request, wish: Wish) -> Result<Response, Problem> {
        let session = request.extensions().get::<Session>().cloned().ok_or_else(Problem::unauthorized)?;
        let ids = request.extensions().get::<RequestIds>().cloned();
        let event = event_of(&visit.uri)?;
        let form = Form::read(request, visit).await?;
        let consumer = Some(form.text("consumer")).filter(|consumer| !consumer.is_empty());
        let mut body = serde_json::json!({"reason": form.text("reason")});
        if let (Some(consumer), Some(body)) = (consumer, body.as_object_mut()) {
            body.insert("consumer".to_owned(), consumer.into());
        }
        let request = http::Request::post(format!("/saga/logs/{event}/{}", wish.name()))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Bytes::from(body.to_string()))
            .map_err(|_| Problem::internal())?;
        let answer = self.gateway.call(SAGA_LOG, OnBehalf::User(&session.0), request, ids.as_ref(), DEADLINE).await;
        let answer = answer.map_err(|_| no_answer(SAGA_LOG))?;
        if !answer.status().is_success() {
            return Err(of_answer(&answer));
        }
        Ok(Redirect::to(&format!("/saga/logs/{event}?asked={}", wish.name())).into_response())
    }
}

/// The event that an address names.
fn event_of(uri: &http::Uri) -> Result<Uuid, Problem> {
    let id = uri.path().strip_prefix("/saga/logs/").and_then(|rest| rest.split('/').next());
    id.and_then(|id| id.parse().ok()).ok_or_else(Problem::not_found)
}
