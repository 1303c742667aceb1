//! The list of events: filters in the address, a page at a time, the newest first.
use super::SagaEvent;
use super::times::{ago, attribute, moment};
use crate::gateway::Session;
use crate::web::Web;
use crate::web::page::{Shell, render};
use crate::web::pages::Page;
use crate::web::visit::Visit;
use crate::web::words::Words;
use askama::Template;
use axum::extract::Request;
use axum::http::Uri;
use axum::response::Response;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use domain_kernel::Timestamp;
use infra_contracts::catalogue::PUBLISHED;
use infra_http::{Problem, RequestIds};
use infra_runtime::Language;
use serde::Deserialize;

/// Events on a page.
const LIMIT: u32 = 25;
const STATES: [&str; 3] = ["RECEIVED", "PROCESSED", "FAILED"];

/// A page of the saga log.
#[derive(Deserialize)]
struct Answer {
    items: Vec<SagaEvent>,
    next: Option<String>,
}

/// What the list is asked for. Fields that a form sends empty are not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) state: String,
    pub(super) event_type: String,
    pub(super) correlation_id: String,
    pub(super) from: String,
    pub(super) to: String,
}

impl Filter {
    /// What the address says. Other parameters are not the list's.
    pub(super) fn of(uri: &Uri) -> Self {
        let mut filter = Self::default();
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            let value = value.trim().to_owned();
            match name.as_ref() {
                "state" => filter.state = value.to_uppercase(),
                "type" => filter.event_type = value,
                "correlation_id" => filter.correlation_id = value,
                "from" => filter.from = in_utc(value),
                "to" => filter.to = in_utc(value),
                _ => {}
            }
        }
        filter
    }

    /// Name and value of what is asked for.
    fn parameters(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("state", &self.state),
            ("type", &self.event_type),
            ("correlation_id", &self.correlation_id),
            ("from", &self.from),
            ("to", &self.to),
        ];
        all.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.as_str()))
    }

    /// As a query, with `more` behind.
    pub(super) fn query(&self, more: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.parameters()).extend_pairs(more).finish()
    }

    /// The same as a command.
    fn command(&self) -> String {
        let flags = self.parameters().map(|(name, value)| format!(" --{} {}", name.replace('_', "-"), quoted(value)));
        format!("historia saga list{}", flags.collect::<String>())
    }
}

/// As one word of a shell's command.
pub(super) fn quoted(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:+".contains(&byte);
    if value.bytes().all(plain) { value.to_owned() } else { format!("'{}'", value.replace('\'', "'\\''")) }
}

/// What a browser's field for moments sends has no zone: it is UTC, as the page says.
fn in_utc(value: String) -> String {
    let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
    let without_zone = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(&value, format).ok());
    without_zone.map_or(value, |moment| attribute(moment.and_utc()))
}

/// And what it is given back.
fn in_field(value: &str) -> String {
    let moment = DateTime::parse_from_rfc3339(value).map(|moment| moment.naive_utc());
    let moment = moment.or_else(|_| value.parse::<NaiveDate>().map(|date| date.and_time(chrono::NaiveTime::MIN)));
    moment.map_or_else(|_| String::new(), |moment| moment.format("%Y-%m-%dT%H:%M:%S").to_string())
}

/// One event of the list.
pub(super) struct Row<'a> {
    pub(super) event: &'a SagaEvent,
    pub(super) moment: String,
    pub(super) attribute: String,
    pub(super) ago: String,
}

impl<'a> Row<'a> {
    pub(super) fn of(event: &'a SagaEvent, now: DateTime<Utc>, language: Language) -> Self {
        let at = event.occurred_at;
        Self { event, moment: moment(at), attribute: attribute(at), ago: ago(at, now, language) }
    }
}

#[derive(Template)]
#[template(path = "saga/list.html")]
struct ListPage<'a> {
    shell: Shell<'a>,
    words: &'static Words,
    states: [&'static str; 3],
    types: Vec<&'static str>,
    filter: &'a Filter,
    from: String,
    to: String,
    rows: Vec<Row<'a>>,
    command: String,
    /// The next page, if there is one.
    next: Option<String>,
    /// The first page, if this is another.
    first: Option<String>,
    /// Where what comes next is told; on the first page.
    live: Option<LiveView>,
}

