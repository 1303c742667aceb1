//! The data directory of `up`: everything that one platform keeps on a machine.
//!
//! ```text
//! historia.json   the mark: whose it is, which profile, since when
//! up.lock         held while `up` runs, so that there is one at a time
//! up.json         what a running `up` says of itself
//! postgres/       the private PostgreSQL
//! pulsar/         the private broker, with `--broker pulsar`
//! secrets/        0700; keys and passwords, each 0600
//! mailbox/        the demo's mail
//! logs/           what `up` said, 0600
//! ```
//! A directory without our mark that is not empty is somebody else's and is never written to.
mod notice;

pub(crate) use notice::{Notice, write_atomically};

use crate::exit::Exit;
use crate::failure::Failure;
use infra_runtime::Profile;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

const MARK: &str = "historia.json";
const LOCK: &str = "up.lock";
/// Who only looks whether somebody runs here holds the lock for a moment; an `up` that begins then tries again.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(40);

/// A data directory that may exist or not.
#[derive(Clone, Debug)]
pub(crate) struct DataDirectory {
    path: PathBuf,
}

/// Held by the one `up` that runs on a data directory; the lock goes with the process, however it ends.
#[derive(Debug)]
pub(crate) struct Ownership {
    _lock: File,
    directory: PathBuf,
    /// Whether there was data before.
    pub existing: bool,
}

#[derive(Debug, Deserialize, Serialize)]
struct Mark {
    product: String,
    profile: String,
    created_at: String,
}

