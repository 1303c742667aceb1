//! The session of whoever logged in: a file of theirs (0600) with the tokens.
//!
//! A refresh token is used once, and using it twice ends the session: so whoever refreshes holds a lock, and what was
//! given is on the disk before it is used.
use crate::exit::Exit;
use crate::failure::Failure;
use serde::{Deserialize, Serialize};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Tokens, and what they are for. No `Debug`: they are secrets.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Session {
    pub url: String,
    pub user: String,
    /// The authority's certificate file, if it is no public one.
    pub certificate_file: Option<PathBuf>,
    pub access_token: String,
    pub refresh_token: String,
    /// When the access token ends, in seconds since 1970.
    pub expires_at: i64,
}

/// Where it is kept.
#[derive(Clone, Debug)]
pub(super) struct SessionFile(PathBuf);

impl SessionFile {
    /// `historia/session.json` in the user's configuration folder.
    ///
    /// # Errors
    /// There is no home to put it into.
    pub(super) fn of_user() -> Result<Self, Failure> {
        let given = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
        let folder = given.or(home).ok_or_else(|| {
            Failure::new("no home directory to keep the session in: say where with the variable XDG_CONFIG_HOME")
        })?;
        Ok(Self(folder.join("historia/session.json")))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The session of whoever is logged in.
    ///
    /// # Errors
    /// Nobody is, or the file cannot be read.
    pub(super) fn read(&self) -> Result<Session, Failure> {
        match std::fs::read_to_string(&self.0) {
            Ok(text) => serde_json::from_str(&text)
                .map_err(|_| Failure::new(format!("{} is no session: run `historia login` again", self.0.display()))),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(Failure::ending(
                Exit::NotAuthorised,
                "nobody is logged in: run `historia login --url http://localhost:8080 --user NAME`",
            )),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Keeps `session`, for this user's eyes alone.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn write(&self, session: &Session) -> Result<(), Failure> {
        self.make_folder()?;
        let draft = self.0.with_extension("draft");
        let text = serde_json::to_string_pretty(session)?;
        let written = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&draft)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            })
            .and_then(|()| std::fs::rename(&draft, &self.0));
        written.map_err(|error| self.failed(&error))
    }

    /// Forgets it.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub(super) fn remove(&self) -> Result<(), Failure> {
        match std::fs::remove_file(&self.0) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.failed(&error)),
            _ => Ok(()),
        }
    }

    /// Waits until nobody else changes the session; it is theirs as long as the answer lives.
    ///
    /// # Errors
    /// The lock's file cannot be made.
    pub(super) fn lock(&self) -> Result<File, Failure> {
        self.make_folder()?;
        let lock = self.0.with_extension("lock");
        let locked = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(lock);
        let locked = locked.and_then(|file| file.lock().map(|()| file));
        locked.map_err(|error| self.failed(&error))
    }

    fn make_folder(&self) -> Result<(), Failure> {
        let Some(folder) = self.0.parent() else { return Ok(()) };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &std::io::Error) -> Failure {
        Failure::of(&self.0.display().to_string(), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_session_is_readable_for_its_owner_alone_and_gone_after_the_logout() {
        let folder = tempfile::tempdir().unwrap();
        let file = SessionFile(folder.path().join("historia/session.json"));
        assert_eq!(file.read().map(drop).unwrap_err().exit, Exit::NotAuthorised);
        let session = Session {
            url: "http://localhost:8080".to_owned(),
            user: "admin".to_owned(),
            certificate_file: None,
            access_token: "a".to_owned(),
            refresh_token: "r".to_owned(),
            expires_at: 7,
        };
        file.write(&session).unwrap();
        file.write(&session).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(file.path()), mode(file.path().parent().unwrap())), (0o600, 0o700));
        assert_eq!(file.read().map(|session| session.expires_at).unwrap_or_default(), 7);
        file.remove().unwrap();
        file.remove().unwrap();
        assert_eq!(file.read().map(drop).unwrap_err().exit, Exit::NotAuthorised);
    }
}
