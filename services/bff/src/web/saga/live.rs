//! The live tail: what is new or changed in the saga log, sent to a page as it happens (server-sent events).
//!
//! 1. A stream begins where its page was read, so nothing falls between the two; each event names the place to go on
//!    from, so nothing falls between a pause, or a broken connection, and what follows it either.
//! 2. Whether the reader may still see this is asked again before every look; a stream is no use of a session, which so
//!    ends though a page is left open.
//! 3. A user has few streams, and all together they are bounded.
use super::list::{Filter, Row};
use super::{SAGA_LOG, SagaEvent};
use crate::gateway::{Gateway, Session};
use crate::web::Web;
use crate::web::session::BrowserSession;
use crate::web::visit::Visit;
use crate::web::words::{Words, words};
use askama::Template;
use axum::extract::Request;
use axum::http::{HeaderName, Method, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use infra_http::{Access, Problem};
use infra_runtime::{CancellationToken, Language};
use serde::Deserialize;
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// Between two looks that find nothing.
const PAUSE: Duration = Duration::from_secs(1);
/// So often at least something is sent, so that nobody between us takes the silence for the end.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Streams of one user.
const MOST_OF_ONE: usize = 3;
/// Streams altogether.
const MOST: usize = 300;
/// What a browser says that was interrupted (HTML, "Server-sent events").
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// How many streams each user has.
#[derive(Default)]
pub(crate) struct LiveStreams(Mutex<HashMap<Uuid, usize>>);

/// One stream's place among them, given back when it ends.
struct Place {
    streams: Arc<LiveStreams>,
    user: Uuid,
}

impl LiveStreams {
    fn take(self: &Arc<Self>, user: Uuid) -> Result<Place, Problem> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.values().sum::<usize>() >= MOST {
            return Err(Problem::unavailable(Duration::from_secs(30)));
        }
        let own = open.entry(user).or_default();
        if *own >= MOST_OF_ONE {
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_streams", "Too many live views");
            return Err(problem
                .detail("Close another page with a live view first.")
                .retry_after(Duration::from_secs(30)));
        }
        *own += 1;
        Ok(Place { streams: Arc::clone(self), user })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = open.get_mut(&self.user) {
            *own -= 1;
            if *own == 0 {
                open.remove(&self.user);
            }
        }
    }
}

/// What changed.
#[derive(Deserialize)]
struct Answer {
    items: Vec<SagaEvent>,
    next: String,
}

/// Where the saga log stands.
#[derive(Deserialize)]
struct Standing {
    next: String,
}

#[derive(Template)]
#[template(path = "saga/row.html")]
struct RowPart<'a> {
    words: &'static Words,
    row: Row<'a>,
}

/// One stream.
struct Live {
    web: Arc<Web>,
    browser: Arc<BrowserSession>,
    language: Language,
    filter: Filter,
    after: String,
    waiting: VecDeque<Event>,
    ended: bool,
    _place: Place,
}

impl Web {
    /// From where on a page's live view goes on; `None` when nobody can say, and then the page has none.
    pub(super) async fn live_from(&self, session: &Session) -> Option<String> {
        let standing: Result<Standing, Problem> = self.ask_saga_log("/saga/logs/changes", session, None).await;
        standing.ok().map(|standing| standing.next)
    }

    pub(in crate::web) fn saga_live(self: &Arc<Self>, visit: &Visit, request: &Request) -> Result<Response, Problem> {
        let browser = visit.browser.clone().ok_or_else(Problem::unauthorized)?;
        let query = visit.uri.query().unwrap_or_default();
        let asked = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "after");
        let interrupted = request.headers().get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
        let after = interrupted.or_else(|| asked.map(|(_, after)| after.into_owned()));
        let after = after.ok_or_else(|| Problem::unprocessable("?after", "says where to go on from"))?;
        let live = Live {
            web: Arc::clone(self),
            language: visit.language,
            filter: Filter::of(&visit.uri),
            after,
            waiting: VecDeque::new(),
            ended: false,
            _place: self.live.take(browser.user)?,
            browser,
        };
        let stop = self.stop.clone();
        let events = stream::unfold((live, stop), |(mut live, stop)| async move {
            let event = live.next(&stop).await?;
            Some((Ok::<_, Infallible>(event), (live, stop)))
        });
        Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
    }
}

