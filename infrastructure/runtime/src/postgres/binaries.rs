//! Finding an installed PostgreSQL.
use super::ClusterError;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The oldest major version that the platform is tested with.
pub(super) const OLDEST: u32 = 15;

/// One installation's server binaries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binaries {
    /// Where they are, links resolved.
    pub(super) directory: PathBuf,
    /// Their major version.
    pub(super) major: u32,
}

impl Binaries {
    /// The binaries for the cluster in `directory`: of exactly the major version `wanted` of its data, or the newest.
    /// `HISTORIA_POSTGRES_BIN` wins over what is installed.
    pub(super) fn find(directory: &Path, wanted: Option<u32>) -> Result<Self, ClusterError> {
        choose(candidates().iter().filter_map(|directory| Self::at(directory)).collect(), directory, wanted)
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.directory.join("postgres")
    }

    pub(super) fn initdb(&self) -> PathBuf {
        self.directory.join("initdb")
    }

    /// What is in `directory`, if it is a server with `initdb`.
    fn at(directory: &Path) -> Option<Self> {
        let postgres = directory.join("postgres").canonicalize().ok()?;
        let directory = postgres.parent()?.to_owned();
        if !directory.join("initdb").exists() {
            return None;
        }
        let output = Command::new(&postgres).arg("--version").stdin(Stdio::null()).output().ok()?;
        Some(Self { directory, major: major(&String::from_utf8_lossy(&output.stdout))? })
    }
}

fn candidates() -> Vec<PathBuf> {
    if let Some(directory) = std::env::var_os("HISTORIA_POSTGRES_BIN") {
        return vec![directory.into()];
    }
    let mut found = Vec::new();
    // Debian and Ubuntu; Red Hat's are in directories of their own right under /usr.
    for (parent, prefix) in [("/usr/lib/postgresql", ""), ("/usr", "pgsql-"), ("/usr/local", "pgsql")] {
        let Ok(entries) = std::fs::read_dir(parent) else { continue };
        let named =
            entries.filter_map(Result::ok).filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
        found.extend(named.map(|entry| entry.path().join("bin")));
    }
    found.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    // PATH has links into the directories above as a rule; their `initdb` tells where they lead.
    let beside_initdb =
        |directory: &PathBuf| directory.join("initdb").canonicalize().ok()?.parent().map(Path::to_owned);
    let mut found: Vec<PathBuf> = found.iter().filter_map(beside_initdb).collect();
    found.sort();
    found.dedup();
    found
}

fn choose(installed: Vec<Binaries>, directory: &Path, wanted: Option<u32>) -> Result<Binaries, ClusterError> {
    let newest = installed.iter().map(|binaries| (binaries.major, &binaries.directory)).max();
    let found = newest.map_or(String::new(), |(major, path)| format!(" (found {major} in {})", path.display()));
    let fitting = installed
        .into_iter()
        .filter(|binaries| binaries.major >= OLDEST && wanted.is_none_or(|wanted| wanted == binaries.major))
        .max_by_key(|binaries| binaries.major);
    fitting.ok_or_else(|| match wanted {
        Some(wanted) => ClusterError::OtherVersion { directory: directory.display().to_string(), wanted, found },
        None => ClusterError::NotInstalled { found },
    })
}

/// The major version in `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`; of `16beta1` too.
fn major(version: &str) -> Option<u32> {
    let number = version.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    number.split(|digit: char| !digit.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed(majors: &[u32]) -> Vec<Binaries> {
        majors.iter().map(|&major| Binaries { directory: format!("/opt/{major}").into(), major }).collect()
    }

    #[test]
    fn the_major_version_is_read_from_what_the_server_says() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("command not found"), None);
    }

    #[test]
    fn the_newest_installed_version_makes_new_clusters() {
        assert_eq!(choose(installed(&[15, 17, 16]), Path::new("/x"), None).unwrap().major, 17);
    }

    #[test]
    fn data_is_opened_by_the_version_that_made_it() {
        assert_eq!(choose(installed(&[15, 17]), Path::new("/x"), Some(15)).unwrap().major, 15);
        let error = choose(installed(&[17]), Path::new("/x"), Some(15)).unwrap_err().to_string();
        assert!(error.contains("made by PostgreSQL 15") && error.contains("found 17 in /opt/17"), "{error}");
    }

    #[test]
    fn a_missing_or_too_old_server_is_told_with_what_to_install() {
        let error = choose(installed(&[13]), Path::new("/x"), None).unwrap_err().to_string();
        assert!(error.contains("apt-get install postgresql") && error.contains("found 13 in /opt/13"), "{error}");
        assert!(choose(Vec::new(), Path::new("/x"), None).unwrap_err().to_string().contains("not installed: run"));
    }
}
