//! What only a demo has.
use super::StoreArgs;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum DemoCommand {
    /// Write made-up results with everything that happens to them, to try replays at size; while `up` does not run.
    /// Nobody is told of them: no message, no mail
    Load(DemoLoadArgs),
}

#[derive(Args, Debug)]
pub(crate) struct DemoLoadArgs {
    #[command(flatten)]
    pub store: StoreArgs,
    /// How many events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub events: u64,
    /// No progress bar
    #[arg(long)]
    pub no_progress: bool,
    /// One JSON document
    #[arg(long)]
    pub json: bool,
}
