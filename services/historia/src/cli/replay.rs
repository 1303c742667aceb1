//! Folding history again, and proving that nothing in it was changed.
use super::{Broker, OutputArgs, PlaceArgs, StoreArgs};
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
        part: PartArgs,
        #[command(flatten)]
        store: StoreArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Fold projections anew beside the live ones and swap them in; reads and writes go on meanwhile. One that was
    /// killed goes on where it was; nothing leaves the databases
    #[command(visible_alias = "rebuild")]
    Run(ReplayRunArgs),
    /// Tell where every projection stands, and its last rebuild
    Status {
        #[command(flatten)]
        store: StoreArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Prove the hash chain of every stream, every anchor, and that every projection equals a fresh fold; names the
    /// first bad position
    Verify(ReplayVerifyArgs),
    /// Fold history with the rules of this executable and show which rows would come out differently from those that
    /// are served: with a candidate release's binary, before it is put in place. Nothing that is written stays
    Simulate(ReplaySimulateArgs),
    /// Sign what every log is now and print that (as JSON, if no other form is named), to be kept elsewhere: `verify
    /// --anchor` finds what was changed or cut off since
    Anchor {
        #[command(flatten)]
        store: StoreArgs,
        /// The directory with the key, as `secrets create` makes it for the operator [default: the data directory's own]
        #[arg(long, env = "HISTORIA_SECRETS_DIR", value_name = "DIR")]
        secrets_dir: Option<PathBuf>,
        /// No progress bar
        #[arg(long)]
        no_progress: bool,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Publish a part of one service's history on one topic once more, with the ids it had, so that who has dealt with it
    /// does nothing: for a broker that lost it. Says what it would do, and does it with what that prints (`--confirm`);
    /// past the gateway
    Republish(ReplayRepublishArgs),
}

/// A part of history: of each log that the verb looks at.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct PartArgs {
    /// Only from this position or moment on: a number, or 2026-11-22T10:00:00Z, a date, or how long ago (90s, 30m, 12h, 7d)
    #[arg(long, value_name = "PLACE")]
    pub from: Option<String>,
    /// Only up to and with this position or moment
    #[arg(long, value_name = "PLACE")]
    pub to: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct ReplayRepublishArgs {
    /// Whose history, such as `results`
    pub service: String,
    /// On which of its topics, such as `event-result`
    pub topic: String,
    /// From this position or moment on: a number, or 2026-11-22T10:00:00Z, a date, or how long ago (90s, 30m, 12h, 7d)
    #[arg(long, value_name = "PLACE")]
    pub from: String,
    /// Up to and with this position or moment
    #[arg(long, value_name = "PLACE")]
    pub to: String,
    #[command(flatten)]
    pub store: StoreArgs,
    /// The broker, such as `pulsar://host:6650` or `pulsar+ssl://host:6651`
    #[arg(long, env = "HISTORIA_BROKER", default_value = "embedded", value_name = "BROKER")]
    pub broker: Broker,
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Do it: what the same call without this prints as `confirm`
    #[arg(long, value_name = "CODE", requires_all = ["reason"])]
    pub confirm: Option<String>,
    /// It is meant: past the gateway, without a login, recorded with your name on this machine and the machine's
    #[arg(long)]
    pub break_glass: bool,
    /// Why; 1 to 200 characters, kept in clear for the auditor: no names
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// No progress bar
    #[arg(long)]
    pub no_progress: bool,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Args, Debug)]
pub(crate) struct ReplaySimulateArgs {
    /// The projection, such as `user_list`; `all` for every one
    pub projection: String,
    /// Try the rules of this next version, a candidate that is in this executable beside the one that serves
    #[arg(long, value_name = "VERSION")]
    pub candidate: Option<i32>,
    #[command(flatten)]
    pub part: PartArgs,
    #[command(flatten)]
    pub store: StoreArgs,
    /// How many differing rows of each table are shown
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub limit: usize,
    /// No progress bar
    #[arg(long)]
    pub no_progress: bool,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Args, Debug)]
pub(crate) struct ReplayVerifyArgs {
    #[command(flatten)]
    pub part: PartArgs,
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
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Args, Debug)]
pub(crate) struct ReplayRunArgs {
    /// The projection, such as `user_list`; `all` for every one
    pub projection: String,
    #[command(flatten)]
    pub store: StoreArgs,
    /// Build the rows as they stood at this position or moment, beside the live ones, show which differ from these, and
    /// swap nothing
    #[arg(long, value_name = "PLACE", conflicts_with = "restart")]
    pub to: Option<String>,
    /// Refused: a fold begins with the first event
    #[arg(long, value_name = "PLACE", hide = true)]
    pub from: Option<String>,
    /// With --to, how many differing rows of each table are shown
    #[arg(long, default_value_t = 20, value_name = "N", requires = "to")]
    pub limit: usize,
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
    #[command(flatten)]
    pub output: OutputArgs,
}
