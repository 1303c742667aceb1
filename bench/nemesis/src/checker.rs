//! What must hold of a whole history, whatever was broken while it was made. Pure: what was asked and answered, and what
//! is there in the end, go in; what is broken comes out. A thing done twice is as bad as one that is lost.
use crate::history::Commands;
use std::collections::{BTreeMap, BTreeSet};

const LOST: &str = "nothing acknowledged is lost";
const TWICE: &str = "nothing is done twice";
const REFUSED: &str = "what is right is not refused";

/// What is there when everything has settled.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Id and number of every `ResultCreated` in the results service's history.
    pub results: Vec<(String, Option<i64>)>,
    /// Streams whose versions have a gap, or whose head is not their last event.
    pub torn: Vec<String>,
    pub notifications: Vec<Notification>,
    pub saga: Vec<SagaEvent>,
    /// Consumer and event.
    pub dead_letters: Vec<(String, String)>,
    /// How often each mail came, by its notification.
    pub mails: BTreeMap<String, usize>,
    /// What lies on the broker, in its order; `None` when nobody looked.
    pub published: Option<Vec<Published>>,
    /// Events that were injected and cannot be handled: alone they may fail and have a dead letter.
    pub poison: BTreeSet<String>,
}

/// A notification as its service shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    pub id: String,
    /// The event that it is owed to.
    pub source_event: String,
    pub state: String,
}

/// An event in the saga log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SagaEvent {
    pub id: String,
    /// Empty while only answers to it were heard.
    pub kind: String,
    pub state: String,
    pub aggregate: String,
    pub causation: String,
}

/// A message on the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    pub event: String,
    pub kind: String,
    pub stream: String,
    pub version: i64,
}

/// A rule that does not hold, and of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub rule: &'static str,
    pub what: String,
}

/// What the checker found.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Results that were acknowledged and are not there.
    pub lost: Vec<String>,
    /// What is there more often than it was asked for.
    pub doubled: Vec<String>,
    /// Everything that is broken, the lost and the doubled too.
    pub broken: Vec<Broken>,
}

impl Broken {
    /// Whether it is broken also while not everything is told yet: what is lost or done twice stays so.
    pub fn is_for_ever(&self) -> bool {
        [LOST, TWICE, REFUSED].contains(&self.rule)
    }
}

impl Verdict {
    fn broken(&mut self, rule: &'static str, what: impl Into<String>) {
        self.broken.push(Broken { rule, what: what.into() });
    }

    fn lost(&mut self, what: &str) {
        self.lost.push(what.to_owned());
        self.broken(LOST, what);
    }

    fn doubled(&mut self, what: String) {
        self.doubled.push(what.clone());
        self.broken(TWICE, what);
    }
}

/// Checks a history against what is there.
pub fn check(commands: &Commands, observed: &Observed) -> Verdict {
    let mut verdict = Verdict::default();
    results(commands, observed, &mut verdict);
    for stream in &observed.torn {
        verdict.broken("versions have no gap and a head is its stream's end", stream);
    }
    told(observed, &mut verdict);
    settled(observed, &mut verdict);
    mails(observed, &mut verdict);
    published(observed, &mut verdict);
    verdict
}

/// Every acknowledged command is exactly one result, and there are no others.
fn results(commands: &Commands, observed: &Observed, verdict: &mut Verdict) {
    let (mut acknowledged, mut unanswered) = (BTreeMap::new(), 0);
    for (key, command) in commands {
        if let Some(why) = &command.refused {
            verdict.broken(REFUSED, format!("{key}: {why}"));
        }
        if command.acknowledged.is_empty() && command.refused.is_none() {
            unanswered += 1;
            verdict.broken("whoever repeats a command gets its answer", key);
        }
        if command.acknowledged.len() > 1 {
            verdict.doubled(format!("{key} was answered with {} results", command.acknowledged.len()));
        }
        for (id, number) in &command.acknowledged {
            if let Some(other) = acknowledged.insert(id.clone(), *number).map(|_| key) {
                verdict.doubled(format!("{other} was answered with another command's result"));
            }
        }
    }
    let mut stored: BTreeMap<&str, Option<i64>> = BTreeMap::new();
    let mut numbers = BTreeSet::new();
    for (id, number) in &observed.results {
        if stored.insert(id, *number).is_some() {
            verdict.doubled(format!("result {id} was created twice"));
        }
        if number.is_some_and(|number| !numbers.insert(number)) {
            verdict.doubled(format!("the number of result {id} was given twice"));
        }
    }
    for (id, number) in &acknowledged {
        match stored.get(id.as_str()) {
            None => verdict.lost(id),
            Some(stored) if *stored != Some(*number) => {
                verdict.broken("a result keeps its number", format!("{id}: {number} is {stored:?}"));
            }
            Some(_) => {}
        }
    }
    // A command without an answer may have been done; each can account for one result.
    let more: Vec<&&str> = stored.keys().filter(|id| !acknowledged.contains_key(**id)).collect();
    if more.len() > unanswered {
        for id in more {
            verdict.doubled(format!("result {id} is nobody's"));
        }
    }
}

