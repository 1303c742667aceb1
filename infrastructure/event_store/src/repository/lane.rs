//! One lane per stream: commands decide in turn, each on what those before it are about to do, and what gathers while an
//! append is under way goes out together as the next one.
//!
//! What always holds:
//! 1. at most one append of a lane is under way; what gathers meanwhile was decided on its effect;
//! 2. when an append has no effect, nothing that was decided on it has: all of it is decided again;
//! 3. there is no task: whoever waits for an answer sends the append when it is its turn. Who gives up while sending
//!    leaves the others to look their commands up.
//!
//! Other processes know nothing of a lane: against them the store's check of the version holds, as always.
use super::Loaded;
use crate::store::limits::{MAX_APPEND_CLAIMS, MAX_APPEND_EVENTS, MAX_GROUP_BYTES};
use domain_kernel::ports::{Append, AppendCommand, AppendOutcome, ClaimKind, CommandRecord, EventStore, StoreError};
use domain_kernel::{Aggregate, CommandId, Head, StreamId, Version};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Semaphore, oneshot};

/// Commands of one append at most: the answer to the first waits for the last.
const MAX_COMMANDS: usize = 64;

/// The lanes of one repository, of the streams that somebody is busy with.
pub(super) struct Lanes<A: Aggregate>(Mutex<HashMap<StreamId, Arc<Lane<A>>>>);

/// Somebody's place in a lane. The last to leave takes the lane away.
pub(super) struct Place<'l, A: Aggregate> {
    lanes: &'l Lanes<A>,
    store: &'l dyn EventStore,
    stream: StreamId,
    lane: Arc<Lane<A>>,
}

struct Lane<A: Aggregate> {
    /// Held while a command is decided, so that they do it in the order in which they came.
    deciding: tokio::sync::Mutex<()>,
    /// Held while an append is under way.
    turn: Semaphore,
    gathering: Mutex<Gathering<A>>,
}

/// What was decided and not sent yet.
struct Gathering<A: Aggregate> {
    /// Goes up when everything here is given up.
    generation: u64,
    base: Option<Base<A>>,
    under_way: bool,
    /// Nothing more joins it.
    closed: bool,
    commands: Vec<Waiting>,
}

/// What the next command is decided on.
struct Base<A: Aggregate> {
    /// After everything that is under way and gathered.
    state: A::State,
    version: Version,
    /// Where the gathered commands begin; out of date while an append is under way.
    expected: Head,
    /// Not known to be the store's present, only likely.
    assumed: bool,
}

struct Waiting {
    command: AppendCommand,
    answer: oneshot::Sender<Ending>,
}

/// What a command is decided on.
pub(super) struct Seen<A: Aggregate> {
    pub(super) state: A::State,
    pub(super) version: Version,
    pub(super) standing: Standing,
    pub(super) generation: u64,
}

/// How certain that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The store's, after the command came.
    Proven,
    /// Likely: only an append proves it.
    Assumed,
    /// It holds when what is under way takes effect.
    Pending,
}

/// What became of a command that was to be appended.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    /// It took effect; where the stream ended just after the whole append.
    Appended(Head),
    /// It had taken effect before.
    Duplicate(CommandRecord),
    /// Another stream holds one of its keys.
    ClaimTaken(ClaimKind),
    /// What it was decided on is not so; to be decided again.
    Again,
    /// Refused because of one command or another; to be decided again and sent by itself.
    Alone,
    /// Nobody knows.
    Lost,
    /// It had no effect.
    Failed(StoreError),
}

impl<A: Aggregate> Lanes<A> {
    pub(super) fn new() -> Self {
        Self(Mutex::default())
    }

