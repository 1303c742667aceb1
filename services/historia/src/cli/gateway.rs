//! What goes through the gateway, as somebody who logged in: looking after sagas, dead letters and projections.
use super::{OutputArgs, PeriodArgs};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use uuid::Uuid;

#[derive(Args, Debug)]
pub(crate) struct LoginArgs {
    /// The gateway's address; in clear (`http://`) on this machine alone
    #[arg(long, default_value = "http://localhost:8080", value_name = "URL")]
    pub url: String,
    /// Who
    #[arg(long, value_name = "NAME")]
    pub user: String,
    /// The file that holds the password, readable for its owner alone [default: asks at the terminal]
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// The certificate (PEM) that the gateway's own is signed with, if that is no public authority's
    #[arg(long, value_name = "FILE")]
    pub certificate_file: Option<PathBuf>,
}

/// Why something is changed, and whether it really is.
#[derive(Args, Debug)]
pub(crate) struct ReasonArgs {
    /// Why; 1 to 200 characters, kept in clear for the auditor: no names
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Say what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask whether it is meant
    #[arg(long, short = 'y')]
    pub yes: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SagaCommand {
    /// What happened in every saga that you may see, the newest first
    List {
        /// Only events that are RECEIVED, PROCESSED or FAILED
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
        /// Only this type, such as `ResultCreated`
        #[arg(long = "type", value_name = "TYPE")]
        event_type: Option<String>,
        /// Only this saga
        #[arg(long, value_name = "ID")]
        correlation: Option<Uuid>,
        #[command(flatten)]
        period: PeriodArgs,
        /// At most this many events
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: usize,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// One event with its whole saga
    Show {
        /// The event
        id: Uuid,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Ask the consumers that gave up on an event to try again (administrator)
    Retry(SettleArgs),
    /// Let an event pass that a consumer gave up on; never a clinical one (administrator)
    Skip(SettleArgs),
}

#[derive(Args, Debug)]
pub(crate) struct SettleArgs {
    /// The event
    pub id: Uuid,
    /// Only this consumer
    #[arg(long, value_name = "NAME")]
    pub consumer: Option<String>,
    #[command(flatten)]
    pub reason: ReasonArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLettersCommand {
    /// Messages that a consumer gave up on, of every service
    List {
        /// At most this many
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: usize,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// One of them
    Show {
        /// Which
        id: Uuid,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Let its consumer try again (administrator)
    Retry(LetterArgs),
    /// Set it aside; never a clinical one (administrator)
    Skip(LetterArgs),
}

#[derive(Args, Debug)]
pub(crate) struct LetterArgs {
    /// Which
    pub id: Uuid,
    #[command(flatten)]
    pub reason: ReasonArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProjectionsCommand {
    /// Every read model: its version, generation, and what is being done with it (administrator)
    List {
        #[command(flatten)]
        output: OutputArgs,
    },
    /// How far every projection and every consumer is behind, in events and in seconds (administrator)
    Lag {
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Let a projection stand still (administrator)
    Pause(ProjectionArgs),
    /// Let it go on (administrator)
    Resume(ProjectionArgs),
}

#[derive(Args, Debug)]
pub(crate) struct ProjectionArgs {
    /// The projection, such as `user_list`, or `users.user_list`
    pub projection: String,
    #[command(flatten)]
    pub reason: ReasonArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}
