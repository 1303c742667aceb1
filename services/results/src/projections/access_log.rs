//! Who was shown what, and when: one row per look.
use super::{moment, read};
use crate::statements;
use crate::stored::ClearEvent;
use domain_kernel::{BoxFuture, RecordedEvent};
use infra_event_store::projection::{Projection, ProjectionError};
use sqlx::PgConnection;
use uuid::Uuid;

/// One row per look.
pub struct AccessLog;

const NAME: &str = "access_log";
const VERSION: i32 = 1;

impl Projection for AccessLog {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> i32 {
        VERSION
    }

    fn tables(&self) -> &'static [&'static str] {
        &["access_log_v1"]
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
    let look = match read(NAME, event)? {
        Some(ClearEvent::Queried(queried)) => Look {
            result: Some(queried.result_id),
            reader: queried.reader,
            role: queried.role,
            access: queried.access,
            shown: 1,
        },
        Some(ClearEvent::Listed(listed)) => Look {
            result: None,
            reader: listed.reader,
            role: listed.role,
            access: "list".to_owned(),
            shown: listed.shown,
        },
        _ => return Ok(()),
    };
    sqlx::query(statements::ACCESS_INSERT)
        .bind(event.metadata.event_id.0)
        .bind(look.result)
        .bind(look.reader)
        .bind(i16::try_from(look.role).unwrap_or(0))
        .bind(look.access)
        .bind(look.shown)
        .bind(moment(event.metadata.occurred_at))
        .bind(event.metadata.correlation_id.0)
        .execute(connection)
        .await?;
    Ok(())
}

struct Look {
    result: Option<Uuid>,
    reader: Uuid,
    role: i32,
    access: String,
    shown: i32,
}
