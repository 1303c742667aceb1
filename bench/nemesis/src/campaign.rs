//! A run of rounds on one stage: a load, a fault in the middle of it, the way back, and what is left.
use crate::checker::{Verdict, check};
use crate::history::{Commands, History};
use crate::load::{Laboratories, Load};
use crate::observe::{missing, observe};
use crate::stage::Stage;
use platform::Failure;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How long the platform may take to be well again after a fault; only what is broken then decides, never a time.
const RECOVERED: Duration = Duration::from_secs(150);
const PAUSE: Duration = Duration::from_millis(250);
/// How long the load goes on before the fault, and at least after it.
const BEFORE: Duration = Duration::from_millis(800);
const AFTER: Duration = Duration::from_millis(700);

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Results a second.
    pub rate: u32,
    /// The selection that is small enough to run with every change.
    pub short: bool,
}

impl Extent {
    /// One of two figures.
    pub fn of<T>(self, short: T, long: T) -> T {
        if self.short { short } else { long }
    }
}

/// What a round was for, and how it went.
#[derive(Clone, Debug)]
struct Line {
    name: String,
    text: String,
}

/// Everything that goes from round to round.
pub struct Campaign {
    pub stage: Stage,
    pub history: History,
    pub laboratories: Laboratories,
    pub extent: Extent,
    /// Events that were injected and cannot be handled.
    pub poison: BTreeSet<String>,
    round: usize,
    doubled: usize,
    lines: Vec<Line>,
    /// What is broken, each thing once, with the first round after which it was.
    broken: Vec<String>,
    /// State of the generator of pseudo-random numbers.
    seed: u64,
    load: Option<Load>,
}

impl Campaign {
    pub async fn begin(stage: Stage, history: History, extent: Extent, seed: u64) -> Result<Self, Failure> {
        let laboratories = Laboratories::register(&stage.url()).await?;
        Ok(Self {
            stage,
            history,
            laboratories,
            extent,
            poison: BTreeSet::new(),
            round: 0,
            doubled: 0,
            lines: Vec::new(),
            broken: Vec::new(),
            seed: seed | 1,
            load: None,
        })
    }

