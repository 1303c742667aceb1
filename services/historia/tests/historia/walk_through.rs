//! The README's walk-through, run as it stands: its commands against the built binary, its answers compared by shape.
use crate::platform::{DataDirectory, Platform};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// One step: what to type, and what is answered.
struct Step {
    commands: String,
    answer: Option<Value>,
}

/// The steps between the README's two `walk-through` marks.
fn steps() -> Vec<Step> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap();
    let begin = readme.find("<!-- walk-through -->").expect("the README has a walk-through");
    let end = readme.find("<!-- end of the walk-through -->").expect("the walk-through ends");
    let mut steps: Vec<Step> = Vec::new();
    for block in readme[begin..end].split("```").skip(1).step_by(2) {
        let (language, text) = block.split_once('\n').unwrap();
        match language.trim() {
            "bash" => steps.push(Step { commands: text.to_owned(), answer: None }),
            "json" => {
                let answer = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"));
                steps.last_mut().expect("an answer follows its command").answer = Some(answer);
            }
            other => panic!("a block of {other} in the walk-through"),
        }
    }
    assert!(steps.len() >= 6, "the walk-through is gone: {} steps", steps.len());
    steps
}

#[test]
fn the_readme_walk_through_answers_what_it_says() {
    let data = DataDirectory::new();
    let platform = Platform::up(&data, &[]);
    walk(&platform.url, &data.root().join("answers"));
    platform.interrupt();
}

/// Walks through on the fresh platform at `url`; its answers go into the directory `answers`.
pub(crate) fn walk(url: &str, answers: &Path) {
    std::fs::create_dir(answers).unwrap();
    let steps = steps();
    let mut script = String::from("set -euo pipefail\n");
    for (number, step) in steps.iter().enumerate() {
        let commands = step.commands.replace("http://localhost:8080", url);
        let commands = commands.replace("/tmp/historia-login.json", "$ANSWERS/login.json");
        script.push_str(&format!("{{\n{commands}\n}} > \"$ANSWERS/{number}\"\n"));
    }
    let ran = Command::new("bash").args(["-c", &script]).env("ANSWERS", answers).output().unwrap();
    assert!(ran.status.success(), "{}\n{script}", String::from_utf8_lossy(&ran.stderr));

    for (number, step) in steps.iter().enumerate() {
        let Some(expected) = &step.answer else { continue };
        let text = std::fs::read_to_string(answers.join(number.to_string())).unwrap();
        let actual: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        compare(&format!("step {number}"), expected, &actual);
    }
}

/// Same fields, same kinds; the same text where the README's is not one that changes from run to run.
pub(crate) fn compare(place: &str, expected: &Value, actual: &Value) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            let names = |object: &serde_json::Map<String, Value>| object.keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(expected), names(actual), "{place} has other fields than the README says");
            for (name, value) in expected {
                compare(&format!("{place}.{name}"), value, &actual[name]);
            }
        }
        (Value::Array(expected), Value::Array(actual)) => {
            assert_eq!(expected.len(), actual.len(), "{place} has another length than the README says: {actual:?}");
            for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                compare(&format!("{place}[{index}]"), expected, actual);
            }
        }
        (Value::String(expected), Value::String(actual)) if changes(expected) => {
            assert_eq!(shape(expected), shape(actual), "{place} looks different");
        }
        _ => assert_eq!(expected, actual, "{place}"),
    }
}

/// Ids, moments, tokens and addresses change from run to run.
fn changes(text: &str) -> bool {
    shape(text) != "text"
}

fn shape(text: &str) -> &'static str {
    let digits = |text: &str| text.chars().all(|character| character.is_ascii_hexdigit() || character == '-');
    if text.len() == 36 && digits(text) {
        "id"
    } else if text.len() >= 20 && text.as_bytes()[10] == b'T' && text.ends_with('Z') {
        "moment"
    } else if text.starts_with("eyJ") || text.len() > 40 && !text.contains(' ') {
        "token"
    } else {
        "text"
    }
}
