//! What a page's form sends, and whether it was one of our pages.
//!
//! A browser sends cookies along whoever made it ask. Therefore a form counts only when
//! 1. the browser says that a page of ours sent it (`Sec-Fetch-Site`, or `Origin` where that is missing), and
//! 2. it carries the token that our page had: the session's, or before there is one the cookie's (double submit).
use super::visit::Visit;
use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use infra_http::Problem;
use infra_http::json::read_body;
use subtle::ConstantTimeEq;

/// The token's field in every form.
pub(crate) const TOKEN_FIELD: &str = "form_token";
/// How every form is sent.
const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// The fields of a form that one of our pages sent.
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads it.
    ///
    /// # Errors
    /// 403 when it was not one of our pages, or one of a session that has ended since; 415, 413, 408 and 400 for what is
    /// no form.
    pub(crate) async fn read(request: Request, visit: &Visit) -> Result<Self, Problem> {
        if !is_form(request.headers()) {
            let problem = Problem::unsupported_media_type();
            return Err(problem.detail("A page's form is sent as application/x-www-form-urlencoded."));
        }
        if !is_from_here(request.headers()) {
            tracing::warn!("a form was sent by a page that is not ours");
            return Err(foreign());
        }
        let body = read_body(request).await?;
        let form = Self(form_urlencoded::parse(&body).into_owned().collect());
        let expected = visit.form_token().ok_or_else(foreign)?;
        let sent = form.text(TOKEN_FIELD);
        if bool::from(sent.as_bytes().ct_eq(expected.as_bytes())) { Ok(form) } else { Err(foreign()) }
    }

    /// The text of a field, without spaces around it; empty when there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The same as it was typed.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }
}

fn foreign() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "stale_form", "This form is not valid any more")
        .detail("It was not sent by a page of this session. Load the page again.")
}

/// Whether a body is said to be a form.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.and_then(|kind| kind.split(';').next()).is_some_and(|kind| kind.trim().eq_ignore_ascii_case(MEDIA_TYPE))
}

/// Whether a page of ours made the browser ask. Who says neither is no browser of these years.
fn is_from_here(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site");
    let origin = headers.get(header::ORIGIN);
    let same_site = site.is_none_or(|site| site == "same-origin");
    let same_origin = origin.is_none_or(|origin| {
        let named = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok()?.into_parts().authority);
        let host = headers.get(header::HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
        named.is_some() && named == host
    });
    (site.is_some() || origin.is_some()) && same_site && same_origin
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn only_our_own_pages_send_forms() {
        let host = ("host", "historia.example:8443");
        let ours = [
            vec![host, ("sec-fetch-site", "same-origin")],
            vec![host, ("origin", "https://historia.example:8443")],
            vec![host, ("origin", "https://historia.example:8443"), ("sec-fetch-site", "same-origin")],
        ];
        for sent in ours {
            assert!(is_from_here(&headers(&sent)), "{sent:?}");
        }
        let others = [
            vec![host],
            vec![host, ("origin", "null")],
            vec![host, ("origin", "https://historia.example")],
            vec![host, ("origin", "https://evil.example")],
            vec![host, ("sec-fetch-site", "cross-site")],
            vec![host, ("sec-fetch-site", "same-site")],
            vec![host, ("sec-fetch-site", "none")],
            vec![host, ("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")],
            vec![("origin", "https://historia.example:8443")],
        ];
        for sent in others {
            assert!(!is_from_here(&headers(&sent)), "{sent:?}");
        }
    }

    #[test]
    fn a_form_is_known_by_its_media_type() {
        assert!(is_form(&headers(&[("content-type", "application/x-www-form-urlencoded; charset=UTF-8")])));
        assert!(!is_form(&headers(&[("content-type", "application/json")])));
        assert!(!is_form(&headers(&[])));
    }
}
