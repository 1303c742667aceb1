//! Showing what is sealed to somebody, after it was recorded.
use crate::opening::{Copied, Opener};
use crate::record::{PayloadRevealed, REVEALED, disclosure_stream};
use crate::shown::ShownEvent;
use domain_kernel::ports::{Append, AppendCommand, AppendOutcome, Clock, EventStore, KeyVault, StoreError};
use domain_kernel::{
    Actor, BoxFuture, CommandId, CorrelationId, EventId, EventMetadata, NewEvent, RecordedEvent, StreamId, Timestamp,
    Version,
};
use infra_contracts::stored::{CatalogueError, StoredEventType, StoredEvents};
use infra_event_store::codec::CodecError;
use infra_event_store::inspection::{Sight, Unopened, moment};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// At most so many events are shown at once.
const MOST_SHOWN: u32 = 1_000;
/// At most so many are folded into a state.
const MOST_FOLDED: u32 = 10_000;
/// How many events one read takes.
const PAGE: usize = 500;
/// How often the store may say "stale" to one append: only others who are shown the same stream contend here.
const STALE_LIMIT: u32 = 64;

/// A stream's state after each of its first events, with sensitive values as the sight says; `None` for a category
/// without a state.
pub type States = fn(
    Arc<dyn KeyVault>,
    &'static str,
    Vec<RecordedEvent>,
    Sight,
) -> BoxFuture<'static, Result<Option<Vec<Value>>, CodecError>>;

/// What there is to know of a service's events, to show them.
#[derive(Clone, Copy)]
pub struct Confidential {
    /// The service.
    pub service: &'static str,
    /// Everything that is in its store.
    pub events: &'static [&'static [StoredEventType]],
    /// Its streams' states.
    pub states: States,
    /// What its events carry of other events' sealed records; [`crate::nothing_copied`] for most.
    pub copied: fn(&RecordedEvent) -> Result<Vec<Copied>, CodecError>,
    /// Fields of sealed records that nobody is ever shown, such as a password's hash.
    pub withheld: &'static [&'static str],
}

/// Shows one service's sealed payloads, on the record.
pub struct Disclosures {
    store: Arc<dyn EventStore>,
    vault: Arc<dyn KeyVault>,
    clock: Arc<dyn Clock>,
    catalogue: StoredEvents,
    confidential: Confidential,
}

/// What of a stream somebody wants to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The stream.
    pub stream: StreamId,
    /// Which part of it.
    pub part: Part,
    /// Only what had happened then.
    pub until: Option<Timestamp>,
    /// Why, in clear.
    pub reason: String,
}

/// Which part of a stream; versions count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its events.
    Events {
        /// The first one.
        from: Version,
        /// The last one; without it as many as are shown at once.
        to: Option<Version>,
    },
    /// What it amounted to.
    State {
        /// After this version; without it now.
        at: Option<Version>,
    },
}

impl Part {
    /// The pinned name.
    fn name(self) -> &'static str {
        match self {
            Self::Events { .. } => "events",
            Self::State { .. } => "state",
        }
    }
}

/// Who is shown it, as part of which request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Who.
    pub actor: Actor,
    /// The saga of the request.
    pub correlation_id: CorrelationId,
}

/// What was shown. It holds what was sealed, so it has no `Debug`.
#[derive(Serialize, ToSchema)]
pub struct Revealed {
    /// The service.
    #[schema(example = "results")]
    service: &'static str,
    /// The stream's category.
    #[schema(example = "clinical_result")]
    category: &'static str,
    /// The stream.
    stream: String,
    /// The event that records who was shown this, and why.
    record: Uuid,
    /// The last version that is shown, or goes into the state.
    version: u32,
    /// When that happened.
    at: String,
    /// The events, their sealed records opened; `[erased]` stands for what was forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<Vec<ShownEvent>>,
    /// The state, its sensitive values opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<Value>,
}

