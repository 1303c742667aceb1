//! Processes that this program starts: each dies with it, and each can be killed, frozen and thawed by its own id.
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User};
use platform::Failure;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a process may take to end when it was asked to.
const END: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);

/// A child and its log.
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts `command`; what it says is added to the file `log`.
    pub fn start(mut command: Command, log: &Path) -> Result<Self, Failure> {
        let log = OpenOptions::new().create(true).append(true).open(log)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(Self { child: command.spawn()? })
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends `signal` unless the process is gone.
    pub fn signal(&mut self, signal: Signal) -> Result<(), Failure> {
        if self.is_running() {
            kill(Pid::from_raw(self.child.id().try_into()?), signal)?;
        }
        Ok(())
    }

    /// Ends it as a crash would; returns when it is gone.
    pub fn kill_9(&mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end with `signal`; whether it ended well. One that does not end is killed.
    pub async fn end(&mut self, signal: Signal) -> Result<bool, Failure> {
        self.signal(Signal::SIGCONT)?;
        self.signal(signal)?;
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.success());
            }
            if begun.elapsed() > END {
                self.kill_9()?;
                return Ok(false);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that dies with this program, as `user` where root has to step down.
pub fn dying_with_us(program: &Path, user: Option<&str>) -> Command {
    let mut command = Command::new("setpriv");
    if let Some(user) = user {
        let group = User::from_name(user).ok().flatten().map_or(user.to_owned(), |user| user.gid.to_string());
        command.arg(format!("--reuid={user}")).arg(format!("--regid={group}")).arg("--clear-groups");
    }
    command.arg("--pdeathsig=KILL").arg("--").arg(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("LC_ALL", "C").env("TZ", "UTC").env("NO_COLOR", "1").current_dir("/");
    command
}

/// The first of `names` that is a user of this machine; `None` when this is not root.
pub fn lesser_user(names: &[&'static str]) -> Result<Option<&'static str>, Failure> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(None);
    }
    let found = names.iter().find(|name| matches!(User::from_name(name), Ok(Some(_))));
    found.copied().map(Some).ok_or_else(|| format!("there is none of the users {names:?}").into())
}

/// Makes `path` the user's.
pub fn give(path: &Path, user: Option<&str>) -> Result<(), Failure> {
    if let Some(user) = user {
        run(Command::new("chown").arg("-R").arg(user).arg(path))?;
    }
    Ok(())
}

/// Runs a command that ends by itself; what it printed.
pub fn run(command: &mut Command) -> Result<String, Failure> {
    told(command, "")
}

/// The same, with `text` to read.
pub fn told(command: &mut Command, text: &str) -> Result<String, Failure> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // One that ends without reading says why.
        let _ = input.write_all(text.as_bytes());
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let program = command.get_program().to_string_lossy().into_owned();
    Err(format!("{program} ({}): {}{}", output.status, String::from_utf8_lossy(&output.stdout), said.trim()).into())
}

/// A port of 127.0.0.1 that nobody uses.
pub fn free_port() -> Result<u16, Failure> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
