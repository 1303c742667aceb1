//! A child's directory, which has one owner at a time, and its port.
use super::ChildError;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Makes `directory` and what is missing above it, open to the server's user whatever the umask says.
pub(crate) fn make_directory(directory: &Path) -> Result<(), ChildError> {
    let missing: Vec<&Path> = directory.ancestors().take_while(|ancestor| !ancestor.exists()).collect();
    for directory in missing.into_iter().rev().filter(|directory| !directory.as_os_str().is_empty()) {
        match fs::create_dir(directory) {
            // Another process made it meanwhile, and opens it.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            made => made.map_err(ChildError::io(directory))?,
        }
        fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).map_err(ChildError::io(directory))?;
    }
    Ok(())
}

/// The ownership of a directory, until it is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child that another thread is just starting has a copy of it for a moment.
        let _ = self.0.unlock();
    }
}

/// Makes this process the owner of `directory`.
pub(crate) fn lock(directory: &Path) -> Result<Lock, ChildError> {
    let path = directory.join("lock");
    let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
    let mut file = open.map_err(ChildError::io(&path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            let known = file.read_to_string(&mut owner).is_ok() && !owner.trim().is_empty();
            return Err(ChildError::InUse {
                directory: directory.display().to_string(),
                owner: if known { owner.trim().to_owned() } else { "unknown".to_owned() },
            });
        }
        Err(TryLockError::Error(error)) => return Err(ChildError::io(&path)(error)),
    }
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(ChildError::io(&path))?;
    Ok(Lock(file))
}

/// A port of 127.0.0.1 that nobody uses at this moment.
pub(crate) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
