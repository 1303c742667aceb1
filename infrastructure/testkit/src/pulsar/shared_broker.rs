//! The one broker of a run: started by the first test executable, joined by the others.
use crate::shared::{self, Guarded};
use infra_runtime::pulsar::{PulsarError, Running, Standalone, StandaloneOptions, running};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const GUARDED: Guarded = Guarded {
    pid_file: "broker/pulsar.pid",
    known_by: "broker/config/standalone.conf",
    signal: "KILL",
    thrown_away: &["broker"],
};

static BROKER: OnceLock<Running> = OnceLock::new();

/// The broker; started by the first call of the first test executable.
pub(super) async fn broker() -> &'static Running {
    shared::once(&BROKER, find).await
}

async fn find() -> Running {
    let place = shared::beside_executable().join("pulsar");
    let found = match join_or_start(&place).await {
        Err(PulsarError::Unreachable { .. }) => join_or_start(&shared::elsewhere(&place)).await,
        found => found,
    };
    found.unwrap_or_else(|error| panic!("{}", super::missing(&error)))
}

async fn join_or_start(place: &Path) -> Result<Running, PulsarError> {
    let _lock = shared::enter(place).await;
    // Before the start, so that this executable may be killed at any moment.
    shared::guard(place, &GUARDED);
    let directory = place.join("broker");
    match running(&directory) {
        Some(broker) => Ok(broker),
        None => start(directory).await,
    }
}

async fn start(directory: PathBuf) -> Result<Running, PulsarError> {
    // Of no use to anybody: a broker that was killed while it started, and what it had.
    infra_runtime::pulsar::stop_running(&directory).await?;
    shared::throw_away(&directory);
    let mut options = StandaloneOptions::new(directory);
    (options.durable, options.outlives_owner) = (false, true);
    let broker = Standalone::start(options).await?;
    Ok(Running { service_url: broker.service_url(), admin_url: broker.admin_url(), pid: broker.pid() })
}
