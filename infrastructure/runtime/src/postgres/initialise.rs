//! Making a new cluster: beside its place, then moved there, so that a half-made one is never taken for a cluster.
use super::binaries::Binaries;
use super::{ClusterError, ClusterOptions, STEPS, SUPERUSER, data};
use crate::child::Account;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// The major version that made the cluster in `data`; `None` when there is none.
pub(super) fn version(data: &Path) -> Result<Option<u32>, ClusterError> {
    let path = data.join("PG_VERSION");
    match fs::read_to_string(&path) {
        Ok(text) => match text.trim().parse() {
            Ok(major) => Ok(Some(major)),
            Err(_) => Err(ClusterError::Io { path: path.display().to_string(), reason: "not a version".to_owned() }),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ClusterError::io(&path)(error)),
    }
}

/// Makes the cluster of `options`, unless it is there.
pub(super) async fn initialise(
    options: &ClusterOptions,
    account: &Account,
    binaries: &Binaries,
    password: &str,
) -> Result<(), ClusterError> {
    let place = data(&options.directory);
    if place.exists() {
        return Ok(());
    }
    // What a killed start left.
    let draft = options.directory.join("data.new");
    let password_file = options.directory.join("password.new");
    remove(&draft, fs::remove_dir_all(&draft))?;
    remove(&password_file, fs::remove_file(&password_file))?;

    DirBuilder::new().mode(0o700).create(&draft).map_err(ClusterError::io(&draft))?;
    account.give(&draft)?;
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&password_file);
    file.and_then(|mut file| file.write_all(password.as_bytes())).map_err(ClusterError::io(&password_file))?;
    account.give(&password_file)?;

    let mut command = account.command(&binaries.initdb(), STEPS.first().map(|step| step.0));
    command.arg("-D").arg(&draft).arg("-U").arg(SUPERUSER);
    command.arg("--pwfile").arg(&password_file);
    // The collation "C" is the same in every operating system and version: no index ever breaks by an upgrade.
    command.args(["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-instructions"]);
    command.arg(if options.durable { "--data-checksums" } else { "--no-sync" });
    let ran = tokio::task::spawn_blocking(move || command.output()).await;
    let removed = fs::remove_file(&password_file);
    let failed = |reason| ClusterError::NotInitialised { directory: options.directory.display().to_string(), reason };
    let output = ran.map_err(|_| failed("initdb was not run".to_owned()))?;
    let output = output.map_err(ClusterError::io(&binaries.initdb()))?;
    removed.map_err(ClusterError::io(&password_file))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let line = said.lines().find(|line| line.contains("error:")).or_else(|| said.lines().next());
        return Err(failed(line.unwrap_or("it said nothing").trim().to_owned()));
    }
    fs::rename(&draft, &place).map_err(ClusterError::io(&place))
}

fn remove(path: &Path, removed: std::io::Result<()>) -> Result<(), ClusterError> {
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(ClusterError::io(path)(error)),
        _ => Ok(()),
    }
}
