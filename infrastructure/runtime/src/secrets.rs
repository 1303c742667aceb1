//! Secrets in files: one per file, in a directory that only their owner may look into.
//!
//! What always holds: the directory is 0700 and a file 0600, or nothing is read from them; a file is written whole or
//! not at all; a secret that exists is never written again.
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Longest secret that is read, in bytes: a key or a password, not a document.
const LONGEST: u64 = 64 * 1024;

/// A directory of secrets.
#[derive(Clone, Debug)]
pub struct SecretsDirectory {
    path: PathBuf,
    creates: bool,
}

/// Why a secret is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Others than the owner may read it.
    #[error("{path} can be read by others: run `chmod {mode} {path}`")]
    Exposed {
        /// The file or directory.
        path: String,
        /// The mode that it should have.
        mode: &'static str,
    },
    /// It belongs to another user, who can read it.
    #[error("{path} belongs to another user: run `chown {user} {path}`")]
    OtherOwner {
        /// The file or directory.
        path: String,
        /// The number of this process's user.
        user: u32,
    },
    /// It is not there, and this process is not the one to make it.
    #[error("the secret {path} is missing")]
    Missing {
        /// The file or directory.
        path: String,
    },
    /// What is in the file is not what it should be.
    #[error("{path} is not a secret of the expected form: {expected}")]
    Malformed {
        /// The file.
        path: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// A name that is no plain file name.
    #[error("{name:?} is no name for a secret: a-z, 0-9, '-', '_' and '.' are allowed")]
    Name {
        /// The name.
        name: String,
    },
    /// The operating system does not let us.
    #[error("{path} cannot be used")]
    Io {
        /// The file or directory.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The operating system gives no randomness.
    #[error("the operating system gives no random bytes")]
    Random,
}

impl SecretsDirectory {
    /// The directory at `path`, made (0700) when it is missing; a secret is made at its first use.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn open(path: &Path) -> Result<Self, SecretError> {
        match DirBuilder::new().mode(0o700).recursive(false).create(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(io_error(path, error)),
        }
        Self::checked(path, true)
    }

    /// The directory at `path`, which must be there with every secret in it: nothing is made.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn existing(path: &Path) -> Result<Self, SecretError> {
        Self::checked(path, false)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the secret `name` is (or would be).
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// 32 bytes, kept as 64 hexadecimal digits: a key.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn bytes32(&self, name: &str) -> Result<[u8; 32], SecretError> {
        let text = self.text(name)?;
        from_hex(&text)
            .ok_or_else(|| SecretError::Malformed { path: shown(&self.file(name)), expected: "64 hexadecimal digits" })
    }

    /// A text, without the line's end: a password. One that is made here is 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn text(&self, name: &str) -> Result<String, SecretError> {
        match self.read(name)? {
            Some(text) => Ok(text),
            None if self.creates => self.store(name, &random_hex()?),
            None => Err(SecretError::Missing { path: shown(&self.file(name)) }),
        }
    }

    /// The secret `name`; `None` when there is none. Never makes one.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn read(&self, name: &str) -> Result<Option<String>, SecretError> {
        checked_name(name)?;
        match read_file(&self.file(name)) {
            Ok(text) => Ok(Some(text)),
            Err(SecretError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps `text` as `name`, unless there is such a secret already; gives what is kept. Of two processes that do it
    /// at the same time both get the same.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn store(&self, name: &str, text: &str) -> Result<String, SecretError> {
        checked_name(name)?;
        let file = self.file(name);
        let draft = self.path.join(format!(".{name}.{}", random_hex()?));
        let written = write_draft(&draft, text).and_then(|()| match fs::hard_link(&draft, &file) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        });
        let removed = fs::remove_file(&draft);
        written
            .and(removed)
            .and_then(|()| File::open(&self.path)?.sync_all())
            .map_err(|error| io_error(&file, error))?;
        read_file(&file)
    }

    fn checked(path: &Path, creates: bool) -> Result<Self, SecretError> {
        let metadata = fs::metadata(path).map_err(|error| io_error(path, error))?;
        check_private(path, &metadata, "700")?;
        Ok(Self { path: path.to_owned(), creates })
    }
}

/// Reads the secret in the file at `path`, without the line's end; such as one that a container platform put there.
///
/// # Errors
/// [`SecretError`]; a file that others may read is refused.
pub fn read_file(path: &Path) -> Result<String, SecretError> {
    let file = File::open(path).map_err(|error| io_error(path, error))?;
    // The opened file's own metadata: what is checked is what is read.
    let metadata = file.metadata().map_err(|error| io_error(path, error))?;
    check_private(path, &metadata, "600")?;
    let malformed = || SecretError::Malformed { path: shown(path), expected: "one line of text" };
    if metadata.len() > LONGEST || !metadata.is_file() {
        return Err(malformed());
    }
    let text = io::read_to_string(file).map_err(|error| io_error(path, error))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() { Err(malformed()) } else { Ok(text.to_owned()) }
}

fn check_private(path: &Path, metadata: &fs::Metadata, mode: &'static str) -> Result<(), SecretError> {
    let user = nix::unistd::geteuid().as_raw();
    if metadata.uid() != user {
        return Err(SecretError::OtherOwner { path: shown(path), user });
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(SecretError::Exposed { path: shown(path), mode });
    }
    Ok(())
}

fn write_draft(draft: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

fn checked_name(name: &str) -> Result<(), SecretError> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || name.starts_with('.') || !name.bytes().all(allowed) {
        return Err(SecretError::Name { name: name.to_owned() });
    }
    Ok(())
}

/// 32 bytes of the operating system's randomness, in hexadecimal.
///
/// # Errors
/// [`SecretError::Random`].
pub fn random_hex() -> Result<String, SecretError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| SecretError::Random)?;
    Ok(bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        use fmt::Write;
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let high = char::from(digits[0]).to_digit(16)?;
        let low = char::from(digits[1]).to_digit(16)?;
        *byte = u8::try_from(high << 4 | low).ok()?;
    }
    Some(bytes)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn io_error(path: &Path, source: io::Error) -> SecretError {
    if source.kind() == io::ErrorKind::NotFound {
        return SecretError::Missing { path: shown(path) };
    }
    SecretError::Io { path: shown(path), source }
}
