//! What a running `up` says of itself in its data directory, for `status` and `down`.
//!
//! The file alone proves nothing, since a killed `up` leaves it behind; that somebody holds the lock does, and only who
//! holds it writes the file.
use super::{DataDirectory, Ownership};
use crate::failure::Failure;
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::path::Path;
use utoipa::ToSchema;

const NOTICE: &str = "up.json";

/// A running `up`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Notice {
    /// Its process.
    pub pid: i32,
    pub version: String,
    /// Since when.
    pub started_at: String,
    /// The gateway's address; `None` until it answers.
    pub url: Option<String>,
}

impl DataDirectory {
    /// The `up` that runs on this directory; `None` when none does.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub(crate) fn running(&self) -> Result<Option<Notice>, Failure> {
        let path = self.path().join(super::LOCK);
        let failed = |error: std::io::Error| Failure::of(&path.display().to_string(), &error);
        if !path.exists() {
            return Ok(None);
        }
        match File::open(&path).map_err(failed)?.try_lock_shared() {
            Ok(()) => return Ok(None),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let notice = self.path().join(NOTICE);
        let text = std::fs::read_to_string(&notice)
            .map_err(|error| Failure::of("an `up` has only just begun here; ask again in a moment", &error))?;
        Ok(Some(serde_json::from_str(&text).map_err(|error| Failure::of(&notice.display().to_string(), &error))?))
    }
}

impl Ownership {
    /// Says that this process runs here, and where its gateway answers once it does.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub(crate) fn announce(&self, started_at: &str, url: Option<&str>) -> Result<(), Failure> {
        let notice = Notice {
            pid: nix::unistd::getpid().as_raw(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: started_at.to_owned(),
            url: url.map(str::to_owned),
        };
        let file = self.directory.join(NOTICE);
        write_atomically(&file, &serde_json::to_string_pretty(&notice)?)
    }
}

impl Drop for Ownership {
    fn drop(&mut self) {
        // Left behind it would do no harm: nobody holds the lock any more.
        let _ = std::fs::remove_file(self.directory.join(NOTICE));
    }
}

/// Writes `text` as a line into `file`, which is never there in part.
///
/// # Errors
/// It cannot be written.
pub(crate) fn write_atomically(file: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::of(&file.display().to_string(), &error);
    let draft = file.with_extension("draft");
    std::fs::write(&draft, format!("{text}\n")).map_err(failed)?;
    std::fs::rename(&draft, file).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use infra_runtime::Profile;

    #[test]
    fn an_up_is_running_as_long_as_it_holds_the_directory() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDirectory::locate(Some(&folder.path().join("data"))).unwrap();
        assert_eq!(data.running().unwrap(), None);
        let owned = data.take(Profile::Demo, false).unwrap();
        owned.announce("2026-11-22T10:00:00Z", None).unwrap();
        owned.announce("2026-11-22T10:00:00Z", Some("http://localhost:8080")).unwrap();
        let notice = data.running().unwrap().unwrap();
        assert_eq!(
            (notice.pid, notice.url.as_deref()),
            (nix::unistd::getpid().as_raw(), Some("http://localhost:8080"))
        );
        drop(owned);
        assert_eq!(data.running().unwrap(), None);
    }
}
