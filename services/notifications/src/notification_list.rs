//! Read model `notification`: every notification and where it stands. No address, no name.
//!
//! It is also where the sender finds what is due when nobody woke it: after a start, a crash, or a wait between
//! attempts.
use crate::{codec, events, statements};
use chrono::{DateTime, Utc};
use domain_kernel::{BoxFuture, RecordedEvent, StreamId, Timestamp, UserId};
use domain_notifications::NotificationEvent;
use infra_event_store::codec::CodecError;
use infra_event_store::projection::{Projection, ProjectionError};
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

/// The pinned name.
pub(crate) const NAME: &str = "notification";
/// The version; part of the table's name.
pub(crate) const VERSION: i32 = 1;

/// Keeps `notification_v1`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NotificationList;

impl Projection for NotificationList {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> i32 {
        VERSION
    }

    fn tables(&self) -> &'static [&'static str] {
        &["notification_v1"]
    }

    fn apply<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        events: &'a [RecordedEvent],
    ) -> BoxFuture<'a, Result<(), ProjectionError>> {
        Box::pin(async move {
            // The log of handled messages is in the same store.
            for event in events.iter().filter(|event| events::CATALOGUE.name(event.type_id).is_some()) {
                let decoded = codec::decode(event).map_err(|error| ProjectionError::Event {
                    projection: NAME,
                    checkpoint: event.checkpoint,
                    reason: error.to_string(),
                })?;
                apply(connection, event, &decoded).await?;
            }
            Ok(())
        })
    }
}

async fn apply(
    connection: &mut PgConnection,
    recorded: &RecordedEvent,
    event: &NotificationEvent,
) -> Result<(), sqlx::Error> {
    let standing = match event {
        NotificationEvent::Requested(request) => {
            sqlx::query(statements::INSERT_REQUESTED)
                .bind(recorded.stream.0)
                .bind(request.source.0)
                .bind(request.template.name())
                .bind(request.about.stream.0)
                .bind(request.about.kind.name())
                .bind(request.recipient.map(|user| user.0))
                .bind(request.started_by.map(|user| user.0))
                .bind(moment(request.requested_at))
                .bind(moment(recorded.metadata.occurred_at))
                .execute(connection)
                .await?;
            return Ok(());
        }
        NotificationEvent::AttemptFailed { attempt, code, next_attempt_at } => {
            Standing { state: "failed", attempts: *attempt, code: Some(code.as_str()), due_at: Some(*next_attempt_at) }
        }
        NotificationEvent::Sent { attempt, .. } => {
            Standing { state: "sent", attempts: *attempt, code: None, due_at: None }
        }
        NotificationEvent::Failed { attempt, code, .. } => {
            Standing { state: "dead", attempts: *attempt, code: Some(code.as_str()), due_at: None }
        }
        NotificationEvent::Suppressed { reason, .. } => {
            Standing { state: "suppressed", attempts: 0, code: Some(reason.name()), due_at: None }
        }
        NotificationEvent::RequestedAgain { at, .. } => {
            Standing { state: "requested", attempts: 0, code: None, due_at: Some(*at) }
        }
    };
    sqlx::query(statements::UPDATE_STANDING)
        .bind(recorded.stream.0)
        .bind(standing.state)
        .bind(codec::i32_of(standing.attempts))
        .bind(standing.code)
        .bind(standing.due_at.map(moment))
        .bind(moment(recorded.metadata.occurred_at))
        .execute(connection)
        .await?;
    Ok(())
}

/// When a notification's mail is due, as far as one event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// As before.
    Unchanged,
    /// From this moment on.
    At(Timestamp),
    /// No mail is to be sent any more.
    Never,
}

/// What `event` says of when its notification's mail is due: the column `due_at`.
///
/// # Errors
/// [`CodecError`] when it is not what was stored.
pub fn due(event: &RecordedEvent) -> Result<Due, CodecError> {
    if events::CATALOGUE.name(event.type_id).is_none() {
        return Ok(Due::Unchanged);
    }
    Ok(match codec::decode(event)? {
        NotificationEvent::Requested(request) => Due::At(request.requested_at),
        NotificationEvent::AttemptFailed { next_attempt_at, .. } => Due::At(next_attempt_at),
        NotificationEvent::RequestedAgain { at, .. } => Due::At(at),
        NotificationEvent::Sent { .. } | NotificationEvent::Failed { .. } | NotificationEvent::Suppressed { .. } => {
            Due::Never
        }
    })
}

/// What an event changes in a row; the number of attempts never goes down.
struct Standing<'a> {
    state: &'static str,
    attempts: u32,
    code: Option<&'a str>,
    due_at: Option<Timestamp>,
}

/// One row, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub(crate) struct NotificationRow {
    pub(crate) id: Uuid,
    pub(crate) template: String,
    pub(crate) state: String,
    pub(crate) attempts: i32,
    pub(crate) about: Uuid,
    pub(crate) about_kind: String,
    pub(crate) requested_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) code: Option<String>,
}

/// Whose notifications a reader may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Everybody's.
    All,
    /// Those that this user received or caused.
    Own(UserId),
}

/// Where a page ended: when the last one was requested, and which it was.
pub(crate) type Position = (i64, Uuid);

/// Up to `limit` notifications after `after`, the newest first.
pub(crate) async fn list(
    pool: &PgPool,
    audience: Audience,
    after: Option<Position>,
    limit: i64,
) -> Result<Vec<NotificationRow>, sqlx::Error> {
    let (at, id) = after.map_or((None, None), |(at, id)| (Some(moment(Timestamp(at))), Some(id)));
    match audience {
        Audience::All => sqlx::query_as(statements::LIST_ALL).bind(at).bind(id).bind(limit).fetch_all(pool).await,
        Audience::Own(user) => {
            sqlx::query_as(statements::LIST_OWN).bind(at).bind(id).bind(limit).bind(user.0).fetch_all(pool).await
        }
    }
}

/// Up to `limit` notifications about one user or result, the oldest first.
pub(crate) async fn list_about(pool: &PgPool, about: Uuid, limit: i64) -> Result<Vec<NotificationRow>, sqlx::Error> {
    sqlx::query_as(statements::LIST_ABOUT).bind(about).bind(limit).fetch_all(pool).await
}

/// Up to `limit` notifications whose mail is due, the longest due first.
pub(crate) async fn list_due(
    pool: &PgPool,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<(Timestamp, StreamId)>, sqlx::Error> {
    let rows: Vec<(Uuid, DateTime<Utc>)> =
        sqlx::query_as(statements::LIST_DUE).bind(moment(now)).bind(limit).fetch_all(pool).await?;
    Ok(rows.into_iter().map(|(id, at)| (Timestamp(at.timestamp_micros()), StreamId(id))).collect())
}

/// A moment as PostgreSQL keeps it. No moment of a clock is outside of what it can keep.
pub(crate) fn moment(at: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.0).unwrap_or_default()
}
