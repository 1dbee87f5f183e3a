//! How far a run is, on stderr: bars on a terminal, elsewhere a plain line every ten seconds. Both say how long is
//! left overall.

mod lines;
mod outlook;
mod terminal;

use crate::run::{Progress, Silent};
pub use outlook::Outlook;
use std::io::IsTerminal;
use std::time::Duration;

/// Between two plain lines.
const INTERVAL: Duration = Duration::from_secs(10);

/// Whether anybody will be told: [`progress`] has no use for an outlook otherwise.
pub fn wanted(quiet: bool) -> bool {
    !quiet
}

/// Bars if stderr is a terminal, lines if it is none, and nothing if `quiet`.
pub fn progress(quiet: bool, outlook: Outlook) -> Box<dyn Progress> {
    if !wanted(quiet) {
        return Box::new(Silent);
    }
    match std::io::stderr().is_terminal() {
        true => Box::new(terminal::Terminal::new(outlook)),
        false => Box::new(lines::Lines::every(INTERVAL, outlook, super::output::message)),
    }
}
