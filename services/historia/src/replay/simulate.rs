//! `replay simulate`: what the rules of this executable would make of history, beside what is served.
//!
//! Keys of rows are shown, never what is in them.
use super::target::{self, Target};
use crate::cli::ReplaySimulateArgs;
use crate::databases::Databases;
use crate::failure::Failure;
use crate::output::{self, List, Output};
use crate::progress::Bars;
use infra_event_store::projection::{self, Difference, DifferenceKind, Equality};
use serde::Serialize;
use utoipa::ToSchema;

const ROWS: List =
    List { name: "rows", id: "key", columns: &["service", "projection", "version", "table", "key", "would_be"] };

#[derive(Default, Serialize, ToSchema)]
pub(crate) struct Simulated {
    projections: Vec<SimulatedProjection>,
    /// The first rows of each table that would come out differently.
    rows: Vec<SimulatedRow>,
}

#[derive(Serialize, ToSchema)]
struct SimulatedProjection {
    service: &'static str,
    name: &'static str,
    version: i32,
    /// Events folded: up to where the rows stand that are served.
    events: u64,
    tables: Vec<SimulatedTable>,
}

#[derive(Serialize, ToSchema)]
struct SimulatedTable {
    table: &'static str,
    /// Rows that there would be.
    rows: u64,
    /// Rows that would come out differently.
    differences: u64,
}

#[derive(Serialize, ToSchema)]
struct SimulatedRow {
    service: &'static str,
    projection: &'static str,
    version: i32,
    table: &'static str,
    /// The primary key's columns.
    key: String,
    /// `new`, `gone` or `different`.
    would_be: &'static str,
}

/// Prints what would come out differently.
///
/// # Errors
/// The databases cannot be reached, there is no such projection, or a rebuild or verification of it is under way.
pub(super) async fn run(arguments: &ReplaySimulateArgs) -> Result<(), Failure> {
    let chosen = target::chosen(&arguments.projection)?;
    let databases = Databases::attach(&arguments.store).await?;
    let simulated = async {
        let targets = target::open(chosen, &databases).await?;
        let simulated = of(&targets, arguments.limit, &Bars::new(!arguments.no_progress)).await;
        target::close(targets).await;
        simulated
    }
    .await;
    databases.stop().await?;
    print(&simulated?, Output::new(arguments.output))
}

async fn of(targets: &[Target], limit: usize, bars: &Bars) -> Result<Simulated, Failure> {
    let mut simulated = Simulated::default();
    for target in targets {
        let mut bar = bars.add(target.projection.name());
        let Target { projection, pool, store, .. } = target;
        let equality = projection::simulate(&**projection, &**store, pool, limit, |progress| bar.set(progress)).await?;
        simulated.add(target, equality);
    }
    Ok(simulated)
}

impl Simulated {
    fn add(&mut self, target: &Target, equality: Equality) {
        let (service, name, version) = (target.service, target.projection.name(), target.projection.version());
        let tables = equality.tables.iter();
        let tables = tables.map(|of| SimulatedTable { table: of.table, rows: of.rows, differences: of.differences });
        let tables = tables.collect();
        self.projections.push(SimulatedProjection { service, name, version, events: equality.events, tables });
        for table in equality.tables {
            let row = |Difference { key, kind }| SimulatedRow {
                service,
                projection: name,
                version,
                table: table.table,
                key,
                would_be: would_be(kind),
            };
            self.rows.extend(table.shown.into_iter().map(row));
        }
    }
}

fn would_be(kind: DifferenceKind) -> &'static str {
    match kind {
        DifferenceKind::Missing => "new",
        DifferenceKind::Unexpected => "gone",
        DifferenceKind::Different => "different",
    }
}

fn print(simulated: &Simulated, output: Output) -> Result<(), Failure> {
    if output.is_for_people() {
        for SimulatedProjection { service, name, version, events, tables } in &simulated.projections {
            for SimulatedTable { table, rows, differences } in tables {
                output::note(format!(
                    "{service}.{name} v{version}: {events} events folded; {differences} of {rows} rows of {table} would \
                     come out differently; nothing is written"
                ));
            }
        }
    }
    output.list(&ROWS, simulated)
}