    /// A number below `limit` (xorshift64*).
    pub fn random(&mut self, limit: u64) -> u64 {
        self.seed ^= self.seed >> 12;
        self.seed ^= self.seed << 25;
        self.seed ^= self.seed >> 27;
        (self.seed.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit.max(1)
    }

    /// Begins the load of a round; the fault comes after this.
    pub async fn load(&mut self) {
        self.round += 1;
        self.load = Some(Load::begin(&self.laboratories, &self.history, self.round, self.extent.rate));
        tokio::time::sleep(BEFORE).await;
    }

    /// Ends the round `name` whose fault is over: waits until the platform is well again, checks, and prints a line.
    pub async fn recover(&mut self, name: &str) -> Result<(), Failure> {
        let over = Instant::now();
        self.history.note(json!({"op": "over", "round": self.round, "name": name}));
        self.stage.heal().await?;
        // From the load alone: a write that was acknowledged after the fault was over.
        let mut first = None;
        while first.is_none() && over.elapsed() < RECOVERED {
            first = self.history.last_acknowledged().filter(|at| *at > over).map(|at| at - over);
            self.stage.revive().await?;
            tokio::time::sleep(PAUSE / 5).await;
        }
        tokio::time::sleep(AFTER).await;
        if let Some(load) = self.load.take() {
            load.begin_to_end();
            while !load.has_ended() {
                self.stage.revive().await?;
                tokio::time::sleep(PAUSE).await;
            }
            load.end().await?;
        }
        let quiet = Instant::now();
        let mut settled = false;
        while !settled && quiet.elapsed() < RECOVERED {
            self.stage.revive().await?;
            let missing = missing(&self.stage.postgres, &self.poison)?;
            settled = missing.is_none();
            self.history.note(json!({"op": "settling", "round": self.round, "missing": missing}));
            tokio::time::sleep(PAUSE).await;
        }
        let verdict = check(&self.history.commands(), &observe(&self.stage, &self.poison)?);
        let first = first.map_or("never".to_owned(), |first| format!("{:.1} s", first.as_secs_f64()));
        let all = if settled { format!("{:.1} s", over.elapsed().as_secs_f64()) } else { "never".to_owned() };
        self.line(name, &verdict, &first, &all);
        Ok(())
    }

    fn line(&mut self, name: &str, verdict: &Verdict, first: &str, all: &str) {
        let commands: Commands = self.history.commands();
        let round = self.round;
        let of_round = || commands.values().filter(|command| command.round == round);
        let acknowledged = of_round().filter(|command| !command.acknowledged.is_empty());
        let lost = of_round().flat_map(|command| &command.acknowledged).filter(|(id, _)| verdict.lost.contains(id));
        let (lost, acknowledged) = (lost.count(), acknowledged.count());
        let requests: usize = of_round().map(|command| command.sent).sum();
        let doubled = verdict.doubled.len().saturating_sub(self.doubled);
        let new: Vec<String> = self.news(name, verdict);
        let text = format!(
            "sent {:4} in {requests:4} requests  acknowledged {acknowledged:4}  lost {lost}  doubled {doubled}  \
             first write after {first:>6}  all told after {all:>6}  {}",
            of_round().count(),
            if new.is_empty() { "ok" } else { "BROKEN" }
        );
        self.doubled = verdict.doubled.len();
        self.say(name, text);
        for broken in new {
            println!("     {broken}");
        }
    }

    /// What is broken now and was not before.
    fn news(&mut self, name: &str, verdict: &Verdict) -> Vec<String> {
        let found = verdict.broken.iter().map(|broken| format!("{}: {}", broken.rule, broken.what));
        let known = |text: &String| self.broken.iter().any(|line| line.ends_with(text.as_str()));
        let new: Vec<String> = found.filter(|text| !known(text)).collect();
        self.broken.extend(new.iter().map(|text| format!("{name}: {text}")));
        new
    }

    /// A round without a load: what was asked and whether it was answered as it has to be.
    pub fn asked(&mut self, name: &str, what: &str, is_right: bool) {
        if !is_right {
            self.broken.push(format!("{name}: {what}"));
        }
        self.say(name, format!("{what}  {}", if is_right { "ok" } else { "BROKEN" }));
    }

    /// A fault that cannot be injected here, and why.
    pub fn skip(&mut self, name: &str, why: &str) {
        self.say(name, format!("skipped: {why}"));
    }

    fn say(&mut self, name: &str, text: String) {
        self.history.note(json!({"op": "line", "name": name, "text": text}));
        println!("{name:44} {text}");
        self.lines.push(Line { name: name.to_owned(), text });
    }

    /// The last look at everything, and the end of everything; whether nothing is broken.
    pub async fn end(mut self) -> Result<bool, Failure> {
        let observed = observe(&self.stage, &self.poison)?;
        let verdict = check(&self.history.commands(), &observed);
        let again: usize = observed.mails.values().map(|times| times - 1).sum();
        let text = format!(
            "{} results, {} events in the saga log, {} mails ({again} repeated under the same id), {} dead letters, \
             services started again after ending by themselves: {}",
            observed.results.len(),
            observed.saga.len(),
            observed.mails.len(),
            observed.dead_letters.len(),
            self.stage.ended_by_themselves
        );
        let new = self.news("the whole history", &verdict);
        self.asked("the whole history", &text, new.is_empty());
        let verified = self.stage.verify()?;
        let whole = verified.is_ok();
        self.asked(
            "replay verify",
            &verified.map_or_else(|said| said, |_| "every database is whole".to_owned()),
            whole,
        );
        let badly = self.stage.stop().await?;
        self.asked("SIGTERM to every service", &format!("ended badly: {badly:?}"), badly.is_empty());
        for broken in &self.broken {
            println!("BROKEN {broken}");
        }
        Ok(self.broken.is_empty())
    }
}
