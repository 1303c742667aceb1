//! Between the saga's events and their stored records.
use crate::events::{CATALOGUE, RETRY_REQUESTED, SAGA_EVENT_RECORDED, SKIP_REQUESTED, STEP_REPORTED};
use domain_kernel::{BoxFuture, EventTypeId, Reason, RecordedEvent, StreamId, Timestamp, UserId, Version};
use domain_saga_log::{Answer, AnswerTo, Recorded, SagaEvent};
use infra_event_store::codec::{CodecError, EncodedEvent, EventCodec, EventSlot};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Encodes and decodes [`SagaEvent`]s.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SagaCodec;

impl EventCodec<SagaEvent> for SagaCodec {
    fn encode<'a>(
        &'a self,
        event: &'a SagaEvent,
        _slot: &'a EventSlot,
    ) -> BoxFuture<'a, Result<EncodedEvent, CodecError>> {
        Box::pin(async move { encode(event) })
    }

    fn decode<'a>(&'a self, event: &'a RecordedEvent) -> BoxFuture<'a, Result<SagaEvent, CodecError>> {
        Box::pin(async move { decode(event) })
    }
}

/// The stored form of `event`.
pub(crate) fn encode(event: &SagaEvent) -> Result<EncodedEvent, CodecError> {
    match event {
        SagaEvent::EventRecorded { event, answer } => {
            write(SAGA_EVENT_RECORDED, &StoredEvent::from((event, answer.as_ref())))
        }
        SagaEvent::StepReported(answer) => write(STEP_REPORTED, &StoredAnswer::from(answer)),
        SagaEvent::RetryRequested { event, consumer, attempt, reason } => write(
            RETRY_REQUESTED,
            &StoredRetry {
                event_id: event.0,
                consumer: consumer.clone(),
                attempt: i32_of(*attempt),
                reason: reason.as_str().to_owned(),
            },
        ),
        SagaEvent::SkipRequested { event, stream, consumer, reason } => write(
            SKIP_REQUESTED,
            &StoredSkip {
                event_id: event.0,
                stream_id: stream.0,
                consumer: consumer.clone(),
                reason: reason.as_str().to_owned(),
            },
        ),
    }
}

/// The event that was stored.
pub(crate) fn decode(event: &RecordedEvent) -> Result<SagaEvent, CodecError> {
    Ok(match event.type_id {
        SAGA_EVENT_RECORDED => {
            let mut stored: StoredEvent = read(event)?;
            let answer = stored.answer.take().map(|answer| answer.into_answer(event)).transpose()?;
            SagaEvent::EventRecorded { event: stored.into_recorded(event)?, answer }
        }
        STEP_REPORTED => SagaEvent::StepReported(read::<StoredAnswer>(event)?.into_answer(event)?),
        RETRY_REQUESTED => {
            let StoredRetry { event_id, consumer, attempt, reason } = read(event)?;
            SagaEvent::RetryRequested {
                event: event_id.into(),
                consumer,
                attempt: u32_of(event, "attempt", attempt.into())?,
                reason: parse_reason(event, &reason)?,
            }
        }
        SKIP_REQUESTED => {
            let StoredSkip { event_id, stream_id, consumer, reason } = read(event)?;
            SagaEvent::SkipRequested {
                event: event_id.into(),
                stream: StreamId(stream_id),
                consumer,
                reason: parse_reason(event, &reason)?,
            }
        }
        type_id => return Err(CodecError::UnknownType { type_id, schema_version: event.schema_version }),
    })
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "SagaEventRecorded")]
struct StoredEvent {
    event_id: Uuid,
    event_type: String,
    topic: String,
    stream_id: Uuid,
    version: i64,
    causation_id: Option<Uuid>,
    actor: Option<Uuid>,
    occurred_at: i64,
    expects: Vec<String>,
    answer: Option<StoredAnswer>,
}

