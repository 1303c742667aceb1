//! Why there is no broker.
use super::admin::AdminError;
use super::java;
use crate::child::ChildError;
use std::io;
use std::path::Path;

/// Why there is no broker. Each is one line that says how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum PulsarError {
    /// No Java that is new enough.
    #[error(
        "Pulsar needs Java {} or newer{found}: run `apt-get install openjdk-17-jre-headless maven`, or set JAVA_HOME",
        java::OLDEST
    )]
    NoJava {
        /// What is there and too old, as ` (found 11 in /usr/lib/jvm/java-11)`; empty when nothing is.
        found: String,
    },
    /// No Maven, and the jars are not there yet.
    #[error(
        "Pulsar's jars are not there and Maven, which fetches them, is not installed: run `apt-get install maven`, or \
         set HISTORIA_PULSAR_HOME to a directory that has them"
    )]
    NoMaven,
    /// Maven could not fetch the jars.
    #[error("Pulsar's jars could not be fetched: {reason} (see {log})")]
    NotFetched {
        /// What Maven said.
        reason: String,
        /// Where it says more.
        log: String,
    },
    /// There is no directory to keep the jars in.
    #[error("there is no place for Pulsar's jars: set HISTORIA_PULSAR_HOME to a directory")]
    NoCache,
    /// As root, but there is nobody to run the broker as.
    #[error("Pulsar is not run as root and there is neither a user `pulsar` nor `nobody`: add one of them")]
    NoAccount,
    /// The data belongs to a user as whom this process cannot run a broker.
    #[error("{directory} belongs to user {owner}: start as that user or as root, or choose another directory")]
    OtherOwner {
        /// The data directory.
        directory: String,
        /// The number of the user it belongs to.
        owner: u32,
    },
    /// The broker's user cannot reach a directory.
    #[error("the user {user} cannot reach {directory}: run `chmod o+x {directory}`, or choose a directory elsewhere")]
    Unreachable {
        /// As whom the broker would run.
        user: String,
        /// The first directory on the way that is closed to that user.
        directory: String,
    },
    /// Another process owns the directory.
    #[error("{directory} is in use by process {owner}: stop that one first, or choose another directory")]
    InUse {
        /// The broker's directory.
        directory: String,
        /// The owner's process id, or `unknown`.
        owner: String,
    },
    /// The port that was asked for is taken.
    #[error("port {port} of 127.0.0.1 is in use: stop what uses it, or choose another port for Pulsar")]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// The port that was asked for is the gateway's by default.
    #[error("Pulsar is not given port 8080, which is the platform's own: choose another port for Pulsar")]
    PortReserved,
    /// The broker did not come up.
    #[error("Pulsar did not start: {reason} (see {log})")]
    NotStarted {
        /// What it said.
        reason: String,
        /// Where it says more.
        log: String,
    },
    /// The broker did not go.
    #[error("Pulsar (process {pid}) does not stop: end it with `kill -KILL {pid}`")]
    NotStopped {
        /// Its process id.
        pid: i32,
    },
    /// A token cannot be signed with the key that was given.
    #[error("a token for Pulsar cannot be signed with this key")]
    Token,
    /// The admin interface did not do what was asked.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The operating system does not let us.
    #[error("{path}: {reason}")]
    Io {
        /// The file or directory.
        path: String,
        /// What the operating system said.
        reason: String,
    },
}

impl PulsarError {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |error| Self::Io { path: path.display().to_string(), reason: error.to_string() }
    }
}

impl From<ChildError> for PulsarError {
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
