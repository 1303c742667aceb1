//! Stops the server after its last user, also when that was killed.
//!
//! A shell loop, because it must outlive every test executable. It marks that it is about to stop and then looks for
//! users once more; a test executable enters itself as a user and then looks for the mark: one of them always sees the
//! other.
use super::Guarded;
use crate::wait_for;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const SCRIPT: &str = include_str!("guardian.sh");

/// Starts the guardian of `place`, unless it has one. Called with the lock of `place` held.
pub(super) fn ensure(place: &Path, guarded: &Guarded) {
    if lives(&place.join("guardian")) {
        return;
    }
    #[expect(clippy::zombie_processes, reason = "it ends after this process, which therefore cannot wait for it")]
    let guardian = Command::new("sh")
        .args(["-c", SCRIPT, "historia-testkit-guardian"])
        .arg(place)
        .args([guarded.pid_file, guarded.known_by, guarded.signal])
        .args(guarded.thrown_away)
        // Nobody waits for the end of its output, and an interrupt of the test run does not reach it.
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("there is a shell");
    fs::write(place.join("guardian"), guardian.id().to_string()).expect("the tests' directory can be written");
}

/// Returns once the server of `place` is not being stopped (any more).
pub(super) async fn wait_while_it_stops(place: &Path) {
    let mark = place.join("stopping");
    wait_for("the end of the server of an earlier run", Duration::from_secs(60), async || {
        if !mark.exists() {
            return Some(());
        }
        if !lives(&mark) {
            // Killed while it stopped the server. Gone already when it just finished.
            let _ = fs::remove_file(&mark);
        }
        None
    })
    .await;
}

/// Whether the process that wrote its number into `file` lives.
fn lives(file: &Path) -> bool {
    let Ok(text) = fs::read_to_string(file) else { return false };
    let Ok(pid) = text.trim().parse() else { return false };
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None).is_ok()
}
