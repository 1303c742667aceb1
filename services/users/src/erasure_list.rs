//! Read model `erasure_list`: which keys somebody asked to destroy or to keep.
use crate::database::{DatabaseError, moment};
use crate::statements;
use crate::stored::StoredErasureEvent;
use chrono::{DateTime, Utc};
use domain_kernel::{BoxFuture, RecordedEvent, Timestamp};
use infra_event_store::projection::{Projection, ProjectionError};
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

/// The pinned name.
pub(crate) const NAME: &str = "erasure_list";
/// Part of the table's name.
pub(crate) const VERSION: i32 = 1;

/// Folds the events of erasures into `erasure_list_v1`.
pub(crate) struct ErasureListProjection;

impl Projection for ErasureListProjection {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> i32 {
        VERSION
    }

    fn tables(&self) -> &'static [&'static str] {
        &["erasure_list_v1"]
    }

    fn apply<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        events: &'a [RecordedEvent],
    ) -> BoxFuture<'a, Result<(), ProjectionError>> {
        Box::pin(async move {
            for event in events.iter().filter(|event| StoredErasureEvent::is_one(event.type_id)) {
                apply(connection, event).await?;
            }
            Ok(())
        })
    }
}

async fn apply(connection: &mut PgConnection, event: &RecordedEvent) -> Result<(), ProjectionError> {
    let unfit = |reason: String| ProjectionError::Event { projection: NAME, checkpoint: event.checkpoint, reason };
    let stored = StoredErasureEvent::read(event).map_err(|error| unfit(error.to_string()))?;
    let version = i32::try_from(event.version.0).map_err(|_| unfit("version".to_owned()))?;
    let of = |statement| sqlx::query(statement).bind(event.stream.0).bind(version);
    let change = match stored {
        StoredErasureEvent::Requested(record) => of(statements::ERASURE_LIST_REQUESTED)
            .bind(record.subject)
            .bind(record.purpose)
            .bind(record.country)
            .bind(record.reason)
            .bind(record.requested_by)
            .bind(moment(Timestamp(record.requested_at))),
        StoredErasureEvent::Approved(record) => of(statements::ERASURE_LIST_DECIDED)
            .bind("approved")
            .bind(record.approved_by)
            .bind(moment(Timestamp(record.approved_at)))
            .bind(None::<String>),
        StoredErasureEvent::Declined(record) => of(statements::ERASURE_LIST_DECIDED)
            .bind("declined")
            .bind(record.declined_by)
            .bind(moment(Timestamp(record.declined_at)))
            .bind(Some(record.reason)),
        StoredErasureEvent::KeyDestroyed(record) => {
            of(statements::ERASURE_LIST_ERASED).bind(moment(Timestamp(record.destroyed_at)))
        }
        StoredErasureEvent::HoldPlaced(record) => of(statements::ERASURE_LIST_HELD)
            .bind(record.subject)
            .bind(record.purpose)
            .bind(record.reason)
            .bind(record.placed_by)
            .bind(moment(Timestamp(record.placed_at))),
        StoredErasureEvent::HoldLifted(_) => of(statements::ERASURE_LIST_LIFTED),
    };
    change.execute(connection).await?;
    Ok(())
}

/// An erasure, as it is listed.
#[derive(FromRow)]
pub(crate) struct ErasureEntry {
    pub(crate) id: Uuid,
    pub(crate) subject: Uuid,
    pub(crate) purpose: String,
    pub(crate) state: String,
    pub(crate) country: String,
    pub(crate) reason: String,
    pub(crate) requested_by: Uuid,
    pub(crate) requested_at: DateTime<Utc>,
    pub(crate) decided_by: Option<Uuid>,
    pub(crate) decided_at: Option<DateTime<Utc>>,
    pub(crate) decision_reason: Option<String>,
    pub(crate) erased_at: Option<DateTime<Utc>>,
    pub(crate) on_hold: bool,
}

/// A hold, as it is listed.
#[derive(FromRow)]
pub(crate) struct HoldEntry {
    pub(crate) id: Uuid,
    pub(crate) subject: Uuid,
    pub(crate) purpose: String,
    pub(crate) hold_reason: String,
    pub(crate) held_by: Uuid,
    pub(crate) held_at: DateTime<Utc>,
}

/// Where a page ended: the last entry's moment (microseconds since 1970) and id.
pub(crate) type Position = (i64, Uuid);

/// Reads the read model.
pub(crate) struct ErasureList {
    pool: PgPool,
}

impl ErasureList {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Up to `limit` erasures, the newest request first.
    pub(crate) async fn erasures(
        &self,
        before: Option<Position>,
        state: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ErasureEntry>, DatabaseError> {
        let (at, id) = split(before);
        Ok(sqlx::query_as(statements::ERASURE_LIST_PAGE)
            .bind(at)
            .bind(id)
            .bind(state)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await?)
    }

    /// Up to `limit` holds that stand, the newest first.
    pub(crate) async fn holds(&self, before: Option<Position>, limit: usize) -> Result<Vec<HoldEntry>, DatabaseError> {
        let (at, id) = split(before);
        Ok(sqlx::query_as(statements::LEGAL_HOLD_PAGE)
            .bind(at)
            .bind(id)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await?)
    }
}

fn split(before: Option<Position>) -> (Option<DateTime<Utc>>, Option<Uuid>) {
    before.map_or((None, None), |(at, id)| (Some(moment(Timestamp(at))), Some(id)))
}
