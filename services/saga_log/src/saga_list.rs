//! Read model `saga_event`: every event of every saga, and who answered.
//!
//! All that is known of an event is in the one stream of its saga, so the fold needs no order between streams. A batch
//! is folded in memory by the domain's own rules and written at once.
mod changes;
mod query;

pub(crate) use changes::{Place, changes};
pub(crate) use query::{Filter, Position, SagaEventRow, find, holds, list, list_saga};

use crate::{codec, statements};
use chrono::{DateTime, Utc};
use domain_kernel::message::topics;
use domain_kernel::{BoxFuture, CorrelationId, EventId, RecordedEvent, Timestamp};
use domain_saga_log::{Answer, AnswerTo, Answers, Recorded, SagaEvent, entry};
use infra_contracts::catalogue;
use infra_event_store::projection::{Projection, ProjectionError};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The pinned name.
pub(crate) const NAME: &str = "saga_event";
/// The version; part of the tables' names.
pub(crate) const VERSION: i32 = 1;

/// Keeps `saga_event_v1` and `saga_v1`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SagaList;

impl Projection for SagaList {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> i32 {
        VERSION
    }

    fn tables(&self) -> &'static [&'static str] {
        &["saga_event_v1", "saga_v1"]
    }

    fn apply<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        events: &'a [RecordedEvent],
    ) -> BoxFuture<'a, Result<(), ProjectionError>> {
        Box::pin(async move {
            let batch = Batch::of(events)?;
            if batch.heard.is_empty() {
                return Ok(());
            }
            let mut rows = load(connection, &batch).await?;
            for heard in &batch.heard {
                rows.entry(heard.event()).or_default().take(heard);
            }
            write(connection, rows).await?;
            write_sagas(connection, batch.sagas).await
        })
    }
}

/// What a batch of events says of the sagas' events.
struct Batch {
    heard: Vec<Heard>,
    sagas: BTreeMap<CorrelationId, SagaRow>,
}

/// One thing that is said of one event.
enum Heard {
    Recorded(CorrelationId, Recorded),
    Answer(CorrelationId, AnswerTo),
}

impl Heard {
    fn event(&self) -> EventId {
        match self {
            Self::Recorded(_, event) => event.event_id,
            Self::Answer(_, said) => said.event,
        }
    }
}

#[derive(Default)]
struct SagaRow {
    started_by: Option<Uuid>,
    subject: Option<Uuid>,
}

impl Batch {
    fn of(events: &[RecordedEvent]) -> Result<Self, ProjectionError> {
        let mut batch = Self { heard: Vec::new(), sagas: BTreeMap::new() };
        let ours = |event: &&RecordedEvent| crate::events::CATALOGUE.name(event.type_id).is_some();
        for event in events.iter().filter(ours) {
            let decoded = codec::decode(event).map_err(|error| ProjectionError::Event {
                projection: NAME,
                checkpoint: event.checkpoint,
                reason: error.to_string(),
            })?;
            let saga = event.metadata.correlation_id;
            match decoded {
                SagaEvent::EventRecorded { event, answer } => {
                    batch.begin(saga, &event);
                    batch.heard.push(Heard::Recorded(saga, event));
                    batch.heard.extend(answer.map(|said| Heard::Answer(saga, said)));
                }
                SagaEvent::StepReported(said) => batch.heard.push(Heard::Answer(saga, said)),
                // The consumer's own word tells what came of it.
                SagaEvent::RetryRequested { .. } | SagaEvent::SkipRequested { .. } => {}
            }
        }
        Ok(batch)
    }

    /// What no message caused began the saga: who did it started it, and if it happened to an account, that is whom
    /// the saga is about.
    fn begin(&mut self, saga: CorrelationId, event: &Recorded) {
        if event.causation_id.is_some() {
            return;
        }
        let row = self.sagas.entry(saga).or_default();
        row.started_by = row.started_by.or(event.actor.map(|user| user.0));
        if event.topic == topics::EVENT_USER {
            row.subject = row.subject.or(Some(event.stream.0));
        }
    }
}

/// An event's row while a batch is folded into it.
#[derive(Default)]
struct Row {
    saga: Option<CorrelationId>,
    /// Set when this batch recorded the event.
    event: Option<Recorded>,
    /// Whether an earlier batch recorded it.
    known: bool,
    expects: Vec<String>,
    answers: Answers,
}

impl Row {
    fn take(&mut self, heard: &Heard) {
        match heard {
            Heard::Recorded(saga, event) => {
                self.saga = Some(*saga);
                if self.event.is_none() && !self.known {
                    self.expects.clone_from(&event.expects);
                    self.event = Some(event.clone());
                }
            }
            Heard::Answer(saga, said) => {
                self.saga = Some(*saga);
                self.answers.hear(&said.consumer, &said.answer);
            }
        }
    }
}

/// An answer as the row keeps it.
#[derive(Serialize, Deserialize)]
struct AnswerColumn {
    consumer: String,
    attempt: u32,
    outcome: String,
    code: Option<String>,
}

