//! What is generated and committed equals what the binary generates now.
use crate::platform::HISTORIA;
use std::path::{Path, PathBuf};
use std::process::Command;

fn committed(file: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn run(arguments: &[&str]) -> String {
    let output = Command::new(HISTORIA).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_committed_openapi_document_is_the_binarys() {
    let same = committed("docs/openapi.json") == run(&["openapi"]);
    assert!(same, "run: cargo run -- openapi > docs/openapi.json");
}

#[test]
fn the_committed_asyncapi_document_is_the_binarys() {
    let same = committed("docs/asyncapi.json") == run(&["asyncapi"]);
    assert!(same, "run: cargo run -- asyncapi > docs/asyncapi.json");
}

/// Clients are generated from them (OpenAPI 3.1, "Operation Object").
#[test]
fn operation_ids_are_unique() {
    let document: serde_json::Value = serde_json::from_str(&committed("docs/openapi.json")).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for path in document["paths"].as_object().unwrap().values() {
        for operation in path.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().expect("every operation has an id");
            assert!(seen.insert(id.to_owned()), "two operations are called {id}");
        }
    }
    assert!(seen.len() > 30);
}

#[test]
fn the_committed_postman_files_are_the_binarys() {
    let folder = tempfile::tempdir().unwrap();
    run(&["postman", "--directory", folder.path().to_str().unwrap()]);
    for file in ["historia.postman_collection.json", "historia.postman_environment.json"] {
        let same = committed(&format!("postman/{file}")) == std::fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(same, "run: cargo run -- postman --directory postman");
    }
}
