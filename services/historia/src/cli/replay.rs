//! Folding history again, and proving that nothing in it was changed.
use super::StoreArgs;
use clap::{Args, Subcommand};
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum ReplayCommand {
    /// Tell what a rebuild would do: events, tables, time, and what a broken-off one left; writes nothing
    Plan {
        /// The projection, such as `user_list`; `all` for every one
        #[arg(default_value = "all")]
        projection: String,
        #[command(flatten)]
        store: StoreArgs,
        /// One JSON document
        #[arg(long)]
        json: bool,
    },
    /// Fold projections anew beside the live ones and swap them in; reads and writes go on meanwhile. One that was
    /// killed goes on where it was; nothing leaves the databases
    #[command(visible_alias = "rebuild")]
    Run(ReplayRunArgs),
    /// Tell where every projection stands, and its last rebuild
    Status {
        #[command(flatten)]
        store: StoreArgs,
        /// One JSON document
        #[arg(long)]
        json: bool,
    },
    /// Prove the hash chain of every stream, every anchor, and that every projection equals a fresh fold; names the
    /// first bad position
    Verify(ReplayVerifyArgs),
    /// Fold history with the rules of this executable and show which rows would come out differently from those that
    /// are served: with a candidate release's binary, before it is put in place. Nothing that is written stays
    Simulate {
        /// The projection, such as `user_list`; `all` for every one
        projection: String,
        #[command(flatten)]
        store: StoreArgs,
        /// How many differing rows of each table are shown
        #[arg(long, default_value_t = 20, value_name = "N")]
        limit: usize,
        /// No progress bar
        #[arg(long)]
        no_progress: bool,
        /// One JSON document
        #[arg(long)]
        json: bool,
    },
    /// Sign what every log is now and print that, to be kept elsewhere: `verify --anchor` finds what was changed or
    /// cut off since
    Anchor {
        #[command(flatten)]
        store: StoreArgs,
        /// The directory with the key, as `secrets create` makes it for the operator [default: the data directory's own]
        #[arg(long, env = "HISTORIA_SECRETS_DIR", value_name = "DIR")]
        secrets_dir: Option<PathBuf>,
        /// No progress bar
        #[arg(long)]
        no_progress: bool,
    },
}

#[derive(Args, Debug)]
pub(crate) struct ReplayVerifyArgs {
    #[command(flatten)]
    pub store: StoreArgs,
    /// Hold the logs also against the anchors in this file, which `replay anchor` printed
    #[arg(long, value_name = "FILE")]
    pub anchor: Option<PathBuf>,
    /// The public part of the key that signed the anchors [default: that of the key in the secrets]
    #[arg(long, value_name = "HEX")]
    pub anchor_key: Option<String>,
    /// The directory with the key, as `secrets create` makes it for the operator [default: the data directory's own]
    #[arg(long, env = "HISTORIA_SECRETS_DIR", value_name = "DIR")]
    pub secrets_dir: Option<PathBuf>,
    /// No progress bar
    #[arg(long)]
    pub no_progress: bool,
    /// One JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ReplayRunArgs {
    /// The projection, such as `user_list`; `all` for every one
    pub projection: String,
    #[command(flatten)]
    pub store: StoreArgs,
    /// Throw away what a broken-off rebuild left, and begin with the first event
    #[arg(long)]
    pub restart: bool,
    /// Tell what would be done, as `plan` does, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How many projections are folded at the same time
    #[arg(long, default_value_t = NonZeroUsize::MIN, value_name = "N")]
    pub parallel: NonZeroUsize,
    /// No progress bar
    #[arg(long)]
    pub no_progress: bool,
    /// One JSON document
    #[arg(long)]
    pub json: bool,
}
