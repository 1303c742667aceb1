//! Load, decide, append: how a command changes an aggregate.
//!
//! A command takes effect once, whatever breaks on the way: the store takes its id with its events and refuses both the
//! second time. Its id is looked up when the store refuses it, before anything else is refused, and when the answer of
//! the store got lost; and first of all when a client named it, since such a command is likely to come again.
use crate::codec::EventCodec;
use domain_kernel::ports::{Claim, Clock, EventStore};
use domain_kernel::{Actor, Aggregate, CommandId, CorrelationId, EventId, Hash, Head, StreamId, Version};
use std::sync::Arc;

mod derived;
mod error;
mod execution;
mod lane;
#[cfg(test)]
mod nothing;
mod remembered;

pub use error::{CommandError, LoadError};
use execution::Asked;
use lane::Lanes;
use remembered::Remembered;

/// How many events one read of a stream takes.
const PAGE: usize = 500;

/// What is known of a command besides what it asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandContext {
    /// Executing the same id again does nothing more.
    pub command_id: CommandId,
    /// An HMAC of what was asked, where a client named the command.
    pub digest: Option<Hash>,
    /// The saga it belongs to.
    pub correlation_id: CorrelationId,
    /// The message that caused it.
    pub causation_id: Option<EventId>,
    /// On whose behalf.
    pub actor: Option<Actor>,
}

/// An aggregate as it was found.
pub struct Loaded<A: Aggregate> {
    /// What its events amount to.
    pub state: A::State,
    /// Where its stream ends.
    pub head: Head,
}

impl<A: Aggregate> Loaded<A> {
    /// A stream without events.
    fn nothing() -> Self {
        Self { state: A::State::default(), head: Head::default() }
    }
}

/// A command that took effect, now or before.
pub struct Executed<A: Aggregate> {
    /// The stream it took effect in. On a repeated command this is where it did then, which may be another stream than
    /// the one asked for now: a repeated creation comes with a new id.
    pub stream: StreamId,
    /// The state just after it.
    pub state: A::State,
    /// The stream's version just after it.
    pub version: Version,
    /// What it caused just now; nothing when it is repeated, or when there was nothing to do.
    pub events: Vec<A::Event>,
    /// The saga to answer with: that of the first time.
    pub correlation_id: CorrelationId,
    /// Whether it had taken effect before.
    pub repeated: bool,
}

/// Unique keys that an append takes and gives back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimChanges {
    /// To take; all must be free.
    pub take: Vec<Claim>,
    /// To give back; all must be the stream's own.
    pub release: Vec<Claim>,
}

/// Where aggregates of one kind are kept.
pub struct Repository<A: Aggregate> {
    store: Arc<dyn EventStore>,
    codec: Arc<dyn EventCodec<A::Event>>,
    clock: Arc<dyn Clock>,
    lanes: Arc<Lanes<A>>,
    remembered: Option<Arc<Remembered<A>>>,
}

impl<A: Aggregate> Clone for Repository<A> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            codec: Arc::clone(&self.codec),
            clock: Arc::clone(&self.clock),
            lanes: Arc::clone(&self.lanes),
            remembered: self.remembered.clone(),
        }
    }
}

impl<A: Aggregate> Repository<A> {
    /// On `store`, with the context's codec.
    #[must_use]
    pub fn new(store: Arc<dyn EventStore>, codec: Arc<dyn EventCodec<A::Event>>, clock: Arc<dyn Clock>) -> Self {
        Self { store, codec, clock, lanes: Arc::new(Lanes::new()), remembered: None }
    }

    /// Remembers about `states` of the aggregates that changed last, so that the next command need not read them again.
    /// Somebody else's change shows when the store refuses an append after what was remembered.
    ///
    /// Not for states with opened confidential values: they would outlive the destruction of their keys.
    #[must_use]
    pub fn remembering(self, states: usize) -> Self {
        Self { remembered: Some(Arc::new(Remembered::new(states))), ..self }
    }