struct LiveView {
    address: String,
    after: String,
}

/// The names of what the log tells of: events, no steps.
fn event_types() -> Vec<&'static str> {
    let events = PUBLISHED.iter().filter(|published| published.topic.starts_with("event-"));
    let mut types: Vec<&'static str> = events.map(|published| published.display).collect();
    types.sort_unstable();
    types
}

impl Web {
    pub(in crate::web) async fn saga_list(&self, visit: &Visit, request: Request) -> Result<Response, Problem> {
        let session = request.extensions().get::<Session>().ok_or_else(Problem::unauthorized)?;
        let ids = request.extensions().get::<RequestIds>();
        let filter = Filter::of(&visit.uri);
        let cursor = cursor(&visit.uri);
        let limit = LIMIT.to_string();
        let mut more = vec![("limit", limit.as_str())];
        more.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        // Before the list is read, so that nothing happens in between.
        let live = if cursor.is_none() { self.live_from(session).await } else { None };
        let path = format!("/saga/logs?{}", filter.query(&more));
        let answer: Answer = self.ask_saga_log(&path, session, ids).await?;
        let now = self.now();
        let shell = self.shell(visit, Some(Page::SagaList));
        let page = ListPage {
            words: shell.words,
            shell,
            states: STATES,
            types: event_types(),
            from: in_field(&filter.from),
            to: in_field(&filter.to),
            rows: answer.items.iter().map(|event| Row::of(event, now, visit.language)).collect(),
            command: filter.command(),
            next: answer.next.as_deref().map(|next| address(&filter, &[("cursor", next)])),
            live: live.map(|after| LiveView { address: format!("/saga/logs/live?{}", filter.query(&[])), after }),
            first: cursor.map(|_| address(&filter, &[])),
            filter: &filter,
        };
        render(&page)
    }

    /// Now, for the ages of things.
    pub(super) fn now(&self) -> DateTime<Utc> {
        let Timestamp(micros) = self.clock.now();
        DateTime::from_timestamp_micros(micros).unwrap_or_default()
    }
}

fn address(filter: &Filter, more: &[(&str, &str)]) -> String {
    let query = filter.query(more);
    if query.is_empty() { "/saga/logs".to_owned() } else { format!("/saga/logs?{query}") }
}

fn cursor(uri: &Uri) -> Option<String> {
    let mut parameters = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    parameters.find(|(name, value)| name == "cursor" && !value.is_empty()).map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(uri: &str) -> Filter {
        Filter::of(&uri.parse().unwrap())
    }

    #[test]
    fn what_a_form_sends_empty_is_not_asked_for() {
        let asked = filter("/saga/logs?state=failed&type=&correlation_id=+&from=&to=&lang=en");
        assert_eq!(asked.query(&[]), "state=FAILED");
        assert_eq!(asked.command(), "historia saga list --state FAILED");
        assert_eq!(address(&filter("/saga/logs?state="), &[]), "/saga/logs");
    }

    #[test]
    fn a_moment_from_a_form_is_utc() {
        let asked = filter("/saga/logs?from=2026-11-22T10:00&to=2026-11-23");
        assert_eq!((asked.from.as_str(), asked.to.as_str()), ("2026-11-22T10:00:00.000Z", "2026-11-23"));
        assert_eq!(in_field(&asked.from), "2026-11-22T10:00:00");
        assert_eq!(in_field(&asked.to), "2026-11-23T00:00:00");
        assert_eq!(in_field("yesterday"), "");
    }

    #[test]
    fn what_is_asked_for_cannot_leave_its_place_in_address_or_command() {
        let asked = filter("/saga/logs?type=%26state%3DFAILED%27%3B+rm");
        assert_eq!(asked.query(&[]), "type=%26state%3DFAILED%27%3B+rm");
        assert_eq!(asked.command(), r"historia saga list --type '&state=FAILED'\''; rm'");
    }
}
