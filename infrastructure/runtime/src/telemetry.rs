//! Logs: to stderr, so that stdout stays a command's answer, and into a file where somebody wants to look later.
use crate::child::open_log;
use std::fs::{self, File};
use std::io::{self, IsTerminal};
use std::panic::{self, PanicHookInfo};
use std::path::Path;
use std::sync::{Mutex, Once};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

/// What is logged of libraries when neither `HISTORIA_LOG` nor `RUST_LOG` says otherwise: only their warnings (sqlx tells
/// every statement at `info`, hyper every connection at `debug`), and of Pulsar's client, which warns of every connection
/// that it makes, not that one.
const QUIET: &str = "sqlx=warn,hyper=warn,hyper_util=warn,h2=warn,rustls=warn,apache_avro=warn,pulsar=warn,\
                     pulsar::retry_op=error,lettre=warn";

/// Starts logging, once per process; later calls do nothing. `json` writes one object per line, for collectors.
///
/// `level` is what is logged of our own when neither `HISTORIA_LOG` nor `RUST_LOG` says otherwise: `info` where logs are
/// collected, `warn` at a terminal. `HISTORIA_LOG` wins over `RUST_LOG`; both are `tracing` filters such as
/// `info,infra_messaging=debug`.
///
/// A panic is logged with its place alone: its message may hold a value of a patient's record.
pub fn init(json: bool, level: &str) {
    init_with_file(json, level, None);
}

/// Opens the log file at `path` (0600) to be written on; from 16 MiB on it begins anew, and the one before is kept with
/// `.1` at its end.
///
/// # Errors
/// It cannot be made.
pub fn log_file(path: &Path) -> io::Result<File> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    open_log(path).map(|(file, _)| file)
}

/// As [`init`]; besides, everything of our own from `info` on goes into `file`, one JSON object on each line.
pub fn init_with_file(json: bool, level: &str, file: Option<File>) {
    let asked = ["HISTORIA_LOG", "RUST_LOG"].into_iter().find_map(|name| Some((name, std::env::var(name).ok()?)));
    let (filter, refused) = match asked.map(|(name, text)| (name, EnvFilter::try_new(text))) {
        None => (EnvFilter::new(format!("{level},{QUIET}")), None),
        Some((_, Ok(filter))) => (filter, None),
        Some((name, Err(_))) => (EnvFilter::new(format!("{level},{QUIET}")), Some(name)),
    };
    // Colours are for people: a file or a collector would get them as rubbish.
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let shown = fmt::layer().with_ansi(colours).with_writer(io::stderr);
    let shown = if json { shown.json().flatten_event(true).boxed() } else { shown.boxed() };
    let kept = file.map(|file| {
        let lines = fmt::layer().json().flatten_event(true).with_ansi(false).with_writer(Mutex::new(file));
        lines.with_filter(EnvFilter::new(format!("info,{QUIET}")))
    });
    // Fails only when there is a subscriber already: then that one goes on.
    let _ = tracing_subscriber::registry().with(shown.with_filter(filter)).with(kept).try_init();
    if let Some(name) = refused {
        tracing::warn!(setting = name, "not a filter, so it is not used; one is info,infra_messaging=debug");
    }
    static PANICS: Once = Once::new();
    PANICS.call_once(|| panic::set_hook(Box::new(log_panic)));
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let (file, line) = panic.location().map_or(("unknown", 0), |place| (place.file(), place.line()));
    tracing::error!(panic.file = file, panic.line = line, thread = thread.name().unwrap_or("unnamed"), "panicked");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_that_was_asked_for_is_the_one_that_holds() {
        for level in ["warn", "info"] {
            let filter = EnvFilter::new(format!("{level},{QUIET}")).to_string();
            let ours: Vec<&str> = filter.split(',').filter(|directive| !directive.contains('=')).collect();
            assert_eq!(ours, [level]);
        }
    }
}
