//! A server found by the file that it keeps in its data directory (`postmaster.pid`).
use super::ClusterError;
use crate::child::{stop_found, words};
use nix::sys::signal::Signal;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a fast shutdown may take: it writes a checkpoint.
const FAST: Duration = Duration::from_secs(60);
/// How long an immediate one may take; the next start repeats the log then.
const IMMEDIATE: Duration = Duration::from_secs(10);

/// A server that runs on a data directory of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Postmaster {
    pub(super) pid: i32,
    pub(super) port: u16,
    pub(super) ready: bool,
    data: PathBuf,
}

impl Postmaster {
    /// The server that runs on `data`, if one does. A file that was left over, also one whose process id has since been
    /// given to another program, is no server.
    pub(super) fn of(data: &Path) -> Option<Self> {
        let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
        let (pid, port, ready) = parse(&text)?;
        let found = Self { pid, port, ready, data: data.to_owned() };
        found.is_running().then_some(found)
    }

    /// Removes a file that was left over, when no server runs on `data` and no process works in it any more: PostgreSQL
    /// itself refuses to start as long as the number in it is some process of its user, whichever.
    pub(super) fn forget_left_over(data: &Path) -> Result<(), ClusterError> {
        let file = data.join("postmaster.pid");
        if !file.exists() || Self::of(data).is_some() || is_worked_in(data) {
            return Ok(());
        }
        fs::remove_file(&file).map_err(ClusterError::io(&file))
    }

    /// Removes the sockets of servers that were killed. Only while none runs on `data`.
    pub(super) fn forget_sockets(data: &Path) -> Result<(), ClusterError> {
        let Ok(entries) = fs::read_dir(data) else { return Ok(()) };
        for entry in entries.filter_map(Result::ok) {
            if entry.file_name().as_bytes().starts_with(b".s.PGSQL.") {
                let path = entry.path();
                fs::remove_file(&path).map_err(ClusterError::io(&path))?;
            }
        }
        Ok(())
    }

    /// Stops it: fast, then at once; returns when it is gone.
    pub(super) async fn stop(&self) -> Result<(), ClusterError> {
        let steps = [(Signal::SIGINT, FAST), (Signal::SIGQUIT, IMMEDIATE)];
        Ok(stop_found(self.pid, &steps, || self.is_running()).await?)
    }

    /// Whether the process is a server that was started on this very directory. (A process that ended and was not yet
    /// collected by its parent has no command line any more, so it counts as gone.)
    fn is_running(&self) -> bool {
        let words = words(self.pid);
        let program = words.first().map(|word| Path::new(OsStr::from_bytes(word)));
        let serves = program.and_then(Path::file_name).is_some_and(|name| name == "postgres" || name == "postmaster");
        serves && words.windows(2).any(|pair| pair[0] == b"-D" && pair[1] == self.data.as_os_str().as_bytes())
    }
}

/// Whether a process has `data` as its working directory, as a server and all its children do.
fn is_worked_in(data: &Path) -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    processes.map(|process| process.path().join("cwd")).any(|link| fs::read_link(link).is_ok_and(|cwd| cwd == data))
}

/// Process id, port and whether it takes connections: lines 1, 4 and 8 (PostgreSQL's `miscadmin.h`, `LOCK_FILE_LINE_*`).
fn parse(text: &str) -> Option<(i32, u16, bool)> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let pid = lines.first()?.parse().ok().filter(|pid| *pid > 1)?;
    let port = lines.get(3).and_then(|line| line.parse().ok()).unwrap_or(0);
    Some((pid, port, lines.get(7) == Some(&"ready")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_ready_when_its_file_says_so() {
        let starting = "4711\n/x/data\n1700000000\n5433\n\n127.0.0.1\n  123  456\nstarting\n";
        assert_eq!(parse(starting), Some((4711, 5433, false)));
        assert_eq!(parse(&starting.replace("starting", "ready   ")), Some((4711, 5433, true)));
        assert_eq!(parse("4711\n"), Some((4711, 0, false)));
    }

    #[test]
    fn a_file_that_names_no_process_is_no_server() {
        for text in ["", "x\n", "0\n", "1\n", "-5\n"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