/// A step of its own, and the part of an event that is an answer.
#[derive(Serialize, Deserialize)]
#[serde(rename = "SagaAnswer")]
struct StoredAnswer {
    event_id: Uuid,
    consumer: String,
    attempt: i32,
    outcome: String,
    code: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "RetryRequested")]
struct StoredRetry {
    event_id: Uuid,
    consumer: String,
    attempt: i32,
    reason: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "SkipRequested")]
struct StoredSkip {
    event_id: Uuid,
    stream_id: Uuid,
    consumer: String,
    reason: String,
}

impl From<(&Recorded, Option<&AnswerTo>)> for StoredEvent {
    fn from((event, answer): (&Recorded, Option<&AnswerTo>)) -> Self {
        Self {
            event_id: event.event_id.0,
            event_type: event.event_type.clone(),
            topic: event.topic.clone(),
            stream_id: event.stream.0,
            version: event.version.0.into(),
            causation_id: event.causation_id.map(|id| id.0),
            actor: event.actor.map(|user| user.0),
            occurred_at: event.occurred_at.0,
            expects: event.expects.clone(),
            answer: answer.map(StoredAnswer::from),
        }
    }
}

impl StoredEvent {
    fn into_recorded(self, event: &RecordedEvent) -> Result<Recorded, CodecError> {
        Ok(Recorded {
            event_id: self.event_id.into(),
            event_type: self.event_type,
            topic: self.topic,
            stream: StreamId(self.stream_id),
            version: Version(u32_of(event, "version", self.version)?),
            causation_id: self.causation_id.map(Into::into),
            actor: self.actor.map(UserId),
            occurred_at: Timestamp(self.occurred_at),
            expects: self.expects,
        })
    }
}

impl From<&AnswerTo> for StoredAnswer {
    fn from(said: &AnswerTo) -> Self {
        Self {
            event_id: said.event.0,
            consumer: said.consumer.clone(),
            attempt: i32_of(said.answer.attempt),
            outcome: said.answer.outcome.name().to_owned(),
            code: said.answer.code.clone(),
        }
    }
}

impl StoredAnswer {
    fn into_answer(self, event: &RecordedEvent) -> Result<AnswerTo, CodecError> {
        Ok(AnswerTo {
            event: self.event_id.into(),
            consumer: self.consumer,
            answer: Answer {
                attempt: u32_of(event, "attempt", self.attempt.into())?,
                outcome: self.outcome.parse().map_err(|_| malformed(event, "outcome"))?,
                code: self.code,
            },
        })
    }
}

fn write<T: Serialize>(type_id: EventTypeId, record: &T) -> Result<EncodedEvent, CodecError> {
    let (schema_version, payload) = CATALOGUE
        .encode(type_id, record)
        .map_err(|error| CodecError::Malformed { event: None, reason: error.to_string() })?;
    Ok(EncodedEvent { type_id, schema_version, payload })
}

fn read<T: DeserializeOwned>(event: &RecordedEvent) -> Result<T, CodecError> {
    CATALOGUE
        .decode(event.type_id, event.schema_version, &event.payload)
        .map_err(|error| CodecError::Malformed { event: Some(event.metadata.event_id), reason: error.to_string() })
}

/// Avro has no unsigned numbers; no attempt comes near the limit.
pub(crate) fn i32_of(attempt: u32) -> i32 {
    i32::try_from(attempt).unwrap_or(i32::MAX)
}

fn parse_reason(event: &RecordedEvent, reason: &str) -> Result<Reason, CodecError> {
    Reason::parse(reason).map_err(|_| malformed(event, "reason"))
}

fn u32_of(event: &RecordedEvent, field: &str, number: i64) -> Result<u32, CodecError> {
    u32::try_from(number).map_err(|_| malformed(event, field))
}

fn malformed(event: &RecordedEvent, field: &str) -> CodecError {
    CodecError::Malformed { event: Some(event.metadata.event_id), reason: format!("{field} has no known value") }
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
