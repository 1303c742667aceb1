//! `replay status`: where every projection stands, and its last rebuild.
use super::target::{self, Target};
use crate::cli::{OutputArgs, StoreArgs};
use crate::databases::Databases;
use crate::failure::Failure;
use crate::output::{List, Output};
use chrono::{DateTime, SecondsFormat, Utc};
use infra_event_store::projection::{self, RebuildStatus};
use serde::Serialize;
use utoipa::ToSchema;

const STATUSES: List = List {
    name: "projections",
    id: "name",
    columns: &[
        "service",
        "name",
        "version",
        "generation",
        "position",
        "behind_events",
        "behind_since",
        "rebuild.state",
        "rebuild.done",
        "rebuild.total",
        "rebuild.moved_at",
    ],
};

#[derive(Serialize, ToSchema)]
pub(crate) struct Statuses {
    projections: Vec<ProjectionStatus>,
}

#[derive(Serialize, ToSchema)]
struct ProjectionStatus {
    service: &'static str,
    name: &'static str,
    version: i32,
    /// Which set of tables; raised by every rebuild. Null when it never ran.
    generation: Option<i64>,
    position: Option<i64>,
    behind_events: u64,
    /// Since when the oldest event waits that it has not folded.
    behind_since: Option<String>,
    /// The last rebuild; null when there never was one.
    rebuild: Option<Rebuild>,
}

#[derive(Serialize, ToSchema)]
struct Rebuild {
    /// `running`, `broken_off` (the next run goes on with it) or `finished`.
    state: &'static str,
    done: u64,
    total: u64,
    begun_at: String,
    moved_at: String,
    finished_at: Option<String>,
    /// Time spent, over all its runs.
    seconds: f64,
}

/// Prints where every projection stands.
///
/// # Errors
/// The databases cannot be reached.
pub(super) async fn run(store: &StoreArgs, output: OutputArgs) -> Result<(), Failure> {
    let chosen = target::chosen("all")?;
    let databases = Databases::attach(store).await?;
    let statuses = async {
        let targets = target::open(chosen, &databases).await?;
        let statuses = of(&targets).await;
        target::close(targets).await;
        statuses
    }
    .await;
    databases.stop().await?;
    Output::new(output).list(&STATUSES, &statuses?)
}

async fn of(targets: &[Target]) -> Result<Statuses, Failure> {
    let mut projections = Vec::new();
    for Target { service, projection, pool, .. } in targets {
        let status = projection::status(&**projection, pool).await?;
        let lag = projection::lag(&**projection, pool).await?;
        let oldest = lag.oldest.and_then(|at| DateTime::from_timestamp_micros(at.0));
        projections.push(ProjectionStatus {
            service,
            name: projection.name(),
            version: projection.version(),
            generation: status.map(|status| status.generation),
            position: status.map(|status| status.checkpoint.position),
            behind_events: lag.events,
            behind_since: oldest.map(text),
            rebuild: projection::rebuild_status(&**projection, pool).await?.as_ref().map(rebuild),
        });
    }
    Ok(Statuses { projections })
}

fn rebuild(status: &RebuildStatus) -> Rebuild {
    let state = match (status.finished_at, status.busy) {
        (Some(_), _) => "finished",
        (None, true) => "running",
        (None, false) => "broken_off",
    };
    Rebuild {
        state,
        done: status.done,
        total: status.total,
        begun_at: text(status.begun_at),
        moved_at: text(status.moved_at),
        finished_at: status.finished_at.map(text),
        seconds: status.worked.as_secs_f64(),
    }
}

fn text(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Millis, true)
}
