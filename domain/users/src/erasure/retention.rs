//! How long the law of a country keeps a clinical record: data, with where it is written.
use domain_kernel::Timestamp;
use std::str::FromStr;

/// Whose law counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Country {
    /// AR
    Argentina,
    /// CL
    Chile,
    /// CO
    Colombia,
}

/// What a country's law says. Periods are the shortest that the law allows; a legal hold makes one longer, as where
/// Colombia doubles it for victims of human-rights violations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionRule {
    /// Whose.
    pub country: Country,
    /// The pinned code, ISO 3166-1 alpha-2.
    pub code: &'static str,
    /// Where it is written.
    pub law: &'static str,
    /// How many years a clinical record is kept after its newest entry.
    pub years: u16,
}

/// Every rule.
pub const RULES: [RetentionRule; 3] = [
    RetentionRule { country: Country::Argentina, code: "AR", law: "Ley 26.529 art. 18 (AR)", years: 10 },
    RetentionRule { country: Country::Chile, code: "CL", law: "Ley 20.584 art. 13 (CL)", years: 15 },
    RetentionRule { country: Country::Colombia, code: "CO", law: "Resolución 839 de 2017 art. 3 (CO)", years: 15 },
];

impl Country {
    /// Its law.
    #[must_use]
    pub const fn rule(self) -> RetentionRule {
        match self {
            Self::Argentina => RULES[0],
            Self::Chile => RULES[1],
            Self::Colombia => RULES[2],
        }
    }

    /// The pinned code, ISO 3166-1 alpha-2.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.rule().code
    }
}

impl FromStr for Country {
    type Err = UnknownCountry;

    fn from_str(code: &str) -> Result<Self, UnknownCountry> {
        RULES.iter().find(|rule| rule.code == code).map(|rule| rule.country).ok_or(UnknownCountry)
    }
}

/// A country whose law is not in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a country with a retention rule: AR, CL or CO")]
pub struct UnknownCountry;

impl RetentionRule {
    /// When the period of a record ends whose newest entry was made at `newest`: a beginning of a day (UTC), never too
    /// early, in whichever time zone the entry was made.
    #[must_use]
    pub fn kept_until(&self, newest: Timestamp) -> Timestamp {
        let (year, month, day) = date_of(newest.0.div_euclid(MICROSECONDS_OF_A_DAY));
        let last = day_of(year + i64::from(self.years), month, day);
        // A day later for the hours of the last day, and one for time zones west of Greenwich.
        Timestamp(last.saturating_add(2).saturating_mul(MICROSECONDS_OF_A_DAY))
    }
}

const MICROSECONDS_OF_A_DAY: i64 = 24 * 60 * 60 * 1_000_000;
/// Days of the 400 years after which the Gregorian calendar repeats.
const DAYS_OF_AN_ERA: i64 = 146_097;
/// From 0000-03-01 to 1970-01-01.
const DAYS_BEFORE_1970: i64 = 719_468;

/// Year, month and day of a day since 1970-01-01, in the Gregorian calendar. Years are counted from March, so that the
/// leap day is the last of its year (Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`).
fn date_of(day: i64) -> (i64, i64, i64) {
    let day = day + DAYS_BEFORE_1970;
    let era = day.div_euclid(DAYS_OF_AN_ERA);
    let of_era = day.rem_euclid(DAYS_OF_AN_ERA);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    (year + era * 400, month, of_year - (153 * month + 2) / 5)
}

/// The inverse of [`date_of`]. A leap day of a year that has none is the day after.
fn day_of(year: i64, month: i64, day: i64) -> i64 {
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day;
    era * DAYS_OF_AN_ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - DAYS_BEFORE_1970
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds since 1970, as `date -u -d … +%s` says them.
    fn at(seconds: i64) -> Timestamp {
        Timestamp(0).plus_seconds(seconds)
    }

    #[test]
    fn a_rule_is_found_by_its_code_and_by_its_country() {
        for rule in RULES {
            assert_eq!(rule.code.parse(), Ok(rule.country));
            assert_eq!((rule.country.rule(), rule.country.code()), (rule, rule.code));
        }
        assert_eq!("XX".parse::<Country>(), Err(UnknownCountry));
        assert_eq!("cl".parse::<Country>(), Err(UnknownCountry));
    }

    #[test]
    fn the_periods_are_those_of_the_laws() {
        let periods = RULES.map(|rule| (rule.code, rule.law, rule.years));
        assert_eq!(
            periods,
            [
                ("AR", "Ley 26.529 art. 18 (AR)", 10),
                ("CL", "Ley 20.584 art. 13 (CL)", 15),
                ("CO", "Resolución 839 de 2017 art. 3 (CO)", 15),
            ]
        );
    }

    #[test]
    fn a_period_ends_with_the_day_wherever_it_began() {
        // 2026-11-22T12:00:00Z; 2041-11-24T00:00:00Z
        assert_eq!(Country::Chile.rule().kept_until(at(1_795_348_800)), at(2_268_864_000));
        // 2024-02-29T00:00:00Z; the 29th of February 2034 is the 1st of March: 2034-03-03T00:00:00Z
        assert_eq!(Country::Argentina.rule().kept_until(at(1_709_164_800)), at(2_024_956_800));
        // 1969-12-31T23:59:59Z; 1985-01-02T00:00:00Z
        assert_eq!(Country::Chile.rule().kept_until(at(-1)), at(473_472_000));
    }

    #[test]
    fn every_day_has_one_date() {
        for day in -800_000..800_000 {
            let (year, month, of_month) = date_of(day);
            assert!((0..12).contains(&month) && (0..31).contains(&of_month), "{day}");
            assert_eq!(day_of(year, month, of_month), day);
        }
    }
}
