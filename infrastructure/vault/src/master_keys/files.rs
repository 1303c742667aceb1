//! Master keys as files: `master-<purpose>.key`, mode 0600, one key of 64 hexadecimal digits per line.
//!
//! The first line is the key that a new store begins with. To rotate, the next key is added as a second line, every
//! process is started anew with both, the rotation runs, and the first line is taken out once it is over.
use super::{MasterKey, MasterKeyError, MasterKeys};
use domain_kernel::ports::Purpose;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

impl MasterKeys {
    /// The keys of `purposes` from the files in `directory`.
    ///
    /// # Errors
    /// [`MasterKeyError`]: a file is missing, can be read by others, or does not hold keys.
    pub fn read(directory: &Path, purposes: &[Purpose]) -> Result<Self, MasterKeyError> {
        let mut keys = Self::default();
        for purpose in purposes {
            for key in read_file(&path_of(directory, *purpose))? {
                keys = keys.with(*purpose, key);
            }
        }
        Ok(keys)
    }

    /// Makes a key and its file for every purpose that has none in `directory`, and the directory (mode 0700) when it
    /// is not there. The files are durable when this returns, and whole for whoever sees them: several processes may
    /// do this at once and read the same keys afterwards.
    ///
    /// # Errors
    /// [`MasterKeyError`].
    pub fn create_missing(directory: &Path) -> Result<(), MasterKeyError> {
        let unusable = |source| MasterKeyError::Unusable { path: directory.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(unusable)?;
        for purpose in Purpose::ALL {
            let path = path_of(directory, purpose);
            if !path.try_exists().map_err(unusable)? {
                create_file(directory, &path)?;
            }
        }
        File::open(directory).and_then(|opened| opened.sync_all()).map_err(unusable)
    }
}

pub(super) fn path_of(directory: &Path, purpose: Purpose) -> PathBuf {
    directory.join(format!("master-{purpose}.key"))
}

fn read_file(path: &Path) -> Result<Vec<MasterKey>, MasterKeyError> {
    let unusable = |source| MasterKeyError::Unusable { path: path.to_owned(), source };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(MasterKeyError::Missing { path: path.to_owned() });
        }
        Err(error) => return Err(unusable(error)),
    };
    if file.metadata().map_err(unusable)?.permissions().mode() & 0o077 != 0 {
        return Err(MasterKeyError::Exposed { path: path.to_owned() });
    }
    let malformed = || MasterKeyError::Malformed { path: path.to_owned() };
    let mut text = Zeroizing::new(String::with_capacity(1024));
    file.read_to_string(&mut text).map_err(|error| match error.kind() {
        ErrorKind::InvalidData => malformed(),
        _ => unusable(error),
    })?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let keys: Vec<MasterKey> = lines.map(MasterKey::from_hex).collect::<Result<_, _>>().map_err(|_| malformed())?;
    if keys.is_empty() { Err(malformed()) } else { Ok(keys) }
}