/// Why nothing was shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// There is no such stream, or nothing of it in that part.
    #[error("there is no such stream, or nothing of it then")]
    NoSuchStream,
    /// Streams of that category have events alone.
    #[error("streams of category {category} have no state, only events")]
    NoState {
        /// The category.
        category: &'static str,
    },
    /// It is more than is shown at once: ask for a smaller part.
    #[error("at most {limit} versions at once")]
    TooMany {
        /// How many would do.
        limit: u32,
    },
    /// It could not be recorded, so nothing was opened.
    #[error("that somebody is shown a stream could not be recorded")]
    Unrecorded(#[source] StoreError),
    /// The stream could not be read.
    #[error("the stream could not be read")]
    Store(#[from] StoreError),
    /// It could not be opened; that it was to be shown is recorded.
    #[error("the stream could not be opened")]
    Codec(#[from] CodecError),
}

impl Disclosures {
    /// Of the service that `confidential` describes.
    ///
    /// # Errors
    /// [`CatalogueError`]: a mistake in the service's code.
    pub fn new(
        store: Arc<dyn EventStore>,
        vault: Arc<dyn KeyVault>,
        clock: Arc<dyn Clock>,
        confidential: Confidential,
    ) -> Result<Self, CatalogueError> {
        let own = StoredEvents::new(crate::EVENTS);
        let catalogue = confidential.events.iter().fold(own, |catalogue, events| catalogue?.with(events))?;
        Ok(Self { store, vault, clock, catalogue, confidential })
    }

    /// Shows what is wished, once it is recorded that `reader` is shown it.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn reveal(&self, wish: &Wish, reader: Reader) -> Result<Revealed, Failure> {
        let events = self.events(wish).await?;
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return Err(Failure::NoSuchStream) };
        let known = self.catalogue.find(first.type_id).ok_or(Failure::NoSuchStream)?;
        let (category, versions) = (known.category, (first.version, last.version));
        let (version, at) = (last.version.0, moment(last.metadata.occurred_at));
        if matches!(wish.part, Part::State { .. }) {
            self.state(category, Vec::new(), Arc::new(Unopened), Sight::Sealed).await?;
        }

        let record = self.record(wish, reader, category, versions).await.map_err(Failure::Unrecorded)?;

        let (events, state) = match wish.part {
            Part::Events { .. } => (Some(self.opened(&events).await?), None),
            Part::State { .. } => {
                let states = self.state(category, events, Arc::clone(&self.vault), Sight::Opened).await?;
                (None, states.into_iter().next_back())
            }
        };
        let (service, stream) = (self.confidential.service, wish.stream.to_string());
        Ok(Revealed { service, category, stream, record: record.0, version, at, events, state })
    }

    /// The events that are shown, or go into the state that is.
    async fn events(&self, wish: &Wish) -> Result<Vec<RecordedEvent>, Failure> {
        let (from, to, limit) = match wish.part {
            Part::Events { from, to } => (from.0.max(1), to, MOST_SHOWN),
            Part::State { at } => (1, at, MOST_FOLDED),
        };
        let most = to.map(|to| to.0.saturating_add(1).saturating_sub(from));
        if most.is_some_and(|most| most > limit) && matches!(wish.part, Part::Events { .. }) {
            return Err(Failure::TooMany { limit });
        }
        // One more than a state may be folded of tells whether there are too many.
        let is_whole = matches!(wish.part, Part::State { .. });
        let most = most.unwrap_or(limit + u32::from(is_whole)).min(limit + u32::from(is_whole));
        let (mut events, mut after) = (Vec::new(), Version(from - 1));
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        while events.len() < most {
            let page = self.store.read_stream(wish.stream, after, PAGE.min(most - events.len())).await?;
            let Some(last) = page.last() else { break };
            after = last.version;
            events.extend(page);
        }
        if let Part::State { at: Some(at) } = wish.part
            && events.last().is_none_or(|last| last.version < at)
            && events.len() < most
        {
            return Err(Failure::NoSuchStream);
        }
        if let Some(until) = wish.until {
            let then = events.iter().take_while(|event| event.metadata.occurred_at <= until).count();
            events.truncate(then);
        }
        if u32::try_from(events.len()).is_ok_and(|read| read <= limit) {
            Ok(events)
        } else {
            Err(Failure::TooMany { limit })
        }
    }

    async fn opened(&self, events: &[RecordedEvent]) -> Result<Vec<ShownEvent>, Failure> {
        let Confidential { service, copied, withheld, .. } = self.confidential;
        let opener = Opener { vault: &*self.vault, catalogue: &self.catalogue, withheld };
        let mut opened = Vec::with_capacity(events.len());
        for event in events {
            let mut shown = ShownEvent::of(service, &self.catalogue, event);
            // Of a newer release's event nothing is known to be sealed.
            if self.catalogue.find(event.type_id).is_some() {
                opener.open(event, copied(event)?, &mut shown).await?;
            }
            opened.push(shown);
        }
        Ok(opened)
    }

    async fn state(
        &self,
        category: &'static str,
        events: Vec<RecordedEvent>,
        vault: Arc<dyn KeyVault>,
        sight: Sight,
    ) -> Result<Vec<Value>, Failure> {
        let states = (self.confidential.states)(vault, category, events, sight).await?;
        states.ok_or(Failure::NoState { category })
    }

    /// Appends the record, durably before this returns. Every look is a record of its own.
    async fn record(
        &self,
        wish: &Wish,
        reader: Reader,
        category: &'static str,
        (from, to): (Version, Version),
    ) -> Result<EventId, StoreError> {
        let column = |version: Version| i32::try_from(version.0).unwrap_or(i32::MAX);
        let record = PayloadRevealed {
            stream_id: wish.stream.0,
            category: category.to_owned(),
            from_version: column(from),
            to_version: column(to),
            shown: wish.part.name().to_owned(),
            reader: reader.actor.user.0,
            role: reader.actor.role.number().into(),
            reason: wish.reason.clone(),
        };
        let malformed =
            |error: infra_contracts::stored::StoredError| StoreError::Malformed { reason: error.to_string() };
        let (schema_version, payload) = record.write().map_err(malformed)?;
        let metadata = EventMetadata {
            event_id: self.clock.unique_id().into(),
            correlation_id: reader.correlation_id,
            causation_id: None,
            actor: Some(reader.actor),
            occurred_at: self.clock.now(),
        };
        let (event_id, command_id) = (metadata.event_id, CommandId(self.clock.unique_id()));
        let event = NewEvent { type_id: REVEALED, schema_version, metadata, payload };
        let stream = disclosure_stream(wish.stream);
        for _ in 0..STALE_LIMIT {
            if self.store.find_command(command_id).await?.is_some() {
                return Ok(event_id);
            }
            let command = AppendCommand {
                command_id,
                digest: None,
                correlation_id: reader.correlation_id,
                claims: Vec::new(),
                releases: Vec::new(),
                events: vec![event.clone()],
            };
            let append = Append { stream, expected: self.store.head(stream).await?, commands: vec![command] };
            match self.store.append(append).await {
                Ok(AppendOutcome::Appended(_) | AppendOutcome::Duplicate(_)) => return Ok(event_id),
                // A claim cannot be taken: none is asked for.
                Ok(AppendOutcome::Stale | AppendOutcome::ClaimTaken { .. }) | Err(StoreError::OutcomeUnknown) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Unavailable { reason: "others are shown the same stream all the time".to_owned() })
    }
}
