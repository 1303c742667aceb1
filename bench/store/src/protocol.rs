//! What the program that measures asks a worker, and what the worker answers: one line of JSON each, on its standard
//! input and output. The worker of the Node packages (`bench/peers-node`) speaks the same.
use crate::vital::Chart;
use serde::{Deserialize, Serialize};

/// One cell's work, or a step around it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "snake_case")]
pub enum Request {
    /// Make the tables and what a million seeded events need besides rows.
    Prepare,
    /// Commands of `events` events each, every one on a new stream.
    Append { writers: u32, events: u32, seconds: f64 },
    /// Load and fold seeded streams of `events` events; `again` and again, by who may keep what it has loaded.
    Load { readers: u32, events: u32, seconds: f64, again: bool },
    /// Commands of one event, all on one stream.
    Hot { writers: u32, seconds: f64 },
    /// Read everything from the first event on, once.
    Replay,
    /// A subscription of the system's own reads `events` events from the first on.
    CatchUp { events: u64 },
    /// A tailing reader beside writers and consumers, `events` in all.
    Tail { events: u64 },
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Reply {
    /// Commands or loads that were answered.
    pub done: u64,
    /// The events in them, and their sum.
    pub chart: Chart,
    /// Attempts that lost against another writer and were made again.
    pub lost: u64,
    pub seconds: f64,
    /// Microseconds per command or load.
    pub p50: u64,
    pub p99: u64,
    /// The most memory that the process ever had resident, in KiB.
    pub peak: u64,
    /// What a tailing reader saw.
    pub tail: Tail,
    /// Why there is no figure.
    pub error: Option<String>,
}

/// What a tailing reader saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tail {
    /// Events it never saw.
    pub skipped: u64,
    /// Events that came before one of an earlier version of their stream, or twice.
    pub reordered: u64,
    /// Answers of consumers that are there twice or not at all.
    pub doubled: u64,
}
