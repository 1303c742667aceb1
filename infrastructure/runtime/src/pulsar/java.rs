//! Finding an installed Java.
use super::PulsarError;
use crate::child::Account;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The oldest version that Pulsar's server runs on.
pub(super) const OLDEST: u32 = 17;

/// One installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Java {
    /// The directory above `bin/java`, links resolved.
    pub(super) home: PathBuf,
    /// The version, such as 17.
    pub(super) version: u32,
}

impl Java {
    /// The Java to run Pulsar with as `account`: 17, then 21, then any newer one; from `JAVA_HOME`, PATH and where
    /// distributions put them.
    pub(super) fn find(account: &Account) -> Result<Self, PulsarError> {
        let installed: Vec<Self> = candidates().iter().filter_map(|home| Self::at(home)).collect();
        let reachable = installed.iter().filter(|java| account.can_reach(&java.home.join("bin")).is_ok());
        match choose(reachable.cloned().collect()) {
            Ok(java) => Ok(java),
            // One that only its owner can reach is told as that, not as missing.
            Err(error) => {
                let java = choose(installed).map_err(|_| error)?;
                account.can_reach(&java.home.join("bin"))?;
                Ok(java)
            }
        }
    }

    pub(super) fn program(&self) -> PathBuf {
        self.home.join("bin/java")
    }

    fn at(home: &Path) -> Option<Self> {
        // Installations describe themselves; asking the program costs a tenth of a second each.
        let release = std::fs::read_to_string(home.join("release")).ok();
        let described = release.as_deref().and_then(|text| {
            text.lines()
                .find_map(|line| line.strip_prefix("JAVA_VERSION="))
                .and_then(|text| version(text.trim_matches('"')))
        });
        let version = described.or_else(|| {
            let output = Command::new(home.join("bin/java")).arg("-version").stdin(Stdio::null()).output().ok()?;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            version(said.split('"').nth(1)?)
        })?;
        Some(Self { home: home.to_owned(), version })
    }
}

fn candidates() -> Vec<PathBuf> {
    let mut programs = Vec::new();
    programs.extend(std::env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin/java")));
    programs.extend(
        std::env::var_os("PATH").iter().flat_map(std::env::split_paths).map(|directory| directory.join("java")),
    );
    for parent in ["/usr/lib/jvm", "/usr/java", "/opt/java"] {
        let entries = std::fs::read_dir(parent).into_iter().flatten().filter_map(Result::ok);
        programs.extend(entries.map(|entry| entry.path().join("bin/java")));
    }
    let home = |program: &PathBuf| Some(program.canonicalize().ok()?.parent()?.parent()?.to_owned());
    let mut homes: Vec<PathBuf> = programs.iter().filter_map(home).collect();
    homes.sort();
    homes.dedup();
    homes
}

/// Of those that are new enough, the one that Pulsar is most used with.
fn choose(installed: Vec<Java>) -> Result<Java, PulsarError> {
    let newest = installed.iter().max_by_key(|java| java.version);
    let found = newest.map_or(String::new(), |java| format!(" (found {} in {})", java.version, java.home.display()));
    let preference = |java: &Java| match java.version {
        17 => 0,
        21 => 1,
        other => other,
    };
    let fitting = installed.into_iter().filter(|java| java.version >= OLDEST).min_by_key(preference);
    fitting.ok_or(PulsarError::NoJava { found })
}

/// The major version in `17.0.15`, `25` or `21-ea`; of the old `1.8.0_292` it is 8.
fn version(text: &str) -> Option<u32> {
    let mut numbers = text.split(|character: char| !character.is_ascii_digit()).map(str::parse::<u32>);
    match numbers.next()?.ok()? {
        1 => numbers.next()?.ok(),
        major => Some(major),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed(versions: &[u32]) -> Vec<Java> {
        versions.iter().map(|&version| Java { home: format!("/opt/{version}").into(), version }).collect()
    }

    #[test]
    fn the_version_is_read_from_what_java_says() {
        assert_eq!(version("17.0.15"), Some(17));
        assert_eq!(version("25"), Some(25));
        assert_eq!(version("21-ea"), Some(21));
        assert_eq!(version("1.8.0_292"), Some(8));
        assert_eq!(version("unknown"), None);
    }

    #[test]
    fn java_17_is_preferred_then_21_then_the_oldest_that_is_newer() {
        assert_eq!(choose(installed(&[25, 21, 17, 11])).unwrap().version, 17);
        assert_eq!(choose(installed(&[25, 21, 18])).unwrap().version, 21);
        assert_eq!(choose(installed(&[25, 22, 11])).unwrap().version, 22);
    }

    #[test]
    fn a_missing_or_too_old_java_is_told_with_what_to_install() {
        let error = choose(installed(&[11])).unwrap_err().to_string();
        assert!(error.contains("apt-get install openjdk-17-jre-headless maven"), "{error}");
        assert!(error.contains("found 11 in /opt/11") && !error.contains('\n'), "{error}");
        assert!(choose(Vec::new()).unwrap_err().to_string().contains("Java 17 or newer: run"));
    }
}
