//! From a producer's log to a broker, without ever putting a stream's messages in the wrong order.
//!
//! At most one message of a stream is unconfirmed at any time; streams are sent side by side. So the first copy of
//! version v+1 always follows a copy of v, whatever fails and however many relays run: several at once only duplicate.
//! The checkpoint is the end of the confirmed prefix; what lies behind it is sent again after a crash, and consumers
//! know it by its command id.
mod window;

use crate::meters;
use domain_kernel::ports::{BusError, MessageSource, SourceError, StoreError};
use domain_kernel::{BoxFuture, Checkpoint, Message};
use futures_util::stream::{FuturesUnordered, StreamExt};
use infra_event_store::checkpoints::Checkpoints;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use window::Window;

/// Where a relay sends to.
pub trait MessageSink: Send + Sync {
    /// Sends `message` and resolves when the broker has it for good.
    ///
    /// # Errors
    /// [`BusError`]; the broker may have it all the same.
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), BusError>>;
}

/// Why a relay ended. Started again it goes on from its checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelayError {
    /// The log cannot be read as messages.
    #[error("the relay cannot read its log")]
    Source(#[from] SourceError),
    /// The checkpoint cannot be loaded or saved.
    #[error("the relay's checkpoint cannot be loaded or saved")]
    Checkpoint(#[source] StoreError),
    /// The broker refuses the topic's schema.
    #[error("the relay's messages are refused")]
    Refused(#[source] BusError),
}

/// How many entries are read ahead of the confirmed prefix; with them, how many messages are under way at most.
const WINDOW: usize = 1_024;
/// How many entries are read at once.
const BATCH: usize = 256;
/// How long confirmed entries may go unsaved while more are under way.
const SAVE_EVERY: Duration = Duration::from_millis(200);
/// The pause after a message was not confirmed; doubled each time, up to the second figure.
const RESEND: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Sends one log's messages of one topic to a broker.
#[derive(Clone)]
pub struct Relay {
    name: String,
    source: Arc<dyn MessageSource>,
    sink: Arc<dyn MessageSink>,
    checkpoints: Arc<dyn Checkpoints>,
}

impl Relay {
    /// A relay whose checkpoint is called `name`, such as `relay/users/event-user`.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        source: Arc<dyn MessageSource>,
        sink: Arc<dyn MessageSink>,
        checkpoints: Arc<dyn Checkpoints>,
    ) -> Self {
        Self { name: name.into(), source, sink, checkpoints }
    }

    /// Sends until `stop`.
    ///
    /// # Errors
    /// [`RelayError`]; a broker that cannot be reached is none, it is waited for.
    pub async fn run(self, stop: CancellationToken) -> Result<(), RelayError> {
        let mut saved = self.checkpoints.load(&self.name).await.map_err(RelayError::Checkpoint)?;
        let mut saved_at = Instant::now();
        let mut window = Window::after(saved);
        let mut sends = FuturesUnordered::new();
        let mut changed = self.source.changed();
        let mut more = true;
        let mut unreadable = None;
        loop {
            if more && window.len() < WINDOW {
                match self.fill(&mut window).await {
                    Ok(filled) => more = filled,
                    Err(error) => (more, unreadable) = (false, Some(error)),
                }
            }
            while let Some((place, message)) = window.start() {
                sends.push(self.send(place, message));
            }
            // At rest nothing confirmed stays unsaved; on the way, not every confirmation is worth a transaction.
            let confirmed = window.confirmed();
            if confirmed != saved && (sends.is_empty() || saved_at.elapsed() >= SAVE_EVERY) {
                self.save(confirmed).await?;
                (saved, saved_at) = (confirmed, Instant::now());
            }
            // Not before what is under way is confirmed: started again, the relay would send it once more each time.
            if sends.is_empty()
                && let Some(error) = unreadable
            {
                return Err(error.into());
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(sent) = sends.next() => window.confirm(sent?),
                () = &mut changed, if !more && unreadable.is_none() => {
                    more = true;
                    changed = self.source.changed();
                }
                () = std::future::ready(()), if more && window.len() < WINDOW => {}
            }
        }
        drop(sends);
        let confirmed = window.confirmed();
        if confirmed != saved {
            self.save(confirmed).await?;
        }
        Ok(())
    }

    /// Reads more of the log; false at its end.
    async fn fill(&self, window: &mut Window) -> Result<bool, SourceError> {
        let entries = self.source.read(window.read(), BATCH).await?;
        let more = entries.len() == BATCH;
        for entry in entries {
            window.push(entry);
        }
        Ok(more)
    }

    /// Sends until it is confirmed: the stream waits here, the others go on.
    async fn send(&self, place: u64, message: Message) -> Result<u64, RelayError> {
        let mut pause = RESEND.0;
        loop {
            match self.sink.send(&message).await {
                Ok(()) => {
                    meters::relayed(message.topic);
                    return Ok(place);
                }
                Err(error @ BusError::IncompatibleSchema { .. }) => return Err(RelayError::Refused(error)),
                Err(error) => {
                    let event = message.headers.event_id;
                    tracing::warn!(relay.name = %self.name, event.id = %event, %error, "a message is not confirmed");
                    sleep(pause).await;
                    pause = (pause * 2).min(RESEND.1);
                }
            }
        }
    }

    async fn save(&self, at: Checkpoint) -> Result<(), RelayError> {
        self.checkpoints.save(&self.name, at).await.map_err(RelayError::Checkpoint)
    }
}
