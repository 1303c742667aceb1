//! `replay`: folding history again, and proving that nothing in it was changed.
//!
//! Nothing leaves the databases: a rebuild applies projections, which send no mail and publish nothing.
mod anchor;
mod plan;
mod run;
mod simulate;
mod status;
mod target;
mod verify;

use crate::cli::ReplayCommand;
use crate::failure::Failure;
use crate::progress::Bars;

/// Runs a `replay` verb.
///
/// # Errors
/// The databases cannot be reached, the projection is unknown, or something is damaged (exit code 3).
pub(crate) async fn run(command: ReplayCommand) -> Result<(), Failure> {
    match command {
        ReplayCommand::Plan { projection, store, json } => plan::run(&projection, &store, json).await,
        ReplayCommand::Run(arguments) => run::run(arguments).await,
        ReplayCommand::Status { store, json } => status::run(&store, json).await,
        ReplayCommand::Verify(arguments) => verify::run(&arguments).await,
        ReplayCommand::Simulate { projection, store, limit, no_progress, json } => {
            simulate::run(&projection, &store, limit, &Bars::new(!no_progress), json).await
        }
        ReplayCommand::Anchor { store, secrets_dir, no_progress } => {
            anchor::run(&store, secrets_dir.as_deref(), &Bars::new(!no_progress)).await
        }
    }
}