fn answers_to_json(answers: &Answers) -> Result<String, ProjectionError> {
    let columns: Vec<AnswerColumn> = answers
        .iter()
        .map(|(consumer, answer)| AnswerColumn {
            consumer: consumer.to_owned(),
            attempt: answer.attempt,
            outcome: answer.outcome.name().to_owned(),
            code: answer.code.clone(),
        })
        .collect();
    serde_json::to_string(&columns).map_err(unreadable)
}

/// # Errors
/// When the column holds something that this service did not write.
pub(crate) fn answers_from_json(json: &str) -> Result<Answers, sqlx::Error> {
    let mut answers = Answers::default();
    for column in serde_json::from_str::<Vec<AnswerColumn>>(json).map_err(|error| decode_error("answers", error))? {
        let outcome = column.outcome.parse().map_err(|error| decode_error("answers", error))?;
        answers.hear(&column.consumer, &Answer { attempt: column.attempt, outcome, code: column.code });
    }
    Ok(answers)
}

fn decode_error(column: &str, source: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_owned(), source: Box::new(source) }
}

fn unreadable(error: serde_json::Error) -> ProjectionError {
    sqlx::Error::Encode(Box::new(error)).into()
}

async fn load(connection: &mut PgConnection, batch: &Batch) -> Result<BTreeMap<EventId, Row>, ProjectionError> {
    let ids: Vec<Uuid> = batch.heard.iter().map(|heard| heard.event().0).collect();
    let found: Vec<(Uuid, String, String, bool)> =
        sqlx::query_as(statements::LOAD_ENTRIES).bind(ids).fetch_all(connection).await?;
    found
        .into_iter()
        .map(|(id, expects, answers, known)| {
            let expects = serde_json::from_str(&expects).map_err(|error| decode_error("expects", error))?;
            let answers = answers_from_json(&answers)?;
            Ok((EventId(id), Row { known, expects, answers, ..Row::default() }))
        })
        .collect()
}

/// The columns of a bulk write; row by row in the same order.
#[derive(Default)]
struct Columns {
    id: Vec<Uuid>,
    correlation_id: Vec<Uuid>,
    event_type: Vec<Option<String>>,
    topic: Vec<Option<String>>,
    aggregate: Vec<Option<Uuid>>,
    version: Vec<Option<i64>>,
    causation_id: Vec<Option<Uuid>>,
    occurred_at: Vec<Option<DateTime<Utc>>>,
    expects: Vec<String>,
    answers: Vec<String>,
    state: Vec<String>,
}

async fn write(connection: &mut PgConnection, rows: BTreeMap<EventId, Row>) -> Result<(), ProjectionError> {
    let mut columns = Columns::default();
    for (id, row) in rows {
        let Some(saga) = row.saga else { continue };
        columns.id.push(id.0);
        columns.correlation_id.push(saga.0);
        columns.state.push(entry::standing(&row.expects, &row.answers).name().to_owned());
        columns.expects.push(serde_json::to_string(&row.expects).map_err(unreadable)?);
        columns.answers.push(answers_to_json(&row.answers)?);
        let event = row.event.as_ref();
        columns.event_type.push(event.map(|event| display_name(&event.event_type)));
        columns.topic.push(event.map(|event| event.topic.clone()));
        columns.aggregate.push(event.map(|event| event.stream.0));
        columns.version.push(event.map(|event| event.version.0.into()));
        columns.causation_id.push(event.and_then(|event| event.causation_id).map(|id| id.0));
        columns.occurred_at.push(event.map(|event| moment(event.occurred_at)));
    }
    sqlx::query(statements::WRITE_ENTRIES)
        .bind(columns.id)
        .bind(columns.correlation_id)
        .bind(columns.event_type)
        .bind(columns.topic)
        .bind(columns.aggregate)
        .bind(columns.version)
        .bind(columns.causation_id)
        .bind(columns.occurred_at)
        .bind(columns.expects)
        .bind(columns.answers)
        .bind(columns.state)
        .execute(connection)
        .await?;
    Ok(())
}

async fn write_sagas(
    connection: &mut PgConnection,
    sagas: BTreeMap<CorrelationId, SagaRow>,
) -> Result<(), ProjectionError> {
    if sagas.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = sagas.keys().map(|saga| saga.0).collect();
    let started_by: Vec<Option<Uuid>> = sagas.values().map(|row| row.started_by).collect();
    let subjects: Vec<Option<Uuid>> = sagas.values().map(|row| row.subject).collect();
    sqlx::query(statements::WRITE_SAGAS).bind(ids).bind(started_by).bind(subjects).execute(connection).await?;
    Ok(())
}

/// What people see: the catalogue's word, such as `UserCreated`; for an event of a newer release its own name.
fn display_name(event_type: &str) -> String {
    catalogue::find(event_type).map_or(event_type, |published| published.display).to_owned()
}

/// A moment as PostgreSQL keeps it. No moment of a clock is outside of what it can keep.
pub(crate) fn moment(at: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.0).unwrap_or_default()
}
