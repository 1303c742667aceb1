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
fn the_committed_postman_files_are_the_binarys() {
    let folder = tempfile::tempdir().unwrap();
    run(&["postman", "--directory", folder.path().to_str().unwrap()]);
    for file in ["historia.postman_collection.json", "historia.postman_environment.json"] {
        let same = committed(&format!("postman/{file}")) == std::fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(same, "run: cargo run -- postman --directory postman");
    }
}
