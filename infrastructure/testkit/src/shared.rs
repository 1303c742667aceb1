//! A server that all test executables of a run share: started by the first, joined by the others, stopped by a guardian
//! after the last.
//!
//! ```text
//! PLACE/lock        held while a test executable starts the server or joins it
//!       users/PID   one per test executable
//!       guardian    the process that stops the server after the last of them
//!       stopping    that it does so now
//!       stop        asks it not to wait for later users
//! ```
mod guardian;

use infra_vault::BlindIndex;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// How the guardian knows the server of a place, and what it does in the end.
pub(crate) struct Guarded {
    /// The file with the server's process id in its first line, below the place.
    pub(crate) pid_file: &'static str,
    /// The path, below the place, that the command line of this very server has and no other's.
    pub(crate) known_by: &'static str,
    /// The signal that stops it, such as `QUIT`: nothing is kept, so the quickest.
    pub(crate) signal: &'static str,
    /// What is thrown away once it is stopped, as patterns below the place.
    pub(crate) thrown_away: &'static [&'static str],
}

/// What `find` gives, the same for every test of this executable.
pub(crate) async fn once<T: Send + Sync>(
    cell: &'static OnceLock<T>,
    find: impl AsyncFnOnce() -> T + Send + 'static,
) -> &'static T {
    // A thread and a runtime of its own: the test that came first may end before the others need the server.
    let found = tokio::task::spawn_blocking(move || {
        cell.get_or_init(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
            runtime.block_on(find())
        })
    });
    found.await.expect("there is a server for the tests")
}

/// Enters this executable as a user of `place`; gives the lock, to be held until the server is there.
pub(crate) async fn enter(place: &Path) -> File {
    let users = place.join("users");
    fs::create_dir_all(&users).expect("the tests' directory can be made");
    let lock = File::create(place.join("lock")).expect("the tests' directory can be written");
    lock.lock().expect("the tests' directory can be locked");
    // First the entry, then the look at the server: the guardian looks in the opposite order.
    fs::write(users.join(std::process::id().to_string()), "").expect("the tests' directory can be written");
    guardian::wait_while_it_stops(place).await;
    lock
}

/// Makes sure that the server of `place` is stopped after its last user. Called with the lock held.
pub(crate) fn guard(place: &Path, guarded: &Guarded) {
    guardian::ensure(place, guarded);
}

/// Removes what a server that is gone left.
pub(crate) fn throw_away(left_over: &Path) {
    if left_over.exists() {
        fs::remove_dir_all(left_over).expect("what an earlier run left can be removed");
    }
}

/// `TARGET/debug/testkit`, from an executable at `TARGET/debug/deps/NAME`.
pub(crate) fn beside_executable() -> PathBuf {
    let executable = std::env::current_exe().expect("an executable knows where it is");
    let deps = executable.ancestors().find(|ancestor| ancestor.ends_with("deps"));
    deps.and_then(Path::parent).map_or_else(std::env::temp_dir, Path::to_owned).join("testkit")
}

/// In place of `place`, for a server whose user cannot reach that.
pub(crate) fn elsewhere(place: &Path) -> PathBuf {
    let name = hex(&BlindIndex::new([0; 32]).digest(&[place.as_os_str().as_encoded_bytes()]));
    std::env::temp_dir().join(format!("historia-testkit-{name}"))
}

/// The first 64 bits of a digest, as hexadecimal digits.
pub(crate) fn hex(digest: &[u8; 32]) -> String {
    digest[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}
