//! The built binary, running `up` on a data directory of its own.
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The binary under test.
pub(crate) const HISTORIA: &str = env!("CARGO_BIN_EXE_historia");

/// A data directory that goes away with the test; reachable for the user that PostgreSQL runs as.
pub(crate) struct DataDirectory(tempfile::TempDir);

impl DataDirectory {
    pub(crate) fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("historia-test-").tempdir_in("/tmp").unwrap();
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        Self(directory)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("data")
    }

    /// Where the platform's own output goes.
    pub(crate) fn log(&self) -> PathBuf {
        self.0.path().join("up.log")
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }
}

/// A running platform; killed when dropped.
pub(crate) struct Platform {
    child: Child,
    pub(crate) url: String,
}

impl Platform {
    /// Starts `up` and waits for its first answer.
    pub(crate) fn up(data: &DataDirectory, arguments: &[&str]) -> Self {
        let url_file = data.root().join("url");
        let _ = std::fs::remove_file(&url_file);
        let log = std::fs::OpenOptions::new().create(true).append(true).open(data.log()).unwrap();
        let mut child = Command::new(HISTORIA)
            .args(["up", "--port", "0", "--data-dir"])
            .arg(data.path())
            .arg("--url-file")
            .arg(&url_file)
            .args(arguments)
            .env("HISTORIA_LOG", "info")
            .env_remove("HISTORIA_DATABASE_URL")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(90);
        loop {
            let url = std::fs::read_to_string(&url_file).unwrap_or_default();
            if url.starts_with("http") {
                return Self { child, url: url.trim().to_owned() };
            }
            let ended = child.try_wait().unwrap();
            let log = || std::fs::read_to_string(data.log()).unwrap_or_default();
            assert!(ended.is_none(), "`up` ended: {}", log());
            assert!(Instant::now() < deadline, "`up` does not answer: {}", log());
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    pub(crate) fn kill_9(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Whether it was stopped by somebody else, and ended as it should.
    pub(crate) fn has_ended_well(mut self) -> bool {
        self.child.wait().unwrap().success()
    }

    /// Stops as Ctrl-C does; the exit has to be clean.
    pub(crate) fn interrupt(mut self) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
        assert!(self.child.wait().unwrap().success(), "Ctrl-C did not end `up` cleanly");
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs another verb on `data`.
pub(crate) fn historia(data: &DataDirectory, arguments: &[&str]) -> Output {
    Command::new(HISTORIA)
        .args(arguments)
        .env("HISTORIA_DATA_DIR", data.path())
        .env_remove("HISTORIA_DATABASE_URL")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// The mails in the mailbox, a file each, by Message-ID.
pub(crate) fn mails(data: &DataDirectory) -> usize {
    let Ok(files) = std::fs::read_dir(data.path().join("mailbox")) else { return 0 };
    files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|ending| ending == "eml")).count()
}

/// The demo administrator's password, from the file that `up` names.
pub(crate) fn administrator_password(data: &DataDirectory) -> String {
    let file = data.path().join("secrets/administrator-password");
    std::fs::read_to_string(file).unwrap().trim().to_owned()
}
