//! One row per result: what lists show, and whether the patient was told.
//!
//! What is heard of a mail is in another stream than the result. It never comes first: the mail was caused by the
//! result's own event, and in the global order an effect follows its cause.
use super::{column, moment, read};
use crate::statements;
use crate::stored::ClearEvent;
use domain_kernel::{BoxFuture, RecordedEvent};
use domain_results::ResultStatus;
use infra_event_store::projection::{Projection, ProjectionError};
use sqlx::PgConnection;
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
        ClearEvent::Created(created) => {
            sqlx::query(statements::SUMMARY_INSERT)
                .bind(event.stream.0)
                .bind(created.number)
                .bind(created.status)
                .bind(column(event.version.0))
                .bind(event.metadata.actor.map(|actor| actor.user.0))
                .bind(created.patient_id)
                .bind(moment(event.metadata.occurred_at))
                .execute(connection)
                .await?;
        }
        ClearEvent::Completed(_) => status(connection, event, ResultStatus::Preliminary).await?,
        ClearEvent::Released(_) => status(connection, event, ResultStatus::Final).await?,
        ClearEvent::Amended(_) => status(connection, event, ResultStatus::Amended).await?,
        ClearEvent::Corrected(_) => status(connection, event, ResultStatus::Corrected).await?,
        ClearEvent::Cancelled(_) => status(connection, event, ResultStatus::Cancelled).await?,
        ClearEvent::EnteredInError(_) => status(connection, event, ResultStatus::EnteredInError).await?,
        ClearEvent::PatientNotified(heard) => notification(connection, event, heard.result_id, "sent", None).await?,
        ClearEvent::PatientNotificationFailed(heard) => {
            notification(connection, event, heard.result_id, "failed", Some(heard.code)).await?;
        }
        ClearEvent::PatientNotificationSuppressed(heard) => {
            notification(connection, event, heard.result_id, "suppressed", Some(heard.reason)).await?;
        }
        ClearEvent::Queried(_) | ClearEvent::Listed(_) => {}
    }
    Ok(())
}

async fn status(
    connection: &mut PgConnection,
    event: &RecordedEvent,
    status: ResultStatus,
) -> Result<(), ProjectionError> {
    sqlx::query(statements::SUMMARY_STATUS)
        .bind(event.stream.0)
        .bind(status.name())
        .bind(column(event.version.0))
        .bind(moment(event.metadata.occurred_at))
        .execute(connection)
        .await?;
    Ok(())
}

async fn notification(
    connection: &mut PgConnection,
    event: &RecordedEvent,
    result: Uuid,
    state: &'static str,
    code: Option<String>,
) -> Result<(), ProjectionError> {
    sqlx::query(statements::SUMMARY_NOTIFICATION)
        .bind(result)
        .bind(state)
        .bind(code)
        .bind(moment(event.metadata.occurred_at))
        .execute(connection)
        .await?;
    Ok(())
}
