//! What happened, as one number, and in words when somebody wants to read it.
use crate::plan::Place;
use std::collections::HashMap;
use uuid::Uuid;

/// What instances ask again and again while nothing happens.
const POLLS: [&str; 2] = ["reads the log after", "looks what is due"];

/// The steps of a run in their order. Two runs of one plan have the same hash, or something decided by itself.
#[derive(Clone, Debug)]
pub struct Trace {
    hash: u64,
    steps: u64,
    words: Option<Words>,
}

#[derive(Clone, Debug, Default)]
struct Words {
    lines: Vec<String>,
    polled: HashMap<(String, &'static str), Uuid>,
}

impl Trace {
    pub(crate) fn new(in_words: bool) -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, steps: 0, words: in_words.then(Words::default) }
    }

    pub(crate) fn add(&mut self, at_ms: u64, place: Option<Place>, what: &'static str, about: Uuid) {
        self.steps += 1;
        let (service, instance) =
            place.map_or((0, 0), |place| (place.service.map_or(9, |service| 1 + service as u64), place.instance));
        let (high, low) = about.as_u64_pair();
        for word in [at_ms, service << 8 | u64::from(instance), high, low] {
            self.mix(&word.to_be_bytes());
        }
        self.mix(what.as_bytes());
        if let Some(words) = &mut self.words {
            let place = place.map_or_else(|| "-".to_owned(), |place| place.to_string());
            words.add(at_ms, place, what, about);
        }
    }

    /// FNV-1a, word by word.
    fn mix(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// All of it as a number.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// How many steps there were.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// In words; nothing unless that was asked for.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        self.words.as_ref().map_or(&[], |words| &words.lines)
    }
}

impl Words {
    /// A poll that finds what it found before says nothing.
    fn add(&mut self, at_ms: u64, place: String, what: &'static str, about: Uuid) {
        let line = format!("{at_ms:>7} ms  {place:<16} {what} {about}");
        if !POLLS.contains(&what) || self.polled.insert((place, what), about) != Some(about) {
            self.lines.push(line);
        }
    }
}
