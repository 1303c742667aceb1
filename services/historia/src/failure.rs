//! What a command says when it cannot do its work: one line, and an exit code that a script can rely on.
use std::error::Error;
use std::fmt;
use std::process::ExitCode;

/// A command that ended without its result.
#[derive(Debug)]
pub(crate) struct Failure {
    /// One line: what is wrong and how to mend it. Empty when the command already said it on standard output.
    pub message: String,
    /// 1 for an error, 3 for a check that found damage (2 is clap's, for a wrong call).
    pub code: u8,
}

impl Failure {
    /// An error, said in one line.
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Self { message: one_line(&message.to_string()), code: 1 }
    }

    /// An error with its causes, said in one line after what was being done.
    pub(crate) fn of(doing: &str, error: &(dyn Error + 'static)) -> Self {
        let mut message = doing.to_owned();
        let mut cause = Some(error);
        while let Some(error) = cause {
            let text = error.to_string();
            // Some errors repeat their source's text; it is said once.
            if !message.ends_with(&text) {
                if !message.is_empty() {
                    message.push_str(": ");
                }
                message.push_str(&text);
            }
            cause = error.source();
        }
        Self { message: one_line(&message), code: 1 }
    }

    /// A check that found damage; the report is already printed.
    pub(crate) fn damaged() -> Self {
        Self { message: String::new(), code: 3 }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl<E: Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::of("", &error)
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_with_its_causes() {
        let error = std::io::Error::other("no\nspace");
        assert_eq!(Failure::of("writing the key", &error).message, "writing the key: no space");
    }
}
