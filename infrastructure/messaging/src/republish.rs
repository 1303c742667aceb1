//! Publishing a part of a log again: what was told is told once more, each message as it was.
//!
//! What always holds: a message carries the event id, headers and payload that it carried the first time, so a consumer
//! that has dealt with it knows it by its command id and does nothing; the messages of a stream follow each other as a
//! relay sends them; no checkpoint moves, so the relays of the running services are not touched.
//!
//! It is for a broker that does not have (any more) what a consumer needs: a topic whose retention has passed, a consumer
//! whose database was set back. The embedded bus needs it for neither ([`RepublishError::ReadByItself`]).
use crate::relay::{MessageSink, Relay, RelayError};
use domain_kernel::ports::{BusError, MessageSource, SourceError, SourcedMessage, StoreError};
use domain_kernel::{BoxFuture, Checkpoint};
use infra_event_store::checkpoints::Checkpoints;
use infra_event_store::part::Part;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// How many entries of the log are read at once.
const BATCH: usize = 256;
/// How long nothing may be confirmed until the broker is taken not to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a part of a log was not published again, or not all of it. Doing it once more does no harm.
#[derive(Debug, thiserror::Error)]
pub enum RepublishError {
    /// There is no broker between the services. A subscription of the embedded bus reads the log itself behind a
    /// checkpoint that is kept in the consumer's own database, beside what it did: what is missing from the one is read
    /// again by the other, also after that database was set back. Nothing can be lost between, so there is nothing to
    /// send.
    #[error(
        "without a broker there is nothing to publish again: subscribers read this log themselves, each behind a \
         checkpoint in its own database, and go on where that stands"
    )]
    ReadByItself,
    /// The log cannot be read as messages: an event does not fit its contract, or the store does not answer.
    #[error("the log cannot be read as messages")]
    Source(#[from] SourceError),
    /// The broker refuses the topic's schema, or it has no such topic's contract.
    #[error("the broker refuses the messages")]
    Refused(#[source] BusError),
    /// The broker confirmed nothing for a while. What it has by then it keeps.
    #[error("the broker confirms nothing any more")]
    NotConfirmed,
}

/// Reads `part` of the log and shows each entry to `visit`, in the log's order. Sends nothing.
///
/// # Errors
/// [`SourceError`].
pub async fn read(
    source: &dyn MessageSource,
    part: &Part,
    mut visit: impl FnMut(SourcedMessage) + Send,
) -> Result<(), SourceError> {
    let mut at = part.after;
    loop {
        let entries = source.read(at, BATCH).await?;
        let Some(last) = entries.last() else { return Ok(()) };
        at = last.checkpoint;
        let more = entries.len() == BATCH && part.holds(at);
        entries.into_iter().filter(|entry| part.holds(entry.checkpoint)).for_each(&mut visit);
        if !more {
            return Ok(());
        }
    }
}

/// Sends every message of `part` once more and returns when the broker has them for good. `part` ends at an entry of the
/// log. `confirmed` is told how far the confirmed prefix reaches.
///
/// # Errors
/// [`RepublishError`].
pub async fn publish(
    source: Arc<dyn MessageSource>,
    sink: Arc<dyn MessageSink>,
    after: Checkpoint,
    until: Checkpoint,
    confirmed: impl FnMut(Checkpoint) + Send + 'static,
) -> Result<(), RepublishError> {
    let (done, moved) = (CancellationToken::new(), Arc::new(Mutex::new(Instant::now())));
    let place = Place {
        after,
        until,
        done: done.clone(),
        moved: Arc::clone(&moved),
        confirmed: Mutex::new(Box::new(confirmed)),
    };
    let part = PartOf { source, part: Part { after, until: Some(until) } };
    let relay = Relay::new("republish", Arc::new(part), sink, Arc::new(place));
    let mut relaying = Box::pin(relay.run(done));
    loop {
        let patience = *moved.lock().unwrap_or_else(PoisonError::into_inner) + PATIENCE;
        tokio::select! {
            ended = &mut relaying => return ended.map_err(reason),
            () = sleep_until(patience) => {
                if *moved.lock().unwrap_or_else(PoisonError::into_inner) + PATIENCE <= Instant::now() {
                    return Err(RepublishError::NotConfirmed);
                }
            }
        }
    }
}

fn reason(error: RelayError) -> RepublishError {
    match error {
        RelayError::Source(error) => RepublishError::Source(error),
        RelayError::Checkpoint(error) => RepublishError::Source(error.into()),
        RelayError::Refused(error) => RepublishError::Refused(error),
    }
}

/// A log that ends where the part does.
struct PartOf {
    source: Arc<dyn MessageSource>,
    part: Part,
}

impl MessageSource for PartOf {
    fn name(&self) -> &'static str {
        self.source.name()
    }

    fn read(&self, after: Checkpoint, limit: usize) -> BoxFuture<'_, Result<Vec<SourcedMessage>, SourceError>> {
        Box::pin(async move {
            if self.part.until.is_some_and(|until| after >= until) {
                return Ok(Vec::new());
            }
            let mut entries = self.source.read(after, limit).await?;
            entries.retain(|entry| self.part.holds(entry.checkpoint));
            Ok(entries)
        })
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}

/// Where this one relay stands; kept nowhere, and over when it stands at the part's end.
struct Place {
    after: Checkpoint,
    until: Checkpoint,
    done: CancellationToken,
    moved: Arc<Mutex<Instant>>,
    confirmed: Mutex<Box<dyn FnMut(Checkpoint) + Send>>,
}

impl Checkpoints for Place {
    fn load<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Checkpoint, StoreError>> {
        Box::pin(async { Ok(self.after) })
    }

    fn save<'a>(&'a self, _: &'a str, at: Checkpoint) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            *self.moved.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            (self.confirmed.lock().unwrap_or_else(PoisonError::into_inner))(at);
            if at >= self.until {
                self.done.cancel();
            }
            Ok(())
        })
    }
}
