//! [`DeadLetters`] in the service's database.
use super::message_row::{bind, get, read};
use super::{DeadLetter, DeadLetters};
use crate::{failure, row, statements};
use chrono::{DateTime, Utc};
use domain_kernel::ports::StoreError;
use domain_kernel::{BoxFuture, EventId, Message, StreamId, Timestamp};
use infra_gathered::Gathered;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool};
use std::collections::HashSet;
use std::sync::Arc;
use uuid::Uuid;

/// Dead letters in a service's database.
#[derive(Clone, Debug)]
pub struct PgDeadLetters {
    pool: PgPool,
    /// Asked before every message.
    parked: Arc<Gathered<(String, StreamId), bool>>,
}

impl PgDeadLetters {
    /// In the database of `pool`.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        let of = pool.clone();
        Self { pool, parked: Arc::new(Gathered::new(move |streams| Box::pin(are_parked(of.clone(), streams)))) }
    }
}

impl DeadLetters for PgDeadLetters {
    fn attempts<'a>(&'a self, consumer: &'a str, event: EventId) -> BoxFuture<'a, Result<u32, StoreError>> {
        Box::pin(async move {
            let attempts: Option<i32> = sqlx::query_scalar(statements::ATTEMPTS)
                .bind(consumer)
                .bind(event.0)
                .fetch_optional(&self.pool)
                .await
                .map_err(of_query)?;
            attempts.map_or(Ok(0), count)
        })
    }

    fn record_attempt<'a>(&'a self, consumer: &'a str, event: EventId) -> BoxFuture<'a, Result<u32, StoreError>> {
        Box::pin(async move {
            let attempts = sqlx::query_scalar(statements::ATTEMPT_RECORD)
                .bind(consumer)
                .bind(event.0)
                .fetch_one(&self.pool)
                .await
                .map_err(of_query)?;
            count(attempts)
        })
    }

    fn is_parked<'a>(&'a self, consumer: &'a str, stream: StreamId) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(self.parked.ask((consumer.to_owned(), stream)))
    }

    fn park<'a>(
        &'a self,
        consumer: &'a str,
        message: &'a Message,
        attempts: u32,
        code: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let headers = &message.headers;
            let id = headers.event_id.derive(&format!("dead letter of {consumer}"));
            let letter = sqlx::query(statements::LETTER_WRITE)
                .bind(id)
                .bind(consumer)
                .bind(i32::try_from(attempts).unwrap_or(i32::MAX))
                .bind(code);
            let letter = bind(letter, message)?;
            let mut transaction = self.pool.begin().await.map_err(of_query)?;
            park_stream(&mut transaction, consumer, headers.stream).await?;
            letter.execute(&mut *transaction).await.map_err(of_query)?;
            transaction.commit().await.map_err(of_query)
        })
    }

    fn store_behind<'a>(&'a self, consumer: &'a str, message: &'a Message) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let waiting = bind(sqlx::query(statements::BEHIND_WRITE).bind(consumer), message)?;
            let mut transaction = self.pool.begin().await.map_err(of_query)?;
            if !lock(&mut transaction, consumer, message.headers.stream).await? {
                return Ok(false);
            }
            waiting.execute(&mut *transaction).await.map_err(of_query)?;
            transaction.commit().await.map_err(of_query)?;
            Ok(true)
        })
    }

    fn list(&self, limit: usize) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>> {
        Box::pin(async move {
            let rows = sqlx::query(statements::LETTER_LIST)
                .bind(i64::try_from(limit).unwrap_or(i64::MAX))
                .fetch_all(&self.pool)
                .await
                .map_err(of_query)?;
            rows.iter().map(letter).collect()
        })
    }

    fn find<'a>(&'a self, consumer: &'a str, event: EventId) -> BoxFuture<'a, Result<Option<DeadLetter>, StoreError>> {
        Box::pin(async move {
            let found = sqlx::query(statements::LETTER_FIND)
                .bind(consumer)
                .bind(event.0)
                .fetch_optional(&self.pool)
                .await
                .map_err(of_query)?;
            found.as_ref().map(letter).transpose()
        })
    }

    fn next_behind<'a>(
        &'a self,
        consumer: &'a str,
        stream: StreamId,
        after: EventId,
    ) -> BoxFuture<'a, Result<Option<Message>, StoreError>> {
        Box::pin(async move {
            let found = sqlx::query(statements::BEHIND_NEXT)
                .bind(consumer)
                .bind(stream.0)
                .bind(after.0)
                .fetch_optional(&self.pool)
                .await
                .map_err(of_query)?;
            found.as_ref().map(read).transpose()
        })
    }

    fn remove_behind<'a>(&'a self, consumer: &'a str, event: EventId) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.remove(&[statements::BEHIND_REMOVE, statements::ATTEMPTS_REMOVE], consumer, event))
    }

    fn remove_letter<'a>(&'a self, consumer: &'a str, event: EventId) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.remove(&[statements::LETTER_REMOVE, statements::ATTEMPTS_REMOVE], consumer, event))
    }

    fn unpark_if_empty<'a>(&'a self, consumer: &'a str, stream: StreamId) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let mut transaction = self.pool.begin().await.map_err(of_query)?;
            if !lock(&mut transaction, consumer, stream).await? {
                return Ok(true);
            }
            let unparked = sqlx::query(statements::UNPARK)
                .bind(consumer)
                .bind(stream.0)
                .execute(&mut *transaction)
                .await
                .map_err(of_query)?;
            transaction.commit().await.map_err(of_query)?;
            Ok(unparked.rows_affected() == 1)
        })
    }
}

