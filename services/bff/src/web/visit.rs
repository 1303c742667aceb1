//! Whether a person asks, with a browser, and what is known of them.
use super::cookie::{Cookies, SESSION, SIGN_IN};
use super::form::is_form;
use super::language;
use super::pages::Page;
use super::session::{BrowserSession, BrowserSessions};
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, Method, Uri, header};
use infra_runtime::Language;
use std::sync::Arc;

/// A request that a browser makes for somebody; in the extensions of every one of them.
#[derive(Clone)]
pub(crate) struct Visit {
    /// Which page answers; `None` where only programs are answered, whose errors a person should read all the same.
    pub(crate) page: Option<Page>,
    /// Whether the answer shall be a page; what a script or the browser itself asks for is none.
    pub(crate) wants_page: bool,
    pub(crate) language: Language,
    /// The session of the browser's cookie. Whether it still stands for anybody is asked at the door.
    pub(crate) browser: Option<Arc<BrowserSession>>,
    /// The token of the sign-in form, from its cookie.
    pub(crate) sign_in_token: Option<String>,
    pub(crate) uri: Uri,
}

impl Visit {
    /// What is known of a browser's request; `None` for a program's. Whoever shows a token is a program: nobody looks at
    /// its cookies.
    pub(crate) fn of(request: &Request, cookies: Cookies, ours: Language, sessions: &BrowserSessions) -> Option<Self> {
        let headers = request.headers();
        if headers.contains_key(header::AUTHORIZATION) {
            return None;
        }
        let wants_page = prefers_html(headers);
        let matched = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        let found = matched.and_then(|path| Page::find(request.method(), path));
        let page = found.filter(|page| page.is_for_people_alone() || wants_page || is_forms(request));
        if page.is_none() && !wants_page {
            return None;
        }
        let session = cookies.read(headers, SESSION).filter(|_| page.is_some());
        Some(Self {
            page,
            wants_page,
            language: language::of(request.uri(), headers, cookies, ours),
            browser: session.and_then(|id| sessions.find(id)),
            sign_in_token: cookies.read(headers, SIGN_IN).filter(|token| !token.is_empty()).map(str::to_owned),
            uri: request.uri().clone(),
        })
    }

    /// What a form of this visit has to carry.
    pub(crate) fn form_token(&self) -> Option<&str> {
        match (self.page, &self.browser) {
            (Some(Page::SignInForm), _) => self.sign_in_token.as_deref(),
            (_, browser) => browser.as_ref().map(|browser| browser.form_token.as_str()),
        }
    }

    /// Path and query, as a link to this page.
    pub(crate) fn here(&self) -> &str {
        self.uri.path_and_query().map_or("/", |here| here.as_str())
    }
}

fn is_forms(request: &Request) -> bool {
    request.method() == Method::POST && is_form(request.headers())
}

/// Whether HTML is asked for by name, and wanted more than JSON (RFC 9110 §12.5.1). `*/*` names nothing: `curl` gets what
/// programs get.
fn prefers_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let (mut html, mut json) = (0.0, 0.0);
    for range in accepted.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
        match media_type.as_str() {
            "text/html" | "application/xhtml+xml" => html = f32::max(html, quality),
            "application/json" | "application/problem+json" => json = f32::max(json, quality),
            _ => {}
        }
    }
    html > json
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn html(accept: &'static str) -> bool {
        prefers_html(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]))
    }

    #[test]
    fn a_browser_wants_html_and_everything_else_json() {
        assert!(html("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"));
        assert!(html("text/html, */*"));
        assert!(html("application/json;q=0.5, text/html;q=0.9"));
        for program in [
            "*/*",
            "application/json",
            "application/json, text/plain, */*",
            "text/html;q=0.5, application/json",
            "text/html, application/json",
            "text/html;q=0, */*",
            "text/event-stream",
            "",
        ] {
            assert!(!html(program), "{program}");
        }
        assert!(!prefers_html(&HeaderMap::new()));
    }
}
