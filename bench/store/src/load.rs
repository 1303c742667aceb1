//! A closed load: so many tasks, each of which asks again when it is answered, until the time is up.
use crate::protocol::Reply;
use crate::vital::Chart;
use platform::Failure;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// What one request came to.
pub struct Answer {
    /// What was stored or loaded.
    pub chart: Chart,
    /// Attempts that were lost on the way.
    pub lost: u64,
}

/// Asks from `tasks` tasks for `time`; a request gets a number that no other one has.
pub async fn run<F, Fut>(tasks: u32, time: Duration, ask: F) -> Result<Reply, Failure>
where
    F: Fn(u64) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<Answer, Failure>> + Send + 'static,
{
    let numbers = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..tasks {
        let (ask, numbers) = (ask.clone(), Arc::clone(&numbers));
        running.spawn(async move {
            let mut times = Vec::new();
            let mut sum = Answer { chart: Chart::default(), lost: 0 };
            while begun.elapsed() < time {
                let asked = Instant::now();
                let answer = ask(numbers.fetch_add(1, Ordering::Relaxed)).await?;
                times.push(u64::try_from(asked.elapsed().as_micros())?);
                sum = Answer { chart: sum.chart.and(answer.chart), lost: sum.lost + answer.lost };
            }
            Ok::<_, Failure>((times, sum))
        });
    }
    let mut reply = Reply::default();
    let mut times = Vec::new();
    while let Some(ended) = running.join_next().await {
        let (more, answer) = ended??;
        times.extend(more);
        reply.chart = reply.chart.and(answer.chart);
        reply.lost += answer.lost;
    }
    reply.seconds = begun.elapsed().as_secs_f64();
    times.sort_unstable();
    reply.done = u64::try_from(times.len())?;
    reply.p50 = quantile(&times, 50);
    reply.p99 = quantile(&times, 99);
    Ok(reply)
}

fn quantile(sorted: &[u64], percent: usize) -> u64 {
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or(0)
}
