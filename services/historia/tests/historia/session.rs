//! The session of `docs/command-line.md`, run as it stands: its commands against a real platform, what they print
//! compared with what the page says; and its table of every verb.
use crate::cli::Cli;
use crate::platform::{DataDirectory, HISTORIA, Platform};
use crate::walk_through::compare;
use clap::CommandFactory;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// One step: what to type, and what is printed.
struct Step {
    commands: String,
    printed: Option<Printed>,
}

enum Printed {
    Json(Value),
    Text(String),
}

fn page() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/command-line.md")).unwrap()
}

/// The steps between the page's two marks.
fn steps() -> Vec<Step> {
    let page = page();
    let begin = page.find("<!-- session -->").expect("the page has a session");
    let end = page.find("<!-- end of the session -->").expect("the session ends");
    let mut steps: Vec<Step> = Vec::new();
    for block in page[begin..end].split("```").skip(1).step_by(2) {
        let (language, text) = block.split_once('\n').unwrap();
        let printed = match language.trim() {
            "bash" => {
                steps.push(Step { commands: text.to_owned(), printed: None });
                continue;
            }
            "json" => Printed::Json(serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))),
            "text" => Printed::Text(text.to_owned()),
            other => panic!("a block of {other} in the session"),
        };
        steps.last_mut().expect("what is printed follows its command").printed = Some(printed);
    }
    assert!(steps.len() > 20, "the session is gone: {} steps", steps.len());
    steps
}

#[test]
fn the_pages_session_prints_what_it_says() {
    let data = DataDirectory::new();
    let platform = Platform::up(&data, &[]);
    let folder = |name: &str| {
        let folder = data.root().join(name);
        std::fs::create_dir(&folder).unwrap();
        folder
    };
    let (programs, answers, home) = (folder("programs"), folder("answers"), folder("home"));
    std::os::unix::fs::symlink(HISTORIA, programs.join("historia")).unwrap();
    let steps = steps();
    let mut script = String::from("set -euo pipefail\n");
    for (number, step) in steps.iter().enumerate() {
        let commands = step.commands.replace("http://localhost:8080", &platform.url);
        let commands = commands.replace("/var/lib/historia", &data.path().display().to_string());
        script.push_str(&format!("{{\n{commands}\n}} > \"$ANSWERS/{number}\"\n"));
    }
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let ran = Command::new("bash")
        .args(["-c", &script])
        .current_dir(&home)
        .env("ANSWERS", &answers)
        .env("PATH", path)
        .env("HOME", &home)
        .env("XDG_CONFIG_HOME", home.join(".config"))
        .env("HISTORIA_DATA_DIR", data.path())
        .env_remove("HISTORIA_DATABASE_URL")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&ran.stderr);
    let last = std::fs::read_dir(&answers).unwrap().count();
    assert!(ran.status.success(), "after step {last}: {told}");

    for (number, step) in steps.iter().enumerate() {
        let text = std::fs::read_to_string(answers.join(number.to_string())).unwrap();
        let text = text.replace(&platform.url, "http://localhost:8080");
        let text = text.replace(&data.path().display().to_string(), "/var/lib/historia");
        match &step.printed {
            None => {}
            Some(Printed::Json(expected)) => {
                let actual: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
                compare(&format!("step {number}: {}", step.commands), expected, &actual);
            }
            Some(Printed::Text(expected)) => {
                assert_eq!(shapes(&text), shapes(expected), "step {number}: {}\n{text}", step.commands);
            }
        }
    }
}

/// The words of each line, with ids and moments as such: they change from run to run, and columns with them.
fn shapes(text: &str) -> Vec<String> {
    text.trim_end().lines().map(|line| line.split_whitespace().map(shape).collect::<Vec<_>>().join(" ")).collect()
}

fn shape(word: &str) -> String {
    const ID: &str = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    const MOMENT: &str = "dddd-dd-ddTdd:dd:dd.ddddddZ";
    const DAY: &str = "dddd-dd-dd";
    let mut shape = String::new();
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        let found =
            [(ID, "<id>"), (MOMENT, "<moment>"), (DAY, "<day>")].into_iter().find(|(form, _)| begins(rest, form));
        let (shown, length) = match found {
            Some((form, name)) => (name.to_owned(), form.len()),
            None => (first.to_string(), first.len_utf8()),
        };
        shape.push_str(&shown);
        rest = &rest[length..];
    }
    shape
}

/// Whether `text` begins with what looks like `form`: `x` is a hexadecimal digit, `d` a decimal one.
fn begins(text: &str, form: &str) -> bool {
    text.len() >= form.len()
        && text.bytes().zip(form.bytes()).all(|(byte, form)| match form {
            b'x' => byte.is_ascii_hexdigit(),
            b'd' => byte.is_ascii_digit(),
            other => byte == other,
        })
}

#[test]
fn ids_and_moments_are_compared_by_their_shape() {
    let id = "0198a8a0-6a51-7f54-9a0c-2d9d4b1c7a10";
    assert_eq!(shape(&format!("user-{id}")), "user-<id>");
    assert_eq!(shape("2026-11-22T10:00:00.000000Z"), "<moment>");
    assert_eq!(shape("→2026-11-22,"), "→<day>,");
    assert_eq!(shape("event-user"), "event-user");
}

/// A row of the page's table for every verb that does something, with what its help says in the first line.
fn rows(command: &clap::Command, path: &str) -> Vec<String> {
    let below: Vec<_> = command.get_subcommands().filter(|below| below.get_name() != "help").collect();
    if below.is_empty() {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        return vec![format!("| `{path}` | {} |", about.replace('|', "\\|"))];
    }
    below.into_iter().flat_map(|below| rows(below, &format!("{path} {}", below.get_name()))).collect()
}

#[test]
fn every_verb_is_on_the_page() {
    let page = page();
    let missing: Vec<String> =
        rows(&Cli::command(), "historia").into_iter().filter(|row| !page.contains(row.as_str())).collect();
    assert!(missing.is_empty(), "docs/command-line.md lacks under \"Every verb\":\n{}", missing.join("\n"));
}
