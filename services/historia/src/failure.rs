//! What a command says when it cannot do its work: one line, and an exit code that a script can rely on.
use crate::exit::Exit;
use std::error::Error;
use std::fmt;

/// A command that ended without its result.
#[derive(Debug)]
pub(crate) struct Failure {
    /// One line: what is wrong and how to mend it. Empty when there is nothing to say beside what was printed.
    pub message: String,
    /// How the process ends.
    pub exit: Exit,
}

impl Failure {
    /// An error, said in one line.
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Self::ending(Exit::Error, message)
    }

    /// An error that ends the process otherwise than with 1.
    pub(crate) fn ending(exit: Exit, message: impl fmt::Display) -> Self {
        Self { message: one_line(&message.to_string()), exit }
    }

    /// What was asked for is not there.
    pub(crate) fn not_found(message: impl fmt::Display) -> Self {
        Self::ending(Exit::NotFound, message)
    }

    /// An argument is none.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::ending(Exit::Usage, message)
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
        Self::ending(Exit::of(error), message)
    }

    /// A check that found damage; the report is already printed.
    pub(crate) fn damaged() -> Self {
        Self { message: String::new(), exit: Exit::Damage }
    }

    /// Nobody reads standard output any more (`| head`): no error, and no reason to go on.
    pub(crate) fn nobody_reads() -> Self {
        Self { message: String::new(), exit: Exit::Done }
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
