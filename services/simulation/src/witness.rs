//! Who looks on: what must hold after every single append, mail and answer, looked at when it happens.
//!
//! An event follows from the one before it; a message has one first effect in a consumer; a notification is asked for
//! and sent once; an event that was PROCESSED stays so; a mail is one that somebody asked for. What can only be judged
//! when nothing is under way any more is the [verdict](crate::verdict)'s.
use crate::plan::Service;
use crate::verdict::effects::{REQUESTED, SENT, is_first_effect};
use domain_kernel::{EventId, Head, RecordedEvent, StreamId};
use domain_saga_log::{EventState, SagaState};
use infra_testkit::memory::MemoryEventStore;
use std::collections::{BTreeSet, HashMap, HashSet};

/// What has been seen so far.
#[derive(Default)]
pub(crate) struct Witness {
    logs: HashMap<Service, Log>,
    processed: HashSet<EventId>,
}

#[derive(Default)]
struct Log {
    /// How many events were looked at.
    seen: usize,
    heads: HashMap<StreamId, Head>,
    /// Which message has had its first effect.
    effects: HashSet<EventId>,
    requested: BTreeSet<String>,
    sent: BTreeSet<String>,
}

impl Witness {
    /// How many events of the log were looked at. One that became shorter in a crash is looked at anew.
    pub(crate) fn seen(&mut self, service: Service, count: usize) -> usize {
        let log = self.logs.entry(service).or_default();
        if log.seen > count {
            *log = Log::default();
        }
        log.seen
    }

    /// Looks at `events`, which follow what was seen of the log.
    ///
    /// # Errors
    /// What does not hold.
    pub(crate) fn appended(&mut self, service: Service, events: &[RecordedEvent]) -> Result<(), String> {
        let log = self.logs.entry(service).or_default();
        log.seen += events.len();
        events.iter().try_for_each(|event| log.look(service, event))
    }

    /// Looks at a mail that the server took.
    ///
    /// # Errors
    /// Nobody asked for it.
    pub(crate) fn mailed(&self, message_id: &str) -> Result<(), String> {
        let asked = |log: &Log| log.requested.contains(message_id);
        if self.logs.get(&Service::Notifications).is_some_and(asked) {
            return Ok(());
        }
        Err(format!("a mail goes out as {message_id}, which nobody asked for"))
    }

    /// Looks at a saga as it is now.
    ///
    /// # Errors
    /// An event was PROCESSED and is not any more.
    pub(crate) fn saga(&mut self, saga: &SagaState) -> Result<(), String> {
        for (event, entry) in &saga.entries {
            if entry.state() == EventState::Processed {
                self.processed.insert(*event);
            } else if self.processed.contains(event) {
                return Err(format!("event {event} was PROCESSED and is {:?}", entry.state()));
            }
        }
        Ok(())
    }
}

impl Log {
    fn look(&mut self, service: Service, event: &RecordedEvent) -> Result<(), String> {
        let name = service.name();
        let (stream, version) = (event.stream, event.version);
        let head = self.heads.insert(stream, event.head()).unwrap_or_default();
        if !MemoryEventStore::follows(&head, event) {
            return Err(format!("{name}: version {version} of {stream} does not follow from {}", head.version));
        }
        if let Some(cause) = event.metadata.causation_id.filter(|_| is_first_effect(service, event))
            && !self.effects.insert(cause)
        {
            return Err(format!("{cause} has a second effect in {name}"));
        }
        if service == Service::Notifications {
            let known = match event.type_id {
                REQUESTED => &mut self.requested,
                SENT => &mut self.sent,
                _ => return Ok(()),
            };
            if !known.insert(stream.to_string()) {
                return Err(format!("notification {stream} is requested or sent a second time"));
            }
        }
        Ok(())
    }
}
