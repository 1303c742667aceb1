//! A store in which a test changes what is appended or read, and which passes everything else on.
use domain_kernel::ports::{Append, AppendOutcome, ClaimKind, CommandRecord, EventStore, StoreError};
use domain_kernel::{BoxFuture, Checkpoint, CommandId, Hash, Head, RecordedEvent, StreamId, Version};
use std::ops::Deref;

/// What is done differently. Whatever is not said goes to the store behind it.
pub trait Intercepts: Send + Sync {
    /// The store behind it.
    fn store(&self) -> &dyn EventStore;

    /// Instead of [`EventStore::append`].
    fn append(&self, append: Append) -> BoxFuture<'_, Result<AppendOutcome, StoreError>> {
        self.store().append(append)
    }

    /// Instead of [`EventStore::read_stream`].
    fn read_stream(
        &self,
        stream: StreamId,
        after: Version,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, StoreError>> {
        self.store().read_stream(stream, after, limit)
    }
}

/// The store that does it.
#[derive(Debug)]
pub struct Intercepted<I>(pub I);

impl<I> Deref for Intercepted<I> {
    type Target = I;

    fn deref(&self) -> &I {
        &self.0
    }
}

impl<I: Intercepts> EventStore for Intercepted<I> {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<AppendOutcome, StoreError>> {
        self.0.append(append)
    }

    fn read_stream(
        &self,
        stream: StreamId,
        after: Version,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, StoreError>> {
        self.0.read_stream(stream, after, limit)
    }

    fn head(&self, stream: StreamId) -> BoxFuture<'_, Result<Head, StoreError>> {
        self.store().head(stream)
    }

    fn read_all(&self, after: Checkpoint, limit: usize) -> BoxFuture<'_, Result<Vec<RecordedEvent>, StoreError>> {
        self.store().read_all(after, limit)
    }

    fn find_command(&self, command: CommandId) -> BoxFuture<'_, Result<Option<CommandRecord>, StoreError>> {
        self.store().find_command(command)
    }

    fn find_claim(&self, kind: ClaimKind, key: Hash) -> BoxFuture<'_, Result<Option<StreamId>, StoreError>> {
        self.store().find_claim(kind, key)
    }

    fn next_number(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.store().next_number()
    }

    fn appended(&self) -> BoxFuture<'_, ()> {
        self.store().appended()
    }
}
