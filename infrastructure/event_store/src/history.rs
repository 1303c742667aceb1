//! What an operator asks of the log: which streams there are, which events fit a question, how many there were.
//!
//! Nobody waits for these: they scan, and have no index of their own that every append would pay for.
use crate::{failure, packed, row, statements};
use chrono::{DateTime, NaiveDate, Utc};
use domain_kernel::ports::StoreError;
use domain_kernel::{CorrelationId, EventTypeId, RecordedEvent, StreamId, Timestamp, UserId, Version};
use sqlx::PgPool;
use uuid::Uuid;

/// A part of history. What is `None` is not asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

/// Which events are looked for. What is `None` is not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of one of these types.
    pub types: Option<Vec<EventTypeId>>,
    /// Of this saga.
    pub correlation: Option<CorrelationId>,
    /// On behalf of this account.
    pub actor: Option<UserId>,
    /// When.
    pub period: Period,
}

/// A stream, as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamEnd {
    /// Which.
    pub stream: StreamId,
    /// How many events it has.
    pub version: Version,
    /// Of which type the last one is.
    pub last_type: EventTypeId,
    /// When that was recorded.
    pub last_at: Timestamp,
}

/// How many events of a type were recorded on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayCount {
    /// The type.
    pub type_id: EventTypeId,
    /// The day, in UTC.
    pub day: NaiveDate,
    /// How many.
    pub events: u64,
}

/// The newest `limit` events that are wanted, the oldest of them first.
///
/// # Errors
/// [`StoreError`].
pub async fn search(pool: &PgPool, wanted: &Wanted, limit: usize) -> Result<Vec<RecordedEvent>, StoreError> {
    let packed: Option<Vec<u8>> = sqlx::query_scalar(statements::SEARCH)
        .bind(wanted.types.as_deref().map(numbers))
        .bind(wanted.correlation.map(|id| id.0.as_bytes().to_vec()))
        .bind(wanted.actor.map(|id| id.0.as_bytes().to_vec()))
        .bind(moment(wanted.period.from)?)
        .bind(moment(wanted.period.until)?)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_one(pool)
        .await
        .map_err(|error| failure::of_query(&error))?;
    let mut events = Vec::new();
    packed::page(packed.as_deref(), &mut events)?;
    Ok(events)
}

/// The `limit` streams that were appended to last, the newest first; `types` are those of a category's events.
///
/// # Errors
/// [`StoreError`].
pub async fn newest_streams(
    pool: &PgPool,
    types: Option<&[EventTypeId]>,
    limit: usize,
) -> Result<Vec<StreamEnd>, StoreError> {
    let rows: Vec<(Uuid, i32, i16, DateTime<Utc>)> = sqlx::query_as(statements::NEWEST_STREAMS)
        .bind(types.map(numbers))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(pool)
        .await
        .map_err(|error| failure::of_query(&error))?;
    rows.into_iter()
        .map(|(stream, version, type_id, at)| {
            Ok(StreamEnd {
                stream: StreamId(stream),
                version: row::version(version)?,
                last_type: EventTypeId(type_id),
                last_at: Timestamp(at.timestamp_micros()),
            })
        })
        .collect()
}

/// How many events of each type were recorded on each day of `period`, the earliest first.
///
/// # Errors
/// [`StoreError`].
pub async fn count_by_day(pool: &PgPool, period: Period) -> Result<Vec<DayCount>, StoreError> {
    let rows: Vec<(i16, NaiveDate, i64)> = sqlx::query_as(statements::COUNT_BY_DAY)
        .bind(moment(period.from)?)
        .bind(moment(period.until)?)
        .fetch_all(pool)
        .await
        .map_err(|error| failure::of_query(&error))?;
    let count = |(type_id, day, events)| DayCount {
        type_id: EventTypeId(type_id),
        day,
        events: u64::try_from(events).unwrap_or_default(),
    };
    Ok(rows.into_iter().map(count).collect())
}

fn numbers(types: &[EventTypeId]) -> Vec<i16> {
    types.iter().map(|type_id| type_id.0).collect()
}

fn moment(at: Option<Timestamp>) -> Result<Option<DateTime<Utc>>, StoreError> {
    at.map(row::moment_parameter).transpose()
}
