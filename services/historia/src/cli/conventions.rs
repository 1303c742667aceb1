//! What verbs that print data have in common: in which form, and how much of it.
use clap::{Args, ValueEnum};

/// The form of data on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns with headings, for people
    Table,
    /// The same columns separated by tabs, without headings, for `cut` and `awk`
    Plain,
    /// Exactly one JSON document
    Json,
    /// One JSON document on each line
    Ndjson,
    /// RFC 4180, with a line of headings
    Csv,
}

/// How data are printed.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OutputArgs {
    /// In which form data are printed [default: table on a terminal, plain in a pipe]
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT", help_heading = "Output")]
    pub output: Option<Format>,
    /// The same as `-o json`
    #[arg(long, conflicts_with = "output", help_heading = "Output")]
    pub json: bool,
    /// Only ids, one on each line, for `xargs`
    #[arg(long, short = 'q', conflicts_with_all = ["output", "json"], help_heading = "Output")]
    pub quiet: bool,
}