impl PgDeadLetters {
    /// Several statements about one message of one consumer, in one short transaction.
    async fn remove(&self, sql: &[&'static str], consumer: &str, event: EventId) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await.map_err(of_query)?;
        for statement in sql {
            sqlx::query(*statement).bind(consumer).bind(event.0).execute(&mut *transaction).await.map_err(of_query)?;
        }
        transaction.commit().await.map_err(of_query)
    }
}

/// Which of the consumers' streams are parked.
async fn are_parked(pool: PgPool, wanted: Vec<(String, StreamId)>) -> Result<Vec<bool>, StoreError> {
    let (consumers, streams): (Vec<&str>, Vec<Uuid>) =
        wanted.iter().map(|(consumer, stream)| (consumer.as_str(), stream.0)).unzip();
    let query = sqlx::query_as(statements::PARKED).bind(consumers).bind(streams);
    let parked: HashSet<(String, Uuid)> = query.fetch_all(&pool).await.map_err(of_query)?.into_iter().collect();
    Ok(wanted.into_iter().map(|(consumer, stream)| parked.contains(&(consumer, stream.0))).collect())
}

/// Makes sure that the stream is parked, and locks its row. Whoever unparks it at this moment comes first.
async fn park_stream(connection: &mut PgConnection, consumer: &str, stream: StreamId) -> Result<(), StoreError> {
    for _ in 0..3 {
        sqlx::query(statements::PARK_STREAM)
            .bind(consumer)
            .bind(stream.0)
            .execute(&mut *connection)
            .await
            .map_err(of_query)?;
        if lock(connection, consumer, stream).await? {
            return Ok(());
        }
    }
    Err(StoreError::Unavailable { reason: "the stream is being unparked again and again".into() })
}

/// Locks the parked stream's row until the transaction ends; false when it is not parked.
async fn lock(connection: &mut PgConnection, consumer: &str, stream: StreamId) -> Result<bool, StoreError> {
    let found: Option<Uuid> = sqlx::query_scalar(statements::PARKED_LOCK)
        .bind(consumer)
        .bind(stream.0)
        .fetch_optional(connection)
        .await
        .map_err(of_query)?;
    Ok(found.is_some())
}

fn letter(row: &PgRow) -> Result<DeadLetter, StoreError> {
    Ok(DeadLetter {
        message: read(row)?,
        id: get(row, 16)?,
        consumer: get(row, 17)?,
        attempts: count(get(row, 18)?)?,
        code: get(row, 19)?,
        failed_at: Timestamp(get::<DateTime<Utc>>(row, 20)?.timestamp_micros()),
        parked_behind: u32::try_from(get::<i64>(row, 21)?).unwrap_or(u32::MAX),
    })
}

fn count(number: i32) -> Result<u32, StoreError> {
    u32::try_from(number).map_err(|_| row::damaged("a count is negative"))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn of_query(error: sqlx::Error) -> StoreError {
    failure::of_query(&error)
}
