//! One event with its saga: the timeline, what caused what, and what may be done about it.
use super::timeline::{Timeline, WIDTH};
use super::times::{ago, attribute, moment};
use super::tree::{Step, walk};
use super::{SagaEvent, Wish, event_of};
use crate::gateway::Session;
use crate::web::Web;
use crate::web::page::{Shell, render};
use crate::web::pages::Page;
use crate::web::visit::Visit;
use crate::web::words::Words;
use askama::Template;
use axum::extract::Request;
use axum::response::Response;
use infra_http::{Problem, RequestIds};
use serde::Deserialize;

/// An event, and every event of its saga.
#[derive(Deserialize)]
struct Answer {
    #[serde(flatten)]
    event: SagaEvent,
    saga: Vec<SagaEvent>,
}

#[derive(Template)]
#[template(path = "saga/show.html")]
struct ShowPage<'a> {
    shell: Shell<'a>,
    words: &'static Words,
    event: &'a SagaEvent,
    moment: String,
    attribute: String,
    ago: String,
    timeline: Timeline,
    width: i64,
    tree: Vec<Step<'a>>,
    /// Who gave up, for whoever may ask them again.
    gave_up: Vec<&'a str>,
    wishes: Vec<OfferedWish>,
    form_token: &'a str,
    command: String,
    /// What was asked for just now.
    asked: Option<&'static str>,
}

/// A wish that the reader may have.
struct OfferedWish {
    action: String,
    name: &'static str,
    title: &'static str,
    advice: &'static str,
}

impl Web {
    pub(in crate::web) async fn saga_show(&self, visit: &Visit, request: Request) -> Result<Response, Problem> {
        let session = request.extensions().get::<Session>().ok_or_else(Problem::unauthorized)?;
        let ids = request.extensions().get::<RequestIds>();
        let id = event_of(&visit.uri)?;
        let Answer { event, saga } = self.ask_saga_log(&format!("/saga/logs/{id}"), session, ids).await?;
        let shell = self.shell(visit, Some(Page::SagaShow));
        let words = shell.words;
        let gave_up: Vec<&str> = event.consumers.iter().filter(|c| c.failed()).map(|c| c.name.as_str()).collect();
        let page = ShowPage {
            shell,
            words,
            moment: moment(event.occurred_at),
            attribute: attribute(event.occurred_at),
            ago: ago(event.occurred_at, self.now(), visit.language),
            timeline: Timeline::of(&saga, visit.language),
            width: WIDTH,
            tree: walk(&saga),
            wishes: self.offered(visit, &event, words),
            gave_up,
            form_token: visit.form_token().unwrap_or_default(),
            command: format!("historia saga show {id}"),
            asked: asked(visit, words),
            event: &event,
        };
        render(&page)
    }

    /// What may be asked for: by this role, about what failed. Nobody skips what is clinical.
    fn offered(&self, visit: &Visit, event: &SagaEvent, words: &'static Words) -> Vec<OfferedWish> {
        let clinical = event.topic == "event-result";
        let possible =
            [(Wish::Retry, words.retry, event.failed()), (Wish::Skip, words.skip, event.failed() && !clinical)];
        let offered = possible.into_iter().filter(|(wish, _, possible)| *possible && self.may_wish(visit, *wish));
        offered
            .map(|(wish, (title, advice), _)| OfferedWish {
                action: format!("/saga/logs/{}/{}", event.id, wish.name()),
                name: wish.name(),
                title,
                advice,
            })
            .collect()
    }
}

/// The notice about what was asked for on the page before.
fn asked(visit: &Visit, words: &'static Words) -> Option<&'static str> {
    let query = visit.uri.query()?;
    let said = |wish: &str| query.split('&').any(|parameter| parameter.strip_prefix("asked=") == Some(wish));
    said("retry").then_some(words.retry_asked).or_else(|| said("skip").then_some(words.skip_asked))
}
