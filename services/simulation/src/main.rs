//! Runs seeds: `cargo run --release -p service-simulation -- --seeds 1000000`.
#![expect(clippy::print_stdout, reason = "a command that people read")]
use clap::Parser;
use service_simulation::{Plan, Searched, report, run, search};
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
}

/// So many seeds between two lines of progress.
const CHUNK: u64 = 10_000;

fn main() -> ExitCode {
    let Arguments { seeds, first, trace } = Arguments::parse();
    if trace {
        let outcome = run(&Plan::of(first), None, true);
        println!("{:#?}\n{}\n{:?}", Plan::of(first), outcome.trace.lines().join("\n"), outcome.broken);
        return ExitCode::SUCCESS;
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
