//! What is outside of every process and survives it: time, chance, the plan with its counters, the trace.
use crate::defect::Defect;
use crate::plan::{Fault, Lost, MailFault, Place, Plan, Service};
use crate::random::Random;
use crate::trace::Trace;
use crate::witness::Witness;
use domain_kernel::ports::Clock;
use domain_kernel::{Checkpoint, EventId, Message, MessageHeaders, StreamId, Timestamp, Topic, Version};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// 2026-01-01T00:00:00Z in microseconds: when every run begins.
const BEGINNING: i64 = 1_767_225_600_000_000;

/// What is counted, so that a fault meets "the n-th" of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Counted {
    Step(Place),
    Call(Service),
    Append(Service),
    Mail,
    Answer,
    Delivery,
    Receive,
    Acknowledgement,
    Sending,
    Saving,
}

/// What a step of a process comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Goes,
    Yields,
    Waits(Duration),
    Freezes(Duration),
    Dies(Duration),
}

pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) defect: Option<Defect>,
    began: Instant,
    state: Mutex<State>,
    witness: Mutex<Witness>,
}

struct State {
    random: Random,
    trace: Trace,
    counts: HashMap<Counted, u32>,
    down_until: HashMap<Service, Instant>,
    ids: u64,
    lives: u32,
    calm: bool,
    broken: Option<String>,
    /// Per consumer, topic and stream, the highest version whose message was delivered.
    delivered: HashMap<(&'static str, Topic, StreamId), Version>,
    seen: HashSet<(&'static str, EventId)>,
    unsynced: HashMap<Service, (usize, Instant)>,
    ends: HashMap<Service, Checkpoint>,
}

impl World {
    pub(crate) fn new(plan: Plan, defect: Option<Defect>, traced: bool) -> Arc<Self> {
        let state = State {
            random: Random::new(plan.seed ^ 0x5157_4d55_4c41_5445),
            trace: Trace::new(traced),
            counts: HashMap::new(),
            down_until: HashMap::new(),
            ids: 0,
            lives: 0,
            calm: false,
            broken: None,
            delivered: HashMap::new(),
            seen: HashSet::new(),
            unsynced: HashMap::new(),
            ends: HashMap::new(),
        };
        Arc::new(Self { plan, defect, began: Instant::now(), state: Mutex::new(state), witness: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether that bug is planted.
    pub(crate) fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    /// Milliseconds of virtual time since the beginning.
    pub(crate) fn millis(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// From now on nothing goes wrong any more.
    pub(crate) fn calm_down(&self) {
        self.state().calm = true;
    }

    /// Writes down what happened; `about` names a thing, the same in every run of the seed.
    pub(crate) fn note(&self, place: Option<Place>, what: &'static str, about: Uuid) {
        let at = self.millis();
        self.state().trace.add(at, place, what, about);
    }

    /// An invariant is broken. The first word counts.
    pub(crate) fn break_with(&self, what: String) {
        let mut state = self.state();
        if state.broken.is_none() {
            state.broken = Some(what);
        }
    }

    /// Lets the witness look at something, and an invariant be broken when it does not hold.
    pub(crate) fn witnessed(&self, look: impl FnOnce(&mut Witness) -> Result<(), String>) {
        let looked = look(&mut self.witness.lock().unwrap_or_else(PoisonError::into_inner));
        if let Err(what) = looked {
            self.break_with(what);
        }
    }

    pub(crate) fn broken(&self) -> Option<String> {
        self.state().broken.clone()
    }

    pub(crate) fn trace(&self) -> Trace {
        self.state().trace.clone()
    }

    /// The log was appended to from there on, and is not on the disk yet.
    pub(crate) fn unsafe_until_synced(&self, service: Service, from: usize) {
        self.state().unsynced.insert(service, (from, Instant::now()));
    }

    /// What a crash loses of a log that answers before it is durable: what was appended a moment ago, from there on.
    pub(crate) fn lost_with_the_crash(&self, service: Service) -> Option<usize> {
        let (from, at) = self.state().unsynced.remove(&service)?;
        (at.elapsed() < Duration::from_millis(20)).then_some(from)
    }

    /// Where the log that the checkpoint `name` is about ends, as far as anybody has told.
    pub(crate) fn end_of_log(&self, name: &str) -> Option<Checkpoint> {
        // `relay/<source>/<topic>` and `bus/<consumer>/<topic>/<source>`.
        let mut parts = name.split('/');
        let source = if name.starts_with("relay/") { parts.nth(1) } else { parts.nth(3) };
        let service = Service::ALL.into_iter().find(|service| Some(service.name()) == source)?;
        self.state().ends.get(&service).copied()
    }

    /// A reader has seen that the log of `service` ends there.
    pub(crate) fn log_ends(&self, service: Service, end: Checkpoint) {
        self.state().ends.insert(service, end);
    }

    /// Messages of one stream reach a consumer in version order, as far as their first copies go. Two topics have no
    /// order between them: each has its own relay.
    pub(crate) fn delivers(&self, consumer: &'static str, message: &Message) {
        let headers = &message.headers;
        let mut state = self.state();
        if !state.seen.insert((consumer, headers.event_id)) {
            return;
        }
        let before = state.delivered.insert((consumer, message.topic, headers.stream), headers.version);
        drop(state);
        if let Some(before) = before.filter(|before| *before > headers.version) {
            let MessageHeaders { event_type, stream, version, .. } = headers;
            self.break_with(format!(
                "{consumer} is given version {version} of {stream} ({event_type}) after version {before}"
            ));
        }
    }

    pub(crate) fn next_life(&self) -> u32 {
        let mut state = self.state();
        state.lives += 1;
        state.lives
    }

    /// A number below `limit`.
    pub(crate) fn chance(&self, limit: u32) -> u32 {
        self.state().random.below(limit)
    }

    /// Counts one more; `None` when all is calm.
    fn count(&self, what: Counted) -> Option<u32> {
        let mut state = self.state();
        if state.calm {
            return None;
        }
        let count = state.counts.entry(what).or_default();
        *count += 1;
        Some(*count)
    }

    pub(crate) fn step(&self, place: Place) -> Fate {
        let Some(now) = self.count(Counted::Step(place)) else { return Fate::Goes };
        for fault in &self.plan.faults {
            match *fault {
                Fault::Crash { place: of, step, down_ms } if of == place && step == now => {
                    return Fate::Dies(Duration::from_millis(down_ms.into()));
                }
                Fault::Freeze { place: of, step, ms } if of == place && step == now => {
                    return Fate::Freezes(Duration::from_millis(ms.into()));
                }
                _ => {}
            }
        }
        let weather = self.plan.weather;
        let mut state = self.state();
        let throw = state.random.below(100);
        if throw < weather.yields {
            Fate::Yields
        } else if throw < weather.yields + weather.delays {
            Fate::Waits(Duration::from_millis(state.random.below(weather.delay_ms + 1).into()))
        } else {
            Fate::Goes
        }
    }

    /// Whether the database of `service` can be reached, and how long the call takes.
    pub(crate) fn store_call(&self, service: Service) -> Result<Option<Duration>, ()> {
        let Some(now) = self.count(Counted::Call(service)) else { return Ok(None) };
        let mut slow = None;
        for fault in &self.plan.faults {
            match *fault {
                Fault::StoreDown { service: of, call, ms } if of == service && call == now => {
                    let until = Instant::now() + Duration::from_millis(ms.into());
                    self.state().down_until.insert(service, until);
                }
                Fault::StoreSlow { service: of, call, ms } if of == service && call == now => {
                    slow = Some(Duration::from_millis(ms.into()));
                }
                _ => {}
            }
        }
        let down = self.state().down_until.get(&service).is_some_and(|until| *until > Instant::now());
        if down { Err(()) } else { Ok(slow) }
    }

    pub(crate) fn append(&self, service: Service) -> Option<AppendFault> {
        let now = self.count(Counted::Append(service))?;
        self.plan.faults.iter().find_map(|fault| match *fault {
            Fault::CommitUnknown { service: of, append, lost } if of == service && append == now => {
                Some(AppendFault::Lost(lost))
            }
            Fault::Refused { service: of, append } if of == service && append == now => Some(AppendFault::Refused),
            _ => None,
        })
    }

    pub(crate) fn mail(&self) -> Option<MailFault> {
        let now = self.count(Counted::Mail)?;
        self.plan.faults.iter().find_map(|fault| match *fault {
            Fault::Mail { call, how } if call == now => Some(how),
            _ => None,
        })
    }

    /// Whether the relay's sending is not confirmed, and whether the broker has it.
    pub(crate) fn sending(&self) -> Option<bool> {
        let now = self.count(Counted::Sending)?;
        self.plan.faults.iter().find_map(|fault| match *fault {
            Fault::LostConfirmation { sending, stored } if sending == now => Some(stored),
            _ => None,
        })
    }

    pub(crate) fn answer_is_lost(&self) -> bool {
        self.meets(Counted::Answer, |fault, now| matches!(fault, Fault::LostAnswer { answer } if *answer == now))
    }

    pub(crate) fn delivery_is_repeated(&self) -> bool {
        self.meets(Counted::Delivery, |fault, now| matches!(fault, Fault::Duplicate { delivery } if *delivery == now))
    }

    pub(crate) fn receive_is_cut(&self) -> bool {
        self.meets(Counted::Receive, |fault, now| matches!(fault, Fault::Cut { receive } if *receive == now))
    }

    pub(crate) fn acknowledgement_is_lost(&self) -> bool {
        self.meets(
            Counted::Acknowledgement,
            |fault, now| matches!(fault, Fault::LostAcknowledgement { acknowledgement } if *acknowledgement == now),
        )
    }

    pub(crate) fn checkpoint_is_lost(&self) -> bool {
        self.meets(Counted::Saving, |fault, now| matches!(fault, Fault::CheckpointLost { saving } if *saving == now))
    }

    fn meets(&self, what: Counted, is: impl Fn(&Fault, u32) -> bool) -> bool {
        self.count(what).is_some_and(|now| self.plan.faults.iter().any(|fault| is(fault, now)))
    }
}

/// What happens to an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AppendFault {
    Lost(Lost),
    Refused,
}

/// Virtual time, and ids that rise in the order in which they are asked for.
impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp(BEGINNING + i64::try_from(self.began.elapsed().as_micros()).unwrap_or(i64::MAX))
    }

    fn unique_id(&self) -> Uuid {
        let mut state = self.state();
        state.ids += 1;
        let mut rest = [0; 10];
        rest[2..].copy_from_slice(&state.ids.to_be_bytes());
        let millis = u64::try_from(self.now().0 / 1_000).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &rest).into_uuid()
    }
}
