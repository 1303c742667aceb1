//! Runs seeds: `cargo run --release -p service-simulation -- --seeds 1000000`.
#![expect(clippy::print_stdout, reason = "a command that people read")]
use clap::Parser;
use service_simulation::{Defect, Plan, Searched, report, run, search};
use std::ops::Range;
use std::process::ExitCode;
use std::time::Instant;

/// Runs the platform under seeds until one of them breaks it.
#[derive(Parser)]
struct Arguments {
    /// How many.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first one.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Prints every step of the first one, whole, and nothing else.
    #[arg(long)]
    trace: bool,
    /// Plants every bug, one after the other, and says at which seed it is found.
    #[arg(long)]
    planted: bool,
}

/// So many seeds between two lines of progress.
const CHUNK: u64 = 10_000;

fn main() -> ExitCode {
    let Arguments { seeds, first, trace, planted } = Arguments::parse();
    if trace {
        let outcome = run(&Plan::of(first), None, true);
        println!("{:#?}\n{}\n{:?}", Plan::of(first), outcome.trace.lines().join("\n"), outcome.broken);
        return ExitCode::SUCCESS;
    }
    if planted {
        return hunt(first..first + seeds);
    }
    let begun = Instant::now();
    let (mut runs, mut steps) = (0, 0);
    for from in (first..first + seeds).step_by(usize::try_from(CHUNK).unwrap_or(usize::MAX)) {
        let Searched { found, runs: more, steps: taken } = search(from..(from + CHUNK).min(first + seeds), None);
        (runs, steps) = (runs + more, steps + taken);
        if let Some(found) = found {
            println!("{}", report(found.seed, None));
            return ExitCode::FAILURE;
        }
        println!("{runs} seeds, {steps} steps, {:.1} s", begun.elapsed().as_secs_f64());
    }
    ExitCode::SUCCESS
}

/// Every planted bug, and the first seed that finds it.
fn hunt(seeds: Range<u64>) -> ExitCode {
    let mut all = true;
    for defect in Defect::ALL {
        match search(seeds.clone(), Some(*defect)).found {
            Some(found) => println!("| {defect} | {} | {} |", found.seed, found.broken),
            None => {
                println!("| {defect} | not found | |");
                all = false;
            }
        }
    }
    if all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
