//! What every page has in common: its frame, and the headers that it is sent with.
use super::Web;
use super::pages::Page;
use super::visit::Visit;
use super::words::{Words, words};
use askama::Template;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::response::{Html, IntoResponse, Response};
use domain_kernel::Role;
use infra_http::Problem;
use infra_runtime::Language;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything comes from here, nothing stands in the page itself, and nobody frames it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// A browser that may not say where it comes from says `Origin: null` with its forms, and then nobody could tell ours from
/// another's; other sites learn nothing all the same.
const HEADERS: [(HeaderName, &str); 3] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::REFERRER_POLICY, "same-origin"),
    (header::VARY, "accept, accept-language, cookie"),
];

/// The page as it is sent.
///
/// # Errors
/// 500 when its template cannot be filled in.
pub(crate) fn render(page: &impl Template) -> Result<Response, Problem> {
    let html = page.render().map_err(|error| {
        tracing::error!(error = %error, "a page cannot be written");
        Problem::internal()
    })?;
    let mut response = Html(html).into_response();
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// The frame of a page.
pub(crate) struct Shell<'a> {
    pub(crate) words: &'static Words,
    /// Which page it is, for the navigation.
    pub(crate) page: Option<Page>,
    pub(crate) code: &'static str,
    pub(crate) signed_in: Option<SignedIn<'a>>,
    /// The same page in the other language.
    pub(crate) other_language: OtherLanguage,
    /// The form to sign in with, and back here.
    pub(crate) sign_in: String,
}

impl Shell<'_> {
    /// Whether the page is in that part of the pages.
    pub(crate) fn at(&self, section: &str) -> bool {
        self.page.is_some_and(|page| page.section() == section)
    }
}

/// Who reads the page.
pub(crate) struct SignedIn<'a> {
    pub(crate) role: &'static str,
    pub(crate) form_token: &'a str,
    pub(crate) sees_sagas: bool,
    pub(crate) operates: bool,
}

/// A link to the same page in the other language.
pub(crate) struct OtherLanguage {
    pub(crate) href: String,
    pub(crate) code: &'static str,
}

impl Web {
    pub(crate) fn shell<'a>(&self, visit: &'a Visit, page: Option<Page>) -> Shell<'a> {
        let words = words(visit.language);
        let signed_in = visit.browser.as_ref().map(|browser| SignedIn {
            role: browser.role.map_or("", |role| words.role(role)),
            form_token: &browser.form_token,
            operates: browser.role.is_some_and(|role| self.may(role, &Method::GET, "/ops")),
            sees_sagas: browser.role.is_some_and(|role| self.may(role, &Method::GET, "/saga/logs")),
        });
        let other = match visit.language {
            Language::Spanish => Language::English,
            Language::English => Language::Spanish,
        };
        Shell {
            words,
            page,
            code: visit.language.code(),
            signed_in,
            other_language: OtherLanguage { href: in_language(visit, other), code: other.code() },
            sign_in: sign_in(visit),
        }
    }
}

/// Where to sign in, and be led back to the page of `visit`.
pub(crate) fn sign_in(visit: &Visit) -> String {
    if visit.page.is_some_and(Page::takes_a_form) {
        return "/sign-in".to_owned();
    }
    format!("/sign-in?next={}", utf8_percent_encode(visit.here(), NON_ALPHANUMERIC))
}

/// The address of the same page in another language. A form's answer has none of its own: then it is the first page's.
fn in_language(visit: &Visit, language: Language) -> String {
    if visit.page.is_some_and(Page::takes_a_form) {
        return format!("/?lang={}", language.code());
    }
    let query = visit.uri.query().unwrap_or_default();
    let kept = query.split('&').filter(|parameter| !parameter.is_empty() && !parameter.starts_with("lang="));
    let mut parameters: Vec<&str> = kept.collect();
    let chosen = format!("lang={}", language.code());
    parameters.push(&chosen);
    format!("{}?{}", visit.uri.path(), parameters.join("&"))
}

impl Words {
    pub(crate) fn role(&self, role: Role) -> &'static str {
        self.roles.get(usize::from(role.number()).wrapping_sub(1)).copied().unwrap_or_default()
    }
}
