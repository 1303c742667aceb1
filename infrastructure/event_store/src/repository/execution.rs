//! One command: decided in its stream's lane, appended, and answered once, however often that has to begin again.
use super::lane::{Deciding, Ending, Lanes, Place, Seen, Standing};
use super::{ClaimChanges, CommandContext, CommandError, Executed, Loaded, Repository};
use crate::codec::{EncodedEvent, EventSlot};
use domain_kernel::ports::{AppendCommand, CommandRecord, StoreError};
use domain_kernel::{Aggregate, CommandId, EventId, EventMetadata, NewEvent, StreamId, Version};
use std::time::Duration;
use tokio::sync::oneshot;

/// How often a decision is made again because somebody else was faster, before the stream counts as contended.
const MAX_DECISIONS: u32 = 16;

/// How often a command whose outcome is unknown is looked up before the store counts as out of reach.
const MAX_LOOK_UPS: u32 = 5;

/// What is asked of a repository.
pub(super) struct Asked<'c, A: Aggregate, C> {
    pub(super) stream: StreamId,
    /// The version that the caller has seen.
    pub(super) expected: Option<Version>,
    pub(super) context: &'c CommandContext,
    pub(super) command: A::Command,
    pub(super) claims: C,
}

type Outcome<A> = Result<Executed<A>, CommandError<<A as Aggregate>::Error>>;

/// What a decision leads to.
enum Decided<A: Aggregate> {
    /// To an answer, unless the command had taken effect before.
    Nothing(Outcome<A>),
    /// To an append, and to this answer when it takes effect.
    Appending(oneshot::Receiver<Ending>, Executed<A>),
}

