//! An event store in a `Vec`, with every rule of the real one: whole appends, hash chain, command ids, claims.
use super::lock;
use domain_kernel::ports::{
    Append, AppendCommand, AppendOutcome, Claim, ClaimKind, CommandRecord, EventStore, StoreError,
};
use domain_kernel::{BoxFuture, Checkpoint, CommandId, EventMetadata, Hash, Head, RecordedEvent, StreamId, Version};
use infra_vault::chain::{self, ChainedEvent};
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::Notify;

const EPOCH: i16 = 1;
/// A reader that looked just before an append is woken by time.
const PAUSE: Duration = Duration::from_millis(5);

/// Keeps events as long as the value lives.
#[derive(Debug, Default)]
pub struct MemoryEventStore {
    state: Mutex<State>,
    appended: Notify,
}

#[derive(Debug, Default)]
struct State {
    events: Vec<RecordedEvent>,
    streams: HashMap<StreamId, Vec<usize>>,
    commands: HashMap<CommandId, CommandRecord>,
    claims: HashMap<Claim, StreamId>,
    last_number: u64,
    last_transaction: u64,
    failing: Option<StoreError>,
}

impl MemoryEventStore {
    /// Without events.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every call fails with `error` from now on, without any effect; none does with `None`.
    pub fn fail_always(&self, error: Option<StoreError>) {
        lock(&self.state).failing = error;
    }

    /// Everything that was appended, in global order.
    #[must_use]
    pub fn events(&self) -> Vec<RecordedEvent> {
        lock(&self.state).events.clone()
    }

    /// What was appended after the first `count` events, in global order.
    #[must_use]
    pub fn after(&self, count: usize) -> Vec<RecordedEvent> {
        lock(&self.state).events.get(count..).map_or_else(Vec::new, <[RecordedEvent]>::to_vec)
    }

    /// How many events there are.
    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.state).events.len()
    }

    /// The newest event.
    #[must_use]
    pub fn last(&self) -> Option<RecordedEvent> {
        lock(&self.state).events.last().cloned()
    }

    /// Forgets every event but the first `count`, with its commands and claims: what a store loses in a crash that has
    /// answered before the disk did.
    pub fn forget_from(&self, count: usize) {
        let mut state = lock(&self.state);
        let State { events, streams, commands, claims, .. } = &mut *state;
        events.truncate(count);
        for positions in streams.values_mut() {
            positions.retain(|position| *position < count);
        }
        let version = |stream: &StreamId| streams.get(stream).map_or(0, Vec::len);
        commands.retain(|_, command| usize::try_from(command.version.0).is_ok_and(|at| at <= version(&command.stream)));
        claims.retain(|_, stream| version(stream) > 0);
    }

    /// Recomputes every stream's chain of hashes; the first event that does not follow from the one before it.
    #[must_use]
    pub fn first_broken_link(&self) -> Option<RecordedEvent> {
        let mut heads: HashMap<StreamId, Head> = HashMap::new();
        lock(&self.state).events.iter().find_map(|event| {
            let head = heads.insert(event.stream, event.head()).unwrap_or_default();
            (!Self::follows(&head, event)).then(|| event.clone())
        })
    }

    /// Whether `event` is the next one of a stream that ends at `head`, and its hash says so.
    #[must_use]
    pub fn follows(head: &Head, event: &RecordedEvent) -> bool {
        event.version == head.version.next() && event.hash == hash(&head.hash, event)
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut state = lock(&self.state);
        match &state.failing {
            Some(error) => Err(error.clone()),
            None => work(&mut state),
        }
    }
}

impl State {
    fn head(&self, stream: StreamId) -> Head {
        let last = self.streams.get(&stream).and_then(|events| events.last());
        last.map_or(Head::default(), |last| self.events[*last].head())
    }

    fn append(&mut self, append: Append) -> Result<AppendOutcome, StoreError> {
        well_formed(&append)?;
        if let Some(done) = append.commands.iter().find_map(|command| self.commands.get(&command.command_id)) {
            return Ok(AppendOutcome::Duplicate(*done));
        }
        for command in &append.commands {
            if let Some(claim) = command.claims.iter().find(|claim| self.claims.contains_key(claim)) {
                return Ok(AppendOutcome::ClaimTaken { command_id: command.command_id, kind: claim.kind });
            }
        }
        if self.head(append.stream) != append.expected {
            return Ok(AppendOutcome::Stale);
        }
        let mut releases = append.commands.iter().flat_map(|command| &command.releases);
        if releases.any(|claim| self.claims.get(claim) != Some(&append.stream)) {
            return Err(malformed("a released claim is not the stream's"));
        }
        self.last_transaction += 1;
        for command in append.commands {
            self.take_effect(append.stream, command);
        }
        Ok(AppendOutcome::Appended(self.head(append.stream)))
    }

