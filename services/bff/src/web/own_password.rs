//! Choosing another password, as who was given one by somebody else has to before anything else.
//!
//! The form asks the API's own handler, in this process, as whoever reads the page. This browser's session goes on, every
//! other of the account ends.
use super::Web;
use super::ask::By;
use super::form::Form;
use super::page::{Shell, render};
use super::pages::Page;
use super::problem::in_place_of;
use super::sign_in::{local, next_of};
use super::visit::Visit;
use super::words::{Words, words};
use askama::Template;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use infra_http::Problem;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

#[derive(Template)]
#[template(path = "own_password.html")]
struct OwnPasswordPage<'a> {
    shell: Shell<'a>,
    form_token: &'a str,
    next: &'a str,
    /// Why it did not work.
    refusal: Option<&'a str>,
    standing: Standing,
}

impl OwnPasswordPage<'_> {
    fn is_changed(&self) -> bool {
        self.standing == Standing::Changed
    }

    fn is_required(&self) -> bool {
        self.standing == Standing::Required
    }
}

/// Why somebody is at the form.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// They want to.
    Wished,
    /// They have to.
    Required,
    /// It is done.
    Changed,
}

/// Where the form is for who has to choose another password, and that it leads on to `next`.
pub(super) fn required(next: &str) -> String {
    format!("/password?required&next={}", utf8_percent_encode(next, NON_ALPHANUMERIC))
}

impl Web {
    /// The form, or that it is done.
    pub(super) fn own_password_page(&self, visit: &Visit) -> Result<Response, Problem> {
        let said = |word: &str| visit.uri.query().is_some_and(|query| query.split('&').any(|said| said == word));
        let standing = match (said("changed"), said("required")) {
            (true, _) => Standing::Changed,
            (false, true) => Standing::Required,
            (false, false) => Standing::Wished,
        };
        self.own_password_form(visit, &next_of(&visit.uri), None, standing)
    }

    fn own_password_form(
        &self,
        visit: &Visit,
        next: &str,
        refusal: Option<&str>,
        standing: Standing,
    ) -> Result<Response, Problem> {
        let form_token = visit.form_token().unwrap_or_default();
        let shell = self.shell(visit, Some(Page::OwnPassword));
        render(&OwnPasswordPage { shell, form_token, next, refusal, standing })
    }

    /// Asks for the change. What was typed is in no page that follows.
    pub(super) async fn own_password(&self, visit: &Visit, request: Request) -> Result<Response, Problem> {
        let by = By::of(&request)?;
        let form = Form::read(request, visit).await?;
        let (next, words) = (local(form.text("next")), words(visit.language));
        let chosen = form.raw("new_password");
        let problem = if chosen == form.raw("new_password_again") {
            let asked = serde_json::json!({"current_password": form.raw("current_password"), "new_password": chosen});
            match self.ask_api::<Value>(&by, Method::POST, "/me/password", Body::from(asked.to_string())).await {
                Ok(_) => {
                    let next = utf8_percent_encode(next, NON_ALPHANUMERIC);
                    return Ok(Redirect::to(&format!("/password?changed&next={next}")).into_response());
                }
                Err(problem) => problem,
            }
        } else {
            Problem::unprocessable("/new_password_again", "is not the same")
        };
        let refusal = words.refused_password(&problem).ok_or_else(|| problem.clone())?;
        let page = self.own_password_form(visit, next, Some(refusal), Standing::Wished)?;
        Ok(in_place_of(&problem, page))
    }
}

impl Words {
    /// What is wrong with what was typed; `None` for problems that are not about that.
    fn refused_password(&self, problem: &Problem) -> Option<&'static str> {
        if problem.status() == StatusCode::TOO_MANY_REQUESTS {
            return Some(self.too_many_sign_ins);
        }
        match problem.errors().first()?.pointer.as_str() {
            "/current_password" => Some(self.wrong_current_password),
            "/new_password" => Some(self.weak_password),
            "/new_password_again" => Some(self.passwords_differ),
            _ => None,
        }
    }
}
