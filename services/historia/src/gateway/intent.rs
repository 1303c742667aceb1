//! Whether a change is meant: said with its reason, asked about at a terminal, or only tried.
use crate::cli::ReasonArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use std::io::IsTerminal;

/// Whether to go on with what `what` says; a dry run says it and does not.
///
/// # Errors
/// The person at the terminal says no, or nobody is there to ask and the call does not say `--yes`.
pub(super) fn is_meant(what: &str, arguments: &ReasonArgs, is_final: bool) -> Result<bool, Failure> {
    is_meant_as(what, arguments.dry_run, arguments.yes, is_final)
}

/// As [`is_meant`], for a change that needs no reason of its own.
///
/// # Errors
/// As of [`is_meant`].
pub(super) fn is_meant_as(what: &str, dry_run: bool, yes: bool, is_final: bool) -> Result<bool, Failure> {
    if dry_run {
        output::note(format!("would {what}; nothing was changed"));
        return Ok(false);
    }
    if !is_final || yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!("to {what} cannot be taken back: add --yes if it is meant")));
    }
    output::note(format!("This will {what}, and cannot be taken back. Go on? [y/N]"));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(|error| Failure::of("reading the answer", &error))?;
    if matches!(answer.trim(), "y" | "Y" | "yes" | "s" | "S" | "sí" | "si") {
        return Ok(true);
    }
    Err(Failure::ending(Exit::Error, "nothing was changed"))
}
