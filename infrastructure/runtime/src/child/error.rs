//! What goes wrong with any child. Whoever starts one says it in its own words.
use std::io;
use std::path::Path;

#[derive(Debug)]
pub(crate) enum ChildError {
    /// As root, but there is nobody to run the server as.
    NoAccount,
    /// The data belongs to a user as whom this process cannot run a server.
    OtherOwner { directory: String, owner: u32 },
    /// The server's user cannot reach a directory.
    Unreachable { user: String, directory: String },
    /// Another process owns the directory.
    InUse { directory: String, owner: String },
    /// The server did not go.
    NotStopped { pid: i32 },
    /// The operating system does not let us.
    Io { path: String, reason: String },
}

impl ChildError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |error| Self::Io { path: path.display().to_string(), reason: error.to_string() }
    }
}