/// The saga log has every result once, and each result and each account was told of exactly once.
fn told(observed: &Observed, verdict: &mut Verdict) {
    let mut created: BTreeMap<&str, usize> = BTreeMap::new();
    let mut sent: BTreeMap<&str, usize> = BTreeMap::new();
    for event in &observed.saga {
        match event.kind.as_str() {
            "ResultCreated" if !observed.poison.contains(&event.id) => {
                *created.entry(&event.aggregate).or_default() += 1;
            }
            "NotificationSent" => *sent.entry(&event.causation).or_default() += 1,
            _ => {}
        }
    }
    for (id, _) in &observed.results {
        match created.remove(id.as_str()) {
            None => verdict.broken("every result is in the saga log", id),
            Some(1) => {}
            Some(times) => verdict.doubled(format!("result {id} is in the saga log {times} times")),
        }
    }
    for id in created.into_keys() {
        verdict.broken("the saga log tells of nothing that did not happen", id);
    }
    let owed = |event: &&SagaEvent| matches!(event.kind.as_str(), "ResultCreated" | "UserCreated");
    for event in observed.saga.iter().filter(owed).filter(|event| !observed.poison.contains(&event.id)) {
        match sent.remove(event.id.as_str()) {
            None => {
                verdict.broken("everybody is told", format!("nobody was told of {} {}", event.kind, event.aggregate))
            }
            Some(1) => {}
            Some(times) => verdict.doubled(format!("{} {} was told {times} times", event.kind, event.aggregate)),
        }
    }
    for cause in sent.into_keys() {
        verdict.broken("nobody is told of what did not happen", cause);
    }
}

/// Every event is PROCESSED, or FAILED with a dead letter or a dead notification; and only poison fails.
fn settled(observed: &Observed, verdict: &mut Verdict) {
    let mut letters: BTreeSet<&str> = observed.dead_letters.iter().map(|(_, event)| event.as_str()).collect();
    // A mail that cannot be written is given up by the sender, not by the consumer: it waits for an operator as well.
    let dead = observed.notifications.iter().filter(|notification| notification.state == "dead");
    letters.extend(dead.map(|notification| notification.source_event.as_str()));
    let mut ids = BTreeSet::new();
    for SagaEvent { id, kind, state, .. } in &observed.saga {
        if !ids.insert(id) {
            verdict.doubled(format!("event {id} is in the saga log twice"));
        }
        match (kind.as_str(), state.as_str()) {
            ("", _) if observed.poison.contains(id) => {}
            ("", _) => verdict.broken("an answer belongs to an event", id),
            (_, "PROCESSED") => {}
            (_, "FAILED") if letters.contains(id.as_str()) && observed.poison.contains(id) => {}
            (_, "FAILED") if letters.contains(id.as_str()) => verdict.broken("only poison fails", id),
            (_, "FAILED") => verdict.broken("what fails has a dead letter", id),
            (kind, state) => verdict.broken("every event is PROCESSED or FAILED", format!("{kind} {id} is {state}")),
        }
    }
    for (consumer, event) in &observed.dead_letters {
        if !observed.poison.contains(event) {
            verdict.broken("only poison becomes a dead letter", format!("{event} at {consumer}"));
        }
    }
}

/// One notification for each event that owes one, all of them sent, and one mail for each.
fn mails(observed: &Observed, verdict: &mut Verdict) {
    let (mut sources, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for Notification { id, source_event, state } in &observed.notifications {
        ids.insert(id.as_str());
        if !sources.insert(source_event) {
            verdict.doubled(format!("event {source_event} has two notifications"));
        }
        if state != "sent" && !(state == "dead" && observed.poison.contains(source_event)) {
            verdict.broken("every notification is sent", format!("{id} is {state}"));
        }
        if state == "sent" && !observed.mails.contains_key(id) {
            verdict.broken("what is sent has come", format!("the mail of {id} is missing"));
        }
    }
    for id in observed.mails.keys().filter(|id| !ids.contains(id.as_str())) {
        verdict.broken("nobody gets a mail that is not owed", id);
    }
}

/// Every result is on the broker, and the first copy of each version comes after those of the versions before it.
fn published(observed: &Observed, verdict: &mut Verdict) {
    let Some(published) = &observed.published else { return };
    let (mut seen, mut last, mut created) = (BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
    for message in published.iter().filter(|message| !observed.poison.contains(&message.event)) {
        if message.kind == "results.result_created" {
            created.insert(message.stream.as_str());
        }
        if !seen.insert(message.event.as_str()) {
            continue;
        }
        let before = last.insert(message.stream.as_str(), message.version);
        if before.is_some_and(|before| before >= message.version) {
            let what = format!("{}: version {} after {before:?}", message.stream, message.version);
            verdict.broken("a stream's events are published in their order", what);
        }
    }
    for (id, _) in observed.results.iter().filter(|(id, _)| !created.contains(id.as_str())) {
        verdict.broken("every result is published", id);
    }
}

#[cfg(test)]
mod tests;
