//! A run of rounds on one stage: a load, a fault in the middle of it, the way back, and what is left.
use crate::checker::{Broken, Published, check};
use crate::faults::messages::lying_in;
use crate::history::History;
use crate::load::{LABORATORIES, Laboratories, Load, body, file, key};
use crate::observe::{missing, observe, told};
use crate::stage::Stage;
use platform::Failure;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How long the platform may take to be well again after a fault; only what is broken then decides, never a time.
const RECOVERED: Duration = Duration::from_secs(150);
const PAUSE: Duration = Duration::from_millis(250);
/// How long the short selection waits for a round before it goes on with the next; the end waits for all.
const SOON: Duration = Duration::ZERO;
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

/// A round whose fault is over and whose results are not all told of yet.
struct Pending {
    name: String,
    round: usize,
    /// When the fault was over.
    over: Instant,
    /// How long after that the first write was acknowledged.
    first: Option<Duration>,
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
    /// How many commands the round has that were not sent by a load.
    filed: usize,
    pending: Vec<Pending>,
    doubled: usize,
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
            filed: 0,
            pending: Vec::new(),
            doubled: 0,
            broken: Vec::new(),
            seed: seed | 1,
            load: None,
        })
    }

    /// How many requests of the load's round did not bring their answer: those that were sent again.
    pub fn repeated(&self) -> usize {
        self.history.of_round(self.round).0.iter().map(|command| command.sent.saturating_sub(1)).sum()
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
        self.pending.push(Pending { name: name.to_owned(), round: self.round, over, first });
        self.settle(self.extent.of(SOON, RECOVERED)).await
    }

    /// Waits for a while until everybody was told of every round, and prints the line of each of which that is so.
    async fn settle(&mut self, limit: Duration) -> Result<(), Failure> {
        let begun = Instant::now();
        loop {
            self.stage.revive().await?;
            let missing = missing(&self.stage.postgres, &self.poison)?;
            let is_whole = missing.is_none();
            self.history.note(json!({"op": "settling", "missing": missing}));
            for pending in std::mem::take(&mut self.pending) {
                let ids = self.history.of_round(pending.round).1;
                if told(&self.stage.postgres, &ids)? {
                    self.line(&pending, true, is_whole)?;
                } else {
                    self.pending.push(pending);
                }
            }
            if self.pending.is_empty() || begun.elapsed() > limit {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// `is_whole`: nothing at all is missing, so that everything can be judged and not only what is there already.
    fn line(&mut self, pending: &Pending, is_told: bool, is_whole: bool) -> Result<(), Failure> {
        let verdict = check(&self.history.commands(), &observe(&self.stage, &self.poison)?);
        let (commands, ids) = self.history.of_round(pending.round);
        let requests: usize = commands.iter().map(|command| command.sent).sum();
        let acknowledged = commands.iter().filter(|command| !command.acknowledged.is_empty()).count();
        let lost = ids.iter().filter(|id| verdict.lost.contains(id)).count();
        let doubled = verdict.doubled.len().saturating_sub(self.doubled);
        self.doubled = verdict.doubled.len();
        let judged: Vec<&Broken> = verdict.broken.iter().filter(|broken| is_whole || broken.is_for_ever()).collect();
        let new = self.news(&pending.name, &judged);
        let seconds =
            |time: Option<Duration>| time.map_or("never".to_owned(), |time| format!("{:.1} s", time.as_secs_f64()));
        let all = seconds(is_told.then(|| pending.over.elapsed()));
        let text = format!(
            "sent {:4} in {requests:4} requests  acknowledged {acknowledged:4}  lost {lost}  doubled {doubled}  \
             first write after {:>6}  all told after {all:>6}  {}",
            commands.len(),
            seconds(pending.first),
            if new.is_empty() && is_told { "ok" } else { "BROKEN" }
        );
        self.say(&pending.name, &text);
        for broken in new {
            println!("          {broken}");
        }
        Ok(())
    }

    /// What is broken now and was not before.
    fn news(&mut self, name: &str, broken: &[&Broken]) -> Vec<String> {
        let found = broken.iter().map(|broken| format!("{}: {}", broken.rule, broken.what));
        let known = |text: &String| self.broken.iter().any(|line| line.ends_with(text.as_str()));
        let new: Vec<String> = found.filter(|text| !known(text)).collect();
        self.broken.extend(new.iter().map(|text| format!("{name}: {text}")));
        new
    }

    /// Files `count` results without a fault and waits until everybody is told of them; their ids.
    pub async fn file_some(&mut self, count: usize) -> Result<Vec<String>, Failure> {
        self.round += 1;
        self.filed = count;
        for number in 0..count {
            file(&self.laboratories, &self.history, self.round, number * LABORATORIES).await;
        }
        let commands = self.history.commands();
        let id = |number| Some(commands.get(&key(self.round, number * LABORATORIES))?.acknowledged.first()?.0.clone());
        let (ids, begun): (Vec<String>, _) = ((0..count).filter_map(id).collect(), Instant::now());
        while !told(&self.stage.postgres, &ids)? {
            if begun.elapsed() > RECOVERED {
                return Err("nobody is told of a result that was filed without a fault".into());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(ids)
    }

    /// Whom one of them is about.
    pub fn patient(&self, index: usize) -> String {
        body(self.round, index * LABORATORIES)["patient"].as_str().unwrap_or_default().to_owned()
    }

    /// Key and body of the last of them.
    pub fn last_filed(&self) -> (String, Value) {
        let number = self.filed.saturating_sub(1) * LABORATORIES;
        (key(self.round, number), body(self.round, number))
    }

    /// How many results were acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        self.history.commands().values().filter(|command| !command.acknowledged.is_empty()).count()
    }

    /// A UUID (version 4).
    pub fn random_id(&mut self) -> String {
        let mut part = |limit| self.random(limit);
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:06x}{:06x}",
            part(1 << 31),
            part(1 << 16),
            part(1 << 12),
            part(1 << 12),
            part(1 << 24),
            part(1 << 24)
        )
    }

    /// A round without a load: what was asked and whether it was answered as it has to be.
    pub fn asked(&mut self, name: &str, what: &str, is_right: bool) {
        if !is_right {
            self.broken.push(format!("{name}: {what}"));
        }
        self.say(name, &format!("{what}  {}", if is_right { "ok" } else { "BROKEN" }));
    }

    /// A fault that cannot be injected here, and why.
    pub fn skip(&mut self, name: &str, why: &str) {
        self.say(name, &format!("skipped: {why}"));
    }

    fn say(&self, name: &str, text: &str) {
        self.history.note(json!({"op": "line", "name": name, "text": text}));
        println!("{:4} s  {name:46} {text}", self.history.seconds());
    }

    /// The last look at everything, and the end of everything; whether nothing is broken.
    pub async fn end(mut self) -> Result<bool, Failure> {
        self.settle(RECOVERED).await?;
        for pending in std::mem::take(&mut self.pending) {
            self.line(&pending, false, false)?;
        }
        let begun = Instant::now();
        while missing(&self.stage.postgres, &self.poison)?.is_some() && begun.elapsed() < RECOVERED {
            self.stage.revive().await?;
            tokio::time::sleep(PAUSE).await;
        }
        let mut observed = observe(&self.stage, &self.poison)?;
        observed.published = Some(published(&self).await?);
        let verdict = check(&self.history.commands(), &observed);
        let again: usize = observed.mails.values().map(|times| times - 1).sum();
        let text = format!(
            "{} results, {} messages, {} events in the saga log, {} mails ({again} came again under the same id), \
             {} dead letters; services that ended by themselves: {}",
            observed.results.len(),
            observed.published.as_ref().map_or(0, Vec::len),
            observed.saga.len(),
            observed.mails.len(),
            observed.dead_letters.len(),
            self.stage.ended_by_themselves
        );
        let new = self.news("the whole history", &verdict.broken.iter().collect::<Vec<_>>());
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

/// What lies on the broker, topic after topic.
async fn published(campaign: &Campaign) -> Result<Vec<Published>, Failure> {
    let mut published = Vec::new();
    for topic in ["event-user", "event-result", "event-notification"] {
        for raw in lying_in(campaign, topic).await? {
            published.push(Published {
                event: raw.property("ce_id").to_owned(),
                kind: raw.property("ce_type").to_owned(),
                stream: raw.property("ce_subject").to_owned(),
                version: raw.property("ce_sequence").parse().unwrap_or_default(),
            });
        }
    }
    // What has no headers is no event.
    published.retain(|message| !message.event.is_empty());
    Ok(published)
}
