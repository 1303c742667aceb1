//! Moments and spans, as people read them. Moments are UTC, to the millisecond.
use chrono::{DateTime, TimeDelta, Utc};
use infra_runtime::Language;

/// Such as `2026-11-22 10:00:01.123`.
pub(crate) fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

/// The same for programs, in `datetime` attributes.
pub(crate) fn attribute(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// The two largest units, such as `3 min 4 s`.
pub(crate) fn span(span: TimeDelta, language: Language) -> String {
    let millis = span.num_milliseconds().max(0);
    let (seconds, minutes, hours, days) = (millis / 1_000, millis / 60_000, millis / 3_600_000, millis / 86_400_000);
    match (days, hours, minutes, seconds) {
        (0, 0, 0, 0) => format!("{millis} ms"),
        (0, 0, 0, _) => {
            let point = if language == Language::Spanish { ',' } else { '.' };
            format!("{seconds}{point}{:03} s", millis % 1_000)
        }
        (0, 0, _, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// How long ago it was, such as `hace 3 min 4 s`.
pub(crate) fn ago(at: DateTime<Utc>, now: DateTime<Utc>, language: Language) -> String {
    let since = span(now - at, language);
    match language {
        Language::Spanish => format!("hace {since}"),
        Language::English => format!("{since} ago"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_its_two_largest_units() {
        for (millis, spanish) in [
            (-5, "0 ms"),
            (999, "999 ms"),
            (1_250, "1,250 s"),
            (184_000, "3 min 4 s"),
            (2 * 3_600_000 + 60_000, "2 h 1 min"),
            (27 * 3_600_000, "1 d 3 h"),
        ] {
            assert_eq!(span(TimeDelta::milliseconds(millis), Language::Spanish), spanish);
        }
        assert_eq!(span(TimeDelta::milliseconds(1_250), Language::English), "1.250 s");
    }

    #[test]
    fn a_moment_is_said_for_people_and_for_programs() {
        let at = "2026-11-22T10:00:01.123456Z".parse().unwrap();
        assert_eq!(moment(at), "2026-11-22 10:00:01.123");
        assert_eq!(attribute(at), "2026-11-22T10:00:01.123Z");
        assert_eq!(ago(at, at + TimeDelta::seconds(61), Language::Spanish), "hace 1 min 1 s");
    }
}
