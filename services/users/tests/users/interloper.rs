//! An event store in which something else can happen just after a stream was read.
use domain_kernel::ports::{EventStore, StoreError};
use domain_kernel::{BoxFuture, RecordedEvent, StreamId, Version};
use infra_testkit::interception::Intercepts;
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

impl Intercepts for Interloper {
    fn store(&self) -> &dyn EventStore {
        &*self.store
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
}
