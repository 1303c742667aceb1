//! The call-the-patient worklist: one row per result whose mail failed for good or was suppressed.
//!
//! A later mail that went out takes the result off the list. A withdrawn result stays in the table and is left out when
//! the list is read: there is nothing to tell any more.
use super::{moment, read};
use crate::statements;
use crate::stored::ClearEvent;
use domain_kernel::{BoxFuture, RecordedEvent};
use infra_event_store::projection::{Projection, ProjectionError};
use sqlx::PgConnection;
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
            for event in events {
                apply(connection, event).await?;
            }
            Ok(())
        })
    }
}

async fn apply(connection: &mut PgConnection, event: &RecordedEvent) -> Result<(), ProjectionError> {
    let Some(clear) = read(NAME, event)? else { return Ok(()) };
    match clear {
        ClearEvent::PatientNotificationFailed(heard) => {
            let due = Due { result: heard.result_id, notification: heard.notification_id, code: heard.code };
            put(connection, event, due, "failed").await
        }
        ClearEvent::PatientNotificationSuppressed(heard) => {
            let due = Due { result: heard.result_id, notification: heard.notification_id, code: heard.reason };
            put(connection, event, due, "suppressed").await
        }
        ClearEvent::PatientNotified(heard) => remove(connection, heard.result_id).await,
        ClearEvent::Created(_)
        | ClearEvent::Completed(_)
        | ClearEvent::Released(_)
        | ClearEvent::Amended(_)
        | ClearEvent::Corrected(_)
        | ClearEvent::Cancelled(_)
        | ClearEvent::EnteredInError(_)
        | ClearEvent::Queried(_)
        | ClearEvent::Listed(_) => Ok(()),
    }
}

struct Due {
    result: Uuid,
    notification: Uuid,
    code: String,
}

async fn put(
    connection: &mut PgConnection,
    event: &RecordedEvent,
    due: Due,
    state: &'static str,
) -> Result<(), ProjectionError> {
    sqlx::query(statements::CALL_PUT)
        .bind(due.result)
        .bind(state)
        .bind(due.code)
        .bind(due.notification)
        .bind(moment(event.metadata.occurred_at))
        .execute(connection)
        .await?;
    Ok(())
}

async fn remove(connection: &mut PgConnection, result: Uuid) -> Result<(), ProjectionError> {
    sqlx::query(statements::CALL_REMOVE).bind(result).execute(connection).await?;
    Ok(())
}
