//! Proving that a projection's rows are the fold of the log, or showing what another rule would make of it: fold it
//! afresh beside, and compare.
use super::scratch::Scratch;
use super::{Projection, ProjectionError, status};
use crate::part::Part;
use crate::{Progress, statements};
use domain_kernel::Checkpoint;
use domain_kernel::ports::EventStore;
use futures_util::{StreamExt, TryStreamExt};
use sqlx::{PgConnection, PgPool};
use std::cmp::Ordering;

/// A projection, compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equality {
    /// Where the fresh rows were folded to: where the live ones stood, or where the part ended before that.
    pub checkpoint: Checkpoint,
    /// Events folded.
    pub events: u64,
    /// Each table.
    pub tables: Vec<TableEquality>,
}

impl Equality {
    /// Whether every row of every table is as it must be.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.tables.iter().all(|table| table.differences == 0)
    }
}

/// One table, compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableEquality {
    /// Its name.
    pub table: &'static str,
    /// How many rows the fresh fold made.
    pub rows: u64,
    /// How many rows differ.
    pub differences: u64,
    /// The first that do, in the order of the keys: as many as were asked for.
    pub shown: Vec<Difference>,
}

/// A row that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The primary key's columns as a JSON array; a digest of the row where the table has none.
    pub key: String,
    /// What is wrong with it.
    pub kind: DifferenceKind,
}

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DifferenceKind {
    /// The log makes it, and it is not there.
    Missing,
    /// It is there, and the log does not make it.
    Unexpected,
    /// It holds other values than the log makes.
    Different,
}

/// Folds the log afresh up to where the live tables of `projection` stand and compares every row.
///
/// The live rows are read in one snapshot without a transaction id: neither runner nor readers of the log wait for it.
///
/// # Errors
/// [`ProjectionError::Busy`] while a rebuild or another verification of it runs; otherwise [`ProjectionError`].
pub async fn verify(
    projection: &dyn Projection,
    store: &dyn EventStore,
    pool: &PgPool,
    progress: impl FnMut(Progress) + Send,
) -> Result<Equality, ProjectionError> {
    simulate(projection, store, pool, 1, progress).await
}

/// As [`verify`], where other rows are no damage but what is asked for: `projection` is a candidate, with another rule
/// than the one that made the live rows. Shows up to `shown` rows of each table that would come out differently.
///
/// # Errors
/// See [`verify`].
pub async fn simulate(
    projection: &dyn Projection,
    store: &dyn EventStore,
    pool: &PgPool,
    shown: usize,
    progress: impl FnMut(Progress) + Send,
) -> Result<Equality, ProjectionError> {
    let trial = Trial { served: projection, candidate: None, part: Part::default(), shown };
    try_out(&trial, store, pool, progress).await
}

/// What is folded afresh, and what its rows are compared with.
#[derive(Clone, Copy)]
pub struct Trial<'p> {
    /// The projection whose rows are served.
    pub served: &'p dyn Projection,
    /// One of its [candidates](Projection::candidates), whose rules are tried; `None`: its own.
    pub candidate: Option<&'p dyn Projection>,
    /// The part of the log that is folded.
    pub part: Part,
    /// How many rows of each table are shown.
    pub shown: usize,
}

