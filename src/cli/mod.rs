//! The command line: arguments, progress, tables, exit codes.
//!
//! [`main`] reads the arguments, calls one of the `commands` and maps its result to an exit code: 0
//! done, 1 failed, 2 bad input, 130 interrupted. Data goes to stdout, progress and messages to stderr.
//! Nothing is computed here.

mod args;
mod commands;
mod error;
mod outfile;
mod output;
mod progress;
mod signals;

pub use error::CliError;

use crate::data::readers::within_library;
use crate::error::{Error, Exit, Result};
use crate::run::executor::WORKER;
use crate::simd::SimdPath;
use args::{Args, Command};
use clap::Parser;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// Runs the process's command line.
pub fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os()))
}

/// Runs a command line, whose first word is the program's name. Returns the exit code.
pub fn run(words: impl IntoIterator<Item = OsString>) -> u8 {
    let args = match Args::try_parse_from(words) {
        Ok(args) => args,
        Err(error) => {
            return refuse_or_help(&error);
        }
    };
    start_log();
    quiet_workers();
    end(dispatch(args))
}

/// Prints what is wrong with the arguments to stderr; help and version to stdout, where they are data.
fn refuse_or_help(error: &clap::Error) -> u8 {
    let printed = error.print();
    if error.use_stderr() {
        // Where stderr fails there is nobody to tell.
        return Exit::BadInput as u8;
    }
    end(output::written(printed.and_then(|()| std::io::stdout().flush())))
}

/// The exit code of a command; its error is told.
fn end(result: Result<()>) -> u8 {
    match result {
        Ok(()) => 0,
        Err(error) if matches!(error.downcast_ref(), Some(CliError::ReaderGone)) => 0,
        Err(error) => {
            complain(&error);
            error.exit() as u8
        }
    }
}

fn dispatch(args: Args) -> Result<()> {
    SimdPath::choose()?;
    match args.command {
        Command::Run(run) => commands::run::run(&run, args.quiet),
        Command::Train(run) => commands::run::train(&run, args.quiet),
        Command::Bench(bench) => commands::run::bench(&bench, args.quiet),
        Command::Transfer(transfer) => commands::transfer::transfer(&transfer, args.quiet),
        Command::Fit(fit) => commands::fit::fit(&fit),
        Command::Session(session) => commands::session::session(&session),
        Command::Select(select) => commands::select::select(&select),
        Command::Stream(stream) => commands::stream::stream(&stream, args.quiet),
        Command::Pairs(pairs) => commands::pairs::pairs(&pairs, args.quiet),
        Command::Strategies(list) => commands::lists::strategies(&list),
        Command::Policies(list) => commands::lists::policies(&list),
        Command::Data(data) => commands::data::data(&data),
        Command::Embed(embed) => commands::embed::embed(&embed, args.quiet),
        Command::Report(report) => commands::report::report(&report),
        Command::Schema(schema) => commands::schema::schema(&schema),
        Command::Completions { shell } => commands::manual::completions(shell),
        Command::Man { command } => commands::manual::page(command.as_deref()),
    }
}

fn complain(error: &Error) {
    output::message(&format!("error: {error}"));
    if let Some(hint) = error.hint() {
        output::message(&format!("hint: {hint}"));
    }
}

/// A panic in a cell is recorded and reported as the cell's failure, one in a library for a format as a fault of the
/// file; neither is printed as well.
fn quiet_workers() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current();
        let in_cell = thread.name().is_some_and(|name| name.starts_with(WORKER));
        if in_cell || within_library() {
            tracing::debug!(%panic, "caught");
        } else {
            usual(panic);
        }
    }));
}

/// Whether stderr may be coloured: a terminal, and nobody asked for none (<https://no-color.org>).
fn colours() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Warnings and, with `QUERIST_LOG=debug` or the like, more, on stderr.
fn start_log() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_env("QUERIST_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colours())
        .without_time()
        .init();
}
