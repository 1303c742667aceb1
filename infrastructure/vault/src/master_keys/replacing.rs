//! Other keys in a master key's file: the next one beside the last, and the next one alone once the rotation is over.
//!
//! The file is replaced whole, with its owner and mode, so a reader sees the keys before or after and never a part.
use super::files::path_of;
use super::{MasterKey, MasterKeyError};
use domain_kernel::ports::Purpose;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

impl super::MasterKeys {
    /// Makes `keys` the lines of the file of `purpose` in `directory`, in that order; durable when this returns.
    ///
    /// # Errors
    /// [`MasterKeyError`]: there is no such file, or it cannot be replaced.
    pub fn replace<'k>(
        directory: &Path,
        purpose: Purpose,
        keys: impl IntoIterator<Item = &'k MasterKey>,
    ) -> Result<(), MasterKeyError> {
        let path = path_of(directory, purpose);
        let draft = directory.join(format!(".{purpose}.next"));
        let replaced = write(&path, &draft, keys).and_then(|()| {
            fs::rename(&draft, &path)?;
            File::open(directory)?.sync_all()
        });
        if replaced.is_err() {
            // It may hold keys. When it was never made there is nothing to remove; the first error tells why.
            let _ = fs::remove_file(&draft);
        }
        replaced.map_err(|source| MasterKeyError::Unusable { path, source })
    }
}

fn write<'k>(path: &Path, draft: &Path, keys: impl IntoIterator<Item = &'k MasterKey>) -> std::io::Result<()> {
    let owner = fs::metadata(path)?;
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(draft)?;
    fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
    for key in keys {
        file.write_all(key.to_hex().as_bytes())?;
        file.write_all(b"\n")?;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MasterKeyId, MasterKeys};
    use std::os::unix::fs::PermissionsExt;

    fn ids(directory: &Path) -> Vec<MasterKeyId> {
        let keys = MasterKeys::read(directory, &[Purpose::Contact]).unwrap();
        keys.of(Purpose::Contact).map(MasterKey::id).collect()
    }

    #[test]
    fn the_keys_of_a_file_are_replaced_in_their_order() {
        let directory = tempfile::tempdir().unwrap();
        MasterKeys::create_missing(directory.path()).unwrap();
        let (last, next) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
        MasterKeys::replace(directory.path(), Purpose::Contact, [&last, &next]).unwrap();
        assert_eq!(ids(directory.path()), [last.id(), next.id()]);
        MasterKeys::replace(directory.path(), Purpose::Contact, [&next]).unwrap();
        assert_eq!(ids(directory.path()), [next.id()]);
        let mode = fs::metadata(path_of(directory.path(), Purpose::Contact)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), Purpose::ALL.len(), "no draft is left");
    }

    #[test]
    fn a_file_that_is_not_there_is_not_made() {
        let directory = tempfile::tempdir().unwrap();
        let key = MasterKey::generate().unwrap();
        let refused = MasterKeys::replace(directory.path(), Purpose::Contact, [&key]);
        assert!(matches!(refused, Err(MasterKeyError::Unusable { .. })));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
