//! Taking anchors of the log, and holding the log against anchors that were taken.
//!
//! An anchor is taken of the part of the log that nothing can appear in any more, so the same events give the same root
//! for ever. It is kept in a table beside the log; whoever can rewrite the log can rewrite that too, so what counts is a
//! copy elsewhere.
use crate::verify::ONE_SNAPSHOT;
use crate::{Progress, failure, row, statements};
use chrono::{DateTime, Utc};
use domain_kernel::ports::StoreError;
use domain_kernel::{Checkpoint, Timestamp};
use futures_util::TryStreamExt;
use infra_vault::anchor::{Anchor, AnchorKey, LogRoot, SignedAnchor};
use sqlx::{PgConnection, PgPool};

/// How many events pass between two calls of `progress`.
const STEP: u64 = 10_000;

/// What became of a log that was held against anchors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnchorReport {
    /// Anchors that hold, up to the first that does not.
    pub holding: usize,
    /// The first that does not hold; `None`: all do.
    pub first_bad: Option<BadAnchor>,
}

/// An anchor that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadAnchor {
    /// Its place.
    pub at: Checkpoint,
    /// What is wrong with the log.
    pub problem: AnchorProblem,
}

/// What is wrong with a log, as an anchor shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnchorProblem {
    /// The log ends before the anchor's place: its tail was cut off.
    #[error("the log ends at position {}: its tail was cut off", end.position)]
    CutOff {
        /// Where it ends.
        end: Checkpoint,
    },
    /// An event was changed, moved, added or left out.
    #[error("an event after position {} was changed, moved, added or left out", after.position)]
    Altered {
        /// After this place, the last anchor's that holds, and not after the bad anchor's own.
        after: Checkpoint,
    },
}

/// Takes an anchor of the log called `log`, signs it with `key`, and keeps it; `None` while there are no events.
///
/// # Errors
/// [`StoreError`].
pub async fn take(
    pool: &PgPool,
    log: &str,
    key: &AnchorKey,
    taken_at: Timestamp,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<Option<SignedAnchor>, StoreError> {
    let of_query = |error: sqlx::Error| failure::of_query(&error);
    let mut snapshot = snapshot(pool).await?;
    let end: Option<(i16, i64, i64)> =
        sqlx::query_as(statements::ANCHOR_END).fetch_optional(&mut *snapshot).await.map_err(of_query)?;
    let Some(at) = end.map(row::checkpoint).transpose()? else { return Ok(None) };
    let total = count(&mut snapshot).await?;
    let root = walk(&mut snapshot, at, |root, _| {
        if root.events.is_multiple_of(STEP) {
            progress(Progress::of(root.events, total));
        }
        true
    })
    .await?;
    snapshot.rollback().await.map_err(of_query)?;
    let signed = key.sign(Anchor { log: log.to_owned(), at, root, taken_at });
    keep(pool, &signed).await?;
    Ok(Some(signed))
}

/// The anchors of the log called `log` that were kept, in its order.
///
/// # Errors
/// [`StoreError`].
pub async fn kept(pool: &PgPool, log: &str) -> Result<Vec<SignedAnchor>, StoreError> {
    let rows: Vec<Row> =
        sqlx::query_as(statements::ANCHORS).fetch_all(pool).await.map_err(|error| failure::of_query(&error))?;
    rows.into_iter().map(|row| row.into_anchor(log)).collect()
}

/// Holds the log against `anchors`, which are in its order. Whether they are signed by whom they should be is the
/// caller's to ask.
///
/// # Errors
/// [`StoreError`] when it could not be done; what is found bad is no error but in the report.
pub async fn check(
    pool: &PgPool,
    anchors: &[Anchor],
    mut progress: impl FnMut(Progress) + Send,
) -> Result<AnchorReport, StoreError> {
    let Some(last) = anchors.last() else { return Ok(AnchorReport { holding: 0, first_bad: None }) };
    let mut snapshot = snapshot(pool).await?;
    let total = count(&mut snapshot).await?;
    let (mut holding, mut held, mut end) = (0, Checkpoint::default(), Checkpoint::default());
    walk(&mut snapshot, last.at, |root, at| {
        if root.events.is_multiple_of(STEP) {
            progress(Progress::of(root.events, total));
        }
        end = at;
        // Two anchors may have one place: one that was kept here, and its copy.
        while let Some(anchor) = anchors.get(holding).filter(|anchor| anchor.at <= at) {
            if anchor.at < at || anchor.root != *root {
                return false;
            }
            (held, holding) = (at, holding + 1);
        }
        true
    })
    .await?;
    let first_bad = anchors.get(holding).map(|anchor| {
        let problem =
            if end < anchor.at { AnchorProblem::CutOff { end } } else { AnchorProblem::Altered { after: held } };
        BadAnchor { at: anchor.at, problem }
    });
    Ok(AnchorReport { holding, first_bad })
}

/// Runs over the events up to `end` and tells each with the root so far, until `visit` says false.
async fn walk(
    snapshot: &mut PgConnection,
    end: Checkpoint,
    mut visit: impl FnMut(&LogRoot, Checkpoint) -> bool + Send,
) -> Result<LogRoot, StoreError> {
    let mut root = LogRoot::default();
    let mut events = sqlx::query_scalar::<_, Vec<u8>>(statements::ANCHOR_EVENTS)
        .bind(end.epoch)
        .bind(row::tx_parameter(end.tx)?)
        .bind(end.position)
        .fetch(snapshot);
    while let Some(event) = events.try_next().await.map_err(|error| failure::of_query(&error))? {
        let (at, hash) = unpack(&event).ok_or_else(|| row::damaged("an event's place or hash has another length"))?;
        root.add(at, hash);
        if !visit(&root, at) {
            break;
        }
    }
    Ok(root)
}

/// Place and hash as `anchor_events.sql` packs them.
fn unpack(event: &[u8]) -> Option<(Checkpoint, &[u8; 32])> {
    let (epoch, rest) = event.split_first_chunk()?;
    let (tx, rest) = rest.split_first_chunk()?;
    let (position, hash) = rest.split_first_chunk()?;
    let at = Checkpoint {
        epoch: i16::from_be_bytes(*epoch),
        tx: u64::from_be_bytes(*tx),
        position: i64::from_be_bytes(*position),
    };
    Some((at, hash.try_into().ok()?))
}

async fn snapshot(pool: &PgPool) -> Result<sqlx::PgTransaction<'static>, StoreError> {
    let of_query = |error: sqlx::Error| failure::of_query(&error);
    let mut snapshot = pool.begin_with(ONE_SNAPSHOT).await.map_err(of_query)?;
    sqlx::query(statements::NO_TIME_LIMITS).execute(&mut *snapshot).await.map_err(of_query)?;
    Ok(snapshot)
}

