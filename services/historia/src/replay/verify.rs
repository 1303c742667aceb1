//! `replay verify`: every stream's hash chain, and every read model beside a fresh fold.
use super::anchor::{Given, Held};
use crate::cli::ReplayVerifyArgs;
use crate::databases::Databases;
use crate::failure::Failure;
use crate::history::Bounds;
use crate::output::{self, List, Output};
use crate::platform::{self, ServiceDefinition};
use crate::progress::Bars;
use infra_event_store::projection::{self, Equality, ProjectionError, TableEquality};
use infra_event_store::{PgEventStore, verify};
use serde::Serialize;
use utoipa::ToSchema;

const SERVICES: List = List {
    name: "services",
    id: "service",
    columns: &[
        "service",
        "whole",
        "streams",
        "events",
        "first_bad.position",
        "first_bad.stream",
        "first_bad.version",
        "first_bad.problem",
        "anchors.holding",
        "anchors.first_bad.problem",
        "differing",
    ],
};

#[derive(Serialize, ToSchema)]
pub(crate) struct Verified {
    /// Whether everything that was looked at is as it was written.
    whole: bool,
    services: Vec<VerifiedService>,
}

#[derive(Serialize, ToSchema)]
struct VerifiedService {
    service: &'static str,
    whole: bool,
    streams: u64,
    events: u64,
    first_bad: Option<Bad>,
    anchors: Held,
    /// The read models that are not what a fresh fold makes.
    differing: Vec<&'static str>,
    /// None where only a part of the log was looked at: read models are folds of the whole.
    projections: Vec<VerifiedProjection>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = BadEvent)]
struct Bad {
    position: Option<i64>,
    stream: String,
    version: u32,
    problem: String,
}

#[derive(Serialize, ToSchema)]
struct VerifiedProjection {
    name: &'static str,
    equal: bool,
    events: u64,
    rows: u64,
    /// The first row that differs, table by table.
    differences: Vec<String>,
}

/// Verifies every service and prints the report.
///
/// # Errors
/// The databases cannot be reached, or something is damaged (exit code 3).
pub(super) async fn run(arguments: &ReplayVerifyArgs) -> Result<(), Failure> {
    let ReplayVerifyArgs { part, store, anchor, anchor_key, secrets_dir, no_progress, output } = arguments;
    let (bars, output) = (Bars::new(!no_progress), Output::new(*output));
    let bounds = Bounds::read(part)?;
    let given = Given::read(anchor.as_deref(), anchor_key.as_deref(), store, secrets_dir.as_deref())?;
    let databases = Databases::attach(store).await?;
    let mut verified = Ok(Verified { whole: true, services: Vec::new() });
    for service in platform::services() {
        match verify_service(&service, &databases, &bounds, &given, &bars).await {
            Ok(report) => {
                if let Ok(verified) = &mut verified {
                    verified.whole &= report.whole;
                    verified.services.push(report);
                }
            }
            Err(failure) => {
                verified = Err(failure);
                break;
            }
        }
    }
    databases.stop().await?;
    let verified = verified?;
    output.list(&SERVICES, &verified)?;
    if output.is_for_people() {
        if !bounds.is_whole() {
            output::note("only that part of each log was looked at; read models, folds of the whole, were not");
        }
        output::note(if verified.whole { "all is whole" } else { "NOT whole" });
    }
    if verified.whole { Ok(()) } else { Err(Failure::damaged()) }
}

async fn verify_service(
    service: &ServiceDefinition,
    databases: &Databases,
    bounds: &Bounds,
    given: &Given,
    bars: &Bars,
) -> Result<VerifiedService, Failure> {
    let pool = databases.owner_pool(service.database).await?;
    let mut bar = bars.add(service.name);
    let part = bounds.of(&pool).await?;
    let chains = verify::part(&pool, &part, |progress| bar.set(progress)).await?;
    drop(bar);
    let first_bad = chains.first_bad.map(|bad| Bad {
        position: bad.checkpoint.map(|at| at.position),
        stream: bad.stream.to_string(),
        version: bad.version.0,
        problem: bad.problem.to_string(),
    });
    let anchors = given.check(service.name, &pool, &part, bars).await?;
    let mut projections = Vec::new();
    let events = PgEventStore::open(databases.owner_options(service.database), pool.clone()).await?;
    // Rows are a fold of the whole log: those of a part are nobody's.
    let read_models = if bounds.is_whole() { (service.projections)() } else { Vec::new() };
    for projection in read_models {
        let mut bar = bars.add(projection.name());
        let folded = projection::verify(&*projection, &*events, &pool, |progress| bar.set(progress)).await;
        let (name, equal) = (projection.name(), folded.as_ref().is_ok_and(Equality::is_equal));
        projections.push(match folded {
            Ok(equality) => VerifiedProjection {
                name,
                equal,
                events: equality.events,
                rows: equality.tables.iter().map(|table| table.rows).sum(),
                differences: equality.tables.iter().filter_map(difference).collect(),
            },
            // An event that cannot be folded is damage too, and no reason to keep quiet about the rest.
            Err(error @ ProjectionError::Event { .. }) => {
                VerifiedProjection { name, equal, events: 0, rows: 0, differences: vec![error.to_string()] }
            }
            Err(error) => return Err(error.into()),
        });
    }
    events.close().await;
    pool.close().await;
    let differing: Vec<_> =
        projections.iter().filter(|projection| !projection.equal).map(|projection| projection.name).collect();
    Ok(VerifiedService {
        service: service.name,
        whole: first_bad.is_none() && anchors.is_whole() && differing.is_empty(),
        streams: chains.streams,
        events: chains.events,
        first_bad,
        anchors,
        differing,
        projections,
    })
}

fn difference(table: &TableEquality) -> Option<String> {
    let first = table.shown.first()?;
    Some(format!("{}: {} rows differ, the first is {} ({:?})", table.table, table.differences, first.key, first.kind))
}
