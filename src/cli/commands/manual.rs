//! `querist completions`, `querist man`: what the arguments say of themselves.

use crate::cli::args::Args;
use crate::cli::error::CliError;
use crate::cli::output;
use crate::error::{Result, nearest};
use clap::CommandFactory;
use clap_mangen::Man;

/// Prints a completion script.
pub fn completions(shell: clap_complete::Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "querist", &mut script);
    output::data(&String::from_utf8_lossy(&script))
}

/// Prints the manual page of a command, or of the program: `man` reads it.
///
/// # Errors
/// [`CliError::NoCommand`] with the nearest known name.
pub fn page(name: Option<&str>) -> Result<()> {
    let mut program = Args::command();
    program.build();
    let command = match name {
        None => program,
        Some(name) => {
            let known = program.get_subcommands().map(|command| command.get_name());
            let nearest = nearest(name, known).map(str::to_string);
            let found = program.find_subcommand(name).cloned();
            found.ok_or_else(|| CliError::NoCommand { name: name.to_string(), nearest })?
        }
    };
    let mut page = Vec::new();
    Man::new(command).render(&mut page).map_err(|source| CliError::Stdout { source })?;
    output::data(&String::from_utf8_lossy(&page))
}
