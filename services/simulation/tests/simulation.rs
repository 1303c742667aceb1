//! The whole platform under seeds: nothing lost, nothing doubled, whatever breaks; and planted bugs are found.
use service_simulation::{Defect, Plan, report, run, search};

/// How many seeds the tests run.
const SEEDS: u64 = 10_000;

/// The one seed that somebody wants to see again.
fn asked_for() -> Option<u64> {
    std::env::var("SEED").ok().map(|seed| seed.parse().unwrap_or_else(|_| panic!("SEED is not a number")))
}

#[test]
fn nothing_is_lost_and_nothing_doubled_under_any_seed() {
    let found = match asked_for() {
        Some(seed) => run(&Plan::of(seed), None, false).broken.map(|_| seed),
        None => search(0..SEEDS, None).found.map(|found| found.seed),
    };
    if let Some(seed) = found {
        panic!("{}", report(seed, None));
    }
}

#[test]
fn a_seed_decides_every_step() {
    for seed in 0..200 {
        let plan = Plan::of(seed);
        let [first, second] = [(); 2].map(|()| run(&plan, None, false).trace);
        assert_eq!((first.hash(), first.steps()), (second.hash(), second.steps()), "seed {seed}");
    }
}

#[test]
fn other_seeds_decide_other_steps() {
    let hashes: std::collections::BTreeSet<u64> =
        (0..50).map(|seed| run(&Plan::of(seed), None, false).trace.hash()).collect();
    assert_eq!(hashes.len(), 50);
}

#[test]
fn every_planted_bug_is_found() {
    for defect in Defect::ALL {
        let found = search(0..SEEDS, Some(*defect)).found;
        let found = found.unwrap_or_else(|| panic!("not found within {SEEDS} seeds: {defect}"));
        println!("{defect}: seed {}: {}", found.seed, found.broken);
    }
}