impl<A: Aggregate> Repository<A>
where
    A::Command: Clone,
{
    /// Carries out what is `asked`. `assumed` is what the stream is taken for at first: only an append proves it right,
    /// and whatever else would come of it is decided again on what the store has.
    pub(super) async fn carry_out<C>(&self, asked: Asked<'_, A, C>, mut assumed: Option<Loaded<A>>) -> Outcome<A>
    where
        C: Fn(&A::State, &[A::Event]) -> ClaimChanges + Send + Sync,
    {
        let Asked { stream, context, .. } = asked;
        let place = Lanes::enter(&self.lanes, stream, &*self.store);
        let mut alone = false;
        for attempt in 0..MAX_DECISIONS {
            // 1. Did it take effect before? A client that names its command means to repeat it.
            if context.digest.is_some()
                && let Some(record) = self.store.find_command(context.command_id).await?
            {
                return self.repeated(&record, context).await;
            }
            // 2. Decide on the present state. Whatever ends here without an append may be a repetition.
            let (answer, executed) = match self.decide(&place, &asked, assumed.take(), alone).await? {
                Decided::Nothing(answer) => return self.repeated_or(context, answer).await,
                Decided::Appending(answer, executed) => (answer, executed),
            };
            // 3. Append exactly after what the decision saw.
            match place.ending(answer).await {
                Ending::Appended(head) => {
                    if head.version == executed.version {
                        self.remember(stream, &executed.state, head);
                    }
                    return Ok(executed);
                }
                Ending::Duplicate(record) => return self.repeated(&record, context).await,
                Ending::ClaimTaken(kind) => return Err(CommandError::ClaimTaken(kind)),
                // 4. Somebody was faster: back to 1, for it may have been this very command.
                Ending::Again => {
                    self.forget(stream);
                    pause(attempt).await;
                }
                Ending::Alone => alone = true,
                // 5. The answer got lost.
                Ending::Lost => {
                    self.forget(stream);
                    let record = self.look_up_after_loss(context.command_id).await?;
                    if let Some(record) = record {
                        let ours = record.stream == stream && record.version == executed.version;
                        return if ours { Ok(executed) } else { self.repeated(&record, context).await };
                    }
                    // Not there yet, and if it still arrives, the command id lets only one of the two in.
                    pause(attempt).await;
                }
                Ending::Failed(error) => return Err(error.into()),
            }
        }
        Err(CommandError::Contended)
    }

    async fn decide<C>(
        &self,
        place: &Place<'_, A>,
        asked: &Asked<'_, A, C>,
        mut assumed: Option<Loaded<A>>,
        alone: bool,
    ) -> Result<Decided<A>, CommandError<A::Error>>
    where
        C: Fn(&A::State, &[A::Event]) -> ClaimChanges + Send + Sync,
    {
        let Asked { stream, context, .. } = *asked;
        let deciding = place.deciding().await;
        if alone {
            deciding.settle().await;
        }
        loop {
            let Some(seen) = deciding.seen() else {
                let is_assumed = assumed.is_some();
                let loaded = match assumed.take() {
                    Some(assumed) => assumed,
                    None => self.load(stream).await?,
                };
                deciding.begin(loaded, is_assumed);
                continue;
            };
            let events = match asked.events_on(&seen) {
                Ok(events) if !events.is_empty() => events,
                otherwise if seen.standing == Standing::Proven => {
                    return Ok(Decided::Nothing(otherwise.map(|events| executed(asked, seen, events))));
                }
                _ => {
                    self.prove(&deciding, &seen, stream).await;
                    continue;
                }
            };
            let ClaimChanges { take, release } = (asked.claims)(&seen.state, &events);
            let command = AppendCommand {
                command_id: context.command_id,
                digest: context.digest,
                correlation_id: context.correlation_id,
                claims: take,
                releases: release,
                events: self.encode(stream, seen.version, context, &events).await?,
            };
            if !deciding.has_room_for(&command) {
                deciding.settle().await;
                continue;
            }
            let generation = seen.generation;
            let executed = executed(asked, seen, events);
            if let Some(answer) = deciding.add(generation, command, (executed.state.clone(), executed.version), alone) {
                return Ok(Decided::Appending(answer, executed));
            }
        }
    }

    /// Makes what was `seen` the store's present, or drops it.
    async fn prove(&self, deciding: &Deciding<'_, A>, seen: &Seen<A>, stream: StreamId) {
        if seen.standing == Standing::Pending {
            deciding.settle().await;
        } else {
            self.forget(stream);
            deciding.drop_assumption();
        }
    }

    /// What the command did when it took effect before, `otherwise` when it did not. Asked again here, for what speaks
    /// against a command may be its own effect: sent twice, or arriving late, it can take effect between the look-up and
    /// the load.
    async fn repeated_or(&self, context: &CommandContext, otherwise: Outcome<A>) -> Outcome<A> {
        match self.store.find_command(context.command_id).await? {
            Some(record) => self.repeated(&record, context).await,
            None => otherwise,
        }
    }

    async fn repeated(&self, record: &CommandRecord, context: &CommandContext) -> Outcome<A> {
        if record.digest != context.digest {
            return Err(CommandError::OtherCommand);
        }
        let Loaded { state, head } = self.load_at(record.stream, record.version).await?;
        Ok(Executed {
            stream: record.stream,
            state,
            version: head.version,
            events: Vec::new(),
            correlation_id: record.correlation_id,
            repeated: true,
        })
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
        let new_event = |(encoded, slot): (EncodedEvent, &EventSlot)| NewEvent {
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

impl<A: Aggregate, C> Asked<'_, A, C>
where
    A::Command: Clone,
{
    fn events_on(&self, seen: &Seen<A>) -> Result<Vec<A::Event>, CommandError<A::Error>> {
        if self.expected.is_some_and(|version| version != seen.version) {
            return Err(CommandError::VersionMismatch { actual: seen.version });
        }
        A::decide(&seen.state, self.command.clone()).map_err(CommandError::Rejected)
    }
}

/// The answer when `events` follow what was `seen`.
fn executed<A: Aggregate, C>(asked: &Asked<'_, A, C>, seen: Seen<A>, events: Vec<A::Event>) -> Executed<A> {
    Executed {
        stream: asked.stream,
        state: events.iter().fold(seen.state, A::evolve),
        version: seen.version.plus(events.len()),
        events,
        correlation_id: asked.context.correlation_id,
        repeated: false,
    }
}

/// Lets whoever was faster get on; the longer, the more often it happened.
async fn pause(attempt: u32) {
    if attempt > 1 {
        tokio::time::sleep(Duration::from_millis(u64::from(attempt))).await;
    }
}
