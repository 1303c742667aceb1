//! Servers that this process starts as its children: as whom they run, how they end, where they keep their files.
//!
//! What always holds: a child never runs as root; it ends when its owner ends, however that happens (where `setpriv`
//! can arrange it); no signal ever goes to a number that may be another program's by now.
mod account;
mod directory;
mod error;
mod log;
mod process;

pub(crate) use account::Account;
pub(crate) use directory::{Lock, free_port, lock, make_directory};
pub(crate) use error::ChildError;
pub(crate) use log::{last_line, open_log, said_since};
pub(crate) use process::{Process, Steps, stop_found, words};
