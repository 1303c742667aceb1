//! Fetching with Maven, which knows the user's mirrors and proxies and verifies what it fetches.
use super::java::Java;
use super::{PulsarError, VERSION};
use crate::child::Account;
use nix::sys::signal::Signal;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The project file that names the jars.
pub(super) const POM: &str = include_str!("../../../../tools/pulsar/pom.xml");

/// How often progress is told.
const TELL: Duration = Duration::from_secs(2);

/// Copies the jars into the empty directory `place`. Blocks until it is done.
pub(super) fn copy_jars(java: &Java, place: &Path, log: &Path) -> Result<(), PulsarError> {
    let maven = find().ok_or(PulsarError::NoMaven)?;
    // Beside the jars, until they are there.
    let pom = place.join("pom.xml");
    fs::write(&pom, POM).map_err(PulsarError::io(&pom))?;
    let mut command = Account::Own.command(&maven, Some(Signal::SIGTERM));
    // Proxies and mirrors are in the environment and the user's own settings.
    command.envs(std::env::vars_os()).env("JAVA_HOME", &java.home);
    command.args(["--batch-mode", "--strict-checksums", "--file"]).arg(&pom);
    command.args(["dependency:copy-dependencies", "-DincludeScope=runtime"]);
    command.arg(format!("-DoutputDirectory={}", place.display()));
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    say(&format!("fetching the jars of Pulsar {VERSION} with Maven (about 240 MB, only once)"));
    let begun = Instant::now();
    let mut child = command.spawn().map_err(PulsarError::io(&maven))?;
    let told = child.stdout.take().map(|output| follow(output, log)).transpose();
    let status = child.wait().map_err(PulsarError::io(&maven))?;
    let complaint = told.map_err(PulsarError::io(log))?.flatten();
    let not_fetched = |reason| PulsarError::NotFetched { reason, log: log.display().to_string() };
    if !status.success() {
        return Err(not_fetched(complaint.unwrap_or_else(|| status.to_string())));
    }
    if !place.join(format!("pulsar-broker-{VERSION}.jar")).exists() {
        return Err(not_fetched("the broker is not among them".to_owned()));
    }
    fs::remove_file(&pom).map_err(PulsarError::io(&pom))?;
    say(&format!("the jars of Pulsar {VERSION} are there after {} s", begun.elapsed().as_secs()));
    Ok(())
}

/// A line for whoever waits at the terminal.
pub(super) fn say(line: &str) {
    // A terminal that is gone is no reason to stop.
    let _ = writeln!(io::stderr(), "{line}");
}

fn find() -> Option<PathBuf> {
    let homes = ["MAVEN_HOME", "M2_HOME"].into_iter().filter_map(std::env::var_os);
    let homes = homes.map(|home| PathBuf::from(home).join("bin"));
    let path = std::env::var_os("PATH");
    let path = path.iter().flat_map(std::env::split_paths);
    homes.chain(path).map(|directory| directory.join("mvn")).find(|program| program.is_file())
}

/// Writes what Maven says to `log`, tells how far it is, and gives its first complaint.
fn follow(output: impl io::Read, log: &Path) -> io::Result<Option<String>> {
    let mut log = File::create(log)?;
    let (mut bytes, mut told, mut complaint) = (0.0, Instant::now(), None);
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        log.write_all(&line)?;
        log.write_all(b"\n")?;
        let line = String::from_utf8_lossy(&line);
        bytes += downloaded(&line).unwrap_or(0.0);
        if told.elapsed() >= TELL && bytes > 0.0 {
            say(&format!("  {:.0} MB", bytes / 1e6));
            told = Instant::now();
        }
        if complaint.is_none() {
            complaint = line.strip_prefix("[ERROR] ").map(|reason| reason.trim().to_owned());
        }
    }
    Ok(complaint)
}

/// The size in `Downloaded from central: https://…/a.jar (1.2 MB at 3.4 MB/s)`, in bytes.
fn downloaded(line: &str) -> Option<f64> {
    if !line.contains("Downloaded from ") {
        return None;
    }
    let mut words = line.rsplit_once('(')?.1.split_whitespace();
    let number: f64 = words.next()?.parse().ok()?;
    let unit = match words.next()? {
        "B" => 1.0,
        "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        _ => return None,
    };
    Some(number * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_counted_in_what_was_downloaded() {
        let line =
            |rest: &str| downloaded(&format!("[INFO] Downloaded from central: https://example.org/a.jar {rest}"));
        assert_eq!(line("(1.5 MB at 3.4 MB/s)"), Some(1.5e6));
        assert_eq!(line("(12 kB at 1 kB/s)"), Some(12e3));
        assert_eq!(downloaded("[INFO] Downloading from central: https://example.org/a.jar"), None);
    }

    #[test]
    fn the_reason_of_a_failure_is_mavens_first_complaint() {
        let directory = tempfile::tempdir().unwrap();
        let said = "[INFO] Scanning\n[ERROR] Failed to execute goal: no route\n[ERROR] -> [Help 1]\n";
        let complaint = follow(said.as_bytes(), &directory.path().join("log")).unwrap();
        assert_eq!(complaint.as_deref(), Some("Failed to execute goal: no route"));
    }

    #[test]
    fn the_project_file_names_the_version_that_the_launcher_knows() {
        assert!(POM.contains(&format!("<pulsar.version>{VERSION}</pulsar.version>")));
    }
}
