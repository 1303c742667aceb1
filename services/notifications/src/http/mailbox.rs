//! The demo's mailbox in the browser, without any script. Where there is none, these addresses do not exist.
use super::Pages;
use crate::mailers::{MailboxMail, read_mail, read_mailbox};
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use infra_http::problem::ProblemDocument;
use infra_http::{Problem, StrictPath};
use infra_runtime::Language;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How many mails the list shows.
const SHOWN: usize = 100;

/// Nothing may be loaded, run, framed or sent: the page is text and links, and looks as its own style says, which is
/// allowed by its digest.
const POLICY: &str = "default-src 'none'; style-src 'sha256-kQuS84iLBMmzu6VxonTmyDLmcHlCFlKFaprFhsiAfp0='; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'";

/// The words around the mails.
struct Labels {
    code: &'static str,
    title: &'static str,
    explanation: &'static str,
    empty: &'static str,
    date: &'static str,
    to: &'static str,
    subject: &'static str,
    back: &'static str,
}

const SPANISH: Labels = Labels {
    code: "es",
    title: "Buzón de la demostración",
    explanation: "Aquí llegan los correos de la demostración; no salen de esta máquina. Se muestran los últimos 100.",
    empty: "Todavía no hay correos.",
    date: "Fecha",
    to: "Para",
    subject: "Asunto",
    back: "Volver al buzón",
};

const ENGLISH: Labels = Labels {
    code: "en",
    title: "The demo's mailbox",
    explanation: "The demo's mails arrive here; they never leave this machine. The latest 100 are shown.",
    empty: "No mails yet.",
    date: "Date",
    to: "To",
    subject: "Subject",
    back: "Back to the mailbox",
};

fn labels(language: Language) -> &'static Labels {
    match language {
        Language::Spanish => &SPANISH,
        Language::English => &ENGLISH,
    }
}

#[derive(Template)]
#[template(path = "mailbox.html")]
struct ListPage<'a> {
    labels: &'static Labels,
    mails: &'a [MailboxMail],
}

#[derive(Template)]
#[template(path = "mail.html")]
struct MailPage<'a> {
    labels: &'static Labels,
    mail: &'a MailboxMail,
    lines: Vec<Line<'a>>,
}

/// One line of a mail's text.
enum Line<'a> {
    Text(&'a str),
    Link(&'a str),
}

impl<'a> Line<'a> {
    /// A line that is nothing but a web address becomes a link; no other scheme does.
    fn of(line: &'a str) -> Self {
        let web = line.starts_with("http://") || line.starts_with("https://");
        if web && !line.contains(char::is_whitespace) { Self::Link(line) } else { Self::Text(line) }
    }
}

/// The demo's mailbox, newest first
#[utoipa::path(
    get,
    path = "/mailbox",
    operation_id = "show_mailbox",
    tag = "mailbox",
    responses(
        (status = 200, description = "The latest 100 mails, as a page.", content_type = "text/html", body = String),
        (status = 404, description = "There is no mailbox: this is not the demo.", body = ProblemDocument),
    ),
    security(())
)]
pub(super) async fn list(State(pages): State<Arc<Pages>>) -> Result<Response, Problem> {
    let directory = pages.mailbox.clone().ok_or_else(Problem::not_found)?;
    let mails = blocking(move || read_mailbox(&directory, SHOWN)).await?;
    render(&ListPage { labels: labels(pages.language), mails: &mails })
}

/// One mail of the demo's mailbox
#[utoipa::path(
    get,
    path = "/mailbox/{id}",
    operation_id = "show_mail",
    tag = "mailbox",
    params(("id" = Uuid, Path, description = "The mail's Message-ID: the notification's id.")),
    responses(
        (status = 200, description = "The mail, as a page for people.", content_type = "text/html", body = String),
        (status = 404, description = "No such mail.", body = ProblemDocument),
    ),
    security(())
)]
pub(super) async fn show(
    State(pages): State<Arc<Pages>>,
    StrictPath(id): StrictPath<Uuid>,
) -> Result<Response, Problem> {
    let directory = pages.mailbox.clone().ok_or_else(Problem::not_found)?;
    let mail = blocking(move || read_mail(&directory, &id.to_string())).await?.ok_or_else(Problem::not_found)?;
    let lines = mail.text.lines().map(Line::of).collect();
    render(&MailPage { labels: labels(pages.language), mail: &mail, lines })
}

async fn blocking<T: Send + 'static>(read: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(read).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => {
            tracing::warn!(error = %error.kind(), "the mailbox cannot be read");
            Err(Problem::unavailable(Duration::from_secs(2)))
        }
        Err(_) => Err(Problem::internal()),
    }
}

fn render(page: &impl Template) -> Result<Response, Problem> {
    let html = page.render().map_err(|error| {
        tracing::error!(error = %error, "a page of the mailbox cannot be written");
        Problem::internal()
    })?;
    let mut response = Html(html).into_response();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(subject: &str, text: &str) -> MailboxMail {
        MailboxMail {
            message_id: "018f".into(),
            date: "today".into(),
            to: "ana@example.org".into(),
            subject: subject.into(),
            text: text.into(),
        }
    }

    #[test]
    fn what_a_mail_says_is_never_markup() {
        let evil = mail("<script>alert(1)</script>", "<img src=x>\njavascript:alert(1)\nhttp://localhost/results/1");
        let list = ListPage { labels: labels(Language::English), mails: std::slice::from_ref(&evil) }.render().unwrap();
        let lines = evil.text.lines().map(Line::of).collect();
        let page = MailPage { labels: labels(Language::Spanish), mail: &evil, lines }.render().unwrap();
        for html in [&list, &page] {
            assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
        }
        assert!(!page.contains("href=\"javascript"), "{page}");
        assert!(page.contains("<a href=\"http://localhost/results/1\""), "{page}");
    }

    #[test]
    fn an_empty_mailbox_says_so_in_both_languages() {
        for (language, words) in [(Language::Spanish, "Todavía no hay correos."), (Language::English, "No mails yet.")]
        {
            assert!(ListPage { labels: labels(language), mails: &[] }.render().unwrap().contains(words));
        }
    }
}
