//! `replay simulate`: what the rules of this executable would make of history, beside what is served.
//!
//! Keys of rows are shown, never what is in them.
use super::target::{self, Target};
use crate::cli::StoreArgs;
use crate::databases::Databases;
use crate::failure::Failure;
use crate::output;
use crate::progress::Bars;
use infra_event_store::projection::{self, Difference, DifferenceKind, TableEquality};
use serde::Serialize;

#[derive(Serialize)]
struct Simulated {
    projections: Vec<SimulatedProjection>,
}

#[derive(Serialize)]
struct SimulatedProjection {
    service: &'static str,
    name: &'static str,
    version: i32,
    /// Events folded: up to where the rows stand that are served.
    events: u64,
    tables: Vec<SimulatedTable>,
}

#[derive(Serialize)]
struct SimulatedTable {
    table: &'static str,
    /// Rows that there would be.
    rows: u64,
    /// Rows that would come out differently.
    differences: u64,
    /// The first of them.
    shown: Vec<SimulatedRow>,
}

#[derive(Serialize)]
struct SimulatedRow {
    key: String,
    /// `new`, `gone` or `different`.
    would_be: &'static str,
}

/// Prints what would come out differently.
///
/// # Errors
/// The databases cannot be reached, there is no such projection, or a rebuild or verification of it is under way.
pub(super) async fn run(wanted: &str, store: &StoreArgs, limit: usize, bars: &Bars, json: bool) -> Result<(), Failure> {
    let chosen = target::chosen(wanted)?;
    let databases = Databases::attach(store).await?;
    let simulated = async {
        let targets = target::open(chosen, &databases).await?;
        let simulated = of(&targets, limit, bars).await;
        target::close(targets).await;
        simulated
    }
    .await;
    databases.stop().await?;
    print(&simulated?, json)
}

async fn of(targets: &[Target], limit: usize, bars: &Bars) -> Result<Simulated, Failure> {
    let mut projections = Vec::new();
    for Target { service, projection, pool, store } in targets {
        let mut bar = bars.add(projection.name());
        let simulated =
            projection::simulate(&**projection, &**store, pool, limit, |progress| bar.set(progress)).await?;
        projections.push(SimulatedProjection {
            service,
            name: projection.name(),
            version: projection.version(),
            events: simulated.events,
            tables: simulated.tables.into_iter().map(table).collect(),
        });
    }
    Ok(Simulated { projections })
}

fn table(equality: TableEquality) -> SimulatedTable {
    let TableEquality { table, rows, differences, shown } = equality;
    SimulatedTable { table, rows, differences, shown: shown.into_iter().map(row).collect() }
}

fn row(Difference { key, kind }: Difference) -> SimulatedRow {
    let would_be = match kind {
        DifferenceKind::Missing => "new",
        DifferenceKind::Unexpected => "gone",
        DifferenceKind::Different => "different",
    };
    SimulatedRow { key, would_be }
}

fn print(simulated: &Simulated, json: bool) -> Result<(), Failure> {
    if json {
        return output::document(simulated);
    }
    for SimulatedProjection { service, name, version, events, tables } in &simulated.projections {
        output::line(format!("{service}.{name} v{version}: {events} events folded, nothing is written"))?;
        for SimulatedTable { table, rows, differences, shown } in tables {
            output::line(format!("  {table}: {rows} rows, {differences} would come out differently"))?;
            for SimulatedRow { key, would_be } in shown {
                output::line(format!("    {key} would be {would_be}"))?;
            }
        }
    }
    Ok(())
}
