//! [`PgEventStore`]: the port on PostgreSQL.
//!
//! Reads go through the pool, look-ups that come one by one in groups ([`reads`]); appends over two connections of their
//! own, in groups too ([`writer`]). The order of the log is `(epoch, tx, position)`: an append names the exact version it
//! saw, so the statement that writes version n+1 begins after version n was committed and gets a later transaction id;
//! and a reader takes only what is older than every running transaction ([`statements::READ_ALL`]). It holds because
//! nothing that already has a transaction id appends.
use crate::{epoch, failure, row, statements};
use domain_kernel::ports::{Append, AppendOutcome, ClaimKind, CommandRecord, EventStore, StoreError};
use domain_kernel::{BoxFuture, Checkpoint, CommandId, Hash, Head, RecordedEvent, StreamId, Version};
use group::Waiting;
use line::Line;
use reads::Reads;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use std::sync::Arc;
use tail::Tail;
use tokio::sync::{Mutex, Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use wake::Wake;
use writer::Writer;

mod classify;
mod group;
pub mod limits;
mod line;
mod prepare;
mod reads;
mod tail;
mod wake;
mod writer;

/// How many appends may wait for the writer; further callers wait to get in.
const QUEUE: usize = 1024;

/// The event store of one service's database.
#[derive(Debug)]
pub struct PgEventStore {
    pool: PgPool,
    reads: Reads,
    tail: Tail,
    epoch: i16,
    queue: mpsc::Sender<Waiting>,
    closing: Arc<Notify>,
    writer: Mutex<Option<JoinHandle<()>>>,
    wake: Arc<Wake>,
}

impl PgEventStore {
    /// Opens the store in the migrated database of `pool`; `options` are for the writer's own connection to it.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the data came from another cluster and was not adopted (`historia db adopt`);
    /// [`StoreError::Unavailable`] when the database or its tables are not there.
    pub async fn open(options: PgConnectOptions, pool: PgPool) -> Result<Arc<Self>, StoreError> {
        let epoch = epoch::current(&pool).await?;
        let options = line::writer_options(options);
        let connection = Some(line::connect(&options).await?);
        let reads = Reads::new(options.clone());
        let tail = Tail::new(reads.pool());
        let (queue, receiver) = mpsc::channel(QUEUE);
        let closing = Arc::new(Notify::new());
        let wake = Arc::new(Wake::new());
        let line = Line { options, pool: pool.clone(), epoch, wake: Arc::clone(&wake), connection };
        let writer = Writer::new(receiver, Arc::clone(&closing), line);
        let writer = Mutex::new(Some(tokio::spawn(writer.run())));
        Ok(Arc::new(Self { pool, reads, tail, epoch, queue, closing, writer, wake }))
    }

    /// Lets the appends that wait be written, refuses further ones, and closes the writer's connections.
    pub async fn close(&self) {
        self.closing.notify_one();
        if let Some(writer) = self.writer.lock().await.take() {
            let _ended = writer.await;
        }
        self.reads.close().await;
    }

    /// The pool that reads go through.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }
}

impl EventStore for PgEventStore {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<AppendOutcome, StoreError>> {
        Box::pin(async move {
            let prepared = prepare::prepare(append, self.epoch)?;
            let (answer, outcome) = oneshot::channel();
            self.queue
                .send(Waiting { prepared, answer })
                .await
                .map_err(|_| StoreError::Unavailable { reason: "the store is closed".into() })?;
            // The writer answers everything it takes, so a lost answer means that it broke off in the middle.
            outcome.await.unwrap_or(Err(StoreError::OutcomeUnknown))
        })
    }

    fn read_stream(
        &self,
        stream: StreamId,
        after: Version,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, StoreError>> {
        Box::pin(self.reads.stream(stream, after, limit))
    }

    fn head(&self, stream: StreamId) -> BoxFuture<'_, Result<Head, StoreError>> {
        Box::pin(async move {
            let found: Option<(i32, Vec<u8>)> = sqlx::query_as(statements::HEAD)
                .bind(stream.0)
                .fetch_optional(&self.pool)
                .await
                .map_err(|error| failure::of_query(&error))?;
            found.map_or(Ok(Head::default()), |(version, hash)| {
                Ok(Head { version: row::version(version)?, hash: row::hash(hash)? })
            })
        })
    }

    fn read_all(&self, after: Checkpoint, limit: usize) -> BoxFuture<'_, Result<Vec<RecordedEvent>, StoreError>> {
        Box::pin(async move {
            let events = self.tail.read(after, limit).await?;
            if !events.is_empty() {
                self.wake.active();
            }
            Ok(events)
        })
    }

    fn find_command(&self, command: CommandId) -> BoxFuture<'_, Result<Option<CommandRecord>, StoreError>> {
        Box::pin(self.reads.command(command))
    }

    fn find_claim(&self, kind: ClaimKind, key: Hash) -> BoxFuture<'_, Result<Option<StreamId>, StoreError>> {
        Box::pin(self.reads.claim(kind, key))
    }

    fn next_number(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.reads.number())
    }

    fn appended(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.wake.wait())
    }
}

fn limit_parameter(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
