//! The runs of one rebuild, each a process of its own.
use platform::Failure;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};

/// How often it is looked where a run is.
const LOOK: Duration = Duration::from_millis(20);

/// Runs a verb on the data in `folder`, to its end; what it printed.
pub async fn historia(binary: &str, folder: &Path, verb: &[&str]) -> Result<String, Failure> {
    let output = command(binary, folder, verb).stderr(Stdio::piped()).output().await?;
    if !output.status.success() {
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        return Err(format!("historia {}: {}", verb.join(" "), String::from_utf8_lossy(&said)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn command(binary: &str, folder: &Path, verb: &[&str]) -> Command {
    let mut command = Command::new(binary);
    command.args(verb).arg("--data-dir").arg(folder.join("data")).stdin(Stdio::null()).stdout(Stdio::piped());
    command.kill_on_drop(true);
    command
}

/// Everything that ran.
pub struct Runs {
    projection: &'static str,
    binary: String,
    folder: PathBuf,
    last: Option<Value>,
    /// Resident memory, in KiB, at its highest.
    peak: u64,
}

impl Runs {
    pub fn of(projection: &'static str, binary: &str, folder: &Path) -> Self {
        Self { projection, binary: binary.to_owned(), folder: folder.to_owned(), last: None, peak: 0 }
    }

    /// What the run printed that came to its end.
    pub fn last(&self) -> Option<&Value> {
        self.last.as_ref()
    }

    pub fn peak_mebibytes(&self) -> u64 {
        self.peak / 1024
    }

    fn start(&self) -> Result<Child, Failure> {
        let verb = ["replay", "run", self.projection, "--json", "--no-progress"];
        Ok(command(&self.binary, &self.folder, &verb).stderr(Stdio::inherit()).spawn()?)
    }

    /// Starts a run and kills it when `share` per cent of the events are folded; how many were.
    pub async fn kill_at(&mut self, share: u64) -> Result<u64, Failure> {
        let mut run = self.start()?;
        loop {
            self.look_at_memory(&run);
            let (done, total) = self.progress().await?;
            if total > 0 && done * 100 >= total * share {
                run.kill().await?;
                return Ok(done);
            }
            if run.try_wait()?.is_some() {
                return Err(format!("the rebuild ended before it could be killed at {share} %").into());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Lets a run go on to its end.
    pub async fn finish(&mut self) -> Result<(), Failure> {
        let mut run = self.start()?;
        while run.try_wait()?.is_none() {
            self.look_at_memory(&run);
            tokio::time::sleep(LOOK).await;
        }
        let output = run.wait_with_output().await?;
        if !output.status.success() {
            return Err(format!("the last run of the rebuild: {}", output.status).into());
        }
        let report: Value = serde_json::from_slice(&output.stdout)?;
        self.last = report["projections"].get(0).cloned();
        Ok(())
    }

    /// How many events the unfinished rebuild has folded, and how many there are for it; zeros when there is none.
    async fn progress(&self) -> Result<(u64, u64), Failure> {
        let report = historia(&self.binary, &self.folder, &["replay", "status", "--json"]).await?;
        let report: Value = serde_json::from_str(&report)?;
        let projections = report["projections"].as_array().map(Vec::as_slice).unwrap_or_default();
        let rebuild = projections.iter().find(|projection| projection["name"] == self.projection);
        let rebuild = rebuild.map(|projection| &projection["rebuild"]).filter(|rebuild| rebuild["state"] != "finished");
        let figure = |name: &str| rebuild.and_then(|rebuild| rebuild[name].as_u64()).unwrap_or_default();
        Ok((figure("done"), figure("total")))
    }

    fn look_at_memory(&mut self, run: &Child) {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", run.id().unwrap_or_default())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok());
        self.peak = self.peak.max(kibibytes.unwrap_or_default());
    }
}
