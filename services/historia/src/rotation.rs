//! `keys rotate`: another master key for a purpose. Break-glass: the owner of the databases and of the files of secrets
//! does it, past the gateway, and that is recorded beside the keys before anything is touched.
//!
//! 1. It is recorded who begins, where and why.
//! 2. The next key is added to the purpose's file in every folder that has one, so whoever starts from here on holds
//!    both.
//! 3. Nobody may hold the last key alone: services that are connected have to be started anew first.
//! 4. Every data key is wrapped anew ([`PgVault::rotate_master`]); events and sealed records stay as they are.
//! 5. The last key is taken out of the files, and that it is over is recorded.
//!
//! Stopped anywhere it goes on where it was when it is called again: the last line of a file with several is the next.
use crate::break_glass::intruder;
use crate::cli::RotateArgs;
use crate::data_directory::DataDirectory;
use crate::databases::Databases;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::platform::{KEYS_DATABASE, keys_migration_set};
use crate::secrets::names;
use domain_kernel::ports::Purpose;
use infra_runtime::database;
use infra_vault::break_glass::{self, Deed, Intruder, Touched};
use infra_vault::{MasterKey, MasterKeys, PgVault};
use sqlx::PgPool;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Rotates a purpose's master key.
///
/// # Errors
/// It is not said to be meant; services hold the last key alone; the files or the databases cannot be used.
pub(crate) async fn rotate(arguments: RotateArgs) -> Result<(), Failure> {
    let by = intruder(arguments.break_glass, &arguments.reason, "the databases and the files of secrets")?;
    let purpose = Purpose::from(arguments.purpose);
    let folders = folders(&arguments, purpose)?;
    let databases = Databases::attach(&arguments.store).await?;
    let rotated = async {
        let pool = databases.owner_pool(KEYS_DATABASE).await?;
        let rotated = rotate_in(&pool, &folders, purpose, &by, arguments.restarted).await;
        pool.close().await;
        rotated
    };
    let rotated = rotated.await;
    databases.stop().await?;
    let (key, rewrapped) = rotated?;
    output::line(format!("{rewrapped} {purpose} keys are wrapped anew, under master key {}", key.id().0))
}

/// Every folder with a master key of `purpose`.
fn folders(arguments: &RotateArgs, purpose: Purpose) -> Result<Vec<PathBuf>, Failure> {
    let root = match &arguments.secrets_dir {
        Some(directory) => directory.clone(),
        None => {
            let data = DataDirectory::locate(arguments.store.data_dir.as_deref())?;
            data.require()?;
            data.secrets()
        }
    };
    let failed = |error: std::io::Error| Failure::of(&root.display().to_string(), &error);
    let mut candidates = vec![root.clone()];
    for entry in std::fs::read_dir(&root).map_err(failed)? {
        candidates.push(entry.map_err(failed)?.path());
    }
    let file = names::master_key(purpose);
    let folders: Vec<PathBuf> = candidates.into_iter().filter(|folder| folder.join(&file).is_file()).collect();
    if folders.is_empty() {
        return Err(Failure::not_found(format!("there is no {file} in {} or a folder in it", root.display())));
    }
    Ok(folders)
}

async fn rotate_in(
    pool: &PgPool,
    folders: &[PathBuf],
    purpose: Purpose,
    by: &Intruder,
    restarted: bool,
) -> Result<(MasterKey, u64), Failure> {
    database::wait_for_schema(pool, &keys_migration_set(), Duration::ZERO).await?;
    let held = held(folders, purpose)?;
    break_glass::record(pool, Deed::RotationBegun, &Touched::Keys(purpose), by).await?;
    output::note(format!("break-glass: recorded as {} on {}", by.os_user, by.host));
    let (keys, next) = with_next(held, purpose)?;
    for folder in folders {
        MasterKeys::replace(folder, purpose, keys.of(purpose))?;
    }
    let sessions = if restarted { 0 } else { break_glass::sessions(pool).await? };
    if sessions > 0 {
        return Err(Failure::ending(
            Exit::Busy,
            format!(
                "services hold the last {purpose} key alone ({sessions} sessions): the next one is in the files now; stop \
                 them and call this again, or start each anew and call this again with --restarted"
            ),
        ));
    }
    let rewrapped = PgVault::open(pool.clone(), keys).await?.rotate_master(purpose, &next).await?;
    for folder in folders {
        MasterKeys::replace(folder, purpose, [&next])?;
    }
    break_glass::record(pool, Deed::RotationDone, &Touched::Keys(purpose), by).await?;
    Ok((next, rewrapped))
}

/// The keys in the folders' files. A rotation that was stopped while it wrote them left some with fewer lines, which
/// are the beginning or the end of the longest.
fn held(folders: &[PathBuf], purpose: Purpose) -> Result<MasterKeys, Failure> {
    let all = folders
        .iter()
        .map(|folder| Ok((folder, MasterKeys::read(folder, &[purpose])?)))
        .collect::<Result<Vec<(&PathBuf, MasterKeys)>, Failure>>()?;
    let longest = all.iter().map(|(_, keys)| keys).max_by_key(|keys| keys.of(purpose).count()).cloned();
    let longest = longest.unwrap_or_default();
    for (folder, keys) in &all {
        if !keys.of(purpose).all(|key| longest.find(purpose, key.id()).is_some()) {
            return Err(differs(folder, purpose));
        }
    }
    Ok(longest)
}

fn differs(folder: &Path, purpose: Purpose) -> Failure {
    let file = folder.join(names::master_key(purpose));
    Failure::new(format!("{} holds a key that the other folders do not hold: they must agree first", file.display()))
}

/// The keys with the next one as the last: the one that a stopped rotation has made, or a new one.
fn with_next(held: MasterKeys, purpose: Purpose) -> Result<(MasterKeys, MasterKey), Failure> {
    let last = held.of(purpose).last().cloned();
    match last {
        Some(next) if held.of(purpose).count() > 1 => Ok((held, next)),
        _ => {
            let next = MasterKey::generate()?;
            Ok((held.with(purpose, next.clone()), next))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PURPOSE: Purpose = Purpose::Contact;

    fn folder(keys: &[&MasterKey]) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        MasterKeys::create_missing(directory.path()).unwrap();
        MasterKeys::replace(directory.path(), PURPOSE, keys.iter().copied()).unwrap();
        let path = directory.path().to_owned();
        (directory, path)
    }

    #[test]
    fn folders_that_a_stopped_rotation_left_in_between_are_one_set_of_keys() {
        let (last, next) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
        for shorter in [&last, &next] {
            let (_one, one) = folder(&[shorter]);
            let (_both, both) = folder(&[&last, &next]);
            let (keys, found) = with_next(held(&[one, both], PURPOSE).unwrap(), PURPOSE).unwrap();
            assert_eq!(found.id(), next.id(), "the rotation goes on with the key that it has made");
            assert_eq!(keys.of(PURPOSE).count(), 2);
        }
    }

    #[test]
    fn a_rotation_that_begins_makes_another_key() {
        let (last, other) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
        let (_one, one) = folder(&[&last]);
        let (keys, next) = with_next(held(std::slice::from_ref(&one), PURPOSE).unwrap(), PURPOSE).unwrap();
        assert_ne!(next.id(), last.id());
        assert_eq!(keys.of(PURPOSE).map(MasterKey::id).collect::<Vec<_>>(), [last.id(), next.id()]);
        let (_stranger, stranger) = folder(&[&other]);
        assert!(held(&[one, stranger], PURPOSE).is_err(), "folders with different keys are refused");
    }
}
