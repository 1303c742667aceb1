//! Read model `notification`: every notification and where it stands. No address, no name.
//!
//! It is also where the sender finds what is due when nobody woke it: after a start, a crash, or a wait between
//! attempts.
use crate::{codec, events, statements};
use chrono::{DateTime, Utc};
use domain_kernel::{BoxFuture, RecordedEvent, StreamId, Timestamp, UserId};
use domain_notifications::{NotificationEvent, Request};
use infra_event_store::codec::CodecError;
use infra_event_store::projection::{Projection, ProjectionError};
use infra_http::position::until_heard;
use sqlx::{FromRow, PgConnection, PgPool};
use std::collections::BTreeMap;
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
            let mut changes = Changes::default();
            // The log of handled messages is in the same store.
            for event in events.iter().filter(|event| events::CATALOGUE.name(event.type_id).is_some()) {
                let decoded = codec::decode(event).map_err(|error| ProjectionError::Event {
                    projection: NAME,
                    checkpoint: event.checkpoint,
                    reason: error.to_string(),
                })?;
                changes.add(event, decoded);
            }
            changes.write(connection).await?;
            Ok(())
        })
    }
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
        NotificationEvent::Sent { .. }
        | NotificationEvent::Failed { .. }
        | NotificationEvent::Suppressed { .. }
        | NotificationEvent::Skipped { .. } => Due::Never,
    })
}

/// What a batch changes: new rows, and the last word for each row.
#[derive(Default)]
struct Changes {
    requested: Vec<(StreamId, Request, DateTime<Utc>)>,
    standings: BTreeMap<Uuid, Standing>,
}

/// What events change in a row; the number of attempts never goes down.
struct Standing {
    state: &'static str,
    attempts: u32,
    code: Option<String>,
    due_at: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
}

impl Changes {
    fn add(&mut self, recorded: &RecordedEvent, event: NotificationEvent) {
        let updated_at = moment(recorded.metadata.occurred_at);
        let (state, attempts, code, due_at) = match event {
            NotificationEvent::Requested(request) => {
                self.requested.push((recorded.stream, request, updated_at));
                return;
            }
            NotificationEvent::AttemptFailed { attempt, code, next_attempt_at } => {
                ("failed", attempt, Some(code.as_str().to_owned()), Some(next_attempt_at))
            }
            NotificationEvent::Sent { attempt, .. } => ("sent", attempt, None, None),
            NotificationEvent::Failed { attempt, code, .. } => ("dead", attempt, Some(code.as_str().to_owned()), None),
            NotificationEvent::Suppressed { reason, .. } => ("suppressed", 0, Some(reason.name().to_owned()), None),
            NotificationEvent::RequestedAgain { at, .. } => ("requested", 0, None, Some(at)),
            // It stays dead; that nobody minds is the saga log's to show.
            NotificationEvent::Skipped { .. } => return,
        };
        let before = self.standings.get(&recorded.stream.0).map_or(0, |standing| standing.attempts);
        let (attempts, due_at) = (attempts.max(before), due_at.map(moment));
        self.standings.insert(recorded.stream.0, Standing { state, attempts, code, due_at, updated_at });
    }

    async fn write(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let Self { requested, standings } = self;
        if !requested.is_empty() {
            let column = |of: fn(&Request) -> Uuid| requested.iter().map(|(_, request, _)| of(request)).collect();
            let user = |of: fn(&Request) -> Option<UserId>| {
                requested.iter().map(|(_, request, _)| of(request).map(|user| user.0)).collect()
            };
            let text = |of: fn(&Request) -> &'static str| requested.iter().map(|(_, request, _)| of(request)).collect();
            sqlx::query(statements::INSERT_REQUESTED)
                .bind(requested.iter().map(|(id, ..)| id.0).collect::<Vec<_>>())
                .bind::<Vec<Uuid>>(column(|request| request.source.0))
                .bind::<Vec<&str>>(text(|request| request.template.name()))
                .bind::<Vec<Uuid>>(column(|request| request.about.stream.0))
                .bind::<Vec<&str>>(text(|request| request.about.kind.name()))
                .bind::<Vec<Option<Uuid>>>(user(|request| request.recipient))
                .bind::<Vec<Option<Uuid>>>(user(|request| request.started_by))
                .bind(requested.iter().map(|(_, request, _)| moment(request.requested_at)).collect::<Vec<_>>())
                .bind(requested.iter().map(|(.., updated_at)| *updated_at).collect::<Vec<_>>())
                .bind(requested.iter().map(|(_, request, _)| source_version(request)).collect::<Vec<_>>())
                .execute(&mut *connection)
                .await?;
        }
        if !standings.is_empty() {
            sqlx::query(statements::UPDATE_STANDING)
                .bind(standings.keys().copied().collect::<Vec<_>>())
                .bind(standings.values().map(|standing| standing.state).collect::<Vec<_>>())
                .bind(standings.values().map(|standing| codec::i32_of(standing.attempts)).collect::<Vec<_>>())
                .bind(standings.values().map(|standing| standing.code.as_deref()).collect::<Vec<_>>())
                .bind(standings.values().map(|standing| standing.due_at).collect::<Vec<_>>())
                .bind(standings.values().map(|standing| standing.updated_at).collect::<Vec<_>>())
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }
}

fn source_version(request: &Request) -> Option<i64> {
    request.source_version.map(|version| i64::from(version.0))
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

/// Waits until the list holds a notification that follows from a write to what it is about; false when there is none in
/// time. Private events are missing from messages, so any from the write's first event on counts.
pub(crate) async fn holds(pool: &PgPool, write: infra_http::Position) -> Result<bool, ProjectionError> {
    until_heard(|| async move {
        let heard = sqlx::query_scalar(statements::HEARD).bind(write.stream.0).bind(i64::from(write.first.0));
        Ok(heard.fetch_one(pool).await?)
    })
    .await
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
