//! The projections that a verb is about, with the databases behind them open.
use crate::databases::Databases;
use crate::failure::Failure;
use crate::platform::{self, ServiceDefinition};
use domain_kernel::Hash;
use infra_event_store::PgEventStore;
use infra_event_store::projection::Projection;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

/// One projection of one service.
pub(super) struct Target {
    pub(super) service: &'static str,
    pub(super) projection: Arc<dyn Projection>,
    pub(super) pool: PgPool,
    pub(super) store: Arc<PgEventStore>,
}

/// The projections that a verb is about, by service.
pub(super) type Chosen = Vec<(ServiceDefinition, Vec<Arc<dyn Projection>>)>;

/// The projections called `wanted`, by service; `all` is every one.
///
/// # Errors
/// There is none of that name; those that there are are named.
pub(super) fn chosen(wanted: &str) -> Result<Chosen, Failure> {
    let (mut names, mut chosen) = (Vec::new(), Vec::new());
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

/// Opens the databases behind `chosen`.
///
/// # Errors
/// One cannot be reached.
pub(super) async fn open(chosen: Chosen, databases: &Databases) -> Result<Vec<Target>, Failure> {
    let mut targets = Vec::new();
    for (service, projections) in chosen {
        let pool = databases.owner_pool(service.database).await?;
        let store = PgEventStore::open(databases.owner_options(service.database), pool.clone()).await?;
        targets.extend(projections.into_iter().map(|projection| Target {
            service: service.name,
            projection,
            pool: pool.clone(),
            store: Arc::clone(&store),
        }));
    }
    Ok(targets)
}

/// Closes what [`open`] opened.
pub(super) async fn close(targets: Vec<Target>) {
    for target in targets {
        target.store.close().await;
        target.pool.close().await;
    }
}

/// What the projections' code is: a digest of this executable. A rebuild that another one began is not gone on with.
///
/// # Errors
/// The executable cannot be read.
pub(super) async fn definition() -> Result<Hash, Failure> {
    let digest = tokio::task::spawn_blocking(|| {
        // The link leads to the running file even after another was put in its place.
        let mut file = File::open("/proc/self/exe").or_else(|_| File::open(std::env::current_exe()?))?;
        let (mut digest, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok::<Hash, std::io::Error>(digest.finalize().into()),
                length => digest.update(&buffer[..length]),
            }
        }
    });
    digest.await?.map_err(|error| Failure::of("reading this executable", &error))
}
