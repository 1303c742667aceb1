//! The call-the-patient worklist: one row per result whose mail failed for good or was suppressed.
//!
//! A later mail that went out takes the result off the list. A withdrawn result stays in the table and is left out when
//! the list is read: there is nothing to tell any more.
use super::{moment, read};
use crate::statements;
use crate::stored::ClearEvent;
use chrono::{DateTime, Utc};
use domain_kernel::{BoxFuture, RecordedEvent, Timestamp};
use infra_event_store::projection::{Projection, ProjectionError};
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The results whose patients somebody has to call.
pub struct CallList;

const NAME: &str = "call_list";
const VERSION: i32 = 1;

impl Projection for CallList {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> i32 {
        VERSION
    }

    fn tables(&self) -> &'static [&'static str] {
        &["call_list_v1"]
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
                    changes.add(clear, moment(event.metadata.occurred_at));
                }
            }
            changes.write(connection).await?;
            Ok(())
        })
    }
}

/// What a batch changes. Who was reached is taken off first: who has to be called after that waits anew.
#[derive(Default)]
struct Changes {
    reached: BTreeSet<Uuid>,
    due: BTreeMap<Uuid, Due>,
}

struct Due {
    state: &'static str,
    code: String,
    notification: Uuid,
    since: DateTime<Utc>,
}

impl Changes {
    fn add(&mut self, clear: ClearEvent, at: DateTime<Utc>) {
        match clear {
            ClearEvent::PatientNotificationFailed(heard) => {
                // Who could not be mailed waits since then, also when this service was not there to hear of it.
                let at = moment(Timestamp(heard.failed_at));
                self.put(heard.result_id, "failed", heard.code, heard.notification_id, at);
            }
            ClearEvent::PatientNotificationSuppressed(heard) => {
                self.put(heard.result_id, "suppressed", heard.reason, heard.notification_id, at);
            }
            ClearEvent::PatientNotified(heard) => {
                self.due.remove(&heard.result_id);
                self.reached.insert(heard.result_id);
            }
            ClearEvent::Created(_)
            | ClearEvent::Completed(_)
            | ClearEvent::Released(_)
            | ClearEvent::Amended(_)
            | ClearEvent::Corrected(_)
            | ClearEvent::Cancelled(_)
            | ClearEvent::EnteredInError(_)
            | ClearEvent::Queried(_)
            | ClearEvent::Listed(_) => {}
        }
    }

    fn put(&mut self, result: Uuid, state: &'static str, code: String, notification: Uuid, at: DateTime<Utc>) {
        let since = self.due.get(&result).map_or(at, |due| due.since);
        self.due.insert(result, Due { state, code, notification, since });
    }

    async fn write(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let Self { reached, due } = self;
        if !reached.is_empty() {
            let reached: Vec<Uuid> = reached.into_iter().collect();
            sqlx::query(statements::CALL_REMOVE).bind(reached).execute(&mut *connection).await?;
        }
        if !due.is_empty() {
            sqlx::query(statements::CALL_PUT)
                .bind(due.keys().copied().collect::<Vec<_>>())
                .bind(due.values().map(|due| due.state).collect::<Vec<_>>())
                .bind(due.values().map(|due| due.code.as_str()).collect::<Vec<_>>())
                .bind(due.values().map(|due| due.notification).collect::<Vec<_>>())
                .bind(due.values().map(|due| due.since).collect::<Vec<_>>())
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }
}
