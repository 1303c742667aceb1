//! What makes the command line at home in a shell: its completions and its manual.
use crate::cli::Cli;
use crate::failure::Failure;
use crate::output;
use clap::CommandFactory;
use clap_complete::Shell;
use std::path::Path;

/// Prints the completions for `shell`.
///
/// # Errors
/// Standard output cannot be written.
pub(crate) fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "historia", &mut script);
    output::line(String::from_utf8_lossy(&script).trim_end())
}

/// Writes a page of the manual for every verb into `directory`.
///
/// # Errors
/// The directory cannot be written.
pub(crate) fn man(directory: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::of(&directory.display().to_string(), &error);
    std::fs::create_dir_all(directory).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), directory).map_err(failed)?;
    output::note(format!("pages in {0}; read one with: man -l {0}/historia.1", directory.display()));
    Ok(())
}
