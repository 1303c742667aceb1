//! Many seeds on several threads, each run on a thread of its own, and what to do with one that fails.
use crate::defect::Defect;
use crate::plan::Plan;
use crate::run::{Outcome, run};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// A seed whose run broke an invariant.
#[derive(Clone, Debug)]
pub struct Found {
    /// The seed.
    pub seed: u64,
    /// What it broke.
    pub broken: String,
}

/// What became of many seeds.
#[derive(Clone, Debug, Default)]
pub struct Searched {
    /// The lowest seed that failed. Higher ones were tried too, lower ones all.
    pub found: Option<Found>,
    /// How many runs there were.
    pub runs: u64,
    /// How many steps they took together.
    pub steps: u64,
}

/// Runs the plans of `seeds`, with `defect` planted, until one fails.
#[must_use]
pub fn search(seeds: Range<u64>, defect: Option<Defect>) -> Searched {
    let next = AtomicU64::new(seeds.start);
    let end = AtomicU64::new(seeds.end);
    let searched = Mutex::new(Searched::default());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end.load(Ordering::Relaxed) {
                        return;
                    }
                    let Outcome { broken, trace } = run(&Plan::of(seed), defect, false);
                    let mut searched = searched.lock().unwrap_or_else(PoisonError::into_inner);
                    searched.runs += 1;
                    searched.steps += trace.steps();
                    if let Some(broken) = broken
                        && searched.found.as_ref().is_none_or(|found| found.seed > seed)
                    {
                        searched.found = Some(Found { seed, broken });
                        end.fetch_min(seed, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    searched.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// A failing plan without what its failure does not need: commands and faults are left out one by one, instances,
/// skips and bad weather too, as long as it still fails.
#[must_use]
pub fn shrink(plan: &Plan, defect: Option<Defect>) -> Plan {
    let mut least = plan.clone();
    let fails = |plan: &Plan| run(plan, defect, false).broken.is_some();
    loop {
        match smaller(&least).into_iter().find(|plan| fails(plan)) {
            Some(plan) => least = plan,
            None => return least,
        }
    }
}

/// Every plan that is one step smaller.
fn smaller(plan: &Plan) -> Vec<Plan> {
    let mut plans = Vec::new();
    for left_out in 0..plan.faults.len() {
        let mut plan = plan.clone();
        plan.faults.remove(left_out);
        plans.push(plan);
    }
    for left_out in 0..plan.commands.len() {
        let mut plan = plan.clone();
        let number = plan.commands.remove(left_out).number;
        plan.commands.retain(|command| command.needs() != Some(number));
        plans.push(plan);
    }
    for service in 0..plan.instances.len() {
        if plan.instances[service] > 1 {
            let mut plan = plan.clone();
            plan.instances[service] = 1;
            plans.push(plan);
        }
    }
    if plan.skips {
        plans.push(Plan { skips: false, ..plan.clone() });
    }
    let weather = plan.weather;
    for calmer in [
        crate::plan::Weather { yields: 0, ..weather },
        crate::plan::Weather { delays: 0, ..weather },
        crate::plan::Weather { delay_ms: weather.delay_ms / 2, ..weather },
    ] {
        if calmer != weather {
            plans.push(Plan { weather: calmer, ..plan.clone() });
        }
    }
    plans
}

/// What somebody needs to know about a seed that fails: the smallest plan that still does, its steps, and how to see it
/// again.
#[must_use]
pub fn report(seed: u64, defect: Option<Defect>) -> String {
    let plan = shrink(&Plan::of(seed), defect);
    let outcome = run(&plan, defect, true);
    let broken = outcome.broken.unwrap_or_else(|| "nothing any more".to_owned());
    let steps = outcome.trace.lines().join("\n");
    format!(
        "seed {seed} breaks: {broken}\nagain: SEED={seed} cargo test -p service-simulation\n\
         the smallest plan that still does: {plan:#?}\n{steps}\nbroken: {broken}\n"
    )
}
