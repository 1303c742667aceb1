//! Cookies: how they are called, and how far a browser takes them.
use axum::http::{HeaderMap, HeaderValue, header};
use infra_runtime::Profile;
use std::time::Duration;

/// The session's. Sent along when a link elsewhere leads here, so that a mail's link finds its reader signed in; what
/// changes something has a token of its own.
pub(crate) const SESSION: Cookie = Cookie { name: "historia-session", same_site: "Lax" };
/// The sign-in form's own token, before there is a session to bind one to.
pub(crate) const SIGN_IN: Cookie = Cookie { name: "historia-sign-in", same_site: "Strict" };
/// The language that somebody chose.
pub(crate) const LANGUAGE: Cookie = Cookie { name: "historia-language", same_site: "Lax" };

/// One kind of cookie. Scripts never see any.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cookie {
    name: &'static str,
    same_site: &'static str,
}

/// Cookies as a profile has them: in production a browser keeps them to TLS and to this very host (`__Host-`, RFC 6265bis
/// §4.1.3.2), which the demo, in clear on `localhost`, cannot ask for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cookies {
    host_only: bool,
}

impl Cookies {
    pub(crate) fn new(profile: Profile) -> Self {
        Self { host_only: profile == Profile::Production }
    }

    fn name(self, cookie: Cookie) -> String {
        format!("{}{}", if self.host_only { "__Host-" } else { "" }, cookie.name)
    }

    /// What the browser sent; the first, if it sent several.
    pub(crate) fn read(self, headers: &HeaderMap, cookie: Cookie) -> Option<&str> {
        let name = self.name(cookie);
        let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = pairs.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(sent, _)| *sent == name).map(|(_, value)| value)
    }

    /// The header that has a browser keep `value`, of characters that need no escape; `lasts` beyond the browser's end.
    pub(crate) fn keep(self, cookie: Cookie, value: &str, lasts: Option<Duration>) -> Option<HeaderValue> {
        let lasts = lasts.map(|lasts| format!("; Max-Age={}", lasts.as_secs())).unwrap_or_default();
        let secure = if self.host_only { "; Secure" } else { "" };
        let name = self.name(cookie);
        let same_site = cookie.same_site;
        format!("{name}={value}; Path=/; HttpOnly; SameSite={same_site}{secure}{lasts}").try_into().ok()
    }

    /// The header that has a browser forget it.
    pub(crate) fn forget(self, cookie: Cookie) -> Option<HeaderValue> {
        self.keep(cookie, "", Some(Duration::ZERO))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static(value))])
    }

    #[test]
    fn in_production_a_cookie_is_this_hosts_and_for_tls_alone() {
        let kept = Cookies::new(Profile::Production).keep(SESSION, "abc", None).unwrap();
        assert_eq!(kept, "__Host-historia-session=abc; Path=/; HttpOnly; SameSite=Lax; Secure");
        let kept = Cookies::new(Profile::Demo).keep(SIGN_IN, "abc", Some(Duration::from_secs(60))).unwrap();
        assert_eq!(kept, "historia-sign-in=abc; Path=/; HttpOnly; SameSite=Strict; Max-Age=60");
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let cookies = Cookies::new(Profile::Demo);
        assert_eq!(cookies.read(&sent("a=b; historia-session=abc; historia-session=def"), SESSION), Some("abc"));
        assert_eq!(cookies.read(&sent("x-historia-session=abc"), SESSION), None);
        let production = Cookies::new(Profile::Production);
        assert_eq!(production.read(&sent("historia-session=abc"), SESSION), None, "a neighbour's may have that name");
    }
}
