//! Reading history: streams, events, sagas, states.
use super::{OutputArgs, StoreArgs};
use clap::{Args, Subcommand, ValueEnum};

/// Which part of history.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct PeriodArgs {
    /// From this moment on: RFC 3339, a date, or how long ago (90s, 30m, 12h, 7d)
    #[arg(long, value_name = "MOMENT")]
    pub since: Option<String>,
    /// Before this moment
    #[arg(long, value_name = "MOMENT")]
    pub until: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StreamsCommand {
    /// The streams that were appended to last, the newest first
    List {
        #[command(flatten)]
        store: StoreArgs,
        /// Only this service's streams
        #[arg(long, value_name = "NAME")]
        service: Option<String>,
        /// Only streams of this category, such as `user`
        #[arg(long, value_name = "NAME")]
        category: Option<String>,
        /// At most this many streams
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: usize,
        #[command(flatten)]
        output: OutputArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// The events of one stream, in order; what is sealed stays sealed, unless it is revealed
    Read(ReadArgs),
    /// The newest events of all services, and those to come
    Tail {
        #[command(flatten)]
        store: StoreArgs,
        /// Only this service's events
        #[arg(long, value_name = "NAME")]
        service: Option<String>,
        /// How many of the newest events to begin with
        #[arg(long, short = 'n', default_value_t = 10, value_name = "N")]
        last: usize,
        /// Stop after them instead of waiting for more
        #[arg(long)]
        no_follow: bool,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// The newest events that fit, the oldest of them first
    Search(SearchArgs),
    /// What each event of one stream changed; sensitive values stay sealed
    History {
        /// The stream: its id, or category and id such as `user-0198…`
        stream: String,
        #[command(flatten)]
        store: StoreArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// How many events there were
    Stats {
        #[command(flatten)]
        store: StoreArgs,
        /// Counted by what
        #[arg(long, value_enum, default_value_t = By::Type)]
        by: By,
        /// Only this service's events
        #[arg(long, value_name = "NAME")]
        service: Option<String>,
        #[command(flatten)]
        period: PeriodArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Every event type that this binary knows: its schemas, what of it is sealed, where it is published, who answers
    Catalog {
        /// Only this service's types
        #[arg(long, value_name = "NAME")]
        service: Option<String>,
        #[command(flatten)]
        output: OutputArgs,
    },
}

/// What events are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// The service that recorded them
    Service,
    /// Their type
    Type,
    /// The day, in UTC
    Day,
}

/// Whether what is sealed is shown.
#[derive(Args, Clone, Debug)]
pub(crate) struct RevealArgs {
    /// Show what is sealed: through the gateway, as who is logged in, and recorded as an event (administrator)
    #[arg(long, requires = "reason")]
    pub reveal: bool,
    /// Why it is revealed; 1 to 200 characters, kept in clear for the auditor: no names
    #[arg(long, value_name = "TEXT", requires = "reveal")]
    pub reason: Option<String>,
}

impl RevealArgs {
    /// The reason, where something is to be revealed.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.reason.as_deref().filter(|_| self.reveal)
    }
}

#[derive(Args, Debug)]
pub(crate) struct ReadArgs {
    /// The stream: its id, or category and id such as `user-0198…`
    pub stream: String,
    #[command(flatten)]
    pub store: StoreArgs,
    /// Only events after this version
    #[arg(long, default_value_t = 0, value_name = "VERSION")]
    pub after: u32,
    /// At most this many events
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub limit: usize,
    #[command(flatten)]
    pub reveal: RevealArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Args, Debug)]
pub(crate) struct SearchArgs {
    #[command(flatten)]
    pub store: StoreArgs,
    /// Of this type: `users.user_created`, `UserCreated`, or a part of the name; may be given several times
    #[arg(long = "type", value_name = "TYPE")]
    pub types: Vec<String>,
    /// Of this saga
    #[arg(long, value_name = "ID")]
    pub correlation: Option<String>,
    /// On behalf of this account
    #[arg(long, value_name = "ID")]
    pub actor: Option<String>,
    /// Only this service's events
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    #[command(flatten)]
    pub period: PeriodArgs,
    /// At most this many events
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub limit: usize,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Args, Debug)]
pub(crate) struct TraceArgs {
    /// The saga: what `Historia-Correlation-Id` says in the gateway's answers
    pub correlation_id: String,
    #[command(flatten)]
    pub store: StoreArgs,
    /// One event after the other instead of a tree
    #[arg(long)]
    pub flat: bool,
    /// The tree in the language of Graphviz
    #[arg(long, conflicts_with = "flat")]
    pub dot: bool,
    /// The tree as a Mermaid flow chart
    #[arg(long, conflicts_with_all = ["flat", "dot"])]
    pub mermaid: bool,
    /// The saga log's own bookkeeping too
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Args, Debug)]
pub(crate) struct StateArgs {
    /// The stream: its id, or category and id such as `user-0198…`
    pub stream: String,
    #[command(flatten)]
    pub store: StoreArgs,
    /// As it stood then: a version, or a moment (RFC 3339, a date, or how long ago: 90s, 30m, 12h, 7d) [default: now]
    #[arg(long, value_name = "VERSION|MOMENT")]
    pub at: Option<String>,
    #[command(flatten)]
    pub reveal: RevealArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Args, Debug)]
pub(crate) struct DiffArgs {
    /// The stream: its id, or category and id such as `user-0198…`
    pub stream: String,
    /// The version before; 0 is before the first event
    pub from: u32,
    /// The version after
    pub to: u32,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}
