//! A child's log.
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// From this size on the log begins anew; the one before is kept with `.1` at its end.
const LONGEST_LOG: u64 = 16 * 1024 * 1024;

/// Opens the log at `path` for a new start; gives also where that start's part begins.
pub(crate) fn open_log(path: &Path) -> io::Result<(File, u64)> {
    if fs::metadata(path).is_ok_and(|log| log.len() > LONGEST_LOG) {
        fs::rename(path, path.with_extension("log.1"))?;
    }
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    let begin = file.metadata()?.len();
    Ok((file, begin))
}

/// What was written to `log` from the byte `begin` on.
pub(crate) fn said_since(log: &Path, begin: u64) -> String {
    let said = fs::read(log).unwrap_or_default();
    let begin = usize::try_from(begin).unwrap_or(usize::MAX).min(said.len());
    String::from_utf8_lossy(&said[begin..]).into_owned()
}

/// The last line of what was said that has one of `marks`, or else the last line.
pub(crate) fn last_line<'a>(said: &'a str, marks: &[&str]) -> &'a str {
    let complaint = |line: &&str| marks.iter().any(|mark| line.contains(mark));
    said.lines().rfind(complaint).or_else(|| said.lines().next_back()).unwrap_or("it said nothing")
}
