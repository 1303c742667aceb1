//! Standard output: data only. Everything meant for a person's eye while the data is on its way goes to standard error.
use crate::failure::Failure;
use serde::Serialize;
use std::io::{ErrorKind, Write};

/// Prints a line of data.
///
/// # Errors
/// Standard output cannot be written. A closed pipe (`| head`) is no error: nobody wants more.
pub(crate) fn line(text: impl AsRef<str>) -> Result<(), Failure> {
    write(&format!("{}\n", text.as_ref()))
}

/// Prints one JSON document.
///
/// # Errors
/// See [`line()`].
pub(crate) fn document(value: &impl Serialize) -> Result<(), Failure> {
    line(serde_json::to_string_pretty(value).map_err(|error| Failure::of("writing JSON", &error))?)
}

/// Prints one JSON document on one line, for streams of them.
///
/// # Errors
/// See [`line()`].
pub(crate) fn document_line(value: &impl Serialize) -> Result<(), Failure> {
    line(serde_json::to_string(value).map_err(|error| Failure::of("writing JSON", &error))?)
}

/// Says something to the person at the terminal.
pub(crate) fn note(text: impl AsRef<str>) {
    // Nobody to tell is no reason to fail.
    let _ = writeln!(std::io::stderr().lock(), "{}", text.as_ref());
}

fn write(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::of("writing to standard output", &error)),
        _ => Ok(()),
    }
}
