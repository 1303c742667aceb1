//! One row per result: what lists show, and whether the patient was told.
//!
//! What is heard of a mail is in another stream than the result. It never comes first: the mail was caused by the
//! result's own event, and in the global order an effect follows its cause. So of a batch the new rows can be written
//! first, then what became of any row.
use super::{column, moment, read};
use crate::statements;
use crate::stored::ClearEvent;
use chrono::{DateTime, Utc};
use domain_kernel::{BoxFuture, RecordedEvent};
use domain_results::ResultStatus;
use infra_event_store::projection::{Projection, ProjectionError};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// One row per result.
pub struct ResultSummary;

const NAME: &str = "result_summary";
const VERSION: i32 = 1;

impl Projection for ResultSummary {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> i32 {
        VERSION
    }

    fn tables(&self) -> &'static [&'static str] {
        &["result_summary_v1"]
    }

    fn apply<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        events: &'a [RecordedEvent],
    ) -> BoxFuture<'a, Result<(), ProjectionError>> {
        Box::pin(async move {
            let mut changes = Changes::default();
            for event in events {
                if let Some(clear) = read(NAME, event)? {
                    changes.add(event, clear);
                }
            }
            changes.write(connection).await?;
            Ok(())
        })
    }
}

/// What a batch changes: the last word for each row.
#[derive(Default)]
struct Changes {
    created: Vec<Created>,
    statuses: BTreeMap<Uuid, (ResultStatus, i32, DateTime<Utc>)>,
    notifications: BTreeMap<Uuid, (&'static str, Option<String>, DateTime<Utc>)>,
}

struct Created {
    result: Uuid,
    number: i64,
    status: String,
    version: i32,
    author: Option<Uuid>,
    patient: Option<Uuid>,
    at: DateTime<Utc>,
}

impl Changes {
    fn add(&mut self, event: &RecordedEvent, clear: ClearEvent) {
        let at = moment(event.metadata.occurred_at);
        let version = column(event.version.0);
        let mut status = |status| {
            self.statuses.insert(event.stream.0, (status, version, at));
        };
        match clear {
            ClearEvent::Created(created) => self.created.push(Created {
                result: event.stream.0,
                number: created.number,
                status: created.status,
                version,
                author: event.metadata.actor.map(|actor| actor.user.0),
                patient: created.patient_id,
                at,
            }),
            ClearEvent::Completed(_) => status(ResultStatus::Preliminary),
            ClearEvent::Released(_) => status(ResultStatus::Final),
            ClearEvent::Amended(_) => status(ResultStatus::Amended),
            ClearEvent::Corrected(_) => status(ResultStatus::Corrected),
            ClearEvent::Cancelled(_) => status(ResultStatus::Cancelled),
            ClearEvent::EnteredInError(_) => status(ResultStatus::EnteredInError),
            ClearEvent::PatientNotified(heard) => {
                self.notifications.insert(heard.result_id, ("sent", None, at));
            }
            ClearEvent::PatientNotificationFailed(heard) => {
                self.notifications.insert(heard.result_id, ("failed", Some(heard.code), at));
            }
            ClearEvent::PatientNotificationSuppressed(heard) => {
                self.notifications.insert(heard.result_id, ("suppressed", Some(heard.reason), at));
            }
            ClearEvent::Queried(_) | ClearEvent::Listed(_) => {}
        }
    }

    async fn write(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let Self { created, statuses, notifications } = self;
        if !created.is_empty() {
            sqlx::query(statements::SUMMARY_INSERT)
                .bind(created.iter().map(|row| row.result).collect::<Vec<_>>())
                .bind(created.iter().map(|row| row.number).collect::<Vec<_>>())
                .bind(created.iter().map(|row| row.status.as_str()).collect::<Vec<_>>())
                .bind(created.iter().map(|row| row.version).collect::<Vec<_>>())
                .bind(created.iter().map(|row| row.author).collect::<Vec<_>>())
                .bind(created.iter().map(|row| row.patient).collect::<Vec<_>>())
                .bind(created.iter().map(|row| row.at).collect::<Vec<_>>())
                .execute(&mut *connection)
                .await?;
        }
        if !statuses.is_empty() {
            sqlx::query(statements::SUMMARY_STATUS)
                .bind(statuses.keys().copied().collect::<Vec<_>>())
                .bind(statuses.values().map(|(status, ..)| status.name()).collect::<Vec<_>>())
                .bind(statuses.values().map(|(_, version, _)| *version).collect::<Vec<_>>())
                .bind(statuses.values().map(|(.., at)| *at).collect::<Vec<_>>())
                .execute(&mut *connection)
                .await?;
        }
        if !notifications.is_empty() {
            sqlx::query(statements::SUMMARY_NOTIFICATION)
                .bind(notifications.keys().copied().collect::<Vec<_>>())
                .bind(notifications.values().map(|(state, ..)| *state).collect::<Vec<_>>())
                .bind(notifications.values().map(|(_, code, _)| code.as_deref()).collect::<Vec<_>>())
                .bind(notifications.values().map(|(.., at)| *at).collect::<Vec<_>>())
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }
}