async fn count(snapshot: &mut PgConnection) -> Result<u64, StoreError> {
    let total: i64 = sqlx::query_scalar(statements::VERIFY_COUNT)
        .fetch_one(snapshot)
        .await
        .map_err(|error| failure::of_query(&error))?;
    Ok(u64::try_from(total).unwrap_or_default())
}

async fn keep(pool: &PgPool, signed: &SignedAnchor) -> Result<(), StoreError> {
    let SignedAnchor { anchor, public_key, signature } = signed;
    sqlx::query(statements::ANCHOR_KEEP)
        .bind(anchor.at.epoch)
        .bind(row::tx_parameter(anchor.at.tx)?)
        .bind(anchor.at.position)
        .bind(i64::try_from(anchor.root.events).unwrap_or(i64::MAX))
        .bind(anchor.root.hash.as_slice())
        .bind(row::moment_parameter(anchor.taken_at)?)
        .bind(public_key.as_slice())
        .bind(signature.as_slice())
        .execute(pool)
        .await
        .map_err(|error| failure::of_query(&error))?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    epoch: i16,
    tx: i64,
    position: i64,
    events: i64,
    root: Vec<u8>,
    taken_at: DateTime<Utc>,
    public_key: Vec<u8>,
    signature: Vec<u8>,
}

impl Row {
    fn into_anchor(self, log: &str) -> Result<SignedAnchor, StoreError> {
        let events =
            u64::try_from(self.events).map_err(|_| row::damaged("an anchor's number of events is negative"))?;
        Ok(SignedAnchor {
            anchor: Anchor {
                log: log.to_owned(),
                at: row::checkpoint((self.epoch, self.tx, self.position))?,
                root: LogRoot { hash: row::hash(self.root)?, events },
                taken_at: Timestamp(self.taken_at.timestamp_micros()),
            },
            public_key: row::hash(self.public_key)?,
            signature: self.signature.try_into().map_err(|_| row::damaged("a signature does not have 64 bytes"))?,
        })
    }
}
