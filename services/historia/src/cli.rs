//! The command line: every verb, its arguments and the environment variables behind them.
//!
//! Conventions: data on standard output, everything else on standard error; data in the form that `-o` says; the exit
//! codes of [`EXIT_CODES`].
// The paths are written out because a test reads this file as a module of its own.
#[path = "cli/conventions.rs"]
mod conventions;
#[path = "cli/demo.rs"]
mod demo;
#[path = "cli/gateway.rs"]
mod gateway;
#[path = "cli/history.rs"]
mod history;
#[path = "cli/keys.rs"]
mod keys;
#[path = "cli/operate.rs"]
mod operate;
#[path = "cli/replay.rs"]
mod replay;
#[path = "cli/service.rs"]
mod service;

pub(crate) use conventions::{Format, OutputArgs};
pub(crate) use demo::{DemoCommand, DemoLoadArgs};
pub(crate) use gateway::{DeadLettersCommand, LetterArgs, LoginArgs, ProjectionArgs, ProjectionsCommand};
pub(crate) use gateway::{ReasonArgs, SagaCommand, SettleArgs};
pub(crate) use history::{By, DiffArgs, EventsCommand, PeriodArgs, ReadArgs, SearchArgs, StateArgs};
pub(crate) use history::{StreamsCommand, TraceArgs};
pub(crate) use keys::{DecisionArgs, HoldArgs, KeysCommand, PurposeName, RotateArgs, ShredArgs};
pub(crate) use operate::{
    DownArgs, HealthArgs, LogsArgs, SecretsCommand, StatusArgs, TokenArgs, TopicsArgs, TopicsCommand, TopicsEnsureArgs,
};
pub(crate) use replay::{PartArgs, ReplayCommand, ReplayRepublishArgs};
pub(crate) use replay::{ReplayRunArgs, ReplaySimulateArgs, ReplayVerifyArgs};
pub(crate) use service::{BrokerArgs, GatewayArgs, MailArgs, NotificationsArgs, PlaceArgs};
pub(crate) use service::{ProcessArgs, RateArgs, ServiceArgs, UsersArgs};

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::str::FromStr;

/// What a script can rely on.
const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  an error, explained by the last line on standard error
  2  a wrong call
  3  a check found damage
  4  what was asked for is not there
  5  not logged in, or not allowed
  6  something that is needed does not answer; the same call may work later
  7  somebody else is at it, or things are not as the call takes them to be

Data go to standard output, everything else to standard error. NO_COLOR switches colours off.";

/// Historia: a clinical platform in which every fact is history.
#[derive(Debug, Parser)]
#[command(name = "historia", version, about, propagate_version = true, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the whole platform in this process, on a PostgreSQL of its own
    Up(UpArgs),
    /// Say whether what `up` started is well
    Status(StatusArgs),
    /// Print what `up` said: all of it, or of one service
    Logs(LogsArgs),
    /// Stop the `up` that runs on a data directory, as Ctrl-C does
    Down(DownArgs),
    /// Run the users service alone: accounts, log-in, users' tokens
    Users(UsersArgs),
    /// Run the results service alone: clinical results
    Results(ServiceArgs),
    /// Run the notifications service alone: mails
    Notifications(NotificationsArgs),
    /// Run the saga log alone: what happened, who answered, what failed
    SagaLog(ServiceArgs),
    /// Run the gateway alone
    Bff(GatewayArgs),
    /// Look after the broker
    #[command(subcommand)]
    Topics(TopicsCommand),
    /// Make the secrets of services that run alone, or check them
    #[command(subcommand)]
    Secrets(SecretsCommand),
    /// Ask a process whether it is well: exit code 0 when it is (for containers)
    Health(HealthArgs),
    /// Look after the databases' schema
    #[command(subcommand)]
    Db(DbCommand),
    /// Check that this machine has what `up` needs, and say what to install
    Doctor(DoctorArgs),
    /// Print the gateway's OpenAPI document
    Openapi,
    /// Print the AsyncAPI document of what the services tell each other
    Asyncapi,
    /// Write the Postman collection and environment
    Postman(PostmanArgs),
    /// Write the JSON Schema of every document that `-o json` prints
    Schemas(SchemasArgs),
    /// Say which streams of events there are
    #[command(subcommand)]
    Streams(StreamsCommand),
    /// Read events as they were recorded
    #[command(subcommand)]
    Events(EventsCommand),
    /// Show everything that followed from one request: who caused what, across services and topics
    Trace(TraceArgs),
    /// Show what the system held at any moment: a stream folded up to there, sensitive values sealed
    State(StateArgs),
    /// Show what became different between two versions of a stream
    Diff(DiffArgs),
    /// Fold history again, and prove that nothing in it was changed
    #[command(subcommand)]
    Replay(ReplayCommand),
    /// Log in to a gateway, for the verbs that change something
    Login(LoginArgs),
    /// End the session
    Logout,
    /// Look after sagas: what happened, who gave up, try again (through the gateway)
    #[command(subcommand)]
    Saga(SagaCommand),
    /// Look after messages that a consumer gave up on (through the gateway)
    #[command(subcommand)]
    DeadLetters(DeadLettersCommand),
    /// Look after read models: how far they are, pause, resume (through the gateway)
    #[command(subcommand)]
    Projections(ProjectionsCommand),
    /// Look after keys: list them, have a person's data forgotten, hold it (through the gateway); rotate master keys
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Print an access token of a user of the demo, without their password
    Token(TokenArgs),
    /// Print a shell's completions, such as for `/etc/bash_completion.d/historia`
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write the manual's pages, one for each verb
    Man {
        /// Where; made when it is missing
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// What only a demo has: made-up history
    #[command(subcommand)]
    Demo(DemoCommand),
}

