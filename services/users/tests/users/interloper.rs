//! An event store in which something else can happen just after a stream was read.
use domain_kernel::ports::{Append, AppendOutcome, ClaimKind, CommandRecord, EventStore, StoreError};
use domain_kernel::{BoxFuture, Checkpoint, CommandId, Hash, Head, RecordedEvent, StreamId, Version};
use std::sync::{Arc, Mutex};

/// Passes everything on to the real store.
pub(crate) struct Interloper {
    store: Arc<dyn EventStore>,
    armed: Mutex<Option<(StreamId, BoxFuture<'static, ()>)>>,
}

impl Interloper {
    pub(crate) fn new(store: Arc<dyn EventStore>) -> Self {
        Self { store, armed: Mutex::new(None) }
    }

    /// The next time that `stream` is read, `work` is done before the reader gets what it read.
    pub(crate) fn after_next_read(&self, stream: StreamId, work: BoxFuture<'static, ()>) {
        *self.armed.lock().unwrap() = Some((stream, work));
    }

    fn take(&self, stream: StreamId) -> Option<BoxFuture<'static, ()>> {
        let mut armed = self.armed.lock().unwrap();
        if armed.as_ref().is_some_and(|(of, _)| *of == stream) { armed.take().map(|(_, work)| work) } else { None }
    }
}

impl EventStore for Interloper {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<AppendOutcome, StoreError>> {
        self.store.append(append)
    }

    fn read_stream(
        &self,
        stream: StreamId,
        after: Version,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, StoreError>> {
        Box::pin(async move {
            let events = self.store.read_stream(stream, after, limit).await;
            let work = self.take(stream);
            if let Some(work) = work {
                work.await;
            }
            events
        })
    }

    fn head(&self, stream: StreamId) -> BoxFuture<'_, Result<Head, StoreError>> {
        self.store.head(stream)
    }

    fn read_all(&self, after: Checkpoint, limit: usize) -> BoxFuture<'_, Result<Vec<RecordedEvent>, StoreError>> {
        self.store.read_all(after, limit)
    }

    fn find_command(&self, command: CommandId) -> BoxFuture<'_, Result<Option<CommandRecord>, StoreError>> {
        self.store.find_command(command)
    }

    fn find_claim(&self, kind: ClaimKind, key: Hash) -> BoxFuture<'_, Result<Option<StreamId>, StoreError>> {
        self.store.find_claim(kind, key)
    }

    fn next_number(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.store.next_number()
    }

    fn appended(&self) -> BoxFuture<'_, ()> {
        self.store.appended()
    }
}