/// Written under a name of its own and then linked to the real one, which fails when another process was first.
fn create_file(directory: &Path, path: &Path) -> Result<(), MasterKeyError> {
    let key = MasterKey::generate()?;
    let draft = directory.join(format!(".{}.key", key.id().0));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| {
            file.write_all(key.to_hex().as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()
        })
        .and_then(|()| match fs::hard_link(&draft, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        });
    // Only a draft that was never created is missing here; the first error tells why.
    let removed = fs::remove_file(&draft);
    written.and(removed).map_err(|source| MasterKeyError::Unusable { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn missing_keys_are_made_once_and_read_back() {
        let directory = directory();
        let inner = directory.path().join("keys");
        MasterKeys::create_missing(&inner).unwrap();
        let first = MasterKeys::read(&inner, &Purpose::ALL).unwrap();
        MasterKeys::create_missing(&inner).unwrap();
        let second = MasterKeys::read(&inner, &Purpose::ALL).unwrap();
        for purpose in Purpose::ALL {
            assert_eq!(first.first(purpose).unwrap().id(), second.first(purpose).unwrap().id());
        }
        assert_eq!(fs::read_dir(&inner).unwrap().count(), Purpose::ALL.len(), "no draft is left");
    }

    #[test]
    fn several_processes_may_make_the_keys_at_once() {
        let directory = directory();
        let path = directory.path();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| MasterKeys::create_missing(path).unwrap());
            }
        });
        assert_eq!(fs::read_dir(path).unwrap().count(), Purpose::ALL.len());
    }

    #[test]
    fn only_the_owner_can_read_a_new_file() {
        let directory = directory();
        MasterKeys::create_missing(directory.path()).unwrap();
        for entry in fs::read_dir(directory.path()).unwrap() {
            assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let directory = directory();
        MasterKeys::create_missing(directory.path()).unwrap();
        for mode in [0o640, 0o604] {
            let path = path_of(directory.path(), Purpose::Contact);
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let read = MasterKeys::read(directory.path(), &[Purpose::Contact]);
            assert!(matches!(read, Err(MasterKeyError::Exposed { .. })), "mode {mode:o}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let directory = directory();
        let read = MasterKeys::read(directory.path(), &[Purpose::Clinical]);
        assert!(matches!(read, Err(MasterKeyError::Missing { path }) if path.ends_with("master-clinical.key")));
    }

    #[test]
    fn what_is_there_and_cannot_be_opened_is_not_called_missing() {
        let directory = directory();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        let read = MasterKeys::read(&file, &[Purpose::Clinical]);
        assert!(matches!(read, Err(MasterKeyError::Unusable { .. })));
    }

    #[test]
    fn a_key_whose_file_cannot_be_made_is_an_error_and_leaves_no_draft() {
        let directory = directory();
        let path = directory.path().join("nowhere").join("master-account.key");
        assert!(matches!(create_file(directory.path(), &path), Err(MasterKeyError::Unusable { .. })));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_key_that_another_process_made_first_is_left_alone() {
        let directory = directory();
        MasterKeys::create_missing(directory.path()).unwrap();
        let path = path_of(directory.path(), Purpose::Account);
        let before = fs::read(&path).unwrap();
        create_file(directory.path(), &path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_file_that_is_no_text_is_malformed() {
        let directory = directory();
        MasterKeys::create_missing(directory.path()).unwrap();
        fs::write(path_of(directory.path(), Purpose::Account), [0xff; 64]).unwrap();
        let read = MasterKeys::read(directory.path(), &[Purpose::Account]);
        assert!(matches!(read, Err(MasterKeyError::Malformed { .. })));
    }

    #[test]
    fn a_file_without_a_key_is_refused() {
        let directory = directory();
        let path = path_of(directory.path(), Purpose::Account);
        for text in ["", "\n", "secret", &"0".repeat(63)] {
            OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&path)
                .unwrap()
                .write_all(text.as_bytes())
                .unwrap();
            let read = MasterKeys::read(directory.path(), &[Purpose::Account]);
            assert!(matches!(read, Err(MasterKeyError::Malformed { .. })), "{text}");
        }
    }

    #[test]
    fn a_file_may_hold_the_next_key_too() {
        let directory = directory();
        MasterKeys::create_missing(directory.path()).unwrap();
        let path = path_of(directory.path(), Purpose::Account);
        let before = MasterKeys::read(directory.path(), &[Purpose::Account]).unwrap();
        let next = MasterKey::generate().unwrap();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(next.to_hex().as_bytes()).unwrap();
        let after = MasterKeys::read(directory.path(), &[Purpose::Account]).unwrap();
        assert_eq!(after.first(Purpose::Account).unwrap().id(), before.first(Purpose::Account).unwrap().id());
        assert!(after.find(Purpose::Account, next.id()).is_some());
    }
}