    /// The aggregate as it is now; the default state and head when there is no such stream. Of an aggregate that is
    /// remembered only what came since is read.
    ///
    /// # Errors
    /// [`LoadError`].
    pub async fn load(&self, stream: StreamId) -> Result<Loaded<A>, LoadError> {
        let remembered = self.remembered.as_ref().and_then(|remembered| remembered.recall(stream));
        let loaded = self.read_on(stream, remembered.unwrap_or_else(Loaded::nothing), Version(u32::MAX)).await?;
        self.remember(stream, &loaded.state, loaded.head);
        Ok(loaded)
    }

    /// The aggregate as it was at `version`, or as it is when it never got there.
    ///
    /// # Errors
    /// [`LoadError`].
    pub async fn load_at(&self, stream: StreamId, version: Version) -> Result<Loaded<A>, LoadError> {
        self.read_on(stream, Loaded::nothing(), version).await
    }

    /// What becomes of `loaded` up to `version`.
    async fn read_on(&self, stream: StreamId, mut loaded: Loaded<A>, version: Version) -> Result<Loaded<A>, LoadError> {
        while loaded.head.version < version {
            let page = usize::try_from(version.0 - loaded.head.version.0).map_or(PAGE, |missing| missing.min(PAGE));
            let events = self.store.read_stream(stream, loaded.head.version, page).await?;
            for recorded in &events {
                let event = self.codec.decode(recorded).await?;
                loaded = Loaded { state: A::evolve(loaded.state, &event), head: recorded.head() };
            }
            if events.len() < page {
                break;
            }
        }
        Ok(loaded)
    }

    /// Executes `command` on `stream`; see [`Self::execute_claiming`].
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn execute(
        &self,
        stream: StreamId,
        expected: Option<Version>,
        context: &CommandContext,
        command: A::Command,
    ) -> Result<Executed<A>, CommandError<A::Error>>
    where
        A::Command: Clone,
    {
        self.execute_claiming(stream, expected, context, command, |_, _| ClaimChanges::default()).await
    }

    /// Executes `command` on a stream that is most likely new; see [`Self::begin_claiming`].
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn begin(
        &self,
        stream: StreamId,
        context: &CommandContext,
        command: A::Command,
    ) -> Result<Executed<A>, CommandError<A::Error>>
    where
        A::Command: Clone,
    {
        self.begin_claiming(stream, context, command, |_, _| ClaimChanges::default()).await
    }

    /// As [`Self::execute_claiming`], on a stream that is most likely new: it is read only when the store says that it
    /// is not, or when the command does not fit a new one.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn begin_claiming(
        &self,
        stream: StreamId,
        context: &CommandContext,
        command: A::Command,
        claims: impl Fn(&A::State, &[A::Event]) -> ClaimChanges + Send + Sync,
    ) -> Result<Executed<A>, CommandError<A::Error>>
    where
        A::Command: Clone,
    {
        let asked = Asked { stream, expected: None, context, command, claims };
        self.carry_out(asked, Some(Loaded::nothing())).await
    }

    /// Executes `command` on `stream`, once: a repeated command changes nothing and is answered with what it did.
    ///
    /// `expected` is the version that the caller has seen (`If-Match`); `claims` tells from the state before and the
    /// decided events which unique keys change hands. A decision without events appends nothing and takes no claims.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn execute_claiming(
        &self,
        stream: StreamId,
        expected: Option<Version>,
        context: &CommandContext,
        command: A::Command,
        claims: impl Fn(&A::State, &[A::Event]) -> ClaimChanges + Send + Sync,
    ) -> Result<Executed<A>, CommandError<A::Error>>
    where
        A::Command: Clone,
    {
        let remembered = self.remembered.as_ref().and_then(|remembered| remembered.recall(stream));
        self.carry_out(Asked { stream, expected, context, command, claims }, remembered).await
    }

    fn remember(&self, stream: StreamId, state: &A::State, head: Head) {
        if let Some(remembered) = &self.remembered {
            remembered.remember(stream, Loaded { state: state.clone(), head });
        }
    }

    fn forget(&self, stream: StreamId) {
        if let Some(remembered) = &self.remembered {
            remembered.forget(stream);
        }
    }
}
