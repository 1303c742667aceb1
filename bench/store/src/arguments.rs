//! What the command was asked, and whether the machine is idle enough for it.
use platform::Failure;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const USAGE: &str =
    "usage: bench/run [--busy] [--rounds N] [--seconds S] [--only WORK]... [--system NAME]... [--print]";
/// A machine that does more than this beside the measuring gives no figures.
const IDLE: f64 = 1.0;
/// What was just built still shows in the load average.
const UNTIL_IDLE: Duration = Duration::from_secs(180);

/// The command line.
pub struct Arguments {
    pub postgres: PathBuf,
    pub rounds: usize,
    pub seconds: f64,
    busy: bool,
    /// Prints only.
    print: bool,
    only: Vec<String>,
    systems: Vec<String>,
}

impl Arguments {
    /// Reads the command line, the program's own name left out.
    pub fn parse(given: Vec<String>) -> Result<Self, Failure> {
        let mut given = given.into_iter();
        let mut arguments = Self {
            postgres: given.next().ok_or(USAGE)?.into(),
            rounds: 3,
            seconds: 3.0,
            busy: false,
            print: false,
            only: Vec::new(),
            systems: Vec::new(),
        };
        while let Some(flag) = given.next() {
            let mut value = || given.next().ok_or(USAGE);
            match flag.as_str() {
                "--busy" => arguments.busy = true,
                "--print" => arguments.print = true,
                "--rounds" => arguments.rounds = value()?.parse()?,
                "--seconds" => arguments.seconds = value()?.parse()?,
                "--only" => arguments.only.push(value()?),
                "--system" => arguments.systems.push(value()?),
                _ => return Err(USAGE.into()),
            }
        }
        if !(1..=10).contains(&arguments.rounds) || !(0.5..=30.0).contains(&arguments.seconds) {
            return Err("from 1 to 10 rounds of 0.5 to 30 seconds".into());
        }
        Ok(arguments)
    }

    /// Whether this work was asked for; a name stands for all that begin with it.
    pub fn wants(&self, work: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| work.starts_with(name.as_str()))
    }

    /// Whether this system was asked for.
    pub fn measures(&self, system: &str) -> bool {
        self.systems.is_empty() || self.systems.iter().any(|name| name == system)
    }

    /// Only a whole run is written down.
    pub fn writes(&self) -> bool {
        !self.print && self.only.is_empty() && self.systems.is_empty()
    }

    /// Waits for an idle machine; tells whether it was a busy one all the same, and the load averages.
    pub async fn wait_until_idle(&self) -> Result<(bool, String), Failure> {
        let begun = Instant::now();
        loop {
            let text = std::fs::read_to_string("/proc/loadavg")?;
            let averages: Vec<&str> = text.split_whitespace().take(3).collect();
            let minute: f64 = averages.first().ok_or("no load average")?.parse()?;
            if minute <= IDLE || self.busy {
                return Ok((minute > IDLE, averages.join(" ")));
            }
            if begun.elapsed() > UNTIL_IDLE {
                return Err(format!("the machine is busy: load average {minute} (--busy measures all the same)").into());
            }
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
    }
}
