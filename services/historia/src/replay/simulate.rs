//! `replay simulate`: what the rules of this executable, or of a candidate in it, would make of history, beside what is
//! served; and `replay run --to`: what was served then.
//!
//! Keys of rows are shown, never what is in them.
use super::target::{self, Target};
use crate::cli::ReplaySimulateArgs;
use crate::databases::Databases;
use crate::failure::Failure;
use crate::history::Bounds;
use crate::output::{self, List, Output};
use crate::progress::Bars;
use infra_event_store::projection::{self, Difference, DifferenceKind, Equality, Projection, Trial};
use serde::Serialize;
use std::sync::Arc;
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
    /// Events folded: up to where the rows stand that are served, or the end of the part.
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
/// The databases cannot be reached, there is no such projection or candidate, or a rebuild or verification of it is under
/// way.
pub(super) async fn run(arguments: &ReplaySimulateArgs) -> Result<(), Failure> {
    let (chosen, bounds) = (target::chosen(&arguments.projection)?, Bounds::read(&arguments.part)?);
    if arguments.candidate.is_none() && arguments.part.from.is_some() {
        return Err(Failure::usage(
            "the rows that are served are folded from the first event on, and cannot be compared with a part's: --from \
             goes with --candidate, where both are folded from there",
        ));
    }
    let databases = Databases::attach(&arguments.store).await?;
    let simulated = async {
        let targets = target::open(chosen, &databases).await?;
        let simulated = of(&targets, arguments, &bounds).await;
        target::close(targets).await;
        simulated
    }
    .await;
    databases.stop().await?;
    print(&simulated?, Output::new(arguments.output))
}

async fn of(targets: &[Target], arguments: &ReplaySimulateArgs, bounds: &Bounds) -> Result<Simulated, Failure> {
    let (mut simulated, bars) = (Simulated::default(), Bars::new(!arguments.no_progress));
    for target in targets {
        let Target { projection, pool, store, .. } = target;
        let candidate = arguments.candidate.map(|version| candidate(&**projection, version)).transpose()?;
        let trial = Trial {
            served: &**projection,
            candidate: candidate.as_deref(),
            part: bounds.of(pool).await?,
            shown: arguments.limit,
        };
        let mut bar = bars.add(projection.name());
        let equality = projection::try_out(&trial, &**store, pool, |progress| bar.set(progress)).await?;
        simulated.add(target, candidate.as_deref().unwrap_or(&**projection).version(), equality);
    }
    Ok(simulated)
}

/// The next version of `served` that is asked for.
fn candidate(served: &dyn Projection, version: i32) -> Result<Arc<dyn Projection>, Failure> {
    let mut all = served.candidates();
    let versions: Vec<String> = all.iter().map(|candidate| candidate.version().to_string()).collect();
    match all.iter().position(|candidate| candidate.version() == version) {
        Some(place) => Ok(all.swap_remove(place)),
        None => Err(Failure::not_found(format!(
            "this executable has no candidate {version} of {} v{}; it has: {}",
            served.name(),
            served.version(),
            if versions.is_empty() { "none".to_owned() } else { versions.join(", ") }
        ))),
    }
}

impl Simulated {
    fn add(&mut self, target: &Target, version: i32, equality: Equality) {
        let (service, name) = (target.service, target.projection.name());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;
    use crate::platform;
    use domain_kernel::{BoxFuture, RecordedEvent};
    use infra_event_store::projection::ProjectionError;
    use sqlx::PgConnection;

    /// Rows of one shape, in version 1 with two next versions.
    struct Version(i32);

    impl Projection for Version {
        fn name(&self) -> &'static str {
            "rows"
        }

        fn version(&self) -> i32 {
            self.0
        }

        fn tables(&self) -> &'static [&'static str] {
            &["rows_v1"]
        }

        fn apply<'a>(
            &'a self,
            _: &'a mut PgConnection,
            _: &'a [RecordedEvent],
        ) -> BoxFuture<'a, Result<(), ProjectionError>> {
            Box::pin(async { Ok(()) })
        }

        fn candidates(&self) -> Vec<Arc<dyn Projection>> {
            vec![Arc::new(Version(2)), Arc::new(Version(3))]
        }
    }

    #[test]
    fn a_candidate_is_named_by_its_version_and_an_unknown_one_lists_those_there_are() {
        assert_eq!(candidate(&Version(1), 3).ok().map(|found| found.version()), Some(3));
        let failure = candidate(&Version(1), 4).err().expect("there is none");
        assert_eq!(failure.exit, Exit::NotFound);
        assert!(failure.message.ends_with("it has: 2, 3"), "{}", failure.message);
    }

    #[test]
    fn every_registered_candidate_can_take_the_place_of_what_is_served() {
        for served in platform::services().iter().flat_map(|service| (service.projections)()) {
            for next in served.candidates() {
                assert_eq!((next.name(), next.tables()), (served.name(), served.tables()));
                assert!(next.version() > served.version(), "{} v{}", next.name(), next.version());
            }
        }
    }
}
