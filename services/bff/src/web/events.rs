//! Every event type, for people: versions, fields, who tells and who listens.
use super::Web;
use super::page::{Shell, render};
use super::pages::Page;
use super::visit::Visit;
use super::words::Words;
use crate::catalogue::{EventType, ServiceEvents, published, stored};
use askama::Template;
use axum::response::Response;
use infra_http::Problem;

/// A part of the page.
struct Part {
    id: String,
    title: String,
    events: Vec<EventType>,
}

/// What the page is made of; the same for everybody, so made once.
pub(crate) struct EventTypes(Vec<Part>);

impl EventTypes {
    pub(crate) fn of(services: &[ServiceEvents]) -> Self {
        let told = Part { id: "published".to_owned(), title: String::new(), events: published(services) };
        let kept = services.iter().map(|service| Part {
            id: format!("stored-{}", service.service),
            title: service.service.replace('_', " "),
            events: stored(service),
        });
        Self([told].into_iter().chain(kept).collect())
    }
}

#[derive(Template)]
#[template(path = "events.html")]
struct EventsPage<'a> {
    shell: Shell<'a>,
    words: &'static Words,
    parts: &'a [Part],
}

impl Web {
    pub(super) fn events_page(&self, visit: &Visit) -> Result<Response, Problem> {
        let shell = self.shell(visit, Some(Page::Events));
        render(&EventsPage { words: shell.words, shell, parts: &self.event_types.0 })
    }
}
