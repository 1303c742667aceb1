//! Everything that was asked and answered, kept as JSON lines while it happens and summed up for the checker.
use platform::Failure;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A command: one result that somebody wants to have filed, under one `Idempotency-Key`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// The round in which it was first sent.
    pub round: usize,
    /// How often it was sent.
    pub sent: usize,
    /// The results that it was answered with, by id and number: more than one is one too many.
    pub acknowledged: BTreeSet<(String, i64)>,
    /// An answer that says that it is wrong, which it is not.
    pub refused: Option<String>,
}

/// The commands by their keys.
pub type Commands = BTreeMap<String, Command>;

struct Kept {
    commands: Commands,
    file: BufWriter<File>,
    last_acknowledged: Option<Instant>,
    /// How many requests were sent and not answered.
    cut_off: usize,
}

/// The history, shared by all who take part in it.
#[derive(Clone)]
pub struct History {
    begun: Instant,
    kept: Arc<Mutex<Kept>>,
}

impl History {
    /// An empty one that writes to `path`.
    pub fn begin(path: &Path) -> Result<Self, Failure> {
        let file = BufWriter::new(File::create(path)?);
        let kept = Kept { commands: Commands::new(), file, last_acknowledged: None, cut_off: 0 };
        Ok(Self { begun: Instant::now(), kept: Arc::new(Mutex::new(kept)) })
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long it is.
    pub fn seconds(&self) -> u64 {
        self.begun.elapsed().as_secs()
    }

    /// Adds a line; one that cannot be written must not stop the run, the checker has its own copy.
    pub fn note(&self, mut line: Value) {
        line["ms"] = json!(u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX));
        let _ = writeln!(self.kept().file, "{line}");
    }

    pub fn sent(&self, round: usize, key: &str) {
        self.note(json!({"op": "invoke", "key": key}));
        let mut kept = self.kept();
        let command = kept.commands.entry(key.to_owned()).or_insert_with(|| Command { round, ..Command::default() });
        command.sent += 1;
    }

    pub fn acknowledged(&self, key: &str, id: &str, number: i64) {
        self.note(json!({"op": "ok", "key": key, "id": id, "number": number}));
        let mut kept = self.kept();
        kept.last_acknowledged = Some(Instant::now());
        kept.commands.entry(key.to_owned()).or_default().acknowledged.insert((id.to_owned(), number));
    }

    /// It may have been done or not.
    pub fn unknown(&self, key: &str, why: &str) {
        self.note(json!({"op": "info", "key": key, "why": why}));
        // Who could not even connect has sent nothing.
        if why.contains("(SendRequest)") {
            self.kept().cut_off += 1;
        }
    }

    pub fn refused(&self, key: &str, why: &str) {
        self.note(json!({"op": "fail", "key": key, "why": why}));
        self.kept().commands.entry(key.to_owned()).or_default().refused = Some(why.to_owned());
    }

    /// When something was last acknowledged.
    pub fn last_acknowledged(&self) -> Option<Instant> {
        self.kept().last_acknowledged
    }

    /// How many requests were sent and then got no answer because the connection ended.
    pub fn cut_off(&self) -> usize {
        self.kept().cut_off
    }

    /// The commands of a round, and the ids that they were answered with.
    pub fn of_round(&self, round: usize) -> (Vec<Command>, Vec<String>) {
        let kept = self.kept();
        let commands: Vec<Command> = kept.commands.values().filter(|command| command.round == round).cloned().collect();
        let ids = commands.iter().flat_map(|command| &command.acknowledged).map(|(id, _)| id.clone()).collect();
        (commands, ids)
    }

    /// What is known so far.
    pub fn commands(&self) -> Commands {
        let mut kept = self.kept();
        let _ = kept.file.flush();
        kept.commands.clone()
    }
}
