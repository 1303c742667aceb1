//! The event store of a service, as one process reaches it.
use super::planted::Planted;
use super::reach;
use crate::defect::Defect;
use crate::life::Life;
use crate::plan::{Lost, Service};
use crate::world::{AppendFault, World};
use domain_kernel::ports::{Append, AppendOutcome, ClaimKind, Clock, CommandRecord, EventStore, StoreError};
use domain_kernel::{BoxFuture, Checkpoint, CommandId, Hash, Head, RecordedEvent, StreamId, Version};
use infra_testkit::memory::MemoryEventStore;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use uuid::Uuid;

/// How often a reader looks by itself: what other processes append wakes nobody here.
const POLL: Duration = Duration::from_millis(250);

pub(crate) struct LivingStore {
    life: Arc<Life>,
    service: Service,
    inner: Arc<MemoryEventStore>,
    planted: Arc<Planted>,
    told: Notify,
}

impl LivingStore {
    pub(crate) fn new(
        life: Arc<Life>,
        service: Service,
        inner: Arc<MemoryEventStore>,
        planted: Arc<Planted>,
    ) -> Arc<Self> {
        Arc::new(Self { life, service, inner, planted, told: Notify::new() })
    }

    fn has(&self, defect: Defect) -> bool {
        self.life.world.has(defect)
    }

    async fn commit(&self, mut append: Append) -> Result<AppendOutcome, StoreError> {
        if self.has(Defect::CommandIdForgotten) {
            for command in &mut append.commands {
                if self.inner.find_command(command.command_id).await?.is_some() {
                    command.command_id = CommandId(self.life.world.unique_id());
                }
            }
        }
        if self.has(Defect::CommandIdShared) {
            for command in &mut append.commands {
                command.command_id = self.planted.shared(command.command_id);
            }
        }
        if self.has(Defect::ClaimNotChecked) {
            append.commands.iter_mut().for_each(|command| command.claims.clear());
        }
        if self.has(Defect::ExpectedVersionIgnored) {
            append.expected = self.inner.head(append.stream).await?;
        }
        let outcome = append_witnessed(&self.life.world, self.service, &self.inner, append).await;
        if matches!(outcome, Ok(AppendOutcome::Appended(_))) {
            if let Some(last) = self.inner.last().filter(|_| self.has(Defect::CheckpointAheadOfReceipt)) {
                self.life.world.log_ends(self.service, last.checkpoint);
            }
            self.told.notify_waiters();
        }
        outcome
    }
}

/// Appends, and lets the witness look at what came of it.
async fn append_witnessed(
    world: &Arc<World>,
    service: Service,
    store: &Arc<MemoryEventStore>,
    append: Append,
) -> Result<AppendOutcome, StoreError> {
    let stream = append.stream;
    let outcome = store.append(append).await?;
    if !matches!(outcome, AppendOutcome::Appended(_)) {
        return Ok(outcome);
    }
    world.witnessed(|witness| {
        let seen = witness.seen(service, store.count());
        witness.appended(service, &store.after(seen))
    });
    if service == Service::SagaLog {
        let sagas = service_saga_log::sagas(Arc::clone(store) as Arc<_>, Arc::clone(world) as Arc<_>);
        match sagas.load(stream).await {
            Ok(saga) => world.witnessed(|witness| witness.saga(&saga.state)),
            Err(error) => world.break_with(format!("saga {stream} cannot be read: {error}")),
        }
    }
    Ok(outcome)
}

impl EventStore for LivingStore {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<AppendOutcome, StoreError>> {
        Box::pin(async move {
            let stream = append.stream.0;
            let early = self.has(Defect::XidTakenEarly).then(|| self.planted.take_place());
            reach(&self.life, self.service, "appends", stream).await?;
            match self.life.world.append(self.service) {
                None => {}
                Some(AppendFault::Refused) => {
                    return Err(StoreError::Malformed { reason: "refused by the plan".to_owned() });
                }
                Some(AppendFault::Lost(Lost::Committed)) => {
                    self.commit(append).await?;
                    self.life.step("loses the answer to an append", stream).await;
                    return Err(StoreError::OutcomeUnknown);
                }
                Some(AppendFault::Lost(Lost::NotCommitted)) if self.has(Defect::UnknownTakenForDone) => {
                    return Ok(AppendOutcome::Appended(append.expected));
                }
                Some(AppendFault::Lost(Lost::NotCommitted)) => return Err(StoreError::OutcomeUnknown),
                Some(AppendFault::Lost(Lost::Late(ms))) => {
                    let (world, service) = (Arc::clone(&self.life.world), self.service);
                    let inner = Arc::clone(&self.inner);
                    tokio::spawn(async move {
                        tokio::time::sleep(Duration::from_millis(ms.into())).await;
                        let _ = append_witnessed(&world, service, &inner, append).await;
                    });
                    return Err(StoreError::OutcomeUnknown);
                }
            }
            let from = self.inner.count();
            let outcome = self.commit(append).await;
            if let Some(early) = early {
                self.planted.put(from, self.inner.count(), early);
            }
            if self.has(Defect::AnsweredBeforeDurable) && matches!(outcome, Ok(AppendOutcome::Appended(_))) {
                self.life.world.unsafe_until_synced(self.service, from);
            }
            let what = match &outcome {
                Ok(AppendOutcome::Appended(_)) => "has appended",
                Ok(AppendOutcome::Stale) => "was too late to append",
                Ok(AppendOutcome::Duplicate(_)) => "had appended before",
                Ok(AppendOutcome::ClaimTaken { .. }) => "finds a claim taken",
                Err(_) => "cannot append",
            };
            self.life.step(what, stream).await;
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
            reach(&self.life, self.service, "reads the stream", stream.0).await?;
            self.inner.read_stream(stream, after, limit).await
        })
    }

    fn head(&self, stream: StreamId) -> BoxFuture<'_, Result<Head, StoreError>> {
        Box::pin(async move {
            reach(&self.life, self.service, "asks for the head of", stream.0).await?;
            self.inner.head(stream).await
        })
    }

    fn read_all(&self, after: Checkpoint, limit: usize) -> BoxFuture<'_, Result<Vec<RecordedEvent>, StoreError>> {
        Box::pin(async move {
            let at = Uuid::from_u64_pair(0, after.position.unsigned_abs());
            reach(&self.life, self.service, "reads the log after", at).await?;
            if self.has(Defect::XidTakenEarly) {
                return Ok(self.planted.read(&self.inner.events(), after, limit));
            }
            self.inner.read_all(after, limit).await
        })
    }

    fn find_command(&self, command: CommandId) -> BoxFuture<'_, Result<Option<CommandRecord>, StoreError>> {
        Box::pin(async move {
            reach(&self.life, self.service, "looks up the command", command.0).await?;
            if self.has(Defect::CommandIdForgotten) {
                return Ok(None);
            }
            let shared = self.has(Defect::CommandIdShared);
            self.inner.find_command(if shared { self.planted.shared(command) } else { command }).await
        })
    }

    fn find_claim(&self, kind: ClaimKind, key: Hash) -> BoxFuture<'_, Result<Option<StreamId>, StoreError>> {
        Box::pin(async move {
            reach(&self.life, self.service, "looks up a claim", Uuid::nil()).await?;
            self.inner.find_claim(kind, key).await
        })
    }

    fn next_number(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            reach(&self.life, self.service, "takes a number", Uuid::nil()).await?;
            self.inner.next_number().await
        })
    }

    fn appended(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let _ = tokio::time::timeout(POLL, self.told.notified()).await;
            self.life.thaw().await;
        })
    }
}