    /// A place in the lane of `stream`, which ends in `store`.
    pub(super) fn enter<'l>(&'l self, stream: StreamId, store: &'l dyn EventStore) -> Place<'l, A> {
        let lane = Arc::clone(self.lock().entry(stream).or_insert_with(|| Arc::new(Lane::new())));
        Place { lanes: self, store, stream, lane }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<StreamId, Arc<Lane<A>>>> {
        // Entries are put in and taken out whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<A: Aggregate> Drop for Place<'_, A> {
    fn drop(&mut self) {
        let mut lanes = self.lanes.lock();
        // The map's and our own; further ones are made only while the map is locked.
        if Arc::strong_count(&self.lane) == 2 {
            lanes.remove(&self.stream);
        }
    }
}

impl<A: Aggregate> Place<'_, A> {
    /// Waits for its turn to decide.
    pub(super) async fn deciding(&self) -> Deciding<'_, A> {
        let turn = self.lane.deciding.lock().await;
        let mut gathering = self.lane.lock();
        if !gathering.is_pending()
            && let Some(base) = &mut gathering.base
        {
            // From before this command came: others may have been faster since.
            base.assumed = true;
        }
        drop(gathering);
        Deciding { place: self, _turn: turn }
    }

    /// What became of a command; meanwhile sends what has gathered, when it is our turn.
    pub(super) async fn ending(&self, mut answer: oneshot::Receiver<Ending>) -> Ending {
        loop {
            tokio::select! {
                biased;
                // Whoever was sending gave up: it may have arrived all the same.
                ending = &mut answer => return ending.unwrap_or(Ending::Lost),
                turn = self.lane.turn.acquire() => {
                    let sent = self.send().await;
                    drop(turn);
                    if !sent {
                        // Ours was taken by somebody who is just giving up.
                        return answer.await.unwrap_or(Ending::Lost);
                    }
                }
            }
        }
    }

    /// Sends what has gathered, if anything has. Only for who has the turn.
    async fn send(&self) -> bool {
        let Some((expected, assumed, batch)) = self.lane.lock().take() else { return false };
        let (mut commands, mut waiting) = (Vec::new(), Vec::new());
        for Waiting { command, answer } in batch {
            waiting.push((command.command_id, answer));
            commands.push(command);
        }
        let given_up = GiveUp(&self.lane);
        let outcome = self.store.append(Append { stream: self.stream, expected, commands }).await;
        std::mem::forget(given_up);

        if let Ok(AppendOutcome::Appended(head)) = outcome {
            self.lane.lock().goes_on_after(head);
            for (_, answer) in waiting {
                // Whoever asked may have given up.
                let _gone = answer.send(Ending::Appended(head));
            }
            return true;
        }
        self.lane.lock().give_up();
        let alone = waiting.len() == 1;
        for (command, answer) in waiting {
            let _gone = answer.send(ending(&outcome, command, assumed, alone));
        }
        true
    }
}

/// The ending of `command` after an append without effect.
fn ending(outcome: &Result<AppendOutcome, StoreError>, command: CommandId, assumed: bool, alone: bool) -> Ending {
    match outcome {
        Ok(AppendOutcome::Duplicate(record)) if record.command_id == command => Ending::Duplicate(*record),
        Ok(AppendOutcome::ClaimTaken { command_id, kind }) if *command_id == command && !assumed => {
            Ending::ClaimTaken(*kind)
        }
        Ok(_) => Ending::Again,
        Err(StoreError::OutcomeUnknown) => Ending::Lost,
        Err(StoreError::Malformed { .. }) if !alone => Ending::Alone,
        Err(error) => Ending::Failed(error.clone()),
    }
}

/// Gives up what was decided on an append whose sender was dropped.
struct GiveUp<'l, A: Aggregate>(&'l Lane<A>);

impl<A: Aggregate> Drop for GiveUp<'_, A> {
    fn drop(&mut self) {
        self.0.lock().give_up();
    }
}

impl<A: Aggregate> Lane<A> {
    fn new() -> Self {
        let gathering = Gathering { generation: 0, base: None, under_way: false, closed: false, commands: Vec::new() };
        Self { deciding: tokio::sync::Mutex::new(()), turn: Semaphore::new(1), gathering: Mutex::new(gathering) }
    }

