//! A part of a log: what lies between two of its places.
use crate::{failure, row, statements};
use domain_kernel::ports::StoreError;
use domain_kernel::{Checkpoint, Timestamp};
use sqlx::{Executor, PgPool, Postgres};

/// Behind every place that a log can have.
const END: Checkpoint = Checkpoint { epoch: i16::MAX, tx: i64::MAX.unsigned_abs(), position: i64::MAX };

/// Everything after one place, up to and with another. The default is the whole log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// The place before the first event.
    pub after: Checkpoint,
    /// The place of the last event; `None`: as far as the log goes.
    pub until: Option<Checkpoint>,
}

/// Where a part begins or ends, as people say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The number that an event has in its log.
    Position(i64),
    /// When an event was recorded.
    Moment(Timestamp),
}

impl Part {
    /// Whether it is the whole log.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        *self == Self::default()
    }

    /// Whether `at` lies in it.
    #[must_use]
    pub fn holds(&self, at: Checkpoint) -> bool {
        at > self.after && self.until.is_none_or(|until| at <= until)
    }

    /// The place before its first event, and that of the last event that it can have; with the numbers of their
    /// transactions as statements take them.
    pub(crate) fn bounds(&self) -> Result<([Checkpoint; 2], [i64; 2]), StoreError> {
        let (after, end) = (self.after, self.until.unwrap_or(END));
        Ok(([after, end], [row::tx_parameter(after.tx)?, row::tx_parameter(end.tx)?]))
    }
}

/// The part from the first event (in the log's order) at or after `from`, up to the last one at or before `to`; what is
/// `None` is no bound. Where no event is on that side of a bound, the part is empty.
///
/// Positions and moments nearly follow the log's order, but not exactly: of several writers one may be given its number,
/// or read the clock, before another and commit after it. A part is always one piece of the log.
///
/// # Errors
/// [`StoreError`].
pub async fn between(pool: &PgPool, from: Option<Bound>, to: Option<Bound>) -> Result<Part, StoreError> {
    let mut part = Part::default();
    if let Some(from) = from {
        let first = place(statements::PLACE_FROM, from, pool).await?;
        // Nothing has a place between an event's own and this one.
        part.after = first.map_or(END, |first| Checkpoint { position: first.position - 1, ..first });
    }
    if let Some(to) = to {
        part.until = Some(place(statements::PLACE_TO, to, pool).await?.unwrap_or_default());
    }
    Ok(part)
}

/// How many events there are in `part`.
///
/// # Errors
/// [`StoreError`].
pub async fn count(pool: &PgPool, part: &Part) -> Result<u64, StoreError> {
    count_on(pool, part).await
}

/// As [`count`], for whoever has a connection or a snapshot.
pub(crate) async fn count_on(
    connection: impl Executor<'_, Database = Postgres>,
    part: &Part,
) -> Result<u64, StoreError> {
    let ([after, end], [after_tx, end_tx]) = part.bounds()?;
    let events: i64 = sqlx::query_scalar(statements::PART_COUNT)
        .bind(after.epoch)
        .bind(after_tx)
        .bind(after.position)
        .bind(end.epoch)
        .bind(end_tx)
        .bind(end.position)
        .fetch_one(connection)
        .await
        .map_err(|error| failure::of_query(&error))?;
    Ok(u64::try_from(events).unwrap_or_default())
}

async fn place(statement: &'static str, bound: Bound, pool: &PgPool) -> Result<Option<Checkpoint>, StoreError> {
    let (position, moment) = match bound {
        Bound::Position(position) => (Some(position), None),
        Bound::Moment(moment) => (None, Some(row::moment_parameter(moment)?)),
    };
    let found: Option<(i16, i64, i64)> = sqlx::query_as(statement)
        .bind(position)
        .bind(moment)
        .fetch_optional(pool)
        .await
        .map_err(|error| failure::of_query(&error))?;
    found.map(row::checkpoint).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(position: i64) -> Checkpoint {
        Checkpoint { epoch: 1, tx: 7, position }
    }

    #[test]
    fn a_part_holds_what_comes_after_its_beginning_up_to_and_with_its_end() {
        let part = Part { after: at(2), until: Some(at(4)) };
        assert_eq!([1, 2, 3, 4, 5].map(|position| part.holds(at(position))), [false, false, true, true, false]);
        assert!(Part::default().is_whole() && Part::default().holds(at(1)) && !part.is_whole());
    }
}
