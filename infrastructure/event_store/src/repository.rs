//! Load, decide, append: how a command changes an aggregate.
//!
//! A command takes effect once, whatever breaks on the way: the store takes its id with its events and refuses both the
//! second time. Its id is looked up when the store refuses it, before anything else is refused, and when the answer of
//! the store got lost; and first of all when a client named it, since such a command is likely to come again.
use crate::codec::{EventCodec, EventSlot};
use domain_kernel::ports::{Append, AppendCommand, AppendOutcome, Claim, Clock, CommandRecord, EventStore, StoreError};
use domain_kernel::{
    Actor, Aggregate, CommandId, CorrelationId, EventId, EventMetadata, Hash, Head, NewEvent, StreamId, Version,
};
use std::sync::Arc;
use std::time::Duration;

mod derived;
mod error;
mod remembered;

pub use error::{CommandError, LoadError};
use remembered::Remembered;

/// How many events one read of a stream takes.
const PAGE: usize = 500;

/// How often a decision is made again because somebody else was faster, before the stream counts as contended.
const MAX_DECISIONS: u32 = 16;

/// How often a command whose outcome is unknown is looked up before the store counts as out of reach.
const MAX_LOOK_UPS: u32 = 5;

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

/// A command that took effect, now or before.
pub struct Executed<A: Aggregate> {
    /// The stream it took effect in. On a repeated command this is where it did then, which may be another stream than
    /// the one asked for now: a repeated creation comes with a new id.
    pub stream: StreamId,
    /// The state just after it.
    pub state: A::State,
    /// The stream's end just after it.
    pub head: Head,
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
    remembered: Option<Arc<Remembered<A>>>,
}

impl<A: Aggregate> Clone for Repository<A> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            codec: Arc::clone(&self.codec),
            clock: Arc::clone(&self.clock),
            remembered: self.remembered.clone(),
        }
    }
}

impl<A: Aggregate> Repository<A> {
    /// On `store`, with the context's codec.
    #[must_use]
    pub fn new(store: Arc<dyn EventStore>, codec: Arc<dyn EventCodec<A::Event>>, clock: Arc<dyn Clock>) -> Self {
        Self { store, codec, clock, remembered: None }
    }

    /// Remembers about `states` of the aggregates that changed last, so that the next command need not read them again.
    /// Somebody else's change shows when the store refuses an append after what was remembered.
    ///
    /// Not for states with opened confidential values: they would outlive the destruction of their keys.
    #[must_use]
    pub fn remembering(self, states: usize) -> Self {
        Self { remembered: Some(Arc::new(Remembered::new(states))), ..self }
    }

    /// The aggregate as it is now; the default state and head when there is no such stream.
    ///
    /// # Errors
    /// [`LoadError`].
    pub async fn load(&self, stream: StreamId) -> Result<Loaded<A>, LoadError> {
        let loaded = self.load_at(stream, Version(u32::MAX)).await?;
        self.remember(stream, &loaded.state, loaded.head);
        Ok(loaded)
    }

    /// The aggregate as it was at `version`, or as it is when it never got there.
    ///
    /// # Errors
    /// [`LoadError`].
    pub async fn load_at(&self, stream: StreamId, version: Version) -> Result<Loaded<A>, LoadError> {
        let mut loaded = Loaded { state: A::State::default(), head: Head::default() };
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
        let new = Loaded { state: A::State::default(), head: Head::default() };
        self.decide_and_append(stream, None, context, command, claims, Some(new)).await
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
        self.decide_and_append(stream, expected, context, command, claims, remembered).await
    }