    fn lock(&self) -> MutexGuard<'_, Gathering<A>> {
        // Nothing in between calls anybody else's code.
        self.gathering.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<A: Aggregate> Gathering<A> {
    fn is_pending(&self) -> bool {
        self.under_way || !self.commands.is_empty()
    }

    fn take(&mut self) -> Option<(Head, bool, Vec<Waiting>)> {
        let base = self.base.as_ref().filter(|_| !self.commands.is_empty())?;
        self.under_way = true;
        self.closed = false;
        Some((base.expected, base.assumed, std::mem::take(&mut self.commands)))
    }

    fn goes_on_after(&mut self, head: Head) {
        self.under_way = false;
        if let Some(base) = &mut self.base {
            base.expected = head;
            base.assumed = false;
        }
    }

    /// Lets everybody here decide again, on what the store has.
    fn give_up(&mut self) {
        self.generation += 1;
        self.base = None;
        self.under_way = false;
        self.closed = false;
        for waiting in self.commands.drain(..) {
            let _gone = waiting.answer.send(Ending::Again);
        }
    }

    fn has_room_for(&self, command: &AppendCommand) -> bool {
        let gathered = || self.commands.iter().map(|waiting| &waiting.command);
        let together = || gathered().chain([command]);
        let mut keys = command.claims.iter().chain(&command.releases);
        self.commands.is_empty()
            || !self.closed
                && self.commands.len() < MAX_COMMANDS
                && together().map(|command| command.events.len()).sum::<usize>() <= MAX_APPEND_EVENTS
                && together().map(|command| command.claims.len() + command.releases.len()).sum::<usize>()
                    <= MAX_APPEND_CLAIMS
                && together().map(bytes).sum::<usize>() <= MAX_GROUP_BYTES
                && gathered().all(|gathered| gathered.command_id != command.command_id)
                && !keys.any(|key| gathered().any(|other| other.claims.contains(key) || other.releases.contains(key)))
    }
}

fn bytes(command: &AppendCommand) -> usize {
    command.events.iter().map(|event| event.payload.len()).sum()
}

/// The one in a lane that decides.
pub(super) struct Deciding<'p, A: Aggregate> {
    place: &'p Place<'p, A>,
    _turn: tokio::sync::MutexGuard<'p, ()>,
}

impl<A: Aggregate> Deciding<'_, A> {
    /// What there is to decide on, unless it has to be loaded.
    pub(super) fn seen(&self) -> Option<Seen<A>> {
        let gathering = self.place.lane.lock();
        let base = gathering.base.as_ref()?;
        let standing = match (gathering.is_pending(), base.assumed) {
            (true, _) => Standing::Pending,
            (false, true) => Standing::Assumed,
            (false, false) => Standing::Proven,
        };
        let generation = gathering.generation;
        Some(Seen { state: base.state.clone(), version: base.version, standing, generation })
    }

    /// Begins with what was `loaded`, or with what the stream is assumed to be. Only while there is nothing.
    pub(super) fn begin(&self, loaded: Loaded<A>, assumed: bool) {
        let Loaded { state, head } = loaded;
        self.place.lane.lock().base = Some(Base { state, version: head.version, expected: head, assumed });
    }

    /// Drops an assumption.
    pub(super) fn drop_assumption(&self) {
        self.place.lane.lock().base = None;
    }

    /// Adds a command that was decided in `generation`; `after` is the state and the version after it. None when what it
    /// was decided on has been given up meanwhile.
    pub(super) fn add(
        &self,
        generation: u64,
        command: AppendCommand,
        after: (A::State, Version),
        alone: bool,
    ) -> Option<oneshot::Receiver<Ending>> {
        let mut gathering = self.place.lane.lock();
        if gathering.generation != generation {
            return None;
        }
        let base = gathering.base.as_mut()?;
        (base.state, base.version) = after;
        let (answer, ending) = oneshot::channel();
        gathering.commands.push(Waiting { command, answer });
        gathering.closed = alone;
        Some(ending)
    }

    /// Whether `command` can go with what has gathered.
    pub(super) fn has_room_for(&self, command: &AppendCommand) -> bool {
        self.place.lane.lock().has_room_for(command)
    }

    /// Waits until nothing is pending any more. What is then there to decide on is the store's present.
    pub(super) async fn settle(&self) {
        let turn = self.place.lane.turn.acquire().await;
        self.place.send().await;
        drop(turn);
    }
}

#[cfg(test)]
mod tests;
