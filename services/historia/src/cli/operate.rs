//! What an operator or a container platform runs once, or now and then.
use super::{OutputArgs, PlaceArgs, StoreArgs};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum TopicsCommand {
    /// Bring the broker to what this binary needs: tenant, namespace and its rules, topics, schemas, rights
    Ensure(TopicsEnsureArgs),
    /// The topics that this binary needs, and whether the broker has them
    List(TopicsArgs),
    /// What goes on in them: who reads, and how far behind
    Stats(TopicsArgs),
    /// The schemas that the registry has for them, and which versions of our contracts these are
    Schemas(TopicsArgs),
}

#[derive(Args, Clone, Debug)]
pub(crate) struct TopicsArgs {
    /// The broker's admin address, such as `https://host:8443`; in clear (`http://host:8080`) no token is shown but on
    /// this machine
    #[arg(long, env = "HISTORIA_BROKER_ADMIN", value_name = "URL")]
    pub broker_admin: String,
    #[command(flatten)]
    pub place: PlaceArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Args, Debug)]
pub(crate) struct TokenArgs {
    /// Whose: a name or an account's id
    #[arg(long, value_name = "NAME|ID")]
    pub user: String,
    #[command(flatten)]
    pub store: StoreArgs,
}

#[derive(Args, Debug)]
pub(crate) struct StatusArgs {
    /// The data directory of `up` [default: /var/lib/historia as root, else the user's data folder]
    #[arg(long, env = "HISTORIA_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// A gateway to ask instead, wherever it runs
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Args, Debug)]
pub(crate) struct LogsArgs {
    /// One of the services, `bff`, or `postgresql` [default: everything that `up` itself said]
    pub service: Option<String>,
    /// The data directory of `up` [default: /var/lib/historia as root, else the user's data folder]
    #[arg(long, env = "HISTORIA_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// How many of the last lines to begin with
    #[arg(long, short = 'n', default_value_t = 50, value_name = "N")]
    pub last: usize,
    /// Wait for more, until Ctrl-C
    #[arg(long, short = 'f')]
    pub follow: bool,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Args, Debug)]
pub(crate) struct DownArgs {
    /// The data directory of `up` [default: /var/lib/historia as root, else the user's data folder]
    #[arg(long, env = "HISTORIA_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// How long to wait for its end, in seconds
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub wait: u64,
    /// Say what would be stopped and stop nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct TopicsEnsureArgs {
    /// The broker's admin address, such as `https://host:8443`; in clear (`http://host:8080`) no token is shown but on
    /// this machine
    #[arg(long, env = "HISTORIA_BROKER_ADMIN", value_name = "URL")]
    pub broker_admin: String,
    #[command(flatten)]
    pub place: PlaceArgs,
    /// How many partitions a topic that is made now gets; those that are there keep theirs
    #[arg(long, env = "HISTORIA_BROKER_PARTITIONS", default_value_t = 1, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=64))]
    pub partitions: u32,
    /// Give each service's role the rights that it needs, and no others
    #[arg(long, env = "HISTORIA_BROKER_RIGHTS")]
    pub rights: bool,
    /// Print what differs and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How long to wait for the broker, in seconds
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    pub wait: u64,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretsCommand {
    /// Make what is missing: keys, passwords and tokens, a folder per service with only what it may have
    Create {
        /// Where; each folder is readable for this process's user alone
        #[arg(long, value_name = "DIR")]
        directory: PathBuf,
    },
    /// Fail unless everything is there and only its owner can read it; makes nothing
    Check {
        /// Where
        #[arg(long, value_name = "DIR")]
        directory: PathBuf,
    },
}

#[derive(Args, Debug)]
pub(crate) struct HealthArgs {
    /// What to ask, such as `http://127.0.0.1:7001/readyz`
    #[arg(long, value_name = "URL")]
    pub url: String,
}
