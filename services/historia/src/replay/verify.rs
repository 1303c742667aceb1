//! `replay verify`: every stream's hash chain, and every read model beside a fresh fold.
use super::anchor::{Given, Held};
use crate::cli::ReplayVerifyArgs;
use crate::databases::Databases;
use crate::failure::Failure;
use crate::output;
use crate::platform::{self, ServiceDefinition};
use crate::progress::Bars;
use infra_event_store::projection::{self, Equality, ProjectionError, TableEquality};
use infra_event_store::{PgEventStore, verify};
use serde::Serialize;

#[derive(Serialize)]
struct Verified {
    whole: bool,
    services: Vec<VerifiedService>,
}

#[derive(Serialize)]
struct VerifiedService {
    service: &'static str,
    streams: u64,
    events: u64,
    first_bad: Option<Bad>,
    anchors: Held,
    projections: Vec<VerifiedProjection>,
}

#[derive(Serialize)]
struct Bad {
    position: Option<i64>,
    stream: String,
    version: u32,
    problem: String,
}

#[derive(Serialize)]
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
    let ReplayVerifyArgs { store, anchor, anchor_key, secrets_dir, no_progress, json } = arguments;
    let (bars, json) = (Bars::new(!no_progress), *json);
    let given = Given::read(anchor.as_deref(), anchor_key.as_deref(), store, secrets_dir.as_deref())?;
    let databases = Databases::attach(store).await?;
    let mut verified = Ok(Verified { whole: true, services: Vec::new() });
    for service in platform::services() {
        match verify_service(&service, &databases, &given, &bars).await {
            Ok(report) => {
                if let Ok(verified) = &mut verified {
                    verified.whole &= report.first_bad.is_none() && report.anchors.is_whole();
                    verified.whole &= report.projections.iter().all(|projection| projection.equal);
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
    if json {
        output::document(&verified)?;
    } else {
        print(&verified)?;
    }
    if verified.whole { Ok(()) } else { Err(Failure::damaged()) }
}

async fn verify_service(
    service: &ServiceDefinition,
    databases: &Databases,
    given: &Given,
    bars: &Bars,
) -> Result<VerifiedService, Failure> {
    let pool = databases.owner_pool(service.database).await?;
    let mut bar = bars.add(service.name);
    let chains = verify::streams(&pool, |progress| bar.set(progress)).await?;
    drop(bar);
    let first_bad = chains.first_bad.map(|bad| Bad {
        position: bad.checkpoint.map(|at| at.position),
        stream: bad.stream.to_string(),
        version: bad.version.0,
        problem: bad.problem.to_string(),
    });
    let anchors = given.check(service.name, &pool, bars).await?;
    let mut projections = Vec::new();
    let events = PgEventStore::open(databases.owner_options(service.database), pool.clone()).await?;
    for projection in (service.projections)() {
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
    Ok(VerifiedService {
        service: service.name,
        streams: chains.streams,
        events: chains.events,
        first_bad,
        anchors,
        projections,
    })
}

fn difference(table: &TableEquality) -> Option<String> {
    let first = table.shown.first()?;
    Some(format!("{}: {} rows differ, the first is {} ({:?})", table.table, table.differences, first.key, first.kind))
}

fn print(verified: &Verified) -> Result<(), Failure> {
    for service in &verified.services {
        let state = match &service.first_bad {
            None => "whole".to_owned(),
            Some(Bad { position, stream, version, problem }) => {
                let at = position.map_or_else(|| "no position".to_owned(), |position| format!("position {position}"));
                format!("DAMAGED at {at}, stream {stream}, version {version}: {problem}")
            }
        };
        output::line(format!(
            "{:15} {} streams, {} events: {state}{}",
            service.service,
            service.streams,
            service.events,
            service.anchors.line()
        ))?;
        for projection in &service.projections {
            let state = if projection.equal { "equal".to_owned() } else { projection.differences.join("; ") };
            output::line(format!("  {:25} {} rows: {state}", projection.name, projection.rows))?;
        }
    }
    output::line(if verified.whole { "all is whole" } else { "NOT whole" })
}
