//! Pulsar's jars: fetched once, checked at every start.
//!
//! ```text
//! HOME/lock            held while jars are fetched
//!      VERSION/        the jars; complete, or not there
//!      VERSION/files   the mark: what they were fetched by, and each one's size and name
//!      VERSION.new/    what is being fetched, or was when its process was killed
//!      maven.log       what Maven said
//! ```
use super::java::Java;
use super::{PulsarError, VERSION, maven};
use crate::child::make_directory;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{self, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Tells where the jars are, or shall be.
const HOME: &str = "HISTORIA_PULSAR_HOME";
const MARK: &str = "files";

/// The directory of the jars; fetches them unless they are there. Of several processes that need them one fetches.
pub(super) async fn ensure(java: &Java) -> Result<PathBuf, PulsarError> {
    let home = home()?;
    let place = home.join(VERSION);
    if is_complete(&place) {
        return Ok(place);
    }
    let java = java.clone();
    let fetched = tokio::task::spawn_blocking(move || fetch(&home, &java)).await;
    fetched.unwrap_or_else(|error| Err(PulsarError::io(&place)(io::Error::other(error))))
}

fn fetch(home: &Path, java: &Java) -> Result<PathBuf, PulsarError> {
    make_directory(home)?;
    let lock = home.join("lock");
    let file = File::create(&lock).map_err(PulsarError::io(&lock))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            maven::say("waiting for another process that fetches Pulsar's jars");
            file.lock().map_err(PulsarError::io(&lock))?;
        }
        Err(TryLockError::Error(error)) => return Err(PulsarError::io(&lock)(error)),
    }
    let place = home.join(VERSION);
    // Another process may have fetched them while this one waited.
    if is_complete(&place) {
        return Ok(place);
    }
    let draft = home.join(format!("{VERSION}.new"));
    remove(&draft)?;
    fs::create_dir(&draft).map_err(PulsarError::io(&draft))?;
    maven::copy_jars(java, &draft, &home.join("maven.log"))?;
    let mark = draft.join(MARK);
    seal(&draft).and_then(|text| fs::write(&mark, text)).map_err(PulsarError::io(&draft))?;
    open_to_all(&draft).map_err(PulsarError::io(&draft))?;
    remove(&place)?;
    fs::rename(&draft, &place).map_err(PulsarError::io(&place))?;
    Ok(place)
}

/// Where jars are kept, as the user wishes or as is usual.
fn home() -> Result<PathBuf, PulsarError> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = if let Some(home) = set(HOME) {
        home
    } else if nix::unistd::geteuid().is_root() {
        PathBuf::from("/var/cache/historia/pulsar")
    } else {
        let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
        cache.ok_or(PulsarError::NoCache)?.join("historia/pulsar")
    };
    std::path::absolute(&home).map_err(PulsarError::io(&home))
}

/// Whether every jar that was fetched is there, at its size.
fn is_complete(place: &Path) -> bool {
    let Ok(mark) = fs::read_to_string(place.join(MARK)) else { return false };
    let mut lines = mark.lines();
    lines.next() == Some(&by_what())
        && lines.all(|line| {
            line.split_once(' ').is_some_and(|(size, name)| {
                fs::metadata(place.join(name)).is_ok_and(|file| file.is_file() && size.parse() == Ok(file.len()))
            })
        })
}

/// The mark of the jars in `place`.
fn seal(place: &Path) -> io::Result<String> {
    let mut names = names(place)?;
    names.sort();
    let mut text = by_what();
    for name in names {
        let size = fs::metadata(place.join(&name))?.len();
        let _ = write!(text, "\n{size} {name}");
    }
    text.push('\n');
    Ok(text)
}

/// By which project file jars were fetched: another one asks for others.
fn by_what() -> String {
    let digest = Sha256::digest(maven::POM);
    digest.iter().fold("pom ".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn names(place: &Path) -> io::Result<Vec<String>> {
    let name = |entry: io::Result<fs::DirEntry>| {
        entry?.file_name().into_string().map_err(|_| io::Error::other("a file's name is not text"))
    };
    fs::read_dir(place)?.map(name).collect()
}

/// The broker runs as another user than who fetched, and reads them.
fn open_to_all(place: &Path) -> io::Result<()> {
    for name in names(place)? {
        fs::set_permissions(place.join(name), Permissions::from_mode(0o644))?;
    }
    fs::set_permissions(place, Permissions::from_mode(0o755))
}

fn remove(path: &Path) -> Result<(), PulsarError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(PulsarError::io(path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jars_are_complete_only_when_every_one_is_there_at_its_size() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path();
        assert!(!is_complete(place));
        fs::write(place.join("a.jar"), "aa").unwrap();
        fs::write(place.join("b.jar"), "bbb").unwrap();
        assert!(!is_complete(place), "no mark yet");
        let mark = seal(place).unwrap();
        fs::write(place.join(MARK), &mark).unwrap();
        assert!(is_complete(place));
        fs::write(place.join("b.jar"), "b").unwrap();
        assert!(!is_complete(place), "one is cut off");
        fs::write(place.join("b.jar"), "bbb").unwrap();
        assert!(is_complete(place));
        fs::remove_file(place.join("a.jar")).unwrap();
        assert!(!is_complete(place), "one is gone");
    }

    #[test]
    fn jars_of_another_project_file_are_fetched_again() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(MARK), "pom 00\n").unwrap();
        assert!(!is_complete(directory.path()));
    }
}
