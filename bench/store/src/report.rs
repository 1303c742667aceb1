//! What is printed, and written between two marks into `docs/benchmarks.md`.
use crate::cells::{RUST_PEERS, Row, SYSTEMS, WORKS, Work};
use crate::protocol::Reply;
use crate::server::SETTINGS;
use platform::Failure;
use std::fmt::Write;

const DOCUMENT: &str = "docs/benchmarks.md";
const BEGIN: &str = "<!-- bench/run: begin -->\n";
const END: &str = "<!-- bench/run: end -->\n";

/// What a run came to.
#[derive(Default)]
pub struct Report {
    pub busy: bool,
    pub load: String,
    pub rounds: usize,
    pub seconds: f64,
    /// What the server and the tools said they are.
    pub versions: String,
    pub rows: Vec<Row>,
    /// System and bytes an event of the seeds, and of the appended single events.
    pub bytes: Vec<(&'static str, i64, Option<i64>)>,
    /// Appends that a group of ours had on average, by the kind of work.
    pub groups: Vec<(&'static str, f64)>,
    pub tail: Option<Reply>,
    pub took: f64,
}

impl Report {
    fn row(&self, work: &Work, system: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.work.name == work.name && row.system == system)
    }

    fn rate(&self, work: &Work, system: &str) -> Option<f64> {
        self.row(work, system)?.rates().map(|[median, ..]| median)
    }

    /// Our median as a multiple of the best Rust peer's, and of the raw statement's.
    fn ratios(&self, work: &Work) -> (Option<f64>, Option<f64>) {
        let ours = self.rate(work, "historia");
        let best = RUST_PEERS.iter().filter_map(|peer| self.rate(work, peer)).max_by(f64::total_cmp);
        let ratio = |to: Option<f64>| Some(ours? / to?);
        (ratio(best), ratio(self.rate(work, "floor")))
    }

    /// The tables in Markdown.
    pub fn markdown(&self) -> Result<String, Failure> {
        let mut text = String::new();
        let Self { rounds, seconds, load, versions, took, .. } = self;
        writeln!(
            text,
            "{} cores; load average before: {load}; {rounds} rounds of {seconds} s, {took:.0} s in all. {versions}",
            std::thread::available_parallelism()?
        )?;
        if self.busy {
            writeln!(text, "**The machine was busy: ratios at most, no figures.**")?;
        }
        let settings: Vec<String> = SETTINGS.iter().map(|(name, value)| format!("{name}={value}")).collect();
        writeln!(
            text,
            "PostgreSQL's settings: {}.\n",
            settings.join(", ").replace("listen_addresses=", "listen_addresses=''")
        )?;
        self.rates(&mut text)?;
        self.times(&mut text)?;
        self.rest(&mut text)?;
        Ok(text)
    }

    fn rates(&self, text: &mut String) -> Result<(), Failure> {
        writeln!(
            text,
            "| work | {} | ours ÷ best Rust peer | wanted | ours ÷ floor |",
            SYSTEMS.map(title).join(" | ")
        )?;
        writeln!(text, "|---|{}---|---|---|", "---|".repeat(SYSTEMS.len()))?;
        for work in WORKS.iter().filter(|work| self.row(work, "historia").is_some()) {
            let cells = SYSTEMS.map(|system| match self.row(work, system).and_then(Row::rates) {
                Some([median, least, greatest]) => {
                    format!("{} ({}–{})", number(median), number(least), number(greatest))
                }
                None => String::new(),
            });
            let (ratio, share) = self.ratios(work);
            let wanted = if work.wanted > 0.0 { format!("≥ {}×", work.wanted) } else { String::new() };
            let ratio = ratio.map_or(String::new(), |ratio| format!("{ratio:.1}×"));
            let share = share.map_or(String::new(), |share| format!("{:.0} %", share * 100.0));
            writeln!(text, "| {} | {} | {ratio} | {wanted} | {share} |", work.title, cells.join(" | "))?;
        }
        Ok(())
    }

    fn times(&self, text: &mut String) -> Result<(), Failure> {
        writeln!(
            text,
            "\nMilliseconds per command or load, p50 / p99 of the median round; attempts lost for each accepted one where there were any; peak memory where the work has a process of its own:\n"
        )?;
        let systems = &SYSTEMS[..SYSTEMS.len() - 1];
        let titles: Vec<&str> = systems.iter().map(|system| title(system)).collect();
        writeln!(text, "| work | {} |", titles.join(" | "))?;
        writeln!(text, "|---|{}", "---|".repeat(systems.len()))?;
        for work in WORKS.iter().filter(|work| self.row(work, "historia").is_some()) {
            let cells = systems.iter().map(|system| match self.row(work, system) {
                Some(row) if work.alone => {
                    let peak = row.seen.iter().map(|seen| seen.peak).max().unwrap_or(0);
                    format!("{} MiB", peak / 1024)
                }
                Some(row) => row.median().map_or(String::new(), |seen| {
                    let millis = |micros: u64| micros as f64 / 1000.0;
                    let lost = if seen.lost > 0.0 { format!(", {:.1} lost", seen.lost) } else { String::new() };
                    format!("{:.1} / {:.1}{lost}", millis(seen.p50), millis(seen.p99))
                }),
                None => String::new(),
            });
            writeln!(text, "| {} | {} |", work.title, cells.collect::<Vec<_>>().join(" | "))?;
        }
        Ok(())
    }

    fn rest(&self, text: &mut String) -> Result<(), Failure> {
        writeln!(
            text,
            "\n| bytes an event, with all tables and indexes | {} |",
            SYSTEMS[..6].iter().map(|system| title(system)).collect::<Vec<_>>().join(" | ")
        )?;
        writeln!(text, "|---|{}", "---|".repeat(6))?;
        type Bytes = fn(&(&'static str, i64, Option<i64>)) -> Option<i64>;
        for (what, of) in [
            ("seeded, commands of 10 events", (|bytes| Some(bytes.1)) as Bytes),
            ("appended one by one, each its own stream", (|bytes| bytes.2) as Bytes),
        ] {
            let cells = SYSTEMS[..6].iter().map(|system| {
                let found = self.bytes.iter().find(|(of, ..)| of == system);
                found.and_then(of).map_or(String::new(), |bytes| bytes.to_string())
            });
            writeln!(text, "| {what} | {} |", cells.collect::<Vec<_>>().join(" | "))?;
        }
        if !self.groups.is_empty() {
            let groups: Vec<String> = self.groups.iter().map(|(work, mean)| format!("{work} {mean:.1}")).collect();
            writeln!(
                text,
                "\nAppends in one of our groups, on average, and in one of the floor's: {}.",
                groups.join(", ")
            )?;
        }
        if let Some(Reply { done, seconds, tail, .. }) = &self.tail {
            writeln!(
                text,
                "\nThe tailing reader saw {done} events in {seconds:.1} s beside 16 writers, two consumers and open transactions: {} skipped, {} reordered, {} answers doubled or missing (wanted: 0).",
                tail.skipped, tail.reordered, tail.doubled
            )?;
        }
        Ok(())
    }

    /// Replaces what the last run has written.
    pub fn write(&self) -> Result<(), Failure> {
        let document = std::fs::read_to_string(DOCUMENT)?;
        let (before, rest) = document.split_once(BEGIN).ok_or("the document has no mark of bench/run")?;
        let (_, after) = rest.split_once(END).ok_or("the document has no second mark of bench/run")?;
        Ok(std::fs::write(DOCUMENT, format!("{before}{BEGIN}\n{}\n{END}{after}", self.markdown()?))?)
    }
}

/// How a system is called.
pub fn title(system: &str) -> &'static str {
    match system {
        "historia" => "Historia",
        "cqrs_es" => "cqrs-es",
        "esrs" => "esrs",
        "disintegrate" => "disintegrate",
        "emmett" => "Emmett",
        "message_db" => "message-db",
        _ => "raw statement",
    }
}

/// With three significant digits, in thousands apart.
fn number(rate: f64) -> String {
    if rate < 100.0 {
        return format!("{rate:.1}");
    }
    let whole = format!("{rate:.0}");
    let digits: Vec<String> =
        whole.as_bytes().rchunks(3).rev().map(|chunk| String::from_utf8_lossy(chunk).into_owned()).collect();
    digits.join(",")
}
