//! `replay`: folding history again, and proving that nothing in it was changed.
//!
//! Nothing leaves the databases, but by the one verb that says so: a rebuild applies projections, which send no mail and
//! publish nothing; [`republish`] publishes what was published before.
mod anchor;
mod plan;
mod republish;
mod run;
mod simulate;
mod status;
mod target;
mod verify;

use crate::cli::ReplayCommand;
use crate::failure::Failure;
use crate::progress::Bars;

pub(crate) use anchor::Document as Anchors;
pub(crate) use plan::Plans;
pub(crate) use republish::Republication;
pub(crate) use run::Rebuilt;
pub(crate) use simulate::Simulated;
pub(crate) use status::Statuses;
pub(crate) use verify::Verified;

/// Runs a `replay` verb.
///
/// # Errors
/// The databases cannot be reached, the projection is unknown, or something is damaged (exit code 3).
pub(crate) async fn run(command: ReplayCommand) -> Result<(), Failure> {
    match command {
        ReplayCommand::Plan { projection, part, store, output } => plan::run(&projection, &part, &store, output).await,
        ReplayCommand::Run(arguments) => run::run(arguments).await,
        ReplayCommand::Status { store, output } => status::run(&store, output).await,
        ReplayCommand::Verify(arguments) => verify::run(&arguments).await,
        ReplayCommand::Simulate(arguments) => simulate::run(&arguments).await,
        ReplayCommand::Anchor { store, secrets_dir, no_progress, output } => {
            anchor::run(&store, secrets_dir.as_deref(), &Bars::new(!no_progress), output).await
        }
        ReplayCommand::Republish(arguments) => Box::pin(republish::run(&arguments)).await,
    }
}