    fn take_effect(&mut self, stream: StreamId, command: AppendCommand) {
        for claim in &command.releases {
            self.claims.remove(claim);
        }
        self.claims.extend(command.claims.iter().map(|claim| (*claim, stream)));
        for event in command.events {
            let head = self.head(stream);
            let position = self.events.len();
            let mut recorded = RecordedEvent {
                checkpoint: Checkpoint {
                    epoch: EPOCH,
                    tx: self.last_transaction,
                    position: i64::try_from(position).unwrap_or(i64::MAX).saturating_add(1),
                },
                stream,
                version: head.version.next(),
                type_id: event.type_id,
                schema_version: event.schema_version,
                metadata: event.metadata,
                payload: event.payload,
                hash: Hash::default(),
            };
            recorded.hash = hash(&head.hash, &recorded);
            self.events.push(recorded);
            self.streams.entry(stream).or_default().push(position);
        }
        let record = CommandRecord {
            command_id: command.command_id,
            stream,
            version: self.head(stream).version,
            correlation_id: command.correlation_id,
            digest: command.digest,
        };
        self.commands.insert(command.command_id, record);
    }
}

fn malformed(reason: &str) -> StoreError {
    StoreError::Malformed { reason: reason.to_owned() }
}

fn well_formed(append: &Append) -> Result<(), StoreError> {
    if append.commands.is_empty() {
        return Err(malformed("an append without a command"));
    }
    if append.commands.iter().any(|command| command.events.is_empty()) {
        return Err(malformed("a command without an event"));
    }
    let mut commands = HashSet::new();
    if !append.commands.iter().all(|command| commands.insert(command.command_id)) {
        return Err(malformed("a command id twice"));
    }
    let mut claims = HashSet::new();
    if !append.commands.iter().flat_map(|command| &command.claims).all(|claim| claims.insert(claim)) {
        return Err(malformed("a claim twice"));
    }
    Ok(())
}

/// The chain of the real store, over a text of the metadata in place of its column.
fn hash(previous: &Hash, event: &RecordedEvent) -> Hash {
    let meta = meta(&event.metadata);
    chain::link(
        previous,
        &ChainedEvent {
            epoch: event.checkpoint.epoch,
            stream: event.stream,
            version: event.version,
            type_id: event.type_id,
            schema_version: event.schema_version,
            occurred_at: event.metadata.occurred_at,
            meta: meta.as_bytes(),
            payload: &event.payload,
        },
    )
}

fn meta(metadata: &EventMetadata) -> String {
    format!("{metadata:?}")
}

impl EventStore for MemoryEventStore {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<AppendOutcome, StoreError>> {
        Box::pin(async move {
            let outcome = self.with(|state| state.append(append));
            if matches!(outcome, Ok(AppendOutcome::Appended(_))) {
                self.appended.notify_waiters();
            }
            outcome
        })
    }

    fn read_stream(
        &self,
        stream: StreamId,
        after: Version,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, StoreError>> {
        Box::pin(async move {
            self.with(|state| {
                let positions = state.streams.get(&stream).map_or(&[][..], Vec::as_slice);
                let skipped = usize::try_from(after.0).unwrap_or(usize::MAX).min(positions.len());
                let wanted = positions[skipped..].iter().take(limit);
                Ok(wanted.map(|position| state.events[*position].clone()).collect())
            })
        })
    }

    fn head(&self, stream: StreamId) -> BoxFuture<'_, Result<Head, StoreError>> {
        Box::pin(async move { self.with(|state| Ok(state.head(stream))) })
    }

    fn read_all(&self, after: Checkpoint, limit: usize) -> BoxFuture<'_, Result<Vec<RecordedEvent>, StoreError>> {
        Box::pin(async move {
            self.with(|state| {
                let start = state.events.partition_point(|event| event.checkpoint <= after);
                Ok(state.events[start..].iter().take(limit).cloned().collect())
            })
        })
    }

    fn find_command(&self, command: CommandId) -> BoxFuture<'_, Result<Option<CommandRecord>, StoreError>> {
        Box::pin(async move { self.with(|state| Ok(state.commands.get(&command).copied())) })
    }

    fn find_claim(&self, kind: ClaimKind, key: Hash) -> BoxFuture<'_, Result<Option<StreamId>, StoreError>> {
        Box::pin(async move { self.with(|state| Ok(state.claims.get(&Claim { kind, key }).copied())) })
    }

    fn next_number(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            self.with(|state| {
                state.last_number += 1;
                Ok(state.last_number)
            })
        })
    }

    fn appended(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // Time is up as often as something was appended: both mean "look again".
            let _ = tokio::time::timeout(PAUSE, self.appended.notified()).await;
        })
    }
}
