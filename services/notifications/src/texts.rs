//! What the mails say, in Spanish and English. A link that leads to the log-in; never a value, a test or a name.
use askama::Template as _;
use domain_notifications::{Request, Template};
use infra_runtime::Language;

/// A mail's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    /// The subject line.
    pub(crate) subject: &'static str,
    /// The plain text.
    pub(crate) text: String,
}

#[derive(askama::Template)]
#[template(path = "welcome.es.txt")]
struct WelcomeSpanish<'a> {
    link: &'a str,
}

#[derive(askama::Template)]
#[template(path = "welcome.en.txt")]
struct WelcomeEnglish<'a> {
    link: &'a str,
}

#[derive(askama::Template)]
#[template(path = "result_available.es.txt")]
struct ResultAvailableSpanish<'a> {
    link: &'a str,
}

#[derive(askama::Template)]
#[template(path = "result_available.en.txt")]
struct ResultAvailableEnglish<'a> {
    link: &'a str,
}

#[derive(askama::Template)]
#[template(path = "result_updated.es.txt")]
struct ResultUpdatedSpanish<'a> {
    link: &'a str,
}

#[derive(askama::Template)]
#[template(path = "result_updated.en.txt")]
struct ResultUpdatedEnglish<'a> {
    link: &'a str,
}

/// The words for what `request` tells.
///
/// # Errors
/// When a template cannot be filled in, which none of these does.
pub(crate) fn words(language: Language, public_url: &str, request: &Request) -> Result<Words, askama::Error> {
    let public_url = public_url.trim_end_matches('/');
    let link = match (request.template, request.number) {
        (Template::ResultAvailable | Template::ResultUpdated, Some(number)) => format!("{public_url}/results/{number}"),
        (Template::Welcome, _) | (_, None) => public_url.to_owned(),
    };
    let link = link.as_str();
    let (subject, text) = match (request.template, language) {
        (Template::Welcome, Language::Spanish) => ("Bienvenida a Historia", WelcomeSpanish { link }.render()?),
        (Template::Welcome, Language::English) => ("Welcome to Historia", WelcomeEnglish { link }.render()?),
        (Template::ResultAvailable, Language::Spanish) => {
            ("Tiene un aviso nuevo en Historia", ResultAvailableSpanish { link }.render()?)
        }
        (Template::ResultAvailable, Language::English) => {
            ("You have a new notice in Historia", ResultAvailableEnglish { link }.render()?)
        }
        (Template::ResultUpdated, Language::Spanish) => {
            ("Un aviso suyo en Historia cambió", ResultUpdatedSpanish { link }.render()?)
        }
        (Template::ResultUpdated, Language::English) => {
            ("A notice of yours in Historia has changed", ResultUpdatedEnglish { link }.render()?)
        }
    };
    Ok(Words { subject, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain_kernel::{CorrelationId, EventId, StreamId, Timestamp};
    use domain_notifications::{About, AboutKind};
    use uuid::Uuid;

    fn request(template: Template, number: Option<i64>) -> Request {
        Request {
            source: EventId(Uuid::nil()),
            source_version: None,
            correlation_id: CorrelationId(Uuid::nil()),
            about: About { stream: StreamId(Uuid::nil()), kind: AboutKind::Result },
            template,
            number,
            recipient: None,
            started_by: None,
            contact: None,
            first_attempt: 1,
            requested_at: Timestamp(0),
        }
    }

    #[test]
    fn a_result_mail_links_to_the_result_by_its_number() {
        for language in [Language::Spanish, Language::English] {
            for template in [Template::ResultAvailable, Template::ResultUpdated] {
                let words = words(language, "http://localhost:8080/", &request(template, Some(12))).unwrap();
                assert!(words.text.contains("http://localhost:8080/results/12\n"), "{}", words.text);
            }
        }
    }

    #[test]
    fn a_welcome_leads_to_the_entrance() {
        let words = words(Language::Spanish, "http://localhost:8080", &request(Template::Welcome, None)).unwrap();
        assert!(words.text.contains("http://localhost:8080\n"), "{}", words.text);
    }

    #[test]
    fn every_occasion_has_its_own_words_in_both_languages() {
        let all: std::collections::BTreeSet<String> = Template::ALL
            .into_iter()
            .flat_map(|template| {
                [Language::Spanish, Language::English]
                    .map(|language| words(language, "http://localhost", &request(template, Some(1))).unwrap().text)
            })
            .collect();
        assert_eq!(all.len(), 6);
    }
}
