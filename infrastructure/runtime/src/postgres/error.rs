//! Why there is no cluster.
use super::binaries;
use crate::child::ChildError;
use crate::secrets::SecretError;
use std::io;
use std::path::Path;

/// Why there is no cluster. Each is one line that says how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No server binaries.
    #[error(
        "PostgreSQL {} or newer is not installed{found}: run `apt-get install postgresql`, or set \
         HISTORIA_POSTGRES_BIN to the directory of its `initdb` and `postgres`",
        binaries::OLDEST
    )]
    NotInstalled {
        /// What is there and too old, as ` (found 13 in /usr/bin)`; empty when nothing is.
        found: String,
    },
    /// The data was made by a version that is not installed.
    #[error(
        "{directory} was made by PostgreSQL {wanted}, which is not installed{found}: run \
         `apt-get install postgresql-{wanted}`, or move the directory away"
    )]
    OtherVersion {
        /// The cluster's directory.
        directory: String,
        /// The version of the data.
        wanted: u32,
        /// What is there, as ` (found 16 in /usr/lib/postgresql/16/bin)`.
        found: String,
    },
    /// As root, but there is nobody to run the server as.
    #[error("PostgreSQL does not run as root and there is neither a user `postgres` nor `nobody`: add one of them")]
    NoAccount,
    /// The data belongs to a user as whom this process cannot run a server.
    #[error("{directory} belongs to user {owner}: start as that user or as root, or choose another directory")]
    OtherOwner {
        /// The data directory.
        directory: String,
        /// The number of the user it belongs to.
        owner: u32,
    },
    /// The server's user cannot reach a directory.
    #[error("the user {user} cannot reach {directory}: run `chmod o+x {directory}`, or choose a directory elsewhere")]
    Unreachable {
        /// As whom the server would run.
        user: String,
        /// The first directory on the way that is closed to that user.
        directory: String,
    },
    /// Another process owns the directory.
    #[error("{directory} is in use by process {owner}: stop that one first, or choose another directory")]
    InUse {
        /// The cluster's directory.
        directory: String,
        /// The owner's process id, or `unknown`.
        owner: String,
    },
    /// The port that was asked for is taken.
    #[error("port {port} of 127.0.0.1 is in use: stop what uses it, or choose another port")]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// `initdb` failed.
    #[error("a new database cluster could not be made in {directory}: {reason}")]
    NotInitialised {
        /// The cluster's directory.
        directory: String,
        /// What `initdb` said.
        reason: String,
    },
    /// The server did not come up.
    #[error("PostgreSQL did not start: {reason} (see {log})")]
    NotStarted {
        /// What it said.
        reason: String,
        /// Where it says more.
        log: String,
    },
    /// The server did not go.
    #[error("PostgreSQL (process {pid}) does not stop: end it with `kill -QUIT {pid}`")]
    NotStopped {
        /// Its process id.
        pid: i32,
    },
    /// The password's file is not usable.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The operating system does not let us.
    #[error("{path}: {reason}")]
    Io {
        /// The file or directory.
        path: String,
        /// What the operating system said.
        reason: String,
    },
}

impl ClusterError {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |error| Self::Io { path: path.display().to_string(), reason: error.to_string() }
    }
}

impl From<ChildError> for ClusterError {
    fn from(error: ChildError) -> Self {
        match error {
            ChildError::NoAccount => Self::NoAccount,
            ChildError::OtherOwner { directory, owner } => Self::OtherOwner { directory, owner },
            ChildError::Unreachable { user, directory } => Self::Unreachable { user, directory },
            ChildError::InUse { directory, owner } => Self::InUse { directory, owner },
            ChildError::NotStopped { pid } => Self::NotStopped { pid },
            ChildError::Io { path, reason } => Self::Io { path, reason },
        }
    }
}
