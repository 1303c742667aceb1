//! Keys: what is there, and how a person's data is forgotten.
use super::{OutputArgs, ReasonArgs, StoreArgs};
use clap::{Args, Subcommand, ValueEnum};
use domain_kernel::ports::Purpose;
use std::path::PathBuf;
use uuid::Uuid;

/// What a key seals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PurposeName {
    /// Who may log in: username, full name, password hash
    Account,
    /// How to reach somebody: addresses
    Contact,
    /// What is known of somebody's health
    Clinical,
}

impl From<PurposeName> for Purpose {
    fn from(name: PurposeName) -> Self {
        match name {
            PurposeName::Account => Self::Account,
            PurposeName::Contact => Self::Contact,
            PurposeName::Clinical => Self::Clinical,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// When keys were made and destroyed, and under which master key they are (administrator, auditor)
    List {
        /// Only this subject's: a user, a patient's account, or a result that is linked to nobody
        #[arg(long, value_name = "ID")]
        subject: Option<Uuid>,
        /// Only this purpose's
        #[arg(long, value_enum, value_name = "PURPOSE")]
        purpose: Option<PurposeName>,
        /// At most this many
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: usize,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Ask that a subject's data of one purpose be forgotten; another administrator approves (administrator)
    Shred(ShredArgs),
    /// What was asked to be forgotten, the newest first (administrator, auditor)
    Erasures {
        /// Only those that are requested, declined, approved or erased
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
        /// At most this many
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: usize,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Approve what another administrator asked for: the key is destroyed, for good (administrator)
    Approve {
        /// The erasure
        id: Uuid,
        /// Say what would be done and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Do not ask whether it is meant
        #[arg(long, short = 'y')]
        yes: bool,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Decline what was asked for, or take it back (administrator)
    Decline(DecisionArgs),
    /// Forbid that a key is destroyed, until the hold is lifted (administrator)
    Hold(HoldArgs),
    /// The legal holds that stand (administrator, auditor)
    Holds {
        /// At most this many
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: usize,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Lift a legal hold (administrator)
    Lift(DecisionArgs),
    /// Wrap every key of a purpose under a new master key; past the gateway, on the databases and the files of secrets
    Rotate(RotateArgs),
    /// What was done past the gateway, to keys or to messages, by whom and on which machine
    BreakGlass {
        #[command(flatten)]
        store: StoreArgs,
        /// At most this many
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: usize,
        #[command(flatten)]
        output: OutputArgs,
    },
}

#[derive(Args, Debug)]
pub(crate) struct RotateArgs {
    /// Whose master key
    #[arg(value_enum)]
    pub purpose: PurposeName,
    #[command(flatten)]
    pub store: StoreArgs,
    /// The directory of `secrets create` [default: the data directory's own secrets]
    #[arg(long, value_name = "DIR")]
    pub secrets_dir: Option<PathBuf>,
    /// It is meant: past the gateway, without a login, recorded with your name on this machine and the machine's
    #[arg(long)]
    pub break_glass: bool,
    /// Why; 1 to 200 characters, kept in clear for the auditor: no names
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Every service was started anew since this verb added the next key, so all of them hold it
    #[arg(long)]
    pub restarted: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ShredArgs {
    /// Whose data: a user, a patient's account, or a result that is linked to nobody
    pub subject: Uuid,
    /// Which part of it
    #[arg(value_enum)]
    pub purpose: PurposeName,
    /// Whose law says how long clinical records are kept: AR, CL or CO
    #[arg(long, default_value = "CL", value_name = "CODE")]
    pub country: String,
    #[command(flatten)]
    pub reason: ReasonArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Args, Debug)]
pub(crate) struct DecisionArgs {
    /// The erasure or hold
    pub id: Uuid,
    #[command(flatten)]
    pub reason: ReasonArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Args, Debug)]
pub(crate) struct HoldArgs {
    /// Whose data
    pub subject: Uuid,
    /// Which part of it
    #[arg(value_enum)]
    pub purpose: PurposeName,
    #[command(flatten)]
    pub reason: ReasonArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}
