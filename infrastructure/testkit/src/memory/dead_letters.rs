//! Dead letters that live as long as the value does.
use super::lock;
use domain_kernel::ports::{Clock, StoreError};
use domain_kernel::{BoxFuture, EventId, Message, StreamId};
use infra_event_store::dead_letters::{DeadLetter, DeadLetters};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};

type OfEvent = (String, EventId);
type OfStream = (String, StreamId);

/// Attempts, dead letters and parked streams.
pub struct MemoryDeadLetters {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    attempts: HashMap<OfEvent, u32>,
    letters: Vec<DeadLetter>,
    parked: HashSet<OfStream>,
    behind: BTreeMap<OfStream, Vec<Message>>,
}

impl MemoryDeadLetters {
    /// None yet; letters are dated by `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// How many streams are parked and how many messages wait behind letters.
    #[must_use]
    pub fn parked(&self) -> (usize, usize) {
        let state = lock(&self.state);
        (state.parked.len(), state.behind.values().map(Vec::len).sum())
    }

    /// Whether `event` is a letter of `consumer`.
    #[must_use]
    pub fn has_letter(&self, consumer: &str, event: EventId) -> bool {
        lock(&self.state).letters.iter().any(is_of(consumer, event))
    }

    /// Whether the message of `event` waits behind a letter of `consumer`.
    #[must_use]
    pub fn is_behind(&self, consumer: &str, event: EventId) -> bool {
        let state = lock(&self.state);
        let mut waiting = state.behind.iter().filter(|((of, _), _)| of == consumer).flat_map(|(_, waiting)| waiting);
        waiting.any(|message| message.headers.event_id == event)
    }

    fn with<'a, T: Send + 'a>(&self, work: impl FnOnce(&mut State) -> T) -> BoxFuture<'a, Result<T, StoreError>> {
        let answer = work(&mut lock(&self.state));
        Box::pin(async move { Ok(answer) })
    }
}

impl State {
    fn letter(&self, letter: &DeadLetter) -> DeadLetter {
        let behind = self.behind.get(&(letter.consumer.clone(), letter.message.headers.stream));
        let parked_behind = behind.map_or(0, |messages| u32::try_from(messages.len()).unwrap_or(u32::MAX));
        DeadLetter { parked_behind, ..letter.clone() }
    }
}

fn is_of(consumer: &str, event: EventId) -> impl Fn(&DeadLetter) -> bool {
    move |letter| letter.consumer == consumer && letter.message.headers.event_id == event
}

impl DeadLetters for MemoryDeadLetters {
    fn attempts<'a>(&'a self, consumer: &'a str, event: EventId) -> BoxFuture<'a, Result<u32, StoreError>> {
        self.with(|state| state.attempts.get(&(consumer.to_owned(), event)).copied().unwrap_or_default())
    }

    fn record_attempt<'a>(&'a self, consumer: &'a str, event: EventId) -> BoxFuture<'a, Result<u32, StoreError>> {
        self.with(|state| {
            let attempts = state.attempts.entry((consumer.to_owned(), event)).or_default();
            *attempts += 1;
            *attempts
        })
    }

    fn is_parked<'a>(&'a self, consumer: &'a str, stream: StreamId) -> BoxFuture<'a, Result<bool, StoreError>> {
        self.with(|state| state.parked.contains(&(consumer.to_owned(), stream)))
    }

    fn park<'a>(
        &'a self,
        consumer: &'a str,
        message: &'a Message,
        attempts: u32,
        code: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let failed_at = self.clock.now();
        self.with(|state| {
            let event = message.headers.event_id;
            state.parked.insert((consumer.to_owned(), message.headers.stream));
            let holds = is_of(consumer, event);
            match state.letters.iter_mut().find(|letter| holds(letter)) {
                Some(letter) => (letter.attempts, letter.code) = (attempts, code.to_owned()),
                None => state.letters.push(DeadLetter {
                    id: event.derive(consumer),
                    consumer: consumer.to_owned(),
                    message: message.clone(),
                    attempts,
                    code: code.to_owned(),
                    failed_at,
                    parked_behind: 0,
                }),
            }
        })
    }

    fn store_behind<'a>(&'a self, consumer: &'a str, message: &'a Message) -> BoxFuture<'a, Result<bool, StoreError>> {
        self.with(|state| {
            let of = (consumer.to_owned(), message.headers.stream);
            if !state.parked.contains(&of) {
                return false;
            }
            let waiting = state.behind.entry(of).or_default();
            if waiting.iter().all(|other| other.headers.event_id != message.headers.event_id) {
                waiting.push(message.clone());
                waiting.sort_by_key(|message| message.headers.version);
            }
            true
        })
    }

    fn list(&self, limit: usize) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>> {
        self.with(|state| state.letters.iter().take(limit).map(|letter| state.letter(letter)).collect())
    }

    fn find<'a>(&'a self, consumer: &'a str, event: EventId) -> BoxFuture<'a, Result<Option<DeadLetter>, StoreError>> {
        self.with(|state| {
            let holds = is_of(consumer, event);
            state.letters.iter().find(|letter| holds(letter)).map(|letter| state.letter(letter))
        })
    }

    fn next_behind<'a>(
        &'a self,
        consumer: &'a str,
        stream: StreamId,
        after: EventId,
    ) -> BoxFuture<'a, Result<Option<Message>, StoreError>> {
        self.with(|state| {
            let letters = state.letters.iter().filter(|l| l.consumer == consumer && l.message.headers.stream == stream);
            let holding: Vec<EventId> =
                letters.map(|letter| letter.message.headers.event_id).filter(|event| *event != after).collect();
            let waiting = state.behind.get(&(consumer.to_owned(), stream))?;
            let free = |message: &&Message| holding.iter().all(|event| *event == message.headers.event_id);
            waiting.iter().find(free).cloned()
        })
    }

    fn remove_behind<'a>(&'a self, consumer: &'a str, event: EventId) -> BoxFuture<'a, Result<(), StoreError>> {
        self.with(|state| {
            for ((of, _), waiting) in &mut state.behind {
                if of == consumer {
                    waiting.retain(|message| message.headers.event_id != event);
                }
            }
        })
    }

    fn remove_letter<'a>(&'a self, consumer: &'a str, event: EventId) -> BoxFuture<'a, Result<(), StoreError>> {
        self.with(|state| {
            let holds = is_of(consumer, event);
            state.letters.retain(|letter| !holds(letter));
            state.attempts.remove(&(consumer.to_owned(), event));
        })
    }

    fn unpark_if_empty<'a>(&'a self, consumer: &'a str, stream: StreamId) -> BoxFuture<'a, Result<bool, StoreError>> {
        self.with(|state| {
            let of = (consumer.to_owned(), stream);
            let letters = state.letters.iter().any(|l| l.consumer == consumer && l.message.headers.stream == stream);
            let waiting = state.behind.get(&of).is_some_and(|waiting| !waiting.is_empty());
            if !letters && !waiting {
                state.parked.remove(&of);
            }
            !state.parked.contains(&of)
        })
    }
}
