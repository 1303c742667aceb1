//! The one domain event that every system stores: a vital sign, eight fields, about 220 bytes as JSON.
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Patients that vital signs are taken of.
pub const PATIENTS: u64 = 1_000;
/// Events that every system's tables hold before anything is measured.
pub const SEEDED: u64 = 1_000_000;
/// Seeded streams of [`LONG`] events; the other seeded events are in streams of [`SHORT`].
pub const LONG_STREAMS: u64 = 10;
pub const LONG: u64 = 10_000;
pub const SHORT: u64 = 100;
/// Seeded streams in all.
pub const STREAMS: u64 = LONG_STREAMS + (SEEDED - LONG_STREAMS * LONG) / SHORT;
/// Each stream is seeded in portions of this many events, in turn with all others.
pub const PORTION: u64 = 10;

/// A vital sign.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vital {
    pub patient: Uuid,
    pub code: String,
    /// In thousandths of the unit, so that sums are exact.
    pub value: i64,
    pub unit: String,
    pub status: String,
    pub device: String,
    /// Microseconds since 1970.
    pub taken_at: i64,
    pub note: String,
}

impl Vital {
    /// The vital sign with this number; the same in every system. The seeds are made of the same values in SQL.
    pub fn numbered(number: u64) -> Self {
        Self {
            patient: patient(number % PATIENTS),
            code: "8867-4".to_owned(),
            value: value(number),
            unit: "/min".to_owned(),
            status: "final".to_owned(),
            device: format!("monitor-{:04}", number % 100),
            taken_at: 1_767_225_600_000_000 + i64::try_from(number).unwrap_or(0),
            note: "taken at rest, sitting".to_owned(),
        }
    }
}

/// The value of the vital sign with this number.
pub fn value(number: u64) -> i64 {
    i64::try_from(number % 1_000).unwrap_or(0)
}

/// The id of the patient with this number.
pub fn patient(number: u64) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7001_8000_0000_0000_0000 | u128::from(number))
}

/// The id of the seeded stream with this number.
pub fn stream(number: u64) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | u128::from(number))
}

/// The numbers of the vital signs in the seeded stream with this number.
pub fn seeded_in(stream: u64) -> std::ops::Range<u64> {
    let (first, events) = match stream {
        long if long < LONG_STREAMS => (long * LONG, LONG),
        short => (LONG_STREAMS * LONG + (short - LONG_STREAMS) * SHORT, SHORT),
    };
    first..first + events
}

/// What the seeds amount to.
pub fn seeded() -> Chart {
    (0..SEEDED).map(value).fold(Chart::default(), Chart::with)
}

/// The state of every aggregate, and the sum of everything: small, exact and wrong as soon as one event is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chart {
    pub events: i64,
    pub sum: i64,
}

impl Chart {
    /// The chart after one more value.
    #[must_use]
    pub fn with(self, value: i64) -> Self {
        Self { events: self.events + 1, sum: self.sum + value }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { events: self.events + other.events, sum: self.sum + other.sum }
    }
}
