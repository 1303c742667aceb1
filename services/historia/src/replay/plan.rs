//! `replay plan`: what a rebuild would do. Writes nothing.
use super::target::{self, Target};
use crate::cli::StoreArgs;
use crate::databases::Databases;
use crate::failure::Failure;
use crate::output;
use infra_event_store::projection;
use serde::Serialize;

#[derive(Serialize)]
struct Plans {
    projections: Vec<PlannedProjection>,
}

#[derive(Serialize)]
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
    tables: Vec<PlannedTable>,
}

#[derive(Serialize)]
struct PlannedTable {
    name: String,
    rows: u64,
    bytes: u64,
}

/// Prints the plan for the projections called `wanted`.
///
/// # Errors
/// The databases cannot be reached, or there is no such projection.
pub(super) async fn run(wanted: &str, store: &StoreArgs, json: bool) -> Result<(), Failure> {
    let chosen = target::chosen(wanted)?;
    let databases = Databases::attach(store).await?;
    let planned = async {
        let targets = target::open(chosen, &databases).await?;
        let plans = of(&targets).await;
        target::close(targets).await;
        plans
    }
    .await;
    databases.stop().await?;
    print(&planned?, json)
}

async fn of(targets: &[Target]) -> Result<Plans, Failure> {
    let definition = target::definition().await?;
    let mut projections = Vec::new();
    for Target { service, projection, pool, .. } in targets {
        let plan = projection::plan(&**projection, pool, &definition).await?;
        projections.push(PlannedProjection {
            service,
            name: projection.name(),
            version: projection.version(),
            events: plan.events,
            folded: plan.folded,
            estimated_seconds: plan.estimate.map(|estimate| estimate.as_secs_f64()),
            busy: plan.busy,
            tables: plan
                .tables
                .into_iter()
                .map(|table| PlannedTable { name: table.name, rows: table.rows, bytes: table.bytes })
                .collect(),
        });
    }
    Ok(Plans { projections })
}

fn print(plans: &Plans, json: bool) -> Result<(), Failure> {
    if json {
        return output::document(plans);
    }
    for PlannedProjection { service, name, version, events, folded, estimated_seconds, busy, tables } in
        &plans.projections
    {
        let time = estimated_seconds.map_or_else(
            || "time not known before the first rebuild".to_owned(),
            |seconds| format!("about {seconds:.1} s"),
        );
        let going_on = if *folded > 0 { format!(", {folded} of them folded already") } else { String::new() };
        let busy = if *busy { "; refused now: a rebuild or verification is under way" } else { "" };
        output::line(format!("{service}.{name} v{version}: {events} events{going_on}, {time}{busy}"))?;
        for PlannedTable { name, rows, bytes } in tables {
            output::line(format!("  {name}: about {rows} rows, {} KiB", bytes.div_ceil(1024)))?;
        }
    }
    Ok(())
}
