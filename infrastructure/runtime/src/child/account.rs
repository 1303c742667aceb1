//! As whom the server runs.
use super::ChildError;
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, User, chown};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The user of the server: our own, or one that root steps down to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    /// This process's own user, who is not root.
    Own,
    /// Another user, since this process is root.
    Other {
        /// The user's number.
        user: Uid,
        /// The group's number.
        group: Gid,
        /// The user's name.
        name: String,
    },
}

impl Account {
    /// As whom to run the server whose data are in `data`: as who owns them, where there are some already; else, as root,
    /// as the first of `names` that there is.
    pub(crate) fn for_data(data: &Path, names: &[&str]) -> Result<Self, ChildError> {
        let owner = fs::metadata(data).ok().map(|metadata| metadata.uid());
        let us = nix::unistd::geteuid();
        let other_owner = |owner| ChildError::OtherOwner { directory: data.display().to_string(), owner };
        match owner {
            Some(owner) if us.is_root() => match User::from_uid(Uid::from_raw(owner)) {
                Ok(Some(user)) if !user.uid.is_root() => Ok(Self::other(user)),
                _ => Err(other_owner(owner)),
            },
            Some(owner) if owner != us.as_raw() => Err(other_owner(owner)),
            Some(_) => Ok(Self::Own),
            None if us.is_root() => {
                let known = |name: &str| User::from_name(name).ok().flatten();
                // `initdb` asks for the user's name, so a bare number would not do.
                names.iter().find_map(|name| known(name)).map(Self::other).ok_or(ChildError::NoAccount)
            }
            None => Ok(Self::Own),
        }
    }

    fn other(user: User) -> Self {
        Self::Other { user: user.uid, group: user.gid, name: user.name }
    }

    /// Refuses a directory that the server's user cannot pass through or enter, by the first one that is closed.
    pub(crate) fn can_reach(&self, directory: &Path) -> Result<(), ChildError> {
        let Self::Other { user, group, name } = self else { return Ok(()) };
        let mut way: Vec<&Path> = directory.ancestors().collect();
        way.reverse();
        for directory in way {
            let metadata = fs::metadata(directory).map_err(ChildError::io(directory))?;
            let bit = if metadata.uid() == user.as_raw() {
                0o100
            } else if metadata.gid() == group.as_raw() {
                0o010
            } else {
                0o001
            };
            if metadata.mode() & bit == 0 {
                return Err(ChildError::Unreachable { user: name.clone(), directory: directory.display().to_string() });
            }
        }
        Ok(())
    }

    /// Makes the file or directory at `path` the server's.
    pub(crate) fn give(&self, path: &Path) -> Result<(), ChildError> {
        let Self::Other { user, group, .. } = self else { return Ok(()) };
        chown(path, Some(*user), Some(*group)).map_err(|error| ChildError::io(path)(error.into()))
    }

    /// A command that runs `program` as this user, away from the terminal's Ctrl-C (a process group of its own). It gets
    /// the signal `at_our_end` when the thread that starts it ends, where `setpriv` can arrange that.
    pub(crate) fn command(&self, program: &Path, at_our_end: Option<Signal>) -> Command {
        let mut command = match setpriv() {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                if let Self::Other { user, group, .. } = self {
                    command.arg(format!("--reuid={user}")).arg(format!("--regid={group}")).arg("--clear-groups");
                }
                if let Some(signal) = at_our_end {
                    command.arg(format!("--pdeathsig={}", signal.as_str().trim_start_matches("SIG")));
                }
                command.arg("--").arg(program);
                command
            }
            None => {
                let mut command = Command::new(program);
                if let Self::Other { user, group, .. } = self {
                    // The standard library drops root's other groups as well when it sets a user.
                    command.uid(user.as_raw()).gid(group.as_raw());
                }
                command
            }
        };
        // PGDATA, JAVA_TOOL_OPTIONS, LC_ALL and their like are somebody else's settings; the current directory may be closed.
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C").env("TZ", "UTC");
        command.current_dir("/").process_group(0).stdin(Stdio::null());
        command
    }
}

/// The `setpriv` of util-linux; busybox has one that cannot do this.
fn setpriv() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<&'static Path>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        ["/usr/bin/setpriv", "/bin/setpriv"].into_iter().map(Path::new).find(|path| {
            let help = Command::new(path).arg("--help").stdin(Stdio::null()).output();
            help.is_ok_and(|help| String::from_utf8_lossy(&help.stdout).contains("--pdeathsig"))
        })
    })
}
