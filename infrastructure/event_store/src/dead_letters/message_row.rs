//! A whole message as columns, and back.
use crate::row;
use chrono::{DateTime, Utc};
use domain_kernel::message::topics;
use domain_kernel::ports::StoreError;
use domain_kernel::{Message, MessageHeaders, Timestamp};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Postgres, Row};
use uuid::Uuid;

/// Binds `message` as sixteen parameters: event, type, source, stream, version, topic, moment, correlation, causation,
/// actor, contract, expects, answering consumer and attempt, trace, payload.
pub(super) fn bind<'q>(
    query: Query<'q, Postgres, PgArguments>,
    message: &'q Message,
) -> Result<Query<'q, Postgres, PgArguments>, StoreError> {
    let headers = &message.headers;
    let attempt = headers
        .attempt
        .map(i32::try_from)
        .transpose()
        .map_err(|_| StoreError::Malformed { reason: "an attempt is out of range".into() })?;
    Ok(query
        .bind(headers.event_id.0)
        .bind(&headers.event_type)
        .bind(&headers.source)
        .bind(headers.stream.0)
        .bind(row::version_parameter(headers.version)?)
        .bind(message.topic)
        .bind(row::moment_parameter(headers.occurred_at)?)
        .bind(headers.correlation_id.0)
        .bind(headers.causation_id.map(|id| id.0))
        .bind(headers.actor.map(|id| id.0))
        .bind(i32::from(headers.contract_version))
        .bind(&headers.expects)
        .bind(&headers.consumer)
        .bind(attempt)
        .bind(&headers.traceparent)
        .bind(&message.payload))
}

/// The message in the first sixteen columns of `row`, in the order of [`bind`].
pub(super) fn read(row: &PgRow) -> Result<Message, StoreError> {
    let topic: String = get(row, 5)?;
    let topic = topics::ALL
        .into_iter()
        .find(|known| **known == *topic)
        .ok_or_else(|| row::damaged("a stored message has an unknown topic"))?;
    let out_of_range = |_| row::damaged("a stored message has a number out of range");
    let headers = MessageHeaders {
        event_id: get::<Uuid>(row, 0)?.into(),
        event_type: get(row, 1)?,
        source: get(row, 2)?,
        stream: get::<Uuid>(row, 3)?.into(),
        version: row::version(get(row, 4)?)?,
        occurred_at: Timestamp(get::<DateTime<Utc>>(row, 6)?.timestamp_micros()),
        correlation_id: get::<Uuid>(row, 7)?.into(),
        causation_id: get::<Option<Uuid>>(row, 8)?.map(Into::into),
        actor: get::<Option<Uuid>>(row, 9)?.map(Into::into),
        contract_version: get::<i32>(row, 10)?.try_into().map_err(out_of_range)?,
        expects: get(row, 11)?,
        consumer: get(row, 12)?,
        attempt: get::<Option<i32>>(row, 13)?.map(TryInto::try_into).transpose().map_err(out_of_range)?,
        traceparent: get(row, 14)?,
    };
    Ok(Message { topic, headers, payload: get(row, 15)? })
}

/// One column.
pub(super) fn get<'r, T>(row: &'r PgRow, index: usize) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>,
{
    row.try_get(index).map_err(|error| crate::failure::of_query(&error))
}
