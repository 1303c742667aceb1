//! What is confidential is nowhere on the disk in clear: not in tables, not in the write-ahead log, not in logs.
use crate::client::Client;
use crate::platform::{DataDirectory, Platform, mails};
use hyper::StatusCode;
use infra_testkit::wait_for;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;

const CONFIDENTIAL: [&str; 3] = ["Paciente de Prueba", "Resultado Positivo", "password2"];

#[tokio::test(flavor = "multi_thread")]
async fn no_file_of_a_run_holds_a_patient_a_result_or_a_password() {
    let data = DataDirectory::new();
    let platform = Platform::up(&data, &[]);
    let anybody = Client::new(&platform.url);
    let account = json!({"username": "usuario2", "password": "password2", "role": 1, "full_name": "Ana Soto"});
    assert_eq!(anybody.post("/users", account).await.status, StatusCode::CREATED);
    let laboratory = anybody.log_in("usuario2", "password2").await;
    let filed = json!({"patient": "Paciente de Prueba", "result": "Resultado Positivo"});
    assert_eq!(laboratory.post("/results", filed.clone()).await.status, StatusCode::CREATED);
    assert_eq!(laboratory.get("/results/1").await.status, StatusCode::OK);
    // What is refused is as confidential as what is stored.
    let refused = json!({"patient": "Paciente de Prueba", "result": "Resultado Positivo", "unknown": "password2"});
    assert!(laboratory.post("/results", refused).await.status.is_client_error());
    assert_eq!(
        laboratory.send(hyper::Method::PATCH, "/results/1", Some(filed)).await.unwrap().status.as_u16() / 100,
        4
    );
    // The administrator's welcome, the user's, and the patient's.
    wait_for("three mails", Duration::from_secs(30), async || (mails(&data) == 3).then_some(())).await;
    platform.interrupt();

    // Of what is told in clear, the log has the gateway's address.
    nothing_is_in_clear(data.root(), "http");
}

/// Searches every file below `place`, of what was stopped; `known` is a text that has to be found there.
pub(crate) fn nothing_is_in_clear(place: &Path, known: &str) {
    let mut searched = Searched { known, files: 0, with_known: 0, found: Vec::new() };
    searched.search(place);
    assert_eq!(searched.found, Vec::<(PathBuf, &str)>::new());
    assert!(searched.with_known > 0, "{known} is in none of {} files: they were not searched", searched.files);
}

struct Searched<'a> {
    known: &'a str,
    files: usize,
    with_known: usize,
    found: Vec<(PathBuf, &'static str)>,
}

impl Searched<'_> {
    fn search(&mut self, place: &Path) {
        for entry in std::fs::read_dir(place).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.search(&path);
            } else if path.is_file() {
                let bytes = std::fs::read(&path).unwrap();
                let contains = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
                self.files += 1;
                self.with_known += usize::from(contains(self.known));
                let found = CONFIDENTIAL.into_iter().filter(|text| contains(text));
                self.found.extend(found.map(|text| (path.clone(), text)));
            }
        }
    }
}
