//! What the store is asked one at a time and answers together: streams, commands, claims, numbers.
use super::limit_parameter;
use crate::{failure, packed, row, statements};
use domain_kernel::ports::{ClaimKind, CommandRecord, StoreError};
use domain_kernel::{CommandId, Hash, RecordedEvent, StreamId, Version};
use infra_gathered::Gathered;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::{PgPool, Row};
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// Connections of the look-ups: two for streams, one for each other kind, two for the log, seldom all at once.
const CONNECTIONS: u32 = 5;

/// How long a look-up waits for a connection, as everywhere in a service.
const ACQUIRE_LIMIT: Duration = Duration::from_secs(3);

/// After so long without use a connection is tried before it is used.
const RESTED: Duration = Duration::from_secs(30);

/// A page of a stream.
#[derive(Clone, Copy, Debug)]
struct Page {
    stream: Uuid,
    after: i32,
    most: i64,
}

/// The gathered look-ups of one store.
#[derive(Debug)]
pub(super) struct Reads {
    streams: Gathered<Page, Vec<RecordedEvent>>,
    commands: Gathered<CommandId, Option<CommandRecord>>,
    claims: Gathered<(ClaimKind, Hash), Option<StreamId>>,
    numbers: Gathered<(), u64>,
    pool: PgPool,
}

impl Reads {
    /// On connections of their own, with the writer's `options`: each look-up is one index probe with a plan that is
    /// made once.
    pub(super) fn new(options: PgConnectOptions) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE_LIMIT)
            .test_before_acquire(false)
            .before_acquire(|connection, rest| {
                Box::pin(async move {
                    if rest.idle_for >= RESTED {
                        sqlx::Connection::ping(connection).await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options);
        let of = || pool.clone();
        let (streams, commands, claims, numbers) = (of(), of(), of(), of());
        Self {
            // A long history takes its time.
            streams: Gathered::new(move |pages| Box::pin(read_streams(streams.clone(), pages))).side_by_side(2),
            commands: Gathered::new(move |ids| Box::pin(find_commands(commands.clone(), ids))),
            claims: Gathered::new(move |keys| Box::pin(find_claims(claims.clone(), keys))),
            numbers: Gathered::new(move |askers: Vec<()>| Box::pin(next_numbers(numbers.clone(), askers.len()))),
            pool,
        }
    }

    /// For others whose every question is one index probe.
    pub(super) fn pool(&self) -> PgPool {
        self.pool.clone()
    }

    pub(super) async fn stream(
        &self,
        stream: StreamId,
        after: Version,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        // Beyond the largest version that can be stored there is nothing.
        let Ok(after) = i32::try_from(after.0) else { return Ok(Vec::new()) };
        self.streams.ask(Page { stream: stream.0, after, most: limit_parameter(limit) }).await
    }

    pub(super) async fn command(&self, command: CommandId) -> Result<Option<CommandRecord>, StoreError> {
        self.commands.ask(command).await
    }

    pub(super) async fn claim(&self, kind: ClaimKind, key: Hash) -> Result<Option<StreamId>, StoreError> {
        self.claims.ask((kind, key)).await
    }

    pub(super) async fn number(&self) -> Result<u64, StoreError> {
        self.numbers.ask(()).await
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

async fn read_streams(pool: PgPool, pages: Vec<Page>) -> Result<Vec<Vec<RecordedEvent>>, StoreError> {
    let streams: Vec<_> = pages.iter().map(|page| page.stream).collect();
    let after: Vec<_> = pages.iter().map(|page| page.after).collect();
    let most: Vec<_> = pages.iter().map(|page| page.most).collect();
    let query = sqlx::query(statements::READ_STREAMS).bind(streams).bind(after).bind(most);
    let mut answers = vec![Vec::new(); pages.len()];
    for row in query.fetch_all(&pool).await.map_err(of_query)? {
        let events = answer(&mut answers, row.try_get(0).map_err(of_query)?)?;
        packed::page(row.try_get(1).map_err(of_query)?, events)?;
    }
    Ok(answers)
}

/// What became of each of `ids`.
pub(super) async fn find_commands(pool: PgPool, ids: Vec<CommandId>) -> Result<Vec<Option<CommandRecord>>, StoreError> {
    let wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query(statements::FIND_COMMANDS).bind(wanted).fetch_all(&pool).await.map_err(of_query)?;
    let found: HashMap<CommandId, CommandRecord> =
        rows.iter().map(|row| command(row).map(|record| (record.command_id, record))).collect::<Result<_, _>>()?;
    Ok(ids.iter().map(|id| found.get(id).copied()).collect())
}

fn command(row: &PgRow) -> Result<CommandRecord, StoreError> {
    let digest: Option<Vec<u8>> = row.try_get(4).map_err(of_query)?;
    Ok(CommandRecord {
        command_id: CommandId(row.try_get(0).map_err(of_query)?),
        stream: StreamId(row.try_get(1).map_err(of_query)?),
        version: row::version(row.try_get(2).map_err(of_query)?)?,
        correlation_id: row.try_get::<Uuid, _>(3).map_err(of_query)?.into(),
        digest: digest.map(row::hash).transpose()?,
    })
}

async fn find_claims(pool: PgPool, wanted: Vec<(ClaimKind, Hash)>) -> Result<Vec<Option<StreamId>>, StoreError> {
    let (kinds, keys): (Vec<i16>, Vec<Hash>) = wanted.iter().map(|(kind, key)| (kind.0, *key)).unzip();
    let query = sqlx::query_as(statements::FIND_CLAIMS).bind(kinds).bind(keys);
    let found: Vec<(i64, Uuid)> = query.fetch_all(&pool).await.map_err(of_query)?;
    let mut answers = vec![None; wanted.len()];
    for (ordinal, stream) in found {
        *answer(&mut answers, ordinal)? = Some(StreamId(stream));
    }
    Ok(answers)
}

async fn next_numbers(pool: PgPool, many: usize) -> Result<Vec<u64>, StoreError> {
    let query = sqlx::query_scalar(statements::NEXT_NUMBERS).bind(limit_parameter(many));
    let numbers: Vec<i64> = query.fetch_all(&pool).await.map_err(of_query)?;
    let number = |number| u64::try_from(number).map_err(|_| row::damaged("the running number is negative"));
    numbers.into_iter().map(number).collect()
}

/// The place of the answer to the question that is `ordinal`th, from 1.
fn answer<A>(answers: &mut [A], ordinal: i64) -> Result<&mut A, StoreError> {
    let index = usize::try_from(ordinal).ok().and_then(|ordinal| ordinal.checked_sub(1));
    index.and_then(|index| answers.get_mut(index)).ok_or_else(|| row::damaged("an answer to no question"))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn of_query(error: sqlx::Error) -> StoreError {
    failure::of_query(&error)
}
