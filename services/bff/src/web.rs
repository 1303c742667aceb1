//! The pages: the platform for people, in a browser.
//!
//! Everything is made here, from templates, and works without a script; scripts add comfort only. A page has no rights of
//! its own: it asks the services as the API does, on behalf of whom the browser's session stands for, and every request
//! passes the same door ([`crate::admission`]): table, token, quota.
//! 1. [`front`] tells people from programs ([`visit`]). A program's request goes on untouched.
//! 2. The door lets the visit in, with the session's token in place of a header's.
//! 3. [`answer`] is asked before the API's own handlers: where there is a page ([`pages`]), it answers.
//! 4. On the way out [`front`] makes a page of every problem ([`problem`]).
mod ask;
mod asset;
pub(crate) mod cookie;
mod events;
mod form;
mod language;
mod operations;
mod own_password;
mod page;
pub(crate) mod pages;
mod problem;
mod saga;
pub(crate) mod session;
mod sign_in;
pub(crate) mod visit;
mod words;

use crate::gateway::Gateway;
use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::any;
use cookie::{Cookies, LANGUAGE};
use domain_kernel::Role;
use domain_kernel::ports::Clock;
use infra_http::{Access, Problem, RequestIds, ServiceApi};
use infra_runtime::{CancellationToken, Language, Profile};
use page::{Shell, render};
use pages::Page;
use saga::{LiveStreams, Wish};
use std::sync::Arc;
use std::time::Duration;
use visit::Visit;

pub(crate) use asset::PATH as ASSETS;
pub(crate) use events::EventTypes;

/// How long a browser remembers which language was chosen.
const LANGUAGE_LASTS: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What the pages work with.
pub(crate) struct Web {
    gateway: Arc<Gateway>,
    cookies: Cookies,
    /// The platform's language, for who prefers none that we have.
    language: Language,
    clock: Arc<dyn Clock>,
    live: Arc<LiveStreams>,
    event_types: EventTypes,
    /// The API itself, behind the door.
    api: Router,
    /// Ends what would go on.
    stop: CancellationToken,
}

impl Web {
    pub(crate) fn new(
        gateway: Arc<Gateway>,
        (profile, language): (Profile, Language),
        clock: Arc<dyn Clock>,
        (event_types, api): (EventTypes, Router),
        stop: CancellationToken,
    ) -> Self {
        let (cookies, live) = (Cookies::new(profile), Arc::default());
        Self { gateway, cookies, language, clock, live, event_types, api, stop }
    }

    /// Whether the table lets that role in: what a page need not offer otherwise.
    fn may(&self, role: Role, method: &Method, path: &str) -> bool {
        match self.gateway.lookup.find(method, path) {
            Some(Access::Roles(roles)) => roles.contains(&role),
            Some(Access::SignedIn | Access::Public) => true,
            Some(Access::Internal) | None => false,
        }
    }

    async fn page(self: &Arc<Self>, page: Page, visit: &Visit, request: Request) -> Result<Response, Problem> {
        match page {
            Page::Home => self.home_page(visit),
            Page::SignIn => self.sign_in_page(visit),
            Page::SignInForm => self.sign_in(visit, request).await,
            Page::SignOutForm => self.sign_out(visit, request).await,
            Page::OwnPassword => self.own_password_page(visit),
            Page::OwnPasswordForm => self.own_password(visit, request).await,
            Page::SagaList => self.saga_list(visit, request).await,
            Page::SagaLive => self.saga_live(visit, &request),
            Page::SagaShow => self.saga_show(visit, request).await,
            Page::SagaRetryForm => self.saga_wish(visit, request, Wish::Retry).await,
            Page::Events => self.events_page(visit),
            Page::Operations => self.operations_page(visit, request).await,
            Page::OperatorForm => self.operator_form(visit, request).await,
            Page::SagaSkipForm => self.saga_wish(visit, request, Wish::Skip).await,
        }
    }

    fn home_page(&self, visit: &Visit) -> Result<Response, Problem> {
        render(&HomePage { shell: self.shell(visit, Some(Page::Home)) })
    }
}

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage<'a> {
    shell: Shell<'a>,
}

/// The addresses that only people have; [`answer`] knows what is there. For whoever shows a token there is nothing.
pub(crate) fn router(services: &[ServiceApi]) -> Router {
    let mut paths: Vec<&'static str> = pages::rows(services).map(|(_, path, _)| path).collect();
    paths.dedup();
    let nothing = || any(|| async { Problem::not_found() });
    paths.into_iter().fold(asset::router(), |router, path| router.route(path, nothing()))
}

/// Has pages answer where there are pages.
pub(crate) fn with_pages(router: Router, web: Arc<Web>) -> Router {
    router.layer(from_fn_with_state(web, answer))
}

async fn answer(State(web): State<Arc<Web>>, mut request: Request, next: Next) -> Response {
    let mut visit = request.extensions_mut().remove::<Visit>();
    if let Some(visit) = &mut visit {
        // The door may have found that it stands for nobody any more.
        visit.browser.take_if(|browser| !web.gateway.browsers.goes_on(browser));
    }
    match visit.and_then(|visit| visit.page.map(|page| (page, visit))) {
        Some((page, visit)) => {
            web.page(page, &visit, request).await.unwrap_or_else(axum::response::IntoResponse::into_response)
        }
        None => next.run(request).await,
    }
}

/// Tells people from programs, and tells people in their language what is wrong.
pub(crate) fn with_front(router: Router, web: Arc<Web>) -> Router {
    router.layer(from_fn_with_state(web, front))
}

async fn front(State(web): State<Arc<Web>>, mut request: Request, next: Next) -> Response {
    let Some(visit) = Visit::of(&request, web.cookies, web.language, &web.gateway.browsers) else {
        return next.run(request).await;
    };
    let ids = request.extensions().get::<RequestIds>().cloned();
    request.extensions_mut().insert(visit.clone());
    let mut response = next.run(request).await;
    if visit.wants_page
        && let Some(problem) = response.extensions().get::<Problem>().cloned()
    {
        response = web.problem_page(&visit, &problem, ids.as_ref());
    }
    let chosen = language::chosen(&visit.uri)
        .and_then(|language| web.cookies.keep(LANGUAGE, language.code(), Some(LANGUAGE_LASTS)));
    if let Some(cookie) = chosen {
        response.headers_mut().append(axum::http::header::SET_COOKIE, cookie);
    }
    response
}