impl Live {
    /// The next event, as soon as there is one; `None` when the stream is over.
    async fn next(&mut self, stop: &CancellationToken) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.ended || stop.is_cancelled() {
                return None;
            }
            let moved = self.look().await;
            if !moved && !self.ended {
                stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await?;
            }
        }
    }

    /// Looks what changed; whether there may be more at once.
    async fn look(&mut self) -> bool {
        let session = match self.allowed().await {
            Ok(session) => session,
            Err(problem) if problem.status().is_server_error() => return false,
            Err(_) => return self.end(),
        };
        // Whatever state it is in: what the page shows may have left the state that it asks for.
        let all = Filter { state: String::new(), ..self.filter.clone() };
        let path = format!("/saga/logs/changes?{}", all.query(&[("after", &self.after)]));
        let answer: Answer = match self.web.ask_saga_log(&path, &session, None).await {
            Ok(answer) => answer,
            Err(problem) => {
                tracing::debug!(service.name = SAGA_LOG, code = problem.code_name(), "a live view gets no answer");
                return problem.status().is_client_error() && self.end();
            }
        };
        let moved = answer.next != self.after;
        self.after = answer.next;
        let last = answer.items.len().checked_sub(1);
        for (index, event) in answer.items.iter().enumerate() {
            if let Some(told) = self.told(event) {
                // What is resumed from is the end of the answer, so only its last event says it.
                self.waiting.push_back(if Some(index) == last { told.id(&self.after) } else { told });
            }
        }
        moved
    }

    /// Says that this was all: a browser that is only cut off comes back.
    fn end(&mut self) -> bool {
        self.waiting.push_back(Event::default().event("end").data("end"));
        self.ended = true;
        false
    }

    /// The session, if it goes on and its role may still see this.
    async fn allowed(&self) -> Result<Session, Problem> {
        let gateway: &Arc<Gateway> = &self.web.gateway;
        if !gateway.browsers.goes_on(&self.browser) {
            return Err(Problem::unauthorized());
        }
        let session = gateway.browsing(&self.browser, None).await?;
        match gateway.lookup.find(&Method::GET, "/saga/logs") {
            Some(Access::Roles(roles)) if !session.0.role.is_some_and(|role| roles.contains(&role)) => {
                Err(Problem::forbidden())
            }
            _ => Ok(session),
        }
    }

    /// An event as a row of the page: to be shown, or only to be shown anew if it is there already.
    fn told(&self, event: &SagaEvent) -> Option<Event> {
        let row = Row::of(event, self.web.now(), self.language);
        let html = RowPart { words: words(self.language), row }.render().ok()?;
        let fits = self.filter.state.is_empty() || self.filter.state == event.state;
        Some(Event::default().event(if fits { "event" } else { "left" }).data(html))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_three_streams_at_most_and_gets_a_place_back() {
        let streams = Arc::new(LiveStreams::default());
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut places: Vec<Place> = (0..MOST_OF_ONE).map(|_| streams.take(one).unwrap()).collect();
        assert_eq!(streams.take(one).err().unwrap().status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(streams.take(other).is_ok());
        places.pop();
        assert!(streams.take(one).is_ok());
        drop(places);
        assert!(streams.0.lock().unwrap().is_empty());
    }

    #[test]
    fn all_streams_together_are_bounded() {
        let streams = Arc::new(LiveStreams::default());
        let places: Vec<Place> = (0..MOST).map(|index| streams.take(Uuid::from_u128(index as u128)).unwrap()).collect();
        assert_eq!(streams.take(Uuid::from_u128(9_999)).err().unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
        drop(places);
    }
}
