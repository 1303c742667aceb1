//! One run of a plan, from an empty platform to the verdict.
use crate::client::{self, Answers};
use crate::defect::Defect;
use crate::operator;
use crate::plan::Plan;
use crate::platform::Platform;
use crate::trace::Trace;
use crate::verdict;
use crate::world::World;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long, in virtual time, the platform may take to come to rest once nothing goes wrong any more.
const PATIENCE: Duration = Duration::from_secs(240);
/// How long it is watched afterwards, for what should not happen any more.
const AFTERWARDS: Duration = Duration::from_secs(3);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The broken invariant; `None` when all held.
    pub broken: Option<String>,
    /// What happened.
    pub trace: Trace,
}

/// Runs `plan` on a thread of its own time; with `defect` planted, and the trace in words if `in_words`.
///
/// # Panics
/// When the operating system gives no runtime.
#[must_use]
#[expect(clippy::expect_used, reason = "a runtime without sockets needs nothing that could be missing")]
pub fn run(plan: &Plan, defect: Option<Defect>, in_words: bool) -> Outcome {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    let plan = plan.clone();
    runtime.block_on(async move {
        let world = World::new(plan, defect, in_words);
        let broken = story(&world).await.err();
        Outcome { broken, trace: world.trace() }
    })
}

async fn story(world: &Arc<World>) -> Result<(), String> {
    let platform = Platform::new(Arc::clone(world));
    platform.start();
    let answers = Arc::new(Answers::default());
    let mut clients = JoinSet::new();
    for command in &world.plan.commands {
        clients.spawn(client::send(Arc::clone(&platform), Arc::clone(&answers), *command));
    }
    let all = async { while clients.join_next().await.is_some() {} };
    if tokio::time::timeout(PATIENCE, all).await.is_err() {
        return Err("a command is never answered".to_owned());
    }
    // What is placed later than all that happens would wait for ever.
    tokio::time::sleep(AFTERWARDS).await;
    world.calm_down();
    rest(&platform).await?;
    verdict::with_letters(&platform, &answers).await?;
    operator::settle_everything(&platform).await?;
    rest(&platform).await?;
    tokio::time::sleep(AFTERWARDS).await;
    verdict::at_last(&platform, &answers).await
}

/// Waits until nothing is left to do.
async fn rest(platform: &Platform) -> Result<(), String> {
    let world = &platform.world;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut before = 0;
    loop {
        if let Some(broken) = world.broken() {
            return Err(broken);
        }
        let stored: usize = platform.databases.values().map(|database| database.events.count()).sum();
        // The costly look only where nothing has moved since the last one.
        if stored == before {
            match verdict::unfinished(platform).await {
                None => return Ok(()),
                Some(what) if tokio::time::Instant::now() >= deadline => return Err(format!("no rest: {what}")),
                Some(_) => {}
            }
        }
        before = stored;
        tokio::time::sleep(LOOK).await;
    }
}
