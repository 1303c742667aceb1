//! Checks a body's fields and names every one that is wrong, not only the first.
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use infra_http::Problem;
use std::fmt::Display;

/// The fields of one request.
#[derive(Default)]
pub(super) struct Fields {
    problem: Option<Problem>,
}

impl Fields {
    /// The value, or `None` and a note that the field at `pointer` is wrong.
    pub(super) fn check<T, E: Display>(&mut self, pointer: &str, value: Result<T, E>) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(pointer, &error.to_string());
                None
            }
        }
    }

    /// Checks a field that may be absent.
    pub(super) fn check_optional<T, E: Display>(
        &mut self,
        pointer: &str,
        value: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        value.and_then(|text| self.check(pointer, parse(text)))
    }

    /// Notes that the field at `pointer` is wrong.
    pub(super) fn refuse(&mut self, pointer: &str, detail: &str) {
        self.problem = Some(match self.problem.take() {
            None => Problem::unprocessable(pointer, detail),
            Some(problem) => problem.field(pointer, detail),
        });
    }

    /// All was well, or one problem that names every wrong field.
    pub(super) fn finish(self) -> Result<(), Problem> {
        self.problem.map_or(Ok(()), Err)
    }
}

/// A moment (RFC 3339) or the beginning of a UTC day (`2026-11-22`).
pub(super) fn moment(text: &str) -> Result<DateTime<Utc>, &'static str> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(day.and_time(NaiveTime::MIN).and_utc());
    }
    // In a query an unescaped plus sign is a space.
    let at = DateTime::parse_from_rfc3339(&text.replace(' ', "+"));
    at.map(|at| at.to_utc()).map_err(|_| "must be a moment such as 2026-11-22T10:30:00Z or a day such as 2026-11-22")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_field_is_named() {
        let mut fields = Fields::default();
        assert_eq!(fields.check("/a", Ok::<_, String>(1)), Some(1));
        assert_eq!(fields.check("/b", Err::<(), _>("is empty")), None);
        fields.refuse("/c", "is too long");
        let problem = fields.finish().unwrap_err();
        let pointers: Vec<_> = problem.errors().iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/b", "/c"]);
    }

    #[test]
    fn a_moment_is_a_moment_or_a_day() {
        assert_eq!(moment("2026-11-22").unwrap().to_rfc3339(), "2026-11-22T00:00:00+00:00");
        assert_eq!(moment("2026-11-22T10:30:00-03:00").unwrap().to_rfc3339(), "2026-11-22T13:30:00+00:00");
        assert_eq!(moment("2026-11-22T10:30:00 01:00").unwrap().to_rfc3339(), "2026-11-22T09:30:00+00:00");
        assert!(moment("ayer").is_err());
    }
}