    /// `assumed` is what the stream is taken for at first. Only an append proves it right: whatever else would come of
    /// it is decided again on what the store has.
    async fn decide_and_append(
        &self,
        stream: StreamId,
        expected: Option<Version>,
        context: &CommandContext,
        command: A::Command,
        claims: impl Fn(&A::State, &[A::Event]) -> ClaimChanges + Send + Sync,
        mut assumed: Option<Loaded<A>>,
    ) -> Result<Executed<A>, CommandError<A::Error>>
    where
        A::Command: Clone,
    {
        for attempt in 0..MAX_DECISIONS {
            // 1. Did it take effect before? A client that names its command means to repeat it.
            if context.digest.is_some()
                && let Some(record) = self.store.find_command(context.command_id).await?
            {
                return self.repeated(&record, context).await;
            }
            // 2. Decide on the present state. Whatever ends here without an append may be a repetition.
            let (Loaded { state, head }, is_assumed) = match assumed.take() {
                Some(assumed) => (assumed, true),
                None => (self.load(stream).await?, false),
            };
            if expected.is_some_and(|version| version != head.version) {
                if is_assumed {
                    continue;
                }
                return self.repeated_or(context, Err(CommandError::VersionMismatch { actual: head.version })).await;
            }
            let events = match A::decide(&state, command.clone()) {
                Ok(events) if events.is_empty() && is_assumed => continue,
                Ok(events) => events,
                Err(_) if is_assumed => continue,
                Err(refused) => return self.repeated_or(context, Err(CommandError::Rejected(refused))).await,
            };
            if events.is_empty() {
                let correlation_id = context.correlation_id;
                let nothing = Executed { stream, state, head, events, correlation_id, repeated: false };
                return self.repeated_or(context, Ok(nothing)).await;
            }
            // 3. Append exactly after what the decision saw.
            let ClaimChanges { take, release } = claims(&state, &events);
            let append = Append {
                stream,
                expected: head,
                commands: vec![AppendCommand {
                    command_id: context.command_id,
                    digest: context.digest,
                    correlation_id: context.correlation_id,
                    claims: take,
                    releases: release,
                    events: self.encode(stream, head.version, context, &events).await?,
                }],
            };
            match self.store.append(append).await {
                Ok(AppendOutcome::Appended(head)) => {
                    return Ok(self.executed(stream, state, head, events, context));
                }
                Ok(AppendOutcome::Duplicate(record)) => return self.repeated(&record, context).await,
                Ok(AppendOutcome::ClaimTaken { .. }) if is_assumed => {}
                Ok(AppendOutcome::ClaimTaken { kind, .. }) => return Err(CommandError::ClaimTaken(kind)),
                // 4. Somebody was faster: back to 1, for it may have been this very command.
                Ok(AppendOutcome::Stale) => {
                    self.forget(stream);
                    pause(attempt).await;
                }
                // 5. The answer got lost.
                Err(StoreError::OutcomeUnknown) => {
                    let record = self.look_up_after_loss(context.command_id).await?;
                    if let Some(record) = record {
                        let ours = record.stream == stream && record.version == head.version.plus(events.len());
                        if !ours {
                            return self.repeated(&record, context).await;
                        }
                        let head = self.load_at(stream, record.version).await?.head;
                        return Ok(self.executed(stream, state, head, events, context));
                    }
                    // Not there yet, and if it still arrives, the command id lets only one of the two in.
                    pause(attempt).await;
                }
                Err(other) => return Err(other.into()),
            }
        }
        Err(CommandError::Contended)
    }

    fn executed(
        &self,
        stream: StreamId,
        state: A::State,
        head: Head,
        events: Vec<A::Event>,
        context: &CommandContext,
    ) -> Executed<A> {
        let state = events.iter().fold(state, A::evolve);
        self.remember(stream, &state, head);
        Executed { stream, state, head, events, correlation_id: context.correlation_id, repeated: false }
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

    /// What the command did when it took effect before, `otherwise` when it did not. Asked again here, for what speaks
    /// against a command may be its own effect: sent twice, or arriving late, it can take effect between the look-up and
    /// the load.
    async fn repeated_or(
        &self,
        context: &CommandContext,
        otherwise: Result<Executed<A>, CommandError<A::Error>>,
    ) -> Result<Executed<A>, CommandError<A::Error>> {
        match self.store.find_command(context.command_id).await? {
            Some(record) => self.repeated(&record, context).await,
            None => otherwise,
        }
    }

    async fn repeated(
        &self,
        record: &CommandRecord,
        context: &CommandContext,
    ) -> Result<Executed<A>, CommandError<A::Error>> {
        if record.digest != context.digest {
            return Err(CommandError::OtherCommand);
        }
        let Loaded { state, head } = self.load_at(record.stream, record.version).await?;
        let correlation_id = record.correlation_id;
        Ok(Executed { stream: record.stream, state, head, events: Vec::new(), correlation_id, repeated: true })
    }

    async fn look_up_after_loss(&self, command: CommandId) -> Result<Option<CommandRecord>, StoreError> {
        for attempt in 1..MAX_LOOK_UPS {
            match self.store.find_command(command).await {
                Err(StoreError::Unavailable { .. }) => tokio::time::sleep(Duration::from_millis(100) * attempt).await,
                answer => return answer,
            }
        }
        self.store.find_command(command).await
    }

    /// Encodes and seals all events at once; each gets its id, version and metadata.
    async fn encode(
        &self,
        stream: StreamId,
        after: Version,
        context: &CommandContext,
        events: &[A::Event],
    ) -> Result<Vec<NewEvent>, CommandError<A::Error>> {
        let slots: Vec<EventSlot> = (1..=events.len())
            .map(|n| EventSlot { event_id: EventId(self.clock.unique_id()), stream, version: after.plus(n) })
            .collect();
        let occurred_at = self.clock.now();
        let encoded = futures_util::future::try_join_all(
            events.iter().zip(&slots).map(|(event, slot)| self.codec.encode(event, slot)),
        )
        .await?;
        let new_event = |(encoded, slot): (crate::codec::EncodedEvent, &EventSlot)| NewEvent {
            type_id: encoded.type_id,
            schema_version: encoded.schema_version,
            metadata: EventMetadata {
                event_id: slot.event_id,
                correlation_id: context.correlation_id,
                causation_id: context.causation_id,
                actor: context.actor,
                occurred_at,
            },
            payload: encoded.payload,
        };
        Ok(encoded.into_iter().zip(&slots).map(new_event).collect())
    }
}

/// Lets whoever was faster get on; the longer, the more often it happened.
async fn pause(attempt: u32) {
    if attempt > 1 {
        tokio::time::sleep(Duration::from_millis(u64::from(attempt))).await;
    }
}
