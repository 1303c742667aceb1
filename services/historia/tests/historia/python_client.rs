//! Others may read the topics too, and may write where the broker lets them: the official client for Python does.
//!
//! The client is fetched once into a folder beside the built binaries. Where there is no Python 3 with `venv`,
//! `HISTORIA_TEST_PYTHON=skip` leaves this out.
use crate::client::Client;
use crate::compose_file::at_root;
use crate::platform::{DataDirectory, HISTORIA, Platform};
use crate::up_on_pulsar::settled;
use hyper::StatusCode;
use infra_testkit::pulsar::TestNamespace;
use infra_testkit::wait_for;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const SKIP: &str = "HISTORIA_TEST_PYTHON";
const EMAIL: &str = "paciente@correo.example";

/// The official client, with our script for it.
struct Python {
    interpreter: PathBuf,
}

impl Python {
    /// `None` when it is left out by request, which is said in a line.
    fn with_the_official_client() -> Option<Self> {
        if std::env::var(SKIP).is_ok_and(|value| value == "skip") {
            let _ = writeln!(std::io::stderr(), "the official client for Python: skipped by request ({SKIP}=skip)");
            return None;
        }
        let requirements = folder().join("requirements.txt");
        let pinned = std::fs::read_to_string(&requirements).unwrap();
        let pins = pinned.lines().filter_map(|line| line.split_once("==")).map(|(_, version)| version);
        let name = format!("python-{}", pins.collect::<Vec<_>>().join("-"));
        let place = Path::new(HISTORIA).parent().unwrap().join("testkit").join(name);
        let python = Self { interpreter: place.join("bin/python") };
        if !python.interpreter.exists() {
            let draft = place.with_extension(format!("draft-{}", std::process::id()));
            finish(Command::new("python3").args(["-m", "venv"]).arg(&draft));
            let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"];
            finish(Command::new(draft.join("bin/python")).args(pip).arg("--requirement").arg(&requirements));
            // Whole or not at all; somebody else may have been faster.
            if std::fs::rename(&draft, &place).is_err() {
                std::fs::remove_dir_all(&draft).unwrap();
            }
        }
        Some(python)
    }

    /// Runs our script on the topic of results; its lines.
    async fn run(&self, command: &str, place: &TestNamespace, words: &[&str]) -> Vec<Value> {
        let mut script = Command::new(&self.interpreter);
        let topic = format!("{}/event-result", place.namespace);
        script.arg(folder().join("client.py")).args([command, &place.service_url, &place.admin.url(), &topic]);
        script.args(words);
        let lines = tokio::task::spawn_blocking(move || finish(&mut script)).await.unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn folder() -> PathBuf {
    at_root("tools/pulsar/python")
}

fn finish(command: &mut Command) -> String {
    let ended = command.stdin(Stdio::null()).output();
    let ended = ended.unwrap_or_else(|error| panic!("{command:?}: {error}; install python3-venv, or set {SKIP}=skip"));
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{command:?}: {said}; install python3-venv, or set {SKIP}=skip");
    String::from_utf8(ended.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_client_reads_what_is_clear_sees_sealed_bytes_and_forges_without_effect() {
    let Some(python) = Python::with_the_official_client() else { return };
    let Some(place) = infra_testkit::pulsar::namespace().await else { return };
    let data = DataDirectory::new();
    let (admin, namespace) = (place.admin.url(), &place.namespace);
    let words = ["--broker", &place.service_url, "--broker-admin", &admin];
    let inside = ["--broker-tenant", namespace.tenant(), "--broker-namespace", namespace.name()];
    let rates = ["--rate-get", "60000", "--rate-all", "60000"];
    let platform = Platform::up(&data, &[&words[..], &inside[..], &rates[..]].concat());
    let account = json!({"username": "usuario2", "password": "password2", "role": 1});
    assert_eq!(Client::new(&platform.url).post("/users", account).await.status, StatusCode::CREATED);
    let laboratory = Client::new(&platform.url).log_in("usuario2", "password2").await;
    let filed = file(&laboratory).await;

    let read = python.run("read", &place, &["1"]).await.remove(0);
    let record = &read["record"];
    assert_eq!(record["stream_id"], filed["id"]);
    assert_eq!(read["key"], filed["id"]);
    assert_eq!((&record["version"], &record["result_cancelled"]), (&json!(1), &Value::Null));
    let created = &record["result_created"];
    assert_eq!((&created["number"], &created["status"]), (&json!(1), &json!("final")));
    let sealed = bytes(&created["contact"]);
    // A header, and the seal at the end.
    assert!(sealed.len() > EMAIL.len() + 16, "{} bytes", sealed.len());
    let properties = read["properties"].to_string().into_bytes();
    for (what, seen) in
        [("the sealed part", &sealed), ("the payload", &bytes(&read["payload"])), ("headers", &properties)]
    {
        for confidential in [EMAIL, "correo", "Paciente de Prueba", "Resultado Positivo"] {
            let found = seen.windows(confidential.len()).any(|window| window == confidential.as_bytes());
            assert!(!found, "{what} shows {confidential}");
        }
    }

    python.run("forge", &place, &[]).await;
    wait_for("both who hear of results to count the forged message", Duration::from_secs(60), async || {
        let log = std::fs::read_to_string(data.log()).unwrap();
        (log.matches("what no service wrote is passed over").count() >= 2).then_some(())
    })
    .await;
    // What comes behind it is heard, and of it nothing is.
    file(&laboratory).await;
    settled(&platform, &data, 2).await;
    platform.interrupt();
}

async fn file(laboratory: &Client) -> Value {
    let result = json!({"patient": "Paciente de Prueba", "result": "Resultado Positivo", "patient_email": EMAIL});
    let answer = laboratory.post("/results", result).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    answer.body
}

fn bytes(value: &Value) -> Vec<u8> {
    let digits = value["bytes"].as_str().unwrap_or_else(|| panic!("{value} are no bytes"));
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}
