//! In which language somebody reads: what they just chose, what they chose before, what their browser prefers, ours.
use super::cookie::{Cookies, LANGUAGE};
use axum::http::{HeaderMap, Uri, header};
use infra_runtime::Language;

/// The one that `?lang=` asks for.
pub(crate) fn chosen(uri: &Uri) -> Option<Language> {
    let mut parameters = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    parameters.find(|(name, _)| name == "lang").and_then(|(_, value)| value.parse().ok())
}

/// The language of the answer.
pub(crate) fn of(uri: &Uri, headers: &HeaderMap, cookies: Cookies, ours: Language) -> Language {
    chosen(uri)
        .or_else(|| cookies.read(headers, LANGUAGE)?.parse().ok())
        .or_else(|| preferred(headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?))
        .unwrap_or(ours)
}

/// The first of the languages that we have among those that a browser prefers most (RFC 9110 §12.5.4).
fn preferred(accepted: &str) -> Option<Language> {
    let mut best: Option<(Language, f32)> = None;
    for range in accepted.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let primary = parts.next().unwrap_or_default().split('-').next().unwrap_or_default().to_ascii_lowercase();
        let Ok(language) = primary.parse::<Language>() else { continue };
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
        if quality > best.map_or(0.0, |(_, quality)| quality) {
            best = Some((language, quality));
        }
    }
    best.map(|(language, _)| language)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use infra_runtime::Profile;

    #[test]
    fn a_browsers_preference_is_read_with_its_weights() {
        assert_eq!(preferred("en-GB,en;q=0.9,es;q=0.8"), Some(Language::English));
        assert_eq!(preferred("fr, en;q=0.3, es-CL;q=0.7"), Some(Language::Spanish));
        assert_eq!(preferred("fr, en;q=0"), None);
        assert_eq!(preferred(""), None);
    }

    #[test]
    fn what_was_just_chosen_counts_more_than_what_was_chosen_before_and_that_more_than_the_browser() {
        let cookies = Cookies::new(Profile::Demo);
        let mut headers = HeaderMap::new();
        let of = |uri: &str, headers: &HeaderMap| of(&uri.parse().unwrap(), headers, cookies, Language::Spanish);
        assert_eq!(of("/", &headers), Language::Spanish);
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static("en"));
        assert_eq!(of("/", &headers), Language::English);
        headers.insert(header::COOKIE, HeaderValue::from_static("historia-language=es"));
        assert_eq!(of("/", &headers), Language::Spanish);
        assert_eq!(of("/?lang=en", &headers), Language::English);
        assert_eq!(of("/?lang=fr", &headers), Language::Spanish);
    }
}