impl DataDirectory {
    /// The given directory, or the default one: `/var/lib/historia` as root (PostgreSQL runs as another user and must
    /// reach it, which a private home does not allow), the user's data folder otherwise.
    ///
    /// # Errors
    /// There is no home to put it into.
    pub(crate) fn locate(given: Option<&Path>) -> Result<Self, Failure> {
        if let Some(given) = given {
            let path = std::path::absolute(given).map_err(|error| Failure::of("the data directory", &error))?;
            return Ok(Self { path });
        }
        if nix_is_root() {
            return Ok(Self { path: PathBuf::from("/var/lib/historia") });
        }
        let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
        match data.or(home) {
            Some(folder) => Ok(Self { path: folder.join("historia") }),
            None => Err(Failure::new("no home directory to keep data in: say where with --data-dir DIR")),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn postgres(&self) -> PathBuf {
        self.path.join("postgres")
    }

    pub(crate) fn pulsar(&self) -> PathBuf {
        self.path.join("pulsar")
    }

    pub(crate) fn secrets(&self) -> PathBuf {
        self.path.join("secrets")
    }

    pub(crate) fn mailbox(&self) -> PathBuf {
        self.path.join("mailbox")
    }

    /// What `up` said.
    pub(crate) fn log(&self) -> PathBuf {
        self.path.join("logs/up.log")
    }

    /// Whether a platform has kept data here.
    pub(crate) fn exists(&self) -> bool {
        self.path.join(MARK).is_file()
    }

    /// Fails unless a platform has kept data here: for the verbs that read.
    ///
    /// # Errors
    /// Nothing is there, or it is somebody else's.
    pub(crate) fn require(&self) -> Result<(), Failure> {
        if self.exists() {
            return Ok(());
        }
        Err(Failure::not_found(format!(
            "no data of Historia in {}: run `historia up` first, or say where it is with --data-dir DIR",
            self.path.display()
        )))
    }

    /// Takes the directory for an `up`: makes it, checks that it is ours and of this profile, and locks it.
    ///
    /// # Errors
    /// Another `up` holds it, it is somebody else's, or it cannot be written.
    pub(crate) fn take(&self, profile: Profile, fresh: bool) -> Result<Ownership, Failure> {
        if fresh && self.path.exists() {
            // The lock is tried first: nobody's feet are pulled away.
            drop(self.lock_existing()?);
            self.move_aside()?;
        }
        let failed =
            |error: std::io::Error| Failure::of(&format!("the data directory {}", self.path.display()), &error);
        std::fs::create_dir_all(&self.path).map_err(failed)?;
        let existing = self.exists();
        let empty = std::fs::read_dir(&self.path).map_err(failed)?.next().is_none();
        if !existing && !empty && !self.path.join(LOCK).exists() {
            return Err(Failure::new(format!(
                "{} is not empty and not a data directory of Historia: name another one with --data-dir DIR",
                self.path.display()
            )));
        }
        // PostgreSQL runs as another user when we are root: it passes through here, and what is private is below.
        if !existing {
            std::fs::set_permissions(&self.path, std::fs::Permissions::from_mode(0o755)).map_err(failed)?;
        }
        let lock = self.lock()?;
        if existing {
            self.check_mark(profile)?;
        } else {
            let mark = Mark {
                product: "historia".to_owned(),
                profile: profile.to_string(),
                created_at: chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            };
            let text = serde_json::to_string_pretty(&mark).map_err(|error| Failure::of("the mark", &error))?;
            std::fs::write(self.path.join(MARK), text + "\n").map_err(failed)?;
        }
        Ok(Ownership { _lock: lock, directory: self.path.clone(), existing })
    }

    /// Fails unless the data are of `profile`.
    ///
    /// # Errors
    /// They are of the other one, or the mark is not readable.
    pub(crate) fn check_mark(&self, profile: Profile) -> Result<(), Failure> {
        let path = self.path.join(MARK);
        let text = std::fs::read_to_string(&path).map_err(|error| Failure::of(&path.display().to_string(), &error))?;
        let mark: Mark = serde_json::from_str(&text)
            .map_err(|error| Failure::of(&format!("{} is not readable", path.display()), &error))?;
        if mark.profile == profile.name() {
            return Ok(());
        }
        Err(Failure::new(format!(
            "{} holds data of the {} profile, this is {profile}: name another directory with --data-dir DIR",
            self.path.display(),
            mark.profile
        )))
    }

    fn lock_existing(&self) -> Result<Option<File>, Failure> {
        if self.path.join(LOCK).exists() { self.lock().map(Some) } else { Ok(None) }
    }

    fn lock(&self) -> Result<File, Failure> {
        let path = self.path.join(LOCK);
        let failed = |error: std::io::Error| Failure::of(&path.display().to_string(), &error);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        let mut tried = file.try_lock();
        for _ in 1..TRIES {
            if !matches!(tried, Err(TryLockError::WouldBlock)) {
                break;
            }
            std::thread::sleep(PAUSE);
            tried = file.try_lock();
        }
        match tried {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(Failure::ending(
                Exit::Busy,
                format!(
                    "another `historia up` is already running on {}: stop it first, or name another directory with \
                     --data-dir DIR",
                    self.path.display()
                ),
            )),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Renames the directory to `<name>-<date>`, with a number when that is taken; nothing is ever deleted.
    fn move_aside(&self) -> Result<(), Failure> {
        let failed = |error: std::io::Error| Failure::of(&format!("moving {} aside", self.path.display()), &error);
        let stamp = chrono::Utc::now().format("%Y%m%d-%H%M%S");
        let name = self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let aside = (0..100)
            .map(|number| {
                let suffix = if number == 0 { String::new() } else { format!("-{number}") };
                self.path.with_file_name(format!("{name}-{stamp}{suffix}"))
            })
            .find(|path| !path.exists());
        let Some(aside) = aside else {
            return Err(Failure::new(format!("no free name beside {} to move it to", self.path.display())));
        };
        std::fs::rename(&self.path, &aside).map_err(failed)
    }
}

fn nix_is_root() -> bool {
    nix::unistd::Uid::effective().is_root()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> (tempfile::TempDir, DataDirectory) {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDirectory { path: folder.path().join("data") };
        (folder, data)
    }

    #[test]
    fn one_owner_at_a_time() {
        let (_folder, data) = directory();
        let first = data.take(Profile::Demo, false).unwrap();
        assert!(!first.existing);
        assert!(data.take(Profile::Demo, false).unwrap_err().message.contains("already running"));
        assert!(data.take(Profile::Demo, true).unwrap_err().message.contains("already running"));
        drop(first);
        assert!(data.take(Profile::Demo, false).unwrap().existing);
    }

    #[test]
    fn somebody_elses_directory_is_not_touched() {
        let (_folder, data) = directory();
        std::fs::create_dir(data.path()).unwrap();
        std::fs::write(data.path().join("thesis.txt"), "mine").unwrap();
        assert!(data.take(Profile::Demo, false).unwrap_err().message.contains("not empty"));
        assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_demo_is_never_taken_for_production() {
        let (_folder, data) = directory();
        drop(data.take(Profile::Demo, false).unwrap());
        assert!(data.take(Profile::Production, false).unwrap_err().message.contains("demo"));
    }

    #[test]
    fn fresh_moves_aside_and_deletes_nothing() {
        let (folder, data) = directory();
        drop(data.take(Profile::Demo, false).unwrap());
        drop(data.take(Profile::Demo, true).unwrap());
        drop(data.take(Profile::Demo, true).unwrap());
        let marks = std::fs::read_dir(folder.path()).unwrap();
        assert_eq!(marks.filter(|entry| entry.as_ref().unwrap().path().join(MARK).exists()).count(), 3);
    }
}
