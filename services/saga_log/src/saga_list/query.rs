//! Reading the list.
use super::{SagaList, answers_from_json, moment};
use crate::statements;
use chrono::{DateTime, Utc};
use domain_kernel::{Timestamp, UserId};
use domain_saga_log::{Answers, EventState};
use infra_event_store::projection::{self, Folded, ProjectionError};
use infra_http::position::{self, PATIENCE};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgPool, Row};
use uuid::Uuid;

/// One event, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SagaEventRow {
    pub(crate) id: Uuid,
    pub(crate) event_type: String,
    pub(crate) state: String,
    pub(crate) correlation_id: Uuid,
    pub(crate) causation_id: Option<Uuid>,
    pub(crate) topic: String,
    pub(crate) aggregate: Uuid,
    pub(crate) version: i64,
    pub(crate) occurred_at: DateTime<Utc>,
    pub(crate) expects: Vec<String>,
    pub(crate) answers: Answers,
}

impl FromRow<'_, PgRow> for SagaEventRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let expects: &str = row.try_get("expects")?;
        Ok(Self {
            id: row.try_get("id")?,
            event_type: row.try_get("event_type")?,
            state: row.try_get("state")?,
            correlation_id: row.try_get("correlation_id")?,
            causation_id: row.try_get("causation_id")?,
            topic: row.try_get("topic")?,
            aggregate: row.try_get("aggregate")?,
            version: row.try_get("version")?,
            occurred_at: row.try_get("occurred_at")?,
            expects: serde_json::from_str(expects).map_err(|error| super::decode_error("expects", error))?,
            answers: answers_from_json(row.try_get("answers")?)?,
        })
    }
}

/// Where a page ended: when the last event happened, and which it was.
pub(crate) type Position = (i64, Uuid);

/// Which events of the sagas that a reader may see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) state: Option<EventState>,
    pub(crate) event_type: Option<String>,
    pub(crate) correlation_id: Option<Uuid>,
    /// From this moment on.
    pub(crate) from: Option<DateTime<Utc>>,
    /// Before this moment.
    pub(crate) to: Option<DateTime<Utc>>,
}

/// Up to `limit` events after `after`, the newest first. `reader` restricts them to the sagas that this user started or
/// that are about their account.
pub(crate) async fn list(
    pool: &PgPool,
    reader: Option<UserId>,
    filter: &Filter,
    after: Option<Position>,
    limit: i64,
) -> Result<Vec<SagaEventRow>, sqlx::Error> {
    let (at, id) = after.map_or((None, None), |(at, id)| (Some(moment(Timestamp(at))), Some(id)));
    sqlx::query_as(statements::LIST)
        .bind(at)
        .bind(id)
        .bind(limit)
        .bind(filter.state.map(EventState::name))
        .bind(filter.event_type.as_deref())
        .bind(filter.correlation_id)
        .bind(filter.from)
        .bind(filter.to)
        .bind(reader.map(|user| user.0))
        .fetch_all(pool)
        .await
}

/// One event, unless `reader` may not see it.
pub(crate) async fn find(
    pool: &PgPool,
    reader: Option<UserId>,
    event: Uuid,
) -> Result<Option<SagaEventRow>, sqlx::Error> {
    sqlx::query_as(statements::FIND).bind(event).bind(reader.map(|user| user.0)).fetch_optional(pool).await
}

/// Up to `limit` events of one saga, the oldest first.
pub(crate) async fn list_saga(pool: &PgPool, saga: Uuid, limit: i64) -> Result<Vec<SagaEventRow>, sqlx::Error> {
    sqlx::query_as(statements::LIST_SAGA).bind(saga).bind(limit).fetch_all(pool).await
}

/// Those of `events` that the filter lets through and `reader` may see, the oldest first.
pub(super) async fn list_these(
    pool: &PgPool,
    reader: Option<UserId>,
    filter: &Filter,
    events: Vec<Uuid>,
) -> Result<Vec<SagaEventRow>, sqlx::Error> {
    sqlx::query_as(statements::LIST_THESE)
        .bind(events)
        .bind(filter.state.map(EventState::name))
        .bind(filter.event_type.as_deref())
        .bind(filter.correlation_id)
        .bind(filter.from)
        .bind(filter.to)
        .bind(reader.map(|user| user.0))
        .fetch_all(pool)
        .await
}

/// Waits until the list holds a write; false when it did not come to in time. A wish about a saga is in the own log; what
/// other services wrote is heard of as messages, where private events are missing: so from the write's first event on.
pub(crate) async fn holds(pool: &PgPool, write: position::Position) -> Result<bool, ProjectionError> {
    match projection::folded(&SagaList, pool, (write.stream, write.last), PATIENCE).await? {
        Folded::Yes => return Ok(true),
        Folded::NotYet => return Ok(false),
        Folded::NotOurs => {}
    }
    position::until_heard(|| async move {
        let heard = sqlx::query_scalar(statements::HEARD).bind(write.stream.0).bind(i64::from(write.first.0));
        Ok(heard.fetch_one(pool).await?)
    })
    .await
}
