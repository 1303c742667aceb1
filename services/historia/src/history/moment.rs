//! Moments and places in a log as people type them.
use crate::failure::Failure;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use domain_kernel::Timestamp;
use infra_event_store::history::Period;
use infra_event_store::part::Bound;

/// The period between two moments as they were typed.
///
/// # Errors
/// One of them is none.
pub(crate) fn period(since: Option<&str>, until: Option<&str>) -> Result<Period, Failure> {
    let now = Utc::now();
    let read = |text: Option<&str>| text.map(|text| moment(text, now)).transpose();
    Ok(Period { from: read(since)?, until: read(until)? })
}

/// A position, which is a number alone, or a moment.
///
/// # Errors
/// It is neither.
pub(crate) fn bound(text: &str, now: DateTime<Utc>) -> Result<Bound, Failure> {
    match text.parse::<i64>() {
        Ok(position) if position >= 0 => Ok(Bound::Position(position)),
        _ => Ok(Bound::Moment(moment(text, now)?)),
    }
}

/// RFC 3339, a date (its beginning, UTC), or how long ago: `90s`, `30m`, `12h`, `7d`.
///
/// # Errors
/// It is none of these.
pub(crate) fn moment(text: &str, now: DateTime<Utc>) -> Result<Timestamp, Failure> {
    let given = DateTime::parse_from_rfc3339(text).map(|moment| moment.to_utc()).ok();
    let date = || Some(text.parse::<NaiveDate>().ok()?.and_time(NaiveTime::MIN).and_utc());
    let at = given.or_else(date).or_else(|| now.checked_sub_signed(ago(text)?)).ok_or_else(|| {
        Failure::usage(format!(
            "{text:?} is no moment: give one such as 2026-11-22T10:00:00Z, a date, or how long ago (90s, 30m, 12h, 7d)"
        ))
    })?;
    Ok(Timestamp(at.timestamp_micros()))
}

fn ago(text: &str) -> Option<TimeDelta> {
    let unit = text.chars().last()?;
    let number: i64 = text.strip_suffix(unit)?.parse().ok().filter(|number| *number >= 0)?;
    match unit {
        's' => TimeDelta::try_seconds(number),
        'm' => TimeDelta::try_minutes(number),
        'h' => TimeDelta::try_hours(number),
        'd' => TimeDelta::try_days(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn noon() -> DateTime<Utc> {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_moment_is_a_moment_a_date_or_how_long_ago() {
        let at = |text: &str| Timestamp(text.parse::<DateTime<Utc>>().unwrap().timestamp_micros());
        for (text, expected) in [
            ("2026-11-22T13:00:00+01:00", "2026-11-22T12:00:00Z"),
            ("2026-11-22", "2026-11-22T00:00:00Z"),
            ("90s", "2026-11-22T11:58:30Z"),
            ("30m", "2026-11-22T11:30:00Z"),
            ("12h", "2026-11-22T00:00:00Z"),
            ("7d", "2026-11-15T12:00:00Z"),
        ] {
            assert_eq!(moment(text, noon()).unwrap(), at(expected), "{text}");
        }
    }

    #[test]
    fn a_number_alone_is_a_position_and_anything_else_a_moment() {
        assert_eq!(bound("30", noon()).unwrap(), Bound::Position(30));
        assert_eq!(bound("30m", noon()).unwrap(), Bound::Moment(moment("30m", noon()).unwrap()));
        assert_eq!(bound("-30", noon()).unwrap_err().exit, Exit::Usage);
    }

    #[test]
    fn what_is_no_moment_is_a_wrong_call() {
        for text in ["", "d", "-1h", "1y", "yesterday", "99999999999999999d", "ñ", "2026-13-01"] {
            assert_eq!(moment(text, noon()).unwrap_err().exit, Exit::Usage, "{text}");
        }
    }
}
