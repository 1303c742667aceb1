//! `logs`: what the parts of an `up` said, from the files that it leaves in its data directory; whether it still runs
//! or not.
use crate::cli::LogsArgs;
use crate::data_directory::DataDirectory;
use crate::failure::Failure;
use crate::nearest;
use crate::output::{Following, List, Output};
use crate::platform;
use serde::Serialize;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;
use utoipa::ToSchema;

const LINES: List = List { name: "lines", id: "at", columns: &["at", "level", "source", "message", "fields"] };
/// Between two looks at the end of a file that is followed.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Serialize, ToSchema)]
pub(crate) struct Lines {
    lines: Vec<Line>,
}

/// One thing that was said.
#[derive(Serialize, ToSchema)]
struct Line {
    /// When; `null` where the program that said it does not tell in a way of ours.
    at: Option<String>,
    level: Option<String>,
    /// Which part of the code, or which program.
    source: String,
    message: String,
    /// What else it said: ids and codes.
    fields: Map<String, Value>,
}

/// Prints the last lines, and with `--follow` those to come until Ctrl-C.
///
/// # Errors
/// There is no such service, or nothing was ever said.
pub(crate) async fn run(arguments: LogsArgs) -> Result<(), Failure> {
    let data = DataDirectory::locate(arguments.data_dir.as_deref())?;
    data.require()?;
    let mut log = Log::of(&data, arguments.service.as_deref())?;
    let output = Output::new(arguments.output);
    let mut lines = log.read()?;
    let lines = lines.split_off(lines.len().saturating_sub(arguments.last));
    if !arguments.follow {
        return output.list(&LINES, &Lines { lines });
    }
    let mut printed = output.follow(&LINES);
    lines.iter().try_for_each(|line| printed.show(line))?;
    tokio::select! {
        ended = follow(&mut log, &mut printed) => ended,
        interrupted = infra_runtime::shutdown::requested() => Ok(interrupted?),
    }
}

async fn follow(log: &mut Log, printed: &mut Following<'_>) -> Result<(), Failure> {
    loop {
        tokio::time::sleep(PAUSE).await;
        log.read()?.iter().try_for_each(|line| printed.show(line))?;
    }
}

/// A file, and whose lines of it are wanted.
struct Log {
    file: PathBuf,
    /// A service, whose lines stand among the others'; `None` for all lines of the file.
    service: Option<&'static str>,
    /// How the file's lines are written.
    kind: Kind,
    /// How far it was read.
    read: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Ours: one JSON object on each line.
    Ours,
    /// Another program's own.
    Plain(&'static str),
}

impl Log {
    fn of(data: &DataDirectory, wanted: Option<&str>) -> Result<Self, Failure> {
        let ours = |service| Self { file: data.log(), service, kind: Kind::Ours, read: 0 };
        let Some(wanted) = wanted else { return Ok(ours(None)) };
        if wanted == POSTGRES {
            let file = data.postgres().join("postgres.log");
            return Ok(Self { file, service: None, kind: Kind::Plain(POSTGRES), read: 0 });
        }
        let names: Vec<&'static str> =
            platform::services().iter().map(|service| service.name).chain([service_bff::NAME]).collect();
        match names.iter().find(|name| **name == wanted.replace('-', "_")) {
            Some(name) => Ok(ours(Some(name))),
            None => Err(nearest::unknown("service", wanted, names.into_iter().chain([POSTGRES]))),
        }
    }

    /// The whole lines since the last time; nothing as long as there is no file.
    fn read(&mut self) -> Result<Vec<Line>, Failure> {
        let failed = |error: std::io::Error| Failure::of(&self.file.display().to_string(), &error);
        let file = match File::open(&self.file) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            opened => opened.map_err(failed)?,
        };
        // A shorter file is another one: the log was begun anew.
        if file.metadata().map_err(failed)?.len() < self.read {
            self.read = 0;
        }
        let mut reader = BufReader::new(file);
        reader.seek(SeekFrom::Start(self.read)).map_err(failed)?;
        let (mut lines, mut bytes) = (Vec::new(), Vec::new());
        loop {
            bytes.clear();
            let length = reader.read_until(b'\n', &mut bytes).map_err(failed)?;
            // What does not end yet is still being written.
            if length == 0 || bytes.last() != Some(&b'\n') {
                return Ok(lines);
            }
            self.read += length as u64;
            let text = String::from_utf8_lossy(&bytes);
            lines.extend(
                self.kind.parse(text.trim_end()).filter(|line| self.service.is_none_or(|name| is_of(line, name))),
            );
        }
    }
}

/// The program whose own log is shown.
const POSTGRES: &str = "postgresql";

impl Kind {
    fn parse(self, text: &str) -> Option<Line> {
        let program = match self {
            Self::Plain(program) => program,
            Self::Ours => {
                let Value::Object(mut fields) = serde_json::from_str(text).ok()? else { return None };
                let mut take = |name: &str| fields.remove(name).and_then(|value| value.as_str().map(str::to_owned));
                let (at, level, source) = (take("timestamp"), take("level"), take("target")?);
                let message = take("message").unwrap_or_default();
                return Some(Line { at, level, source, message, fields });
            }
        };
        let (at, level, source, fields) = (None, None, program.to_owned(), Map::new());
        (!text.is_empty()).then(|| Line { at, level, source, message: text.to_owned(), fields })
    }
}

/// Whether the service said it, or somebody said it of the service.
fn is_of(line: &Line, service: &str) -> bool {
    let its_own = line
        .source
        .strip_prefix("service_")
        .is_some_and(|rest| rest.strip_prefix(service).is_some_and(|rest| rest.is_empty() || rest.starts_with("::")));
    let names = |value: &Value| {
        let named = value.as_str().and_then(|text| text.split([':', ' ']).next());
        named == Some(service)
    };
    its_own || line.fields.values().any(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Kind::Ours.parse(text).unwrap()
    }

    #[test]
    fn a_line_belongs_to_who_said_it_and_to_whom_it_is_about() {
        let own = line(r#"{"timestamp":"t","level":"WARN","message":"m","target":"service_results::http","n":1}"#);
        assert!(is_of(&own, "results") && !is_of(&own, "result") && !is_of(&own, "users"));
        assert_eq!((own.message.as_str(), own.fields.len()), ("m", 1));
        let about = line(r#"{"level":"WARN","target":"infra_runtime::supervisor","task":"users: read model"}"#);
        assert!(is_of(&about, "users") && !is_of(&about, "results"));
        assert!(Kind::Ours.parse("no JSON").is_none());
    }

    #[test]
    fn a_log_is_read_on_by_whole_lines_and_from_its_beginning_when_it_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("postgres.log");
        let mut log = Log { file: file.clone(), service: None, kind: Kind::Plain("postgresql"), read: 0 };
        let mut read = || log.read().unwrap().into_iter().map(|line| line.message).collect::<Vec<_>>();
        assert_eq!(read(), Vec::<String>::new());
        std::fs::write(&file, "one\ntw").unwrap();
        assert_eq!(read(), ["one"]);
        std::fs::write(&file, "one\ntwo\n").unwrap();
        assert_eq!(read(), ["two"]);
        std::fs::write(&file, "new\n").unwrap();
        assert_eq!(read(), ["new"]);
    }
}
