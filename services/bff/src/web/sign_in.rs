//! Signing in and out.
use super::Web;
use super::cookie::{SESSION, SIGN_IN};
use super::form::Form;
use super::own_password;
use super::page::{Shell, render};
use super::pages::Page;
use super::problem::in_place_of;
use super::session::random_text;
use super::visit::Visit;
use crate::USERS;
use crate::exchange::OnBehalf;
use crate::gateway::DEADLINE;
use askama::Template;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{self, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use infra_http::{Problem, RequestIds};

/// Where somebody gets to who came for nothing else.
const FIRST_PAGE: &str = "/";

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    shell: Shell<'a>,
    form_token: &'a str,
    next: &'a str,
    username: &'a str,
    /// Why it did not work.
    refusal: Option<&'a str>,
    signed_out: bool,
}

impl Web {
    /// The form. Whoever is signed in already is where the form leads to.
    pub(super) fn sign_in_page(&self, visit: &Visit) -> Result<Response, Problem> {
        let next = next_of(&visit.uri);
        if visit.browser.is_some() {
            return Ok(Redirect::to(&next).into_response());
        }
        let signed_out = visit.uri.query().is_some_and(|query| query.contains("signed-out"));
        self.sign_in_form(visit, &next, "", None, signed_out)
    }

    fn sign_in_form(
        &self,
        visit: &Visit,
        next: &str,
        username: &str,
        refusal: Option<&str>,
        signed_out: bool,
    ) -> Result<Response, Problem> {
        let token = visit.sign_in_token.clone().map_or_else(random_text, Ok)?;
        let shell = self.shell(visit, Some(Page::SignIn));
        let page = SignInPage { shell, form_token: &token, next, username, refusal, signed_out };
        let mut response = render(&page)?;
        if let Some(cookie) = self.cookies.keep(SIGN_IN, &token, None) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        Ok(response)
    }

    /// Asks the users service, and begins a session when it says yes. A session that this browser had before ends.
    pub(super) async fn sign_in(&self, visit: &Visit, request: Request) -> Result<Response, Problem> {
        let ids = request.extensions().get::<RequestIds>().cloned();
        let form = Form::read(request, visit).await?;
        let (username, next) = (form.text("username"), local(form.text("next")));
        let body = serde_json::json!({"username": username, "password": form.raw("password")});
        let granted = match self.gateway.ask_for_tokens("/login", &body, ids.as_ref()).await {
            Ok(granted) => granted,
            Err(problem) => return self.refused(visit, next, username, &problem),
        };
        if let Some(browser) = &visit.browser {
            self.end(visit, ids.as_ref()).await;
            self.gateway.browsers.end(browser);
        }
        let next = if granted.must_change_password { own_password::required(next) } else { next.to_owned() };
        let id = self.gateway.browsers.begin(granted)?;
        let mut response = Redirect::to(&next).into_response();
        let cookies = [self.cookies.keep(SESSION, &id, None), self.cookies.forget(SIGN_IN)];
        for cookie in cookies.into_iter().flatten() {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        Ok(response)
    }

    /// The form again, with the reason above it.
    fn refused(&self, visit: &Visit, next: &str, username: &str, problem: &Problem) -> Result<Response, Problem> {
        let words = super::words::words(visit.language);
        let reason = match problem.status() {
            StatusCode::UNAUTHORIZED | StatusCode::UNPROCESSABLE_ENTITY => words.wrong_credentials,
            StatusCode::TOO_MANY_REQUESTS => words.too_many_sign_ins,
            _ => words.cannot_sign_in_now,
        };
        let page = self.sign_in_form(visit, next, username, Some(reason), false)?;
        Ok(in_place_of(problem, page))
    }

    /// Ends the session, here and at the users service.
    pub(super) async fn sign_out(&self, visit: &Visit, request: Request) -> Result<Response, Problem> {
        let ids = request.extensions().get::<RequestIds>().cloned();
        if visit.browser.is_some() {
            Form::read(request, visit).await?;
            self.end(visit, ids.as_ref()).await;
        }
        let mut response = Redirect::to("/sign-in?signed-out").into_response();
        if let Some(cookie) = self.cookies.forget(SESSION) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        Ok(response)
    }

    /// The browser is signed out even when the users service does not hear of it: then its tokens die by themselves, and
    /// nobody has them.
    async fn end(&self, visit: &Visit, ids: Option<&RequestIds>) {
        let Some(browser) = &visit.browser else { return };
        let session = self.gateway.browsing(browser, ids).await;
        self.gateway.browsers.end(browser);
        let (Ok(session), Ok(request)) = (session, http::Request::post("/logout").body(Bytes::new())) else { return };
        if self.gateway.call(USERS, OnBehalf::User(&session.0), request, ids, DEADLINE).await.is_err() {
            tracing::warn!("the users service did not hear of a sign-out");
        }
    }
}

/// Where the form leads to.
pub(super) fn next_of(uri: &Uri) -> String {
    let mut parameters = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let next = parameters.find(|(name, _)| name == "next").map(|(_, value)| value.into_owned());
    local(next.as_deref().unwrap_or_default()).to_owned()
}

/// The address, if it is one of ours: a link may not lead elsewhere by way of our sign-in. Browsers read `\` as `/` and
/// pass over control characters.
pub(super) fn local(next: &str) -> &str {
    let plain = !next.contains('\\') && !next.chars().any(char::is_control);
    if next.starts_with('/') && !next.starts_with("//") && plain && next.parse::<Uri>().is_ok() {
        next
    } else {
        FIRST_PAGE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_to_addresses_of_ours_alone() {
        for ours in ["/saga/logs?state=FAILED", "/", "/saga/logs/0198a8a0-6a51-7f54-9a0c-2d9d4b1c7a10"] {
            assert_eq!(local(ours), ours);
        }
        for elsewhere in
            ["", "//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example"]
        {
            assert_eq!(local(elsewhere), FIRST_PAGE, "{elsewhere}");
        }
    }

    #[test]
    fn the_way_back_is_read_from_the_address() {
        let next = |uri: &str| next_of(&uri.parse().unwrap());
        assert_eq!(next("/sign-in?next=%2Fsaga%2Flogs%3Fstate%3DFAILED"), "/saga/logs?state=FAILED");
        assert_eq!(next("/sign-in"), FIRST_PAGE);
    }
}
