//! Runs the real processes of the platform under a steady load, breaks what they run on, and checks that nothing that
//! was acknowledged is lost and nothing is done twice.
//!
//! `nemesis BINARY [--short] [--keep] [--rate N] [--seed N] [ROW]...` prints a line for each fault and ends with an error when an
//! invariant is broken. Everything is on 127.0.0.1, in a folder of its own that is gone afterwards (and kept when
//! something is broken).
mod broker;
mod campaign;
mod checker;
mod client;
mod faults;
mod history;
mod load;
mod observe;
mod postgres;
mod process;
mod proxy;
mod stage;
mod wire;

use campaign::{Campaign, Extent};
use history::History;
use platform::{Failure, folder, print_load};
use stage::Stage;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "usage: nemesis BINARY [--short] [--keep] [--rate N] [--seed N] [ROW]...";

struct Arguments {
    binary: PathBuf,
    extent: Extent,
    seed: u64,
    /// Whether the working folder is kept in any case.
    keep: bool,
    rows: Vec<String>,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments = arguments()?;
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let (begun, folder) = (Instant::now(), folder()?);
    print_load();
    println!("seed {}, {} results a second, in {}", arguments.seed, arguments.extent.rate, folder.path().display());
    // Whatever is dropped here ends its processes.
    let whole = tokio::select! {
        whole = break_everything(&arguments, folder.path()) => whole,
        _ = interrupt.recv() => Err("interrupted".into()),
        _ = terminate.recv() => Err("terminated".into()),
    };
    println!("after {:.0} s", begun.elapsed().as_secs_f64());
    if arguments.keep || !matches!(whole, Ok(true)) {
        println!("history and logs are kept in {}", folder.keep().display());
    } else {
        faults::disk::unmount(folder.path());
        folder.close()?;
    }
    if whole? { Ok(()) } else { Err("an invariant is broken".into()) }
}

async fn break_everything(arguments: &Arguments, folder: &Path) -> Result<bool, Failure> {
    let history = History::begin(&folder.join("history.jsonl"))?;
    let stage = Stage::set(&arguments.binary, folder, Path::new("tools/pulsar")).await?;
    let mut campaign = Campaign::begin(stage, history, arguments.extent, arguments.seed).await?;
    for row in &arguments.rows {
        faults::inject(&mut campaign, row).await?;
    }
    campaign.end().await
}

fn arguments() -> Result<Arguments, Failure> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let mut given = std::env::args().skip(1);
    let binary = std::fs::canonicalize(given.next().ok_or(USAGE)?)?;
    let mut arguments =
        Arguments { binary, extent: Extent { rate: 25, short: false }, seed: now.as_secs(), keep: false, rows: vec![] };
    while let Some(word) = given.next() {
        match word.as_str() {
            "--keep" => arguments.keep = true,
            "--short" => arguments.extent.short = true,
            "--rate" => arguments.extent.rate = given.next().ok_or(USAGE)?.parse()?,
            "--seed" => arguments.seed = given.next().ok_or(USAGE)?.parse()?,
            row if faults::ROWS.contains(&row) => arguments.rows.push(row.to_owned()),
            _ => return Err(format!("{USAGE}\nrows: {}", faults::ROWS.join(" ")).into()),
        }
    }
    if arguments.rows.is_empty() {
        arguments.rows = faults::ROWS.map(str::to_owned).to_vec();
    }
    Ok(arguments)
}