/// Where the databases are.
#[derive(Args, Clone, Debug)]
pub(crate) struct StoreArgs {
    /// The data directory of `up`, which may be running or not [default: /var/lib/historia as root, else the user's
    /// data folder]
    #[arg(long, env = "HISTORIA_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// A PostgreSQL server to use instead of the data directory's own
    #[arg(long, env = "HISTORIA_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// The file that holds the password for that server
    #[arg(long, env = "HISTORIA_DATABASE_PASSWORD_FILE", value_name = "FILE")]
    pub database_password_file: Option<PathBuf>,
}

/// Which broker carries the messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Broker {
    /// None: the services read each other's logs, within one process.
    Embedded,
    /// An Apache Pulsar of our own, started and stopped with `up`.
    Own,
    /// The Apache Pulsar at this address.
    Given(String),
}

impl FromStr for Broker {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "embedded" => Ok(Self::Embedded),
            "pulsar" => Ok(Self::Own),
            url => broker_url(url).map(Self::Given),
        }
    }
}

/// An address as the Pulsar client takes it.
pub(crate) fn broker_url(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("pulsar://").or_else(|| text.strip_prefix("pulsar+ssl://"));
    match host {
        Some(host) if !host.is_empty() && !host.contains(['/', '@']) => Ok(text.to_owned()),
        _ => Err("a broker is an address such as pulsar://host:6650 or pulsar+ssl://host:6651".to_owned()),
    }
}

#[derive(Args, Clone, Debug)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub store: StoreArgs,
    /// The gateway's port on 127.0.0.1; 0 takes a free one
    #[arg(long, env = "HISTORIA_PORT", default_value_t = 8080)]
    pub port: u16,
    /// Language of mails and pages
    #[arg(long, env = "HISTORIA_LANG", default_value = "es", value_parser = ["es", "en"])]
    pub lang: String,
    /// How services hear of each other: `embedded` (no broker), `pulsar` (starts one) or `pulsar://host:port`
    #[arg(long, env = "HISTORIA_BROKER", default_value = "embedded", value_name = "BROKER")]
    pub broker: Broker,
    /// The admin address of the broker at `pulsar://host:port`, such as `http://host:8080`; without it topics must be there
    #[arg(long, env = "HISTORIA_BROKER_ADMIN", value_name = "URL")]
    pub broker_admin: Option<String>,
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Begin anew: existing data is moved aside under a dated name, never deleted
    #[arg(long)]
    pub fresh: bool,
    /// Use the server of --database-url although it holds other data
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// Write the gateway's address into this file once it answers
    #[arg(long, value_name = "FILE")]
    pub url_file: Option<PathBuf>,
    /// The gateway's address as people see it; links in mails begin with it [default: `http://localhost:PORT`]
    #[arg(long, env = "HISTORIA_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    #[command(flatten)]
    pub rates: RateArgs,
    /// A mail server instead of the local mailbox, such as `smtp://localhost:1025`
    #[arg(long, env = "HISTORIA_SMTP_URL", value_name = "URL", hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// The sender of mails
    #[arg(long, env = "HISTORIA_MAIL_FROM", default_value = "Historia <no-reply@lab.local>", value_name = "ADDRESS")]
    pub mail_from: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Bring every database to this binary's schema
    Migrate(MigrateArgs),
    /// Say which schema each database has
    Status {
        #[command(flatten)]
        store: StoreArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Go on with a logical copy of the databases in another cluster: opens the next epoch of their global order
    Adopt(StoreArgs),
}

#[derive(Args, Clone, Debug)]
pub(crate) struct MigrateArgs {
    #[command(flatten)]
    pub store: StoreArgs,
    /// The directory with the passwords of the services' roles, as `secrets create` makes it [default: the data
    /// directory's own]
    #[arg(long, env = "HISTORIA_SECRETS_DIR", value_name = "DIR")]
    pub secrets_dir: Option<PathBuf>,
    /// Which rules of safety hold for these databases: demo or production; they are marked with it
    #[arg(long, env = "HISTORIA_PROFILE", default_value = "demo", value_parser = ["demo", "production"])]
    pub profile: String,
    /// How long to wait for the server, in seconds
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    pub wait: u64,
}

#[derive(Args, Debug)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub store: StoreArgs,
    /// The port that `up` would use
    #[arg(long, env = "HISTORIA_PORT", default_value_t = 8080)]
    pub port: u16,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Args, Debug)]
pub(crate) struct SchemasArgs {
    /// Where to write them
    #[arg(long, default_value = "docs/schemas/cli", value_name = "DIR")]
    pub directory: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct PostmanArgs {
    /// Where to write `historia.postman_collection.json` and `historia.postman_environment.json`
    #[arg(long, default_value = "postman", value_name = "DIR")]
    pub directory: PathBuf,
}
