//! `replay`: folding history again, and proving that nothing in it was changed.
//!
//! Nothing leaves the databases: a rebuild applies projections, which send no mail and publish nothing.
use crate::cli::{ReplayCommand, StoreArgs};
use crate::databases::Databases;
use crate::failure::Failure;
use crate::output;
use crate::platform::{self, ServiceDefinition};
use crate::progress::Bar;
use infra_event_store::projection::{self, Equality, Projection, ProjectionError, TableEquality};
use infra_event_store::{PgEventStore, verify};
use serde::Serialize;
use std::sync::Arc;

/// Runs a `replay` verb.
///
/// # Errors
/// The databases cannot be reached, the projection is unknown, or something is damaged (exit code 3).
pub(crate) async fn run(command: ReplayCommand) -> Result<(), Failure> {
    match command {
        ReplayCommand::Rebuild { projection, store, no_progress, json } => {
            rebuild(&projection, &store, !no_progress, json).await
        }
        ReplayCommand::Verify { store, no_progress, json } => verify_all(&store, !no_progress, json).await,
    }
}

#[derive(Serialize)]
struct Rebuilt {
    projections: Vec<RebuiltProjection>,
}

#[derive(Serialize)]
struct RebuiltProjection {
    service: &'static str,
    name: &'static str,
    version: i32,
    events: u64,
    generation: i64,
    seconds: f64,
}

async fn rebuild(wanted: &str, store: &StoreArgs, bars: bool, json: bool) -> Result<(), Failure> {
    let chosen = chosen(wanted)?;
    let databases = Databases::attach(store).await?;
    let (mut rebuilt, mut failed) = (Vec::new(), None);
    for (service, projections) in chosen {
        match rebuild_of(&service, &projections, &databases, bars).await {
            Ok(done) => rebuilt.extend(done),
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    databases.stop().await?;
    if let Some(failure) = failed {
        return Err(failure);
    }
    let rebuilt = Rebuilt { projections: rebuilt };
    if json {
        return output::document(&rebuilt);
    }
    for projection in &rebuilt.projections {
        let RebuiltProjection { service, name, version, events, seconds, .. } = projection;
        output::line(format!("{service}.{name} v{version}: {events} events in {seconds:.2} s"))?;
    }
    Ok(())
}

async fn rebuild_of(
    service: &ServiceDefinition,
    projections: &[Arc<dyn Projection>],
    databases: &Databases,
    bars: bool,
) -> Result<Vec<RebuiltProjection>, Failure> {
    let pool = databases.owner_pool(service.database).await?;
    let events = PgEventStore::open(databases.owner_options(service.database), pool.clone()).await?;
    let mut done = Vec::new();
    for projection in projections {
        let bar = Bar::new(projection.name(), bars);
        let report = projection::rebuild(&**projection, &*events, &pool, |progress| bar.set(progress)).await?;
        done.push(RebuiltProjection {
            service: service.name,
            name: projection.name(),
            version: projection.version(),
            events: report.events,
            generation: report.generation,
            seconds: report.elapsed.as_secs_f64(),
        });
    }
    events.close().await;
    pool.close().await;
    Ok(done)
}

type Chosen = Vec<(ServiceDefinition, Vec<Arc<dyn Projection>>)>;

/// The projections called `wanted`, by service; `all` is every one.
fn chosen(wanted: &str) -> Result<Chosen, Failure> {
    let mut names = Vec::new();
    let mut chosen = Vec::new();
    for service in platform::services() {
        let all = (service.projections)();
        names.extend(all.iter().map(|projection| projection.name()));
        let matching: Vec<_> =
            all.into_iter().filter(|projection| wanted == "all" || projection.name() == wanted).collect();
        if !matching.is_empty() {
            chosen.push((service, matching));
        }
    }
    if chosen.is_empty() {
        return Err(Failure::new(format!("there is no projection {wanted:?}; there are: {}, all", names.join(", "))));
    }
    Ok(chosen)
}

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

async fn verify_all(store: &StoreArgs, bars: bool, json: bool) -> Result<(), Failure> {
    let databases = Databases::attach(store).await?;
    let mut verified = Ok(Verified { whole: true, services: Vec::new() });
    for service in platform::services() {
        match verify_service(&service, &databases, bars).await {
            Ok(report) => {
                if let Ok(verified) = &mut verified {
                    verified.whole &= report.first_bad.is_none();
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
    bars: bool,
) -> Result<VerifiedService, Failure> {
    let pool = databases.owner_pool(service.database).await?;
    let bar = Bar::new(service.name, bars);
    let chains = verify::streams(&pool, |progress| bar.set(progress)).await?;
    drop(bar);
    let first_bad = chains.first_bad.map(|bad| Bad {
        position: bad.checkpoint.map(|at| at.position),
        stream: bad.stream.to_string(),
        version: bad.version.0,
        problem: bad.problem.to_string(),
    });
    let mut projections = Vec::new();
    let events = PgEventStore::open(databases.owner_options(service.database), pool.clone()).await?;
    for projection in (service.projections)() {
        let bar = Bar::new(projection.name(), bars);
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
        projections,
    })
}

fn difference(table: &TableEquality) -> Option<String> {
    let first = table.first_difference.as_ref()?;
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
            "{:15} {} streams, {} events: {state}",
            service.service, service.streams, service.events
        ))?;
        for projection in &service.projections {
            let state = if projection.equal { "equal".to_owned() } else { projection.differences.join("; ") };
            output::line(format!("  {:25} {} rows: {state}", projection.name, projection.rows))?;
        }
    }
    output::line(if verified.whole { "all is whole" } else { "NOT whole" })
}
