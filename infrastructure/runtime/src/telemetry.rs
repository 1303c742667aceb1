//! Logs: to stderr, so that stdout stays a command's answer.
use std::io::IsTerminal;
use std::panic::{self, PanicHookInfo};
use std::sync::Once;
use tracing_subscriber::EnvFilter;

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
    let asked = ["HISTORIA_LOG", "RUST_LOG"].into_iter().find_map(|name| Some((name, std::env::var(name).ok()?)));
    let (filter, refused) = match asked.map(|(name, text)| (name, EnvFilter::try_new(text))) {
        None => (EnvFilter::new(format!("{level},{QUIET}")), None),
        Some((_, Ok(filter))) => (filter, None),
        Some((name, Err(_))) => (EnvFilter::new(format!("{level},{QUIET}")), Some(name)),
    };
    // Colours are for people: a file or a collector would get them as rubbish.
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    // Fails only when there is a subscriber already: then that one goes on.
    let _ = if json { subscriber.json().flatten_event(true).try_init() } else { subscriber.try_init() };
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