/// Folds a part of the log afresh and compares every row. Nothing that is written stays.
///
/// - Without a candidate the rows are compared with those that are served; a part that ends early shows what they were
///   then. It begins with the first event.
/// - A candidate's rows are compared with those that are served, where it is tried on the whole log; on a part, with the
///   rows that the served rules make of the same part, wherever that begins.
///
/// # Errors
/// [`ProjectionError::FromTheMiddle`], [`ProjectionError::NoCandidate`]; otherwise see [`verify`].
pub async fn try_out(
    trial: &Trial<'_>,
    store: &dyn EventStore,
    pool: &PgPool,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<Equality, ProjectionError> {
    let tried = trial.tried()?;
    let mut scratch = Scratch::for_once(tried, pool).await?;
    scratch.begin(&trial.part).await?;
    progress(scratch.progress());
    let mut live = pool.begin_with(crate::verify::ONE_SNAPSHOT).await?;
    sqlx::query(statements::NO_TIME_LIMITS).execute(&mut *live).await?;
    let stands =
        status::load(trial.served, &mut live).await?.map_or_else(Checkpoint::default, |found| found.checkpoint);
    let at = trial.part.until.map_or(stands, |until| until.min(stands));
    scratch.fold(store, Some(at), &mut progress).await?;
    let mut tables = Vec::new();
    if trial.candidate.is_some() && !trial.part.is_whole() {
        live.rollback().await?;
        let mut beside = scratch.beside(trial.served, pool).await?;
        beside.begin(&trial.part).await?;
        beside.fold(store, Some(at), &mut progress).await?;
        for table in tried.tables() {
            let (is, should_be) = ((beside.schema, &mut beside.connection), (scratch.schema, &mut scratch.connection));
            tables.push(compare(table, is, should_be, trial.shown).await?);
        }
        beside.close().await?;
    } else {
        for table in tried.tables() {
            let (is, should_be) = (("public", &mut *live), (scratch.schema, &mut scratch.connection));
            tables.push(compare(table, is, should_be, trial.shown).await?);
        }
        live.rollback().await?;
    }
    let events = scratch.events;
    scratch.close().await?;
    Ok(Equality { checkpoint: at, events, tables })
}

impl<'p> Trial<'p> {
    /// Whose rules are tried.
    fn tried(&self) -> Result<&'p dyn Projection, ProjectionError> {
        let Self { served, candidate, part, .. } = self;
        match candidate {
            None if part.after > Checkpoint::default() => {
                Err(ProjectionError::FromTheMiddle { projection: served.name() })
            }
            None => Ok(*served),
            Some(candidate)
                if candidate.name() == served.name()
                    && candidate.tables() == served.tables()
                    && candidate.version() > served.version() =>
            {
                Ok(*candidate)
            }
            Some(candidate) => {
                Err(ProjectionError::NoCandidate { projection: served.name(), version: candidate.version() })
            }
        }
    }
}

/// Walks the two sorted tables side by side; holds one row of each.
async fn compare(
    table: &'static str,
    (live_schema, live): (&'static str, &mut PgConnection),
    (fresh_schema, fresh): (&'static str, &mut PgConnection),
    shown: usize,
) -> Result<TableEquality, ProjectionError> {
    let mut live = rows(live_schema, table, live);
    let mut fresh = rows(fresh_schema, table, fresh);
    let mut result = TableEquality { table, rows: 0, differences: 0, shown: Vec::new() };
    let (mut is, mut should_be) = (live.try_next().await?, fresh.try_next().await?);
    loop {
        let order = match (&is, &should_be) {
            (None, None) => return Ok(result),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((is, _)), Some((should_be, _))) => is.cmp(should_be),
        };
        let kind = match order {
            Ordering::Less => Some(DifferenceKind::Unexpected),
            Ordering::Greater => Some(DifferenceKind::Missing),
            Ordering::Equal => (is != should_be).then_some(DifferenceKind::Different),
        };
        if let Some(kind) = kind {
            result.differences += 1;
            let row = if order == Ordering::Greater { &should_be } else { &is };
            let key = row.as_ref().map(|(key, _)| key.clone()).unwrap_or_default();
            if result.shown.len() < shown {
                result.shown.push(Difference { key, kind });
            }
        }
        if order != Ordering::Less {
            result.rows += 1;
            should_be = fresh.try_next().await?;
        }
        if order != Ordering::Greater {
            is = live.try_next().await?;
        }
    }
}

fn rows<'c>(
    schema: &'static str,
    table: &'static str,
    connection: &'c mut PgConnection,
) -> futures_util::stream::BoxStream<'c, Result<(String, Vec<u8>), sqlx::Error>> {
    sqlx::query_as(statements::PROJECTION_ROWS).bind(schema).bind(table).fetch(connection).boxed()
}
