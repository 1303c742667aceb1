//! `demo load`: made-up history, as much as is wanted.
//!
//! 1. It is refused while `up` runs, on production's data, and while somebody has still to be told of what is there.
//! 2. The results service's own generator writes it ([`service_results::made_up`]), sealed and chained.
//! 3. Everybody who is told of that log is moved behind it ([`readers`]): of what never happened nobody hears.
mod readers;

use crate::cli::{DemoCommand, DemoLoadArgs};
use crate::data_directory::DataDirectory;
use crate::databases::Databases;
use crate::failure::Failure;
use crate::platform::{self, KEYS_DATABASE, ServiceDefinition};
use crate::progress::Bars;
use crate::secrets::names;
use crate::{mark, output};
use infra_event_store::projection::latest;
use infra_event_store::{BlindIndex, PgEventStore};
use infra_runtime::secrets::SecretsDirectory;
use infra_runtime::{Profile, SystemClock, shutdown};
use infra_vault::{MasterKeys, PgVault};
use readers::Readers;
use serde::Serialize;
use service_results::codec::ResultsCodec;
use service_results::made_up::MadeUpHistory;
use std::sync::Arc;
use std::time::Instant;

/// How many events are written before the readers are moved: what a killed load leaves behind them is at most this.
const PART: u64 = 20_000;

#[derive(Serialize)]
struct Loaded {
    service: &'static str,
    events: u64,
    seconds: f64,
    events_per_second: f64,
}

/// Runs a `demo` verb.
///
/// # Errors
/// See [`load`].
pub(crate) async fn run(command: DemoCommand) -> Result<(), Failure> {
    match command {
        DemoCommand::Load(arguments) => load(&arguments).await,
    }
}

/// Writes the events and prints how fast that went.
///
/// # Errors
/// `up` runs, the data are production's, somebody has still to be told of what is there, or a database does not answer.
async fn load(arguments: &DemoLoadArgs) -> Result<(), Failure> {
    let data = DataDirectory::locate(arguments.store.data_dir.as_deref())?;
    data.require()?;
    let _ownership = data.take(Profile::Demo, false)?;
    let secrets = SecretsDirectory::existing(&data.secrets())?;
    let databases = Databases::attach(&arguments.store).await?;
    let bars = Bars::new(!arguments.no_progress);
    let begun = Instant::now();
    let written = tokio::select! {
        written = write(&databases, &secrets, arguments.events, &bars) => written,
        stopped = shutdown::requested() => Err(match stopped {
            Ok(()) => Failure::new("interrupted; what was written stays"),
            Err(error) => error.into(),
        }),
    };
    databases.stop().await?;
    written?;
    let seconds = begun.elapsed().as_secs_f64();
    let loaded = Loaded {
        service: service_results::NAME,
        events: arguments.events,
        seconds,
        events_per_second: arguments.events as f64 / seconds,
    };
    if arguments.json {
        return output::document(&loaded);
    }
    output::line(format!(
        "{} made-up events in {seconds:.1} s, {:.0} a second",
        loaded.events, loaded.events_per_second
    ))
}

async fn write(databases: &Databases, secrets: &SecretsDirectory, events: u64, bars: &Bars) -> Result<(), Failure> {
    let services = platform::services();
    let Some(service) = services.iter().find(|service| service.name == service_results::NAME) else {
        return Err(Failure::new("this binary has no results service"));
    };
    let pool = databases.owner_pool(service.database).await?;
    mark::check(&pool, service.database, Profile::Demo).await?;
    let store = PgEventStore::open(databases.owner_options(service.database), pool.clone()).await?;
    let readers = Readers::of(service.name, databases, &services).await?;
    readers.refuse_untold(&*store).await?;
    let history = generator(service, databases, secrets, &store).await?;

    let mut bar = bars.add("demo");
    let mut done = 0;
    while done < events {
        let part = PART.min(events - done);
        history
            .append(part, |progress| {
                bar.set(infra_event_store::Progress { done: done + progress.done, total: events });
            })
            .await?;
        done += part;
        readers.move_behind(latest(&pool).await?).await?;
    }
    readers.close().await;
    store.close().await;
    pool.close().await;
    Ok(())
}

async fn generator(
    service: &ServiceDefinition,
    databases: &Databases,
    secrets: &SecretsDirectory,
    store: &Arc<PgEventStore>,
) -> Result<MadeUpHistory, Failure> {
    let masters = MasterKeys::read(secrets.path(), service.purposes)?;
    let vault = PgVault::open(databases.owner_pool(KEYS_DATABASE).await?, masters).await?;
    let blind_index = BlindIndex::new(secrets.bytes32(&names::blind_index(service.name))?);
    let codec = ResultsCodec::new(Arc::new(vault));
    Ok(MadeUpHistory::new(Arc::clone(store) as Arc<_>, codec, blind_index, Arc::new(SystemClock::new())))
}
