//! Who was shown what, and when: one row per look.
use super::{moment, read};
use crate::statements;
use crate::stored::ClearEvent;
use chrono::{DateTime, Utc};
use domain_kernel::{Aggregate, BoxFuture, RecordedEvent};
use domain_results::ClinicalResult;
use infra_event_store::projection::{Projection, ProjectionError};
use sqlx::PgConnection;
use uuid::Uuid;

/// One row per look.
pub struct AccessLog;

const NAME: &str = "access_log";
const VERSION: i32 = 1;
/// What is shown of a result past its own endpoints, to an administrator with a reason.
const REVEALED: &str = "revealed";

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
            let mut looks = Vec::new();
            for event in events {
                looks.extend(look(event)?);
            }
            if !looks.is_empty() {
                write(connection, &looks).await?;
            }
            Ok(())
        })
    }
}

struct Look {
    event: Uuid,
    result: Option<Uuid>,
    reader: Uuid,
    role: i16,
    access: String,
    shown: i32,
    at: DateTime<Utc>,
    correlation: Uuid,
}

fn look(event: &RecordedEvent) -> Result<Option<Look>, ProjectionError> {
    let misfit = |reason: String| ProjectionError::Event { projection: NAME, checkpoint: event.checkpoint, reason };
    let revealed = infra_disclosure::read(event).map_err(|error| misfit(error.to_string()))?;
    // Who was shown another stream of this service was not shown what a result says.
    if let Some(revealed) = revealed.filter(|revealed| revealed.category == ClinicalResult::NAME) {
        let result = Some(revealed.stream_id);
        return Ok(Some(look_at(event, result, (revealed.reader, revealed.role), REVEALED.to_owned(), 1)));
    }
    let (result, reader, role, access, shown) = match read(NAME, event)? {
        Some(ClearEvent::Queried(queried)) => {
            (Some(queried.result_id), queried.reader, queried.role, queried.access, 1)
        }
        Some(ClearEvent::Listed(listed)) => (None, listed.reader, listed.role, "list".to_owned(), listed.shown),
        _ => return Ok(None),
    };
    Ok(Some(look_at(event, result, (reader, role), access, shown)))
}

fn look_at(
    event: &RecordedEvent,
    result: Option<Uuid>,
    (reader, role): (Uuid, i32),
    access: String,
    shown: i32,
) -> Look {
    Look {
        event: event.metadata.event_id.0,
        result,
        reader,
        role: i16::try_from(role).unwrap_or(0),
        access,
        shown,
        at: moment(event.metadata.occurred_at),
        correlation: event.metadata.correlation_id.0,
    }
}

async fn write(connection: &mut PgConnection, looks: &[Look]) -> Result<(), sqlx::Error> {
    sqlx::query(statements::ACCESS_INSERT)
        .bind(looks.iter().map(|look| look.event).collect::<Vec<_>>())
        .bind(looks.iter().map(|look| look.result).collect::<Vec<_>>())
        .bind(looks.iter().map(|look| look.reader).collect::<Vec<_>>())
        .bind(looks.iter().map(|look| look.role).collect::<Vec<_>>())
        .bind(looks.iter().map(|look| look.access.as_str()).collect::<Vec<_>>())
        .bind(looks.iter().map(|look| look.shown).collect::<Vec<_>>())
        .bind(looks.iter().map(|look| look.at).collect::<Vec<_>>())
        .bind(looks.iter().map(|look| look.correlation).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}
