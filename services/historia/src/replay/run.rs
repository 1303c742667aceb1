//! `replay run`: projections folded anew and swapped in.
use super::target::{self, Target};
use crate::cli::{PartArgs, ReplayRunArgs, ReplaySimulateArgs};
use crate::databases::Databases;
use crate::failure::Failure;
use crate::output::{List, Output};
use crate::progress::Bars;
use futures_util::{StreamExt, TryStreamExt};
use infra_event_store::projection::{self, Start};
use infra_runtime::shutdown;
use serde::Serialize;
use utoipa::ToSchema;

const REBUILT: List = List {
    name: "projections",
    id: "name",
    columns: &["service", "name", "version", "events", "resumed", "generation", "seconds"],
};

#[derive(Serialize, ToSchema)]
pub(crate) struct Rebuilt {
    projections: Vec<RebuiltProjection>,
}

#[derive(Serialize, ToSchema)]
struct RebuiltProjection {
    service: &'static str,
    name: &'static str,
    version: i32,
    /// Events folded, over all runs of this rebuild.
    events: u64,
    /// How many of them by runs that were broken off.
    resumed: u64,
    generation: i64,
    /// Time spent, over all runs of this rebuild.
    seconds: f64,
}

/// Rebuilds the projections that are asked for, and prints what was done. With a place to fold to nothing is swapped in:
/// the rows as they stood there are compared with those that are served.
///
/// # Errors
/// The databases cannot be reached, there is no such projection, another rebuild of it is under way, or this one was
/// interrupted; what it did is kept for the next.
pub(super) async fn run(arguments: ReplayRunArgs) -> Result<(), Failure> {
    let ReplayRunArgs { projection: wanted, to, from, limit, store, restart, dry_run, parallel, no_progress, output } =
        arguments;
    if from.is_some() {
        return Err(Failure::usage(
            "a read model is a fold of its log from the first event on: begun anywhere else, its rows would be nobody's; \
             --to PLACE folds up to a place, and `replay verify --from PLACE` looks at a part of the log",
        ));
    }
    let part = PartArgs { from: None, to };
    if dry_run {
        return super::plan::run(&wanted, &part, &store, output).await;
    }
    if part.to.is_some() {
        let then = ReplaySimulateArgs { projection: wanted, candidate: None, part, store, limit, no_progress, output };
        return super::simulate::run(&then).await;
    }
    let chosen = target::chosen(&wanted)?;
    let databases = Databases::attach(&store).await?;
    let rebuilt = async {
        let targets = target::open(chosen, &databases).await?;
        let (bars, start) = (Bars::new(!no_progress), Start { definition: target::definition().await?, anew: restart });
        let rebuilt = tokio::select! {
            rebuilt = rebuild(&targets, start, parallel.get(), &bars) => rebuilt,
            stopped = shutdown::requested() => Err(match stopped {
                Ok(()) => Failure::new(format!("interrupted; `historia replay run {wanted}` goes on from here")),
                Err(error) => error.into(),
            }),
        };
        target::close(targets).await;
        rebuilt
    }
    .await;
    databases.stop().await?;
    Output::new(output).list(&REBUILT, &Rebuilt { projections: rebuilt? })
}

async fn rebuild(
    targets: &[Target],
    start: Start,
    parallel: usize,
    bars: &Bars,
) -> Result<Vec<RebuiltProjection>, Failure> {
    let rebuilds = targets.iter().map(|target| one(target, start, bars));
    futures_util::stream::iter(rebuilds).buffered(parallel).try_collect().await
}

async fn one(target: &Target, start: Start, bars: &Bars) -> Result<RebuiltProjection, Failure> {
    let Target { service, projection, pool, store } = target;
    let mut bar = bars.add(projection.name());
    let report = projection::rebuild_from(&**projection, &**store, pool, start, |progress| bar.set(progress)).await?;
    Ok(RebuiltProjection {
        service,
        name: projection.name(),
        version: projection.version(),
        events: report.events,
        resumed: report.resumed,
        generation: report.generation,
        seconds: report.elapsed.as_secs_f64(),
    })
}
