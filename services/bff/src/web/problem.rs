//! Problems, for people: the same facts as the document that programs get, in the reader's language, with what to do.
use super::Web;
use super::own_password;
use super::page::{Shell, render, sign_in};
use super::visit::Visit;
use super::words::{Words, words};
use crate::admission::PASSWORD_CHANGE_REQUIRED;
use askama::Template;
use axum::body::Bytes;
use axum::http::{HeaderValue, Response as Answer, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use infra_http::{Problem, RequestIds, Written};
use serde::Deserialize;
use std::time::Duration;

/// What is read of a service's problem.
#[derive(Deserialize)]
struct Document {
    code: String,
    title: String,
    detail: Option<String>,
    #[serde(default)]
    errors: Vec<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    pointer: String,
    detail: String,
}

/// The problem that a service answered with.
pub(crate) fn of_answer(answer: &Answer<Bytes>) -> Problem {
    let status = answer.status();
    let Ok(document) = serde_json::from_slice::<Document>(answer.body()) else { return Problem::of_status(status) };
    let mut problem = Problem::new(status, document.code, document.title);
    if let Some(detail) = document.detail {
        problem = problem.detail(detail);
    }
    let after = answer.headers().get(header::RETRY_AFTER).and_then(|after| after.to_str().ok()?.parse().ok());
    if let Some(seconds) = after {
        problem = problem.retry_after(Duration::from_secs(seconds));
    }
    document.errors.into_iter().fold(problem, |problem, fault| problem.field(fault.pointer, fault.detail))
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    shell: Shell<'a>,
    status: u16,
    title: &'a str,
    advice: &'a str,
    /// What a service said of it, in its own words.
    detail: Option<String>,
    /// The fields that are wrong.
    errors: Vec<(String, String)>,
    /// Under which id the logs have it.
    request: Option<String>,
}

impl Web {
    /// The page that tells of `problem`; whoever is not signed in is led to the form for it.
    pub(crate) fn problem_page(&self, visit: &Visit, problem: &Problem, ids: Option<&RequestIds>) -> Response {
        let reads = visit.page.is_some_and(|page| !page.takes_a_form());
        if problem.status() == StatusCode::UNAUTHORIZED && reads {
            return Redirect::to(&sign_in(visit)).into_response();
        }
        if problem.code_name() == PASSWORD_CHANGE_REQUIRED && visit.browser.is_some() {
            return Redirect::to(&own_password::required(if reads { visit.here() } else { "/" })).into_response();
        }
        let words = words(visit.language);
        let document = problem.document();
        let (title, advice) = words.problem(problem.code_name()).unwrap_or(words.other_problem);
        let page = ProblemPage {
            shell: self.shell(visit, None),
            status: document.status,
            title,
            advice,
            detail: document.detail,
            errors: document.errors.into_iter().map(|error| (error.pointer, error.detail)).collect(),
            request: ids.map(|ids| ids.request_id.to_string()),
        };
        match render(&page) {
            Ok(page) => in_place_of(problem, page),
            Err(_) => problem.clone().into_response(),
        }
    }
}

/// `page`, sent where `problem` is what came of the request.
pub(crate) fn in_place_of(problem: &Problem, mut page: Response) -> Response {
    let told = problem.clone().into_response();
    *page.status_mut() = problem.status();
    for name in [header::RETRY_AFTER, header::ALLOW] {
        if let Some(value) = told.headers().get(&name) {
            page.headers_mut().insert(name, HeaderValue::clone(value));
        }
    }
    page.extensions_mut().insert(Written);
    page
}

impl Words {
    /// Title and advice for a problem of that code.
    pub(crate) fn problem(&self, code: &str) -> Option<(&'static str, &'static str)> {
        self.problems.iter().find(|(known, ..)| *known == code).map(|(_, title, advice)| (*title, *advice))
    }
}
