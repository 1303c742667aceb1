//! The work that is measured, and the figures of every round.
use crate::protocol::{Reply, Request};
use crate::vital::LONG;

/// What is measured; the raw statement last.
pub const SYSTEMS: [&str; 7] = ["historia", "cqrs_es", "esrs", "disintegrate", "emmett", "message_db", "floor"];
/// Whose best our ratios are to.
pub const RUST_PEERS: [&str; 3] = ["cqrs_es", "esrs", "disintegrate"];

const ALL: &[&str] = &["historia", "cqrs_es", "esrs", "disintegrate", "emmett", "message_db"];
const WITH_FLOOR: &[&str] = &SYSTEMS;

/// One kind of work.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// What `--only` names.
    pub name: &'static str,
    pub title: &'static str,
    pub request: fn(f64, u64) -> Request,
    /// Whom it is asked of.
    pub systems: &'static [&'static str],
    /// In a worker of its own, for its memory.
    pub alone: bool,
    /// Whether the figure is events a second; commands or loads otherwise.
    pub per_event: bool,
    /// What our figure should be, as a multiple of the best Rust peer's.
    pub wanted: f64,
}

const fn work(name: &'static str, title: &'static str, request: fn(f64, u64) -> Request, wanted: f64) -> Work {
    Work { name, title, request, systems: WITH_FLOOR, alone: false, per_event: false, wanted }
}

/// Everything that is measured in rounds.
pub const WORKS: [Work; 11] = [
    work("append-1", "append one event, 1 writer /s", |seconds, _| append(1, 1, seconds), 1.3),
    work("append-32", "append one event, 32 writers /s", |seconds, _| append(32, 1, seconds), 3.0),
    work("append-128", "append one event, 128 writers /s", |seconds, _| append(128, 1, seconds), 6.0),
    Work {
        per_event: true,
        ..work("command-100", "commands of 100 events, 8 writers, events/s", |seconds, _| append(8, 100, seconds), 2.5)
    },
    work("load-100", "load 100 events, 4 readers, loads/s", |seconds, _| load(100, seconds, false), 3.0),
    work("load-10000", "load 10,000 events, 4 readers, loads/s", |seconds, _| load(10_000, seconds, false), 3.0),
    Work {
        systems: ALL,
        ..work("again-100", "load 100 events again, 4 readers, loads/s", |seconds, _| load(100, seconds, true), 3.0)
    },
    Work {
        systems: ALL,
        ..work(
            "again-10000",
            "load 10,000 events again, 4 readers, loads/s",
            |seconds, _| load(10_000, seconds, true),
            20.0,
        )
    },
    Work {
        systems: ALL,
        ..work("hot", "32 writers on one stream, accepted /s", |seconds, _| Request::Hot { writers: 32, seconds }, 5.0)
    },
    Work {
        systems: &["historia", "disintegrate"],
        alone: true,
        ..work("catch-up", "a projection catches up, events/s", |_, events| Request::CatchUp { events }, 0.0)
    },
    Work {
        systems: &["historia", "cqrs_es", "esrs", "disintegrate", "floor"],
        alone: true,
        ..work("replay", "replay of everything, events/s", |_, _| Request::Replay, 3.0)
    },
];

fn append(writers: u32, events: u32, seconds: f64) -> Request {
    Request::Append { writers, events, seconds }
}

fn load(events: u32, seconds: f64, again: bool) -> Request {
    debug_assert!(u64::from(events) <= LONG);
    Request::Load { readers: 4, events, seconds, again }
}

/// One system's figures for one kind of work, round by round.
#[derive(Clone, Debug)]
pub struct Row {
    pub work: &'static Work,
    pub system: &'static str,
    pub seen: Vec<Seen>,
}

/// One round's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    pub rate: f64,
    /// Microseconds.
    pub p50: u64,
    pub p99: u64,
    /// Attempts that were lost and made again, for each that was accepted.
    pub lost: f64,
    /// KiB.
    pub peak: u64,
}

impl Seen {
    /// A reply's.
    pub fn of(work: &Work, reply: &Reply) -> Self {
        let counted = if work.per_event { reply.chart.events as f64 } else { reply.done as f64 };
        Self {
            rate: counted / reply.seconds,
            p50: reply.p50,
            p99: reply.p99,
            lost: reply.lost as f64 / (reply.done.max(1) as f64),
            peak: reply.peak,
        }
    }
}

impl Row {
    /// Median, least and greatest rate.
    pub fn rates(&self) -> Option<[f64; 3]> {
        let mut rates: Vec<f64> = self.seen.iter().map(|seen| seen.rate).collect();
        rates.sort_by(f64::total_cmp);
        Some([rates.get(rates.len() / 2).copied()?, *rates.first()?, *rates.last()?])
    }

    /// The round with the median rate.
    pub fn median(&self) -> Option<&Seen> {
        let [median, ..] = self.rates()?;
        self.seen.iter().find(|seen| seen.rate == median)
    }
}
