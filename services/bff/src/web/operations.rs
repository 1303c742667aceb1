//! How the platform stands, for operators: services, projections, consumers, dead letters.
//!
//! The page shows what the API answers, and a button asks the API for what it offers: both go through the API's own
//! handlers, in this process, as whoever reads the page.
use super::Web;
use super::ask::By;
use super::form::Form;
use super::page::{Shell, render};
use super::pages::Page;
use super::saga::times::{moment, span};
use super::visit::Visit;
use super::words::Words;
use crate::dead_letters::is_told_of;
use askama::Template;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, TimeDelta, Utc};
use domain_kernel::message::topics;
use infra_http::Problem;
use infra_http::operations::{BreakerState, BreakerView};
use infra_runtime::Language;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

/// Letters on the page; the command line lists all.
const LETTERS: u32 = 50;

/// `GET /ops/status`.
#[derive(Deserialize)]
struct Status {
    services: Vec<Service>,
}

#[derive(Deserialize)]
struct Service {
    service: String,
    status: String,
    #[serde(default)]
    projections: Vec<Projection>,
    #[serde(default)]
    consumers: Vec<Standing>,
    dead_letters: Option<u64>,
    #[serde(default)]
    breakers: Vec<BreakerView>,
}

impl Service {
    fn answers(&self) -> bool {
        self.status == "ok"
    }
}

#[derive(Deserialize)]
struct Projection {
    name: String,
    version: i32,
    generation: i64,
    behind_events: u64,
    behind_seconds: u64,
    paused: bool,
    rebuild: Option<Rebuild>,
}

#[derive(Deserialize)]
struct Rebuild {
    done: u64,
    total: u64,
    running: bool,
}

impl Rebuild {
    /// Rounded down: 100 only when nothing is left to fold.
    fn percent(&self) -> u64 {
        (self.done * 100).checked_div(self.total).unwrap_or(100)
    }
}

#[derive(Deserialize)]
struct Standing {
    name: String,
    behind_events: u64,
    behind_seconds: u64,
    paused: bool,
    parked_streams: u64,
}

/// `GET /dead-letters`.
#[derive(Deserialize)]
struct Letters {
    items: Vec<Letter>,
    next: Option<String>,
    #[serde(default)]
    unavailable: Vec<String>,
}

#[derive(Deserialize)]
struct Letter {
    id: Uuid,
    service: String,
    consumer: String,
    event_id: Uuid,
    event_type: String,
    topic: String,
    attempts: u32,
    code: String,
    failed_at: DateTime<Utc>,
    parked_behind: u64,
}

impl Letter {
    fn moment(&self) -> String {
        moment(self.failed_at)
    }

    /// Whether the saga log has a page about it.
    fn is_told_of(&self) -> bool {
        is_told_of(&self.consumer, &self.topic)
    }

    /// Nobody skips what is clinical.
    fn may_be_skipped(&self) -> bool {
        self.topic != topics::EVENT_RESULT
    }
}

#[derive(Template)]
#[template(path = "operations.html")]
struct OperationsPage<'a> {
    shell: Shell<'a>,
    words: &'static Words,
    language: Language,
    services: Vec<Service>,
    letters: Letters,
    form_token: &'a str,
    asked: bool,
}

impl OperationsPage<'_> {
    /// A breaker's state: the class of its colour, and in words.
    fn state(&self, breaker: &BreakerView) -> (&'static str, &'static str) {
        match breaker.state {
            BreakerState::Closed => ("processed", self.words.breaker_closed),
            BreakerState::Open => ("failed", self.words.breaker_open),
            BreakerState::HalfOpen => ("received", self.words.breaker_half_open),
        }
    }

    fn since(&self, breaker: &BreakerView) -> String {
        moment(breaker.since)
    }

    /// An age of so many seconds.
    fn age(&self, seconds: &u64) -> String {
        span(TimeDelta::seconds(i64::try_from(*seconds).unwrap_or(i64::MAX / 1_000)), self.language)
    }
}

impl Web {
    pub(super) async fn operations_page(&self, visit: &Visit, request: Request) -> Result<Response, Problem> {
        let by = By::of(&request)?;
        let letters = format!("/dead-letters?limit={LETTERS}");
        let (status, letters) = futures_util::join!(
            self.ask_api::<Status>(&by, Method::GET, "/ops/status", Body::empty()),
            self.ask_api::<Letters>(&by, Method::GET, &letters, Body::empty()),
        );
        let shell = self.shell(visit, Some(Page::Operations));
        let page = OperationsPage {
            words: shell.words,
            shell,
            language: visit.language,
            services: status?.services,
            letters: letters?,
            form_token: visit.form_token().unwrap_or_default(),
            asked: visit.uri.query().is_some_and(|query| query.split('&').any(|parameter| parameter == "asked")),
        };
        render(&page)
    }

    /// A button of the page: asks the API for the same at the same address, and leads back.
    pub(super) async fn operator_form(&self, visit: &Visit, request: Request) -> Result<Response, Problem> {
        let by = By::of(&request)?;
        let form = Form::read(request, visit).await?;
        let wish = serde_json::json!({"reason": form.text("reason")}).to_string();
        let _: Value = self.ask_api(&by, Method::POST, visit.uri.path(), wish.into()).await?;
        Ok(Redirect::to("/ops?asked").into_response())
    }
}
