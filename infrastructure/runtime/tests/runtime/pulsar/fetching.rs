//! Fetching the jars, with a Maven that only pretends: what the real one does, every other test here needs.
use crate::scratch::directory;
use infra_runtime::pulsar::{self, VERSION};
use infra_testkit::pulsar::is_skipped;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const ANSWER: &str = "HISTORIA_TEST_ANSWER";

/// Not a test of its own: what the tests below run with an environment of their choice.
#[tokio::test]
async fn a_preparation_that_another_test_starts() {
    let Some(answer) = std::env::var_os(ANSWER) else { return };
    let text = match pulsar::prepare().await {
        Ok(place) => format!("Ok {}", place.display()),
        Err(error) => error.to_string(),
    };
    fs::write(answer, text).unwrap();
}

/// Starts a process that needs the jars; they are kept in `place`/home, and Maven is the one in `place`.
fn start(place: &Path, number: u32) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "pulsar::fetching::a_preparation_that_another_test_starts"])
        .env(ANSWER, place.join(format!("answer-{number}")))
        .env("HISTORIA_PULSAR_HOME", place.join("home"))
        .env("PATH", format!("{}:/usr/bin:/bin", place.display()))
        .env_remove("MAVEN_HOME")
        .env_remove("M2_HOME")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What such a process said in the end.
fn prepare(place: &Path) -> String {
    start(place, 0).wait().unwrap();
    fs::read_to_string(place.join("answer-0")).unwrap()
}

/// A Maven that notes that it ran, puts two jars where it is told, and then does `then`.
fn pretend(place: &Path, then: &str) {
    let script = format!(
        "#!/bin/sh\necho ran >>'{0}/runs'\nfor word; do case $word in -DoutputDirectory=*) out=${{word#*=}};; esac; done\n\
         echo broker >\"$out/pulsar-broker-{VERSION}.jar\"; echo more >\"$out/more.jar\"\n{then}\n",
        place.display()
    );
    let program = place.join("mvn");
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
}

fn runs(place: &Path) -> usize {
    fs::read_to_string(place.join("runs")).unwrap_or_default().lines().count()
}

#[test]
fn jars_are_fetched_once_and_again_when_one_is_damaged() {
    if is_skipped() {
        return;
    }
    let directory = directory();
    let place = directory.path();
    pretend(place, "exit 0");
    let jars = place.join("home").join(VERSION);
    for _ in 0..2 {
        assert_eq!(prepare(place), format!("Ok {}", jars.display()));
        assert_eq!(runs(place), 1);
    }
    assert!(jars.join("more.jar").exists() && !jars.join("pom.xml").exists());
    fs::write(jars.join("more.jar"), "m").unwrap();
    prepare(place);
    assert_eq!(runs(place), 2);
    assert_eq!(fs::read_to_string(jars.join("more.jar")).unwrap(), "more\n");
}

#[test]
fn of_two_processes_one_fetches() {
    if is_skipped() {
        return;
    }
    let directory = directory();
    let place = directory.path();
    // Long enough for the other to come.
    pretend(place, "n=0; while [ ! -e \"$0.go\" ] && [ $n -lt 300 ]; do sleep 0.1; n=$((n + 1)); done");
    let (mut one, mut other) = (start(place, 1), start(place, 2));
    fs::write(place.join("mvn.go"), "").unwrap();
    assert!(one.wait().unwrap().success() && other.wait().unwrap().success());
    for number in [1, 2] {
        assert!(fs::read_to_string(place.join(format!("answer-{number}"))).unwrap().starts_with("Ok "));
    }
    assert_eq!(runs(place), 1);
}

#[test]
fn what_was_fetched_by_half_is_not_used() {
    if is_skipped() {
        return;
    }
    let directory = directory();
    let place = directory.path();
    pretend(place, "echo '[ERROR] Could not transfer artifact: connection reset'; exit 1");
    let said = prepare(place);
    assert!(said.contains("Could not transfer artifact: connection reset") && said.contains("maven.log"), "{said}");
    assert!(!said.contains('\n') && !place.join("home").join(VERSION).exists(), "{said}");
    pretend(place, "exit 0");
    assert!(prepare(place).starts_with("Ok "));
}
