//! `replay plan`: what a rebuild would do. Writes nothing.
use super::target::{self, Target};
use crate::cli::{OutputArgs, PartArgs, StoreArgs};
use crate::databases::Databases;
use crate::failure::Failure;
use crate::history::Bounds;
use crate::output::{List, Output};
use infra_event_store::projection;
use serde::Serialize;
use utoipa::ToSchema;

const PLANS: List = List {
    name: "projections",
    id: "name",
    columns: &["service", "name", "version", "events", "folded", "estimated_seconds", "busy", "rows", "bytes"],
};

#[derive(Serialize, ToSchema)]
pub(crate) struct Plans {
    projections: Vec<PlannedProjection>,
}

#[derive(Serialize, ToSchema)]
struct PlannedProjection {
    service: &'static str,
    name: &'static str,
    version: i32,
    events: u64,
    /// Events that a broken-off rebuild has folded, and that are not folded again.
    folded: u64,
    /// At the speed of the last rebuild; null where there was none.
    estimated_seconds: Option<f64>,
    /// A rebuild or verification is under way: another would be refused.
    busy: bool,
    /// Rows of all its tables, as far as the server knows without counting.
    rows: u64,
    /// Bytes of all its tables, with indexes; about as much is needed once more while the new ones are filled.
    bytes: u64,
    tables: Vec<PlannedTable>,
}

#[derive(Serialize, ToSchema)]
struct PlannedTable {
    name: String,
    rows: u64,
    bytes: u64,
}

/// Prints the plan for the projections called `wanted`, of a part of their logs.
///
/// # Errors
/// The databases cannot be reached, or there is no such projection.
pub(super) async fn run(wanted: &str, part: &PartArgs, store: &StoreArgs, output: OutputArgs) -> Result<(), Failure> {
    let (chosen, bounds) = (target::chosen(wanted)?, Bounds::read(part)?);
    let databases = Databases::attach(store).await?;
    let planned = async {
        let targets = target::open(chosen, &databases).await?;
        let plans = of(&targets, &bounds).await;
        target::close(targets).await;
        plans
    }
    .await;
    databases.stop().await?;
    Output::new(output).list(&PLANS, &planned?)
}

async fn of(targets: &[Target], bounds: &Bounds) -> Result<Plans, Failure> {
    let definition = target::definition().await?;
    let mut projections = Vec::new();
    for Target { service, projection, pool, .. } in targets {
        let plan = projection::plan(&**projection, pool, &definition, &bounds.of(pool).await?).await?;
        projections.push(PlannedProjection {
            service,
            name: projection.name(),
            version: projection.version(),
            events: plan.events,
            folded: plan.folded,
            estimated_seconds: plan.estimate.map(|estimate| estimate.as_secs_f64()),
            busy: plan.busy,
            rows: plan.tables.iter().map(|table| table.rows).sum(),
            bytes: plan.tables.iter().map(|table| table.bytes).sum(),
            tables: plan
                .tables
                .into_iter()
                .map(|table| PlannedTable { name: table.name, rows: table.rows, bytes: table.bytes })
                .collect(),
        });
    }
    Ok(Plans { projections })
}
